"""Credentials of a program of the user's: run ahead of their expiry, and never let run wild."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from customevents.answers import one_line
from customevents.credentials import PATIENCE, Given, bearer
from customevents.kubeconfig import Plugin
from customevents.resource.errors import NoWay
from customevents.resource.times import read_time

#: Seconds before its expiry from which on another one is looked for: the Lease cannot wait for it.
AHEAD = 60.0

#: Seconds that a plugin may take, where nobody can be asked anything.
PLUGIN_WITHIN = 60.0

#: Bytes that it may print: an ExecCredential is a few KiB.
MOST_OUTPUT = 1024 * 1024

API_VERSIONS = tuple(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1"))


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
            end()  # it may be gone, and what it left keeps its output open
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
