"""The token for the Kubernetes API: it expires, so it is read anew while the process lives."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from customevents import answers

logger = logging.getLogger(__name__)

#: Seconds after which the token is read anew: that of a pod, a file or a plugin expires.
TOKEN_GOOD_FOR = 60.0

#: Seconds that a plugin may take for it.
TOKEN_WITHIN = 10.0


class Renewal:
    """Reads the token anew once a minute, and goes on with the last one where that fails."""

    def __init__(self, read: Callable[[], Awaitable[str | None]]) -> None:
        """`read` gives the token as it is now, or None."""
        self._read = read
        self._read_at = time.monotonic()
        self._told = ""

    async def __call__(self, configuration: Any) -> None:
        """Called by the library before each request."""
        if time.monotonic() - self._read_at < TOKEN_GOOD_FOR:
            return
        self._read_at = time.monotonic()
        try:
            async with asyncio.timeout(TOKEN_WITHIN):
                token, trouble = await self._read(), ""
        except Exception as error:  # whatever the library trips over in a file or a plugin's answer
            token, trouble = None, answers.one_line(str(error)) or type(error).__name__
        if trouble and trouble != self._told:
            logger.warning("the token for the Kubernetes API cannot be read anew: %s", trouble)
        self._told = trouble
        if token:
            configuration.api_key["BearerToken"] = token
