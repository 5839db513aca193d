"""What may become of a request on its way, each by a name.

`before`: nothing was done. `after`: it was done, and the answer tells otherwise, or nothing.
"""

from __future__ import annotations

import json

from customevents.answers import Response

#: What a request to the API server may meet. Numbers are answers that somebody gives in its place.
OF_KUBERNETES = (
    "409",
    "422",
    "429",
    "429 in 3 s",
    "401",
    "403",
    "404 page",
    "500",
    "503",
    "reset before",
    "hang before",
    "reset after",
    "hang after",
    "500 after",
    "504 after",
)

#: What a POST may meet.
OF_THE_REMOTE_SIDE = (
    "unreachable",
    "certificate",
    "302",
    "408",
    "429",
    "429 in 20 s",
    "404",
    "500",
    "503",
    "503 in 5 s",
    "409",
    "reset before",
    "hang before",
    "reset after",
    "hang after",
    "500 after",
    "200",
)

_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    409: "Conflict",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def is_done(fate: str) -> bool:
    """Whether what was asked for is done although it went wrong."""
    return not fate or fate.endswith("after") or fate == "200"


def number(fate: str) -> int:
    """The status that is answered; 0: none is."""
    first = fate.partition(" ")[0]
    return int(first) if first.isdecimal() else 0


def seconds(fate: str) -> str:
    """The Retry-After that stands with it; empty: none."""
    return fate.split()[2] if " in " in fate else ""


def refusal_of_a_field(path: str) -> Response:
    """What a policy answers that looks at this very status: to write less does not help."""
    said = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"{path} is refused for what it says",
        "reason": "Invalid",
        "details": {"causes": [{"field": "status", "message": "no"}]},
        "code": 422,
    }
    return Response(422, json.dumps(said).encode())


def refusal(fate: str) -> Response:
    """An answer of the API server, or of something in its place."""
    if fate == "422 for a field":
        return refusal_of_a_field("status")
    if fate == "404 page":
        return Response(404, b"<html>not here</html>")
    status = number(fate)
    said = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "the world is in the way",
        "reason": _REASONS[status],
        "code": status,
    }
    return Response(status, json.dumps(said).encode(), seconds(fate))
