"""One HTTP request. The only module that imports httpx.

httpx runs over aiohttp's transport, which costs a tenth of the CPU per request, and without its own
client, which would look for cookies, redirects and credentials that are never there. httpx's
exception types are not used: over this transport a reset after the server has read the whole
request arrives as a ConnectTimeout. What happened is read from aiohttp's own exception, the cause;
and whatever it was, a status line that was heard before it is the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import certifi
import httpx
from httpx_aiohttp import AiohttpTransport

from customevents import __version__, trust
from customevents.eventsapi import refusal
from customevents.eventsapi.answer import Answer, NoAnswer, Stage
from customevents.eventsapi.key import KeyFile, MountedKey
from customevents.eventsapi.payload import CLUSTERS_PATH, EVENTS_PATH, KEY_HEADER, VALIDATE_PATH
from customevents.eventsapi.status_line import Connector, listening
from customevents.resource.errors import SettingsError

#: How much of an answer is read: enough to keep the connection, and never a flood.
MOST_OF_A_BODY = 16 * 1024

#: aiohttp takes any three digits; what is below this is no status of HTTP (RFC 9110, 15).
LOWEST_STATUS = 100

#: An error has this status, or a higher one (RFC 9110, 15).
LOWEST_ERROR = 400

PATHS = (EVENTS_PATH, VALIDATE_PATH, CLUSTERS_PATH)

#: What each request says of itself.
ALWAYS = {"accept": "*/*", "user-agent": f"customevents/{__version__}"}

#: A body is read as it comes.
AS_IT_COMES = {"accept-encoding": "identity"}

#: No connection was made, or the proxy refused to make one.
NOTHING_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
)

MOST_CONNECTIONS = 100

#: A remote side closes idle connections; ours are closed first, or a POST meets a closing one.
KEEPALIVE_SECONDS = 15


class EventsClient:
    """Posts events to one endpoint; holds a connection pool, so it must be closed."""

    def __init__(
        self,
        endpoint: str,
        key: KeyFile,
        *,
        timeout: float = 30.0,
        connect_timeout: float = 5.0,
        proxy: str = "",
        ca_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Timeouts are in seconds: `timeout` for a whole attempt, `connect_timeout` within it.

        Raises SettingsError if `ca_file` holds no certificates.
        """
        self.endpoint = endpoint
        #: Parsed once.
        self._urls = {path: httpx.URL(f"{endpoint.rstrip('/')}{path}") for path in PATHS}
        self._key = MountedKey(key)
        self._timeout = timeout
        self._transport = transport or _transport(proxy, ca_file)
        # aiohttp's time for a connection, as a whole, is called that of the pool. Without it, a
        # name server or proxy that is silent would look like a lost answer.
        waits = httpx.Timeout(None, connect=connect_timeout, pool=timeout / 2)
        self._extensions = {"timeout": waits.as_dict()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._transport.aclose()

    async def post(self, body: dict[str, Any], delivery_id: str) -> Answer | NoAnswer:
        """Send one event, once.

        Raises KeyFileError before anything is sent if there is no usable key.
        """
        # The API ignores the header today; a gateway in between may not.
        headers = {"idempotency-key": delivery_id, **AS_IT_COMES}
        key = (await self._key.read()).get_secret_value()
        result, said = await self._send("POST", EVENTS_PATH, key, headers=headers, json=body)
        if isinstance(result, NoAnswer) or result.status < LOWEST_ERROR:
            return result
        shown = refusal.read(said, body, key=key, delivery_id=delivery_id)
        return replace(result, refusal=shown)

    async def validate(self) -> Answer | NoAnswer:
        """Ask whether the key, read anew, is good; nothing is sent. Raises KeyFileError."""
        key = (await self._key.read(anew=True)).get_secret_value()
        result, _ = await self._send("GET", VALIDATE_PATH, key)
        return result

    async def knows_cluster(self, name: str) -> bool | None:
        """Whether the account has a cluster of this name; None: there was no such answer.

        Raises KeyFileError.
        """
        key = (await self._key.read()).get_secret_value()
        result, body = await self._send(
            "GET",
            CLUSTERS_PATH,
            key,
            headers=AS_IT_COMES,
            params={"clusterName": name},
        )
        if result != Answer(200):
            return None
        try:
            found = json.loads(body)["data"]["clusters"]
            return any(cluster["name"] == name for cluster in found)
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    async def key_changed(self) -> bool:
        """Whether the key's file is another one than at the last request."""
        return await self._key.changed()

    async def _send(
        self,
        method: str,
        path: str,
        key: str,
        *,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> tuple[Answer | NoAnswer, bytes]:
        built = httpx.Request(
            method,
            self._urls[path],
            headers={**ALWAYS, **(headers or {}), KEY_HEADER: key},
            extensions=self._extensions,
            **request,
        )
        until = asyncio.get_running_loop().time() + self._timeout
        with listening() as head:
            try:
                async with asyncio.timeout_at(until):
                    response = await self._transport.handle_async_request(built)
            except Exception as error:  # of whatever type: the cause tells
                if head.status is not None:
                    return Answer(head.status, head.retry_after), b""
                return _no_answer(error), b""
        body = await self._read(response, until)
        if response.status_code < LOWEST_STATUS:
            return NoAnswer(Stage.SENT, "InvalidStatusCode"), b""
        return Answer(response.status_code, response.headers.get("retry-after")), body

    async def _read(self, response: httpx.Response, until: float) -> bytes:
        """Read a small body to its end, so that the connection can be used again."""
        body = b""
        # The status line stands, whatever becomes of the body.
        with contextlib.suppress(Exception):
            async with asyncio.timeout_at(until):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > MOST_OF_A_BODY:
                        break
        with contextlib.suppress(Exception):
            await response.aclose()
        return body


def _transport(proxy: str, ca_file: Path | None) -> AiohttpTransport:
    tls = trust.client_context(certifi.contents())
    if ca_file:
        _trust_also(tls, ca_file)
    through = httpx.Proxy(proxy) if proxy else None

    def session() -> aiohttp.ClientSession:
        connector = Connector(limit=MOST_CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS, ssl=tls)
        return aiohttp.ClientSession(connector=connector)

    return AiohttpTransport(client=session, proxy=through)


def _trust_also(tls: ssl.SSLContext, ca_file: Path) -> None:
    words = f"the CA file {ca_file} gives no certificates"
    if ca_file.exists() and not ca_file.is_file():  # a pipe would be read for ever
        raise SettingsError(f"{words}: it is no regular file")
    try:
        tls.load_verify_locations(ca_file)
    except OSError as error:  # ssl.SSLError is one: the file holds something else
        raise SettingsError(f"{words}: {error.strerror}") from None


def _no_answer(error: BaseException) -> NoAnswer:
    # What is not httpx's is our own timeout, or aiohttp's without a wrapping.
    cause = (error.__cause__ if isinstance(error, httpx.HTTPError) else None) or error
    stage = _stage(cause)
    return NoAnswer(stage, type(cause).__name__ if stage is Stage.SENT else trust.why(cause))


def _stage(cause: BaseException) -> Stage:
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return Stage.CERTIFICATE
    if isinstance(cause, NOTHING_SENT):
        return Stage.CONNECT
    return Stage.SENT
