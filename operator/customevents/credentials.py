"""Who asks the Kubernetes API: what its requests carry, renewed where it may have changed.

A token's file is read again when it is another one, and a plugin is run again when what it gave has
expired; both also where the API server takes it no longer (401). Where that fails, the last one is
carried on: the API server says whether it still does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from customevents.answers import one_line
from customevents.kubeconfig import Plugin
from customevents.resource.errors import NoWay
from customevents.resource.times import read_time

logger = logging.getLogger(__name__)

#: Seconds until the next renewal after one that gave nothing new.
PATIENCE = 10.0

#: Seconds that a plugin may take, where nobody can be asked anything.
PLUGIN_WITHIN = 60.0

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
        """Whether there may be others by now."""

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
        self._lock = asyncio.Lock()
        self._rests_until = float("-inf")
        self._told = ""

    @property
    def authorization(self) -> str:
        """The header Authorization as it is carried now; empty: there is none."""
        return self._given.authorization

    async def start(self) -> None:
        """Have the first ones. Raises NoWay."""
        await self._take()

    async def current(self) -> Given:
        """Those to carry now."""
        await self._renew_where(lambda: self._source.is_stale)
        return self._given

    async def after_refusal(self, carried: Given) -> Given:
        """Those to carry once these were refused: others, if there are any."""
        await self._renew_where(lambda: self._given is carried)
        return self._given

    async def _renew_where(self, needed: Callable[[], bool]) -> None:
        if not needed() or time.monotonic() < self._rests_until:
            return None
        if asyncio.get_running_loop() is self._loop:
            return await self._renew(needed)
        renewing = asyncio.run_coroutine_threadsafe(self._renew(needed), self._loop)
        return await asyncio.wrap_future(renewing)

    async def _renew(self, needed: Callable[[], bool]) -> None:
        async with self._lock:
            if not needed() or time.monotonic() < self._rests_until:
                return  # another request has seen to it
            before = self._given
            try:
                await self._take()
                self._told = ""
            except NoWay as error:
                self._tell(str(error))
            if self._given is before:  # nothing new: not again for each request
                self._rests_until = time.monotonic() + PATIENCE

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
        self._expires: datetime | None = None

    @property
    def is_stale(self) -> bool:
        """Whether what it gave has expired."""
        return self._expires is not None and datetime.now(UTC) >= self._expires

    async def read(self) -> Given:
        """Run it. Raises NoWay."""
        interactive = self._plugin.interactive != "Never" and sys.stdin.isatty()
        if self._plugin.interactive == "Always" and not interactive:
            raise NoWay(f"{self._at} must ask you something, and there is no terminal")
        return self._read(await self._run(interactive=interactive))

    async def _run(self, *, interactive: bool) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                self._command,
                *self._plugin.args,
                env=self._environment(interactive=interactive),
                stdin=None if interactive else DEVNULL,
                stdout=PIPE,
                stderr=None if interactive else PIPE,
            )
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or type(error).__name__
            hint = f"; {one_line(self._plugin.install_hint)}" if self._plugin.install_hint else ""
            raise NoWay(f"{self._at} cannot be run: {words}{hint}") from None
        try:
            async with asyncio.timeout(None if interactive else PLUGIN_WITHIN):
                said, complained = await process.communicate()
        except TimeoutError:
            raise NoWay(f"{self._at} did not end within {PLUGIN_WITHIN:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            words = one_line((complained or b"").decode(errors="replace"))
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

    def _read(self, said: bytes) -> Given:
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
        self._expires = read_time(expires) if expires else None
        if expires and self._expires is None:
            raise NoWay(f"{self._at}: its expirationTimestamp is no time")
        rest = Given("", certificate.encode(), key.encode()) if certificate else self._rest
        return bearer(token, self._at, rest) if token else rest
