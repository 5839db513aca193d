"""The promise: each event is told once, or the object says why not.

The way of an event through this room is one straight line, in `courier.py`.
"""

#: The modules that other rooms may import.
__all__ = [
    "counters",
    "courier",
    "election",
    "inbox",
    "intake",
    "journal",
    "recovery",
    "results",
    "state",
    "status_writer",
    "throttle",
]
