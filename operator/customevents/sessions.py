"""Sessions of aiohttp that lead to the API server, and say with each request who asks."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.connector import Connection
from aiohttp_socks import ProxyConnector, ProxyError

from customevents import answers, trust, way
from customevents.credentials import Credentials

#: HTTP's status for credentials that are not taken.
UNAUTHORIZED = 401

#: Those that lead to another address.
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def leading(
    found: way.Way,
    credentials: Credentials,
    middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = (),
) -> dict[str, Any]:
    """What makes a session of aiohttp lead there."""
    through_socks = found.proxy.startswith("socks")
    connector = (
        _ThroughSocks.from_url(found.proxy, rdns=True, limit=0, ssl=found.tls)
        if through_socks
        else _Connector(limit=0, ssl=found.tls)
    )
    return {
        "connector": connector,
        "proxy": None if through_socks else found.proxy or None,
        "trust_env": False,  # else aiohttp looks for a .netrc at each request, in threads
        "middlewares": (*middlewares, _Introduction(found.impersonation, credentials)),
    }


class _Connector(aiohttp.TCPConnector):
    """Asks on no connection that shows an earlier certificate: the API server looks each time."""

    def __init__(self, *, ssl: SSLContext, **kwargs: Any) -> None:
        super().__init__(ssl=ssl, **kwargs)
        self._tls = ssl
        self._made = WeakKeyDictionary[Any, int]()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        """One that shows what is shown now."""
        while True:
            shown = trust.times_presented(self._tls)
            connection = await super().connect(req, traces, timeout)
            made = self._made.setdefault(connection.protocol, shown)
            if made == trust.times_presented(self._tls):
                return connection
            connection.close()


class _ThroughSocks(_Connector, ProxyConnector):
    """The same, behind a SOCKS proxy."""


class _Introduction:
    """Says with each request who asks; once more where that is taken no longer."""

    def __init__(
        self, impersonation: tuple[tuple[str, str], ...], credentials: Credentials
    ) -> None:
        self._impersonation = impersonation
        self._credentials = credentials

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.headers.extend(self._impersonation)
        given = await self._credentials.current()
        response = await self._ask(request, handler, given.authorization)
        if response.status != UNAUTHORIZED:
            return response
        renewed = await self._credentials.after_refusal(given)
        if renewed is given:
            return response
        response.close()  # who was refused has had nothing done
        return await self._ask(request, handler, renewed.authorization)

    async def _ask(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType, shown: str
    ) -> aiohttp.ClientResponse:
        if shown:
            request.headers["Authorization"] = shown
        try:
            response = await handler(request)
        except (ProxyError, EOFError) as error:  # of SOCKS; they are none of aiohttp's
            words = answers.one_line(str(error)) or type(error).__name__
            raise trust.ProxyFailed(words) from error
        if response.status in REDIRECTS:
            # aiohttp would follow, and come here again to show the same credentials over there.
            response.close()
            where = response.headers.get("Location", "").partition("?")[0]
            raise trust.SentElsewhere(f"{response.status} {answers.one_line(where)}".rstrip())
        return response
