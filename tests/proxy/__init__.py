"""A proxy between a client and the API server that does to requests what a test tells it to.

It ends TLS on both sides, because a fault has to know which request it is for, and passes on what
it is not told to spoil byte for byte. One connection of a client is one connection to the API
server: there is no pool and no retry, so what the API server does to its connections the client
gets to feel.

    with ApiProxy(kubeconfig, tmp_path) as proxy:
        lost = proxy.add(Rule("PATCH", r"/status$", CutAfter()))
        start_operator(kubeconfig=proxy.kubeconfig)
        assert lost.reached.wait(10)

The same stands in front of the sandbox, as a PlainProxy: there is no TLS to end.

Its border: it knows HTTP/1.1 and the shape of an API server's errors, nothing of CustomEvents.
"""

from proxy.rules import (
    Action,
    Answer,
    CutAfter,
    CutBefore,
    CutWithin,
    Delay,
    DropFrames,
    EndAtOnce,
    Handle,
    HangAfter,
    HangBefore,
    Hold,
    InsertEvent,
    RawAnswer,
    Rule,
    ShiftDate,
    Silence,
)
from proxy.server import ApiProxy, PlainProxy
from proxy.wire import Seen

__all__ = [
    "Action",
    "Answer",
    "ApiProxy",
    "CutAfter",
    "CutBefore",
    "CutWithin",
    "Delay",
    "DropFrames",
    "EndAtOnce",
    "Handle",
    "HangAfter",
    "HangBefore",
    "Hold",
    "InsertEvent",
    "PlainProxy",
    "RawAnswer",
    "Rule",
    "Seen",
    "ShiftDate",
    "Silence",
]
