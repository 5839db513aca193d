"""The CustomEvent in Python: what users write, what they read, and what it is called.

Pure: no I/O, and no clock of its own. All other rooms import this one; it imports none of them.
"""

#: The modules that other rooms may import.
__all__ = [
    "errors",
    "event",
    "identity",
    "lease",
    "matching",
    "names",
    "notice",
    "operator_state",
    "release",
    "spec",
    "status",
    "times",
    "wording",
    "written",
]
