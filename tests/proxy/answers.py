"""What a watch or a list may be answered at any time, by the API server or by what is between."""

from __future__ import annotations

from typing import Any

from proxy.rules import Answer, CutWithin, RawAnswer, RequestAction

PAGE = "<html><body><h1>Something in between</h1></body></html>"

ANSWERS: dict[str, RequestAction] = {
    "401": Answer(401),
    "403": Answer(403),
    "404": Answer(404),
    "410": Answer(410),
    "429": Answer(429, retry_after=1),
    "429-for-an-hour": Answer(429, retry_after=3600),
    "500": Answer(500),
    "page-with-200": RawAnswer(200, "text/html", PAGE),
    "page-with-502": RawAnswer(502, "text/html", PAGE),
    "json-that-is-no-list": RawAnswer(200, "application/json", "[]"),
    "cut-within": CutWithin(100),
}

EXPIRED: dict[str, Any] = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "too old resource version",
    "reason": "Expired",
    "code": 410,
}

#: What says in the stream of a watch that it cannot go on.
ERRORS: dict[str, dict[str, Any]] = {
    "500": {**EXPIRED, "reason": "InternalError", "code": 500},
    "410": EXPIRED,
    "without-a-code": {"kind": "Status", "status": "Failure", "message": "what now?"},
}


def error_event(name: str) -> dict[str, Any]:
    """One of the errors as it comes in the stream."""
    return {"type": "ERROR", "object": ERRORS[name]}


#: The one that makes kopf list anew.
GONE = error_event("410")
