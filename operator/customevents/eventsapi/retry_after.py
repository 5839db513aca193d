"""The header Retry-After: how long the endpoint asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: It is obeyed up to this many seconds.
LONGEST_RETRY_AFTER = 3600.0


def retry_after(header: str | None, now: datetime) -> float:
    """The seconds that a Retry-After asks for; 0 if it is absent, past or garbage.

    Two forms, seconds and an HTTP-date (RFC 9110, 10.2.3).
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_RETRY_AFTER)
