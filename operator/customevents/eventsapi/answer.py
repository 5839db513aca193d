"""What is known after one request: its status line, or how far it came without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from customevents.eventsapi.refusal import Refusal


class Stage(StrEnum):
    """How far an attempt came that got no answer."""

    CERTIFICATE = "certificate"  # the endpoint is not who it should be; nothing was sent
    CONNECT = "connect"  # no connection; nothing was sent
    SENT = "sent"  # something may have been read by the other side


@dataclass(frozen=True)
class Answer:
    """A status line was read: that alone decides, whatever became of the body."""

    status: int
    retry_after: str | None = None
    #: What is shown of a refusal; it decides nothing.
    refusal: Refusal = field(default=Refusal(), compare=False)


@dataclass(frozen=True)
class NoAnswer:
    """No status line was read. `detail` says why, and never in words of the other side."""

    stage: Stage
    detail: str
