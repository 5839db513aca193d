"""Who asks the Kubernetes API: what its requests carry, renewed where it may have changed.

A token's file is read again when it is another one, and a plugin is run again before what it gave
expires; both also where the API server takes it no longer (401). Where that fails, the last one is
carried on: the API server says whether it still does.

A renewal belongs to no request: one that gives up must not end a slow plugin that all wait for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from customevents.answers import one_line
from customevents.kubeconfig import Plugin
from customevents.resource.errors import NoWay
from customevents.resource.times import read_time

logger = logging.getLogger(__name__)

#: Seconds until the next renewal after one that gave nothing new.
PATIENCE = 10.0

#: Seconds before its expiry from which on another one is looked for: the Lease cannot wait for it.
AHEAD = 60.0

#: Seconds that a plugin may take, where nobody can be asked anything.
PLUGIN_WITHIN = 60.0

#: Bytes that it may print: an ExecCredential is a few KiB.
MOST_OUTPUT = 1024 * 1024

API_VERSIONS = tuple(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1"))


@dataclass(frozen=True)
class Given:
    """What shows who asks: the header Authorization, or a certificate with its key (PEM)."""

    authorization: str = ""
    certificate: bytes = b""
    key: bytes = b""

    def __repr__(self) -> str:
        return "Given(…)"  # never in a log


class Source(Protocol):
    """Where they come from."""

    @property
    def is_stale(self) -> bool:
        """Whether there must be others by now."""

    @property
    def is_due(self) -> bool:
        """Whether others are to be looked for, though those of now are good for a while."""

    async def read(self) -> Given:
        """Those of now. Raises NoWay."""


class Credentials:
    """What requests carry; they may ask from any thread."""

    def __init__(self, source: Source, present: Callable[[bytes, bytes], None]) -> None:
        """`present` takes the certificate and its key. Call `start` before anything else."""
        self._source = source
        self._present = present
        self._given = Given()
        self._loop = asyncio.get_running_loop()
        self._renewing: asyncio.Task[None] | None = None
        self._rests_until = float("-inf")
        self._told = ""

    @property
    def authorization(self) -> str:
        """The header Authorization as it is carried now; empty: there is none."""
        return self._given.authorization

    async def start(self) -> None:
        """Have the first ones. Raises NoWay."""
        await self._take()

    async def stop(self) -> None:
        """End what is under way."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})

    async def current(self) -> Given:
        """Those to carry now."""
        if self._source.is_stale:
            await self._renewed()
        elif self._source.is_due and asyncio.get_running_loop() is self._loop:
            self._begin()
        return self._given

    async def after_refusal(self, carried: Given) -> Given:
        """Those to carry once these were refused: others, if there are any."""
        if self._given is carried and time.monotonic() >= self._rests_until:
            await self._renewed()
            if self._given is carried:  # nothing new: not again for each request
                self._rests_until = time.monotonic() + PATIENCE
        return self._given

    async def _renewed(self) -> None:
        if asyncio.get_running_loop() is self._loop:
            return await self._end_of_renewal()
        renewing = asyncio.run_coroutine_threadsafe(self._end_of_renewal(), self._loop)
        return await asyncio.wrap_future(renewing)

    async def _end_of_renewal(self) -> None:
        await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        """One renewal for all who ask meanwhile."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        return self._renewing

    async def _renew(self) -> None:
        try:
            await self._take()
            self._told = ""
        except NoWay as error:
            self._tell(str(error))

    async def _take(self) -> None:
        given = await self._source.read()
        if given == self._given:
            return
        if given.certificate:
            self._present(given.certificate, given.key)
        self._given = given

    def _tell(self, trouble: str) -> None:
        if trouble != self._told:  # once for each trouble, not for each request
            logger.warning("the credentials for the Kubernetes API are not renewed: %s", trouble)
        self._told = trouble


@dataclass(frozen=True)
class Fixed:
    """Credentials that never change, or none at all."""

    given: Given = Given()

    @property
    def is_stale(self) -> bool:
        """They never are."""
        return False

    @property
    def is_due(self) -> bool:
        """They never are."""
        return False

    async def read(self) -> Given:
        """They themselves."""
        return self.given


class TokenFile:
    """A file that holds a token; somebody else replaces it before that expires."""

    def __init__(
        self, path: Path, at: str, rest: Given | None = None, *, instead: str = ""
    ) -> None:
        """`at`: where it is named, for messages; `rest`: what else is shown.

        `instead`: a token for as long as there is none in the file.
        """
        self._path = path
        self._at = at
        self._rest = rest or Given()
        self._instead = instead
        self._seen: tuple[int, int, int] | None = None

    @property
    def is_stale(self) -> bool:
        """Whether it is another file now, or another content."""
        return self._stamp() != self._seen

    @property
    def is_due(self) -> bool:
        """Nobody knows when it expires."""
        return False

    async def read(self) -> Given:
        """The token in it. Raises NoWay."""
        self._seen = self._stamp()
        try:
            return self._read()
        except NoWay:
            if not self._instead:
                raise
            return bearer(self._instead, self._at, self._rest)

    def _read(self) -> Given:
        where = f"{self._at} {self._path}"
        try:
            token = self._path.read_text(encoding="ascii").strip()
        except OSError as error:
            raise NoWay(f"{where} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise NoWay(f"{where} holds no token: it is no plain text") from None
        return bearer(token, where, self._rest)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def bearer(token: str, where: str, rest: Given = Given()) -> Given:
    """What carries this token. Raises NoWay if it cannot be one."""
    if not token or not token.isascii() or not token.isprintable():
        raise NoWay(f"{where} holds no token: it must be one line of plain characters")
    return Given(f"Bearer {token}", rest.certificate, rest.key)


class FromPlugin:
    """A program of the user's that gives credentials, and says how long they are good for.

    Source: Kubernetes' documentation, "client-go credential plugins".
    """

    def __init__(
        self, plugin: Plugin, folder: Path, at: str, cluster: Mapping[str, Any] | None, rest: Given
    ) -> None:
        """`cluster`: what it is told of the cluster, if anything; `rest`: what else is shown."""
        if plugin.api_version not in API_VERSIONS:
            raise NoWay(f"{at}: apiVersion must be {' or '.join(API_VERSIONS)}")
        if not plugin.command:
            raise NoWay(f"{at}: command must name the program")
        if not plugin.interactive and plugin.api_version == API_VERSIONS[0]:
            raise NoWay(f"{at}: interactiveMode must be Never, IfAvailable or Always")
        self._plugin = plugin
        # Of a name without a slash, the system looks for it.
        has_folder = os.sep in plugin.command
        self._command = str(folder / plugin.command) if has_folder else plugin.command
        self._at = f"{at}: {plugin.command}"
        self._cluster = cluster
        self._rest = rest
        self._last = Given()
        self._expires: datetime | None = None
        #: When it is run again; None: what it gave is good until it is refused.
        self._again: datetime | None = None

    @property
    def is_stale(self) -> bool:
        """Whether what it gave has expired."""
        return self.is_due and self._expires is not None and datetime.now(UTC) >= self._expires

    @property
    def is_due(self) -> bool:
        """Whether what it gave expires soon."""
        return self._again is not None and datetime.now(UTC) >= self._again

    async def read(self) -> Given:
        """Run it. Raises NoWay."""
        before = self._last
        try:
            self._last, self._expires = self._read(await self._said())
        finally:
            is_new = self._last != before
            self._again = _next_run(self._expires, datetime.now(UTC), is_new=is_new)
        return self._last

    async def _said(self) -> bytes:
        interactive = self._plugin.interactive != "Never" and sys.stdin.isatty()
        if self._plugin.interactive == "Always" and not interactive:
            raise NoWay(f"{self._at} must ask you something, and there is no terminal")
        return await self._run(interactive=interactive)

    async def _run(self, *, interactive: bool) -> bytes:
        has_terminal = sys.stdin.isatty()
        try:
            process = await asyncio.create_subprocess_exec(
                self._command,
                *self._plugin.args,
                env=self._environment(interactive=interactive),
                stdin=None if interactive else DEVNULL,
                stdout=PIPE,
                stderr=None if interactive else PIPE,
                start_new_session=not has_terminal,  # with a terminal, it may ask there
            )
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or type(error).__name__
            hint = f"; {one_line(self._plugin.install_hint)}" if self._plugin.install_hint else ""
            raise NoWay(f"{self._at} cannot be run: {words}{hint}") from None
        end = partial(_end, process, with_children=not has_terminal)
        try:
            async with asyncio.timeout(None if interactive else PLUGIN_WITHIN):
                said, complained = await asyncio.gather(
                    _output(process.stdout, end), _output(process.stderr, end)
                )
                await process.wait()
        except TimeoutError:
            raise NoWay(f"{self._at} did not end within {PLUGIN_WITHIN:.0f} s") from None
        finally:
            if process.returncode is None:
                end()
                await process.wait()
        if max(len(said), len(complained)) > MOST_OUTPUT:
            raise NoWay(f"{self._at} prints more than {MOST_OUTPUT >> 20} MiB")
        if process.returncode:
            words = one_line(complained.decode(errors="replace"))
            raise NoWay(f"{self._at} ended with {process.returncode}: {words or 'see above'}")
        return said

    def _environment(self, *, interactive: bool) -> dict[str, str]:
        told = {"interactive": interactive, **({"cluster": self._cluster} if self._cluster else {})}
        asked = {
            "apiVersion": self._plugin.api_version,
            "kind": "ExecCredential",
            "spec": told,
        }
        own = {variable.name: variable.value for variable in self._plugin.env}
        return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(asked)}

    def _read(self, said: bytes) -> tuple[Given, datetime | None]:
        """What it gave, and when that expires."""
        try:
            answer = json.loads(said)
            version, kind, status = (answer.get(key) for key in ("apiVersion", "kind", "status"))
        except (ValueError, RecursionError, AttributeError):
            raise NoWay(f"{self._at} did not print an ExecCredential as JSON") from None
        if kind != "ExecCredential" or version != self._plugin.api_version:
            wanted = f"an ExecCredential of {self._plugin.api_version}"
            raise NoWay(f"{self._at} did not print {wanted}: update it, or its apiVersion here")
        found = status if isinstance(status, dict) else {}
        parts = ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")
        token, certificate, key, expires = (found.get(part) or "" for part in parts)
        if not all(isinstance(part, str) for part in (token, certificate, key, expires)):
            raise NoWay(f"{self._at}: its status must hold strings")
        if bool(certificate) != bool(key) or not (token or certificate):
            raise NoWay(f"{self._at} gave neither a token nor a certificate with its key")
        until = read_time(expires) if expires else None
        if expires and until is None:
            raise NoWay(f"{self._at}: its expirationTimestamp is no time")
        rest = Given("", *_pem(certificate, key)) if certificate else self._rest
        return (bearer(token, self._at, rest) if token else rest), until


def _pem(*parts: str) -> Iterator[bytes]:
    """JSON may hold halves of characters, which are no text."""
    return (part.encode(errors="replace") for part in parts)


def _next_run(expires: datetime | None, now: datetime, *, is_new: bool) -> datetime | None:
    """When to run a plugin again, that has just ended."""
    if expires is None:
        return None
    soon = now + timedelta(seconds=PATIENCE)
    if not is_new:  # it keeps what it has until that expires, or it failed
        return min(soon, expires) if now < expires else soon
    return max(expires - timedelta(seconds=AHEAD), now + (expires - now) / 2)


async def _output(stream: asyncio.StreamReader | None, end: Callable[[], None]) -> bytes:
    """What a plugin prints there; of one that does not stop, little more than is allowed."""
    found = b""
    while stream is not None and (more := await stream.read(MOST_OUTPUT)):
        if len(found) > MOST_OUTPUT:
            end()
        else:
            found += more
    return found


def _end(process: asyncio.subprocess.Process, *, with_children: bool) -> None:
    """End a plugin, and what it has begun, unless that shares a terminal with us."""
    with suppress(ProcessLookupError):
        if with_children:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
