"""A stand-in for the events API: what tests, the demo and a trial without an account talk to.

It speaks the documented contract over real HTTP, strictly, keeps what arrived in SQLite, and fails
in every way that a remote side can fail when it is told to.

Its border: it knows the wire and nothing of the operator. It shares the API's matching rule
(`resource.matching`) but no payload model, so that it can contradict the code it tests; and it
imports neither Kubernetes nor an HTTP client library.
"""

from customevents.sandbox.server import Running, running, serve
from customevents.sandbox.setup import Setup, read_inventory, read_switches
from customevents.sandbox.store import StoreError

__all__ = [
    "Running",
    "Setup",
    "StoreError",
    "read_inventory",
    "read_switches",
    "running",
    "serve",
]
