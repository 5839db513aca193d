"""What goes on beside the way of an event: looks for what was missed, and tells of what goes on."""

#: The modules that other rooms may import.
__all__ = [
    "event_recorder",
    "resync",
    "state_reporter",
    "ttl",
]
