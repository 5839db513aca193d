"""Who asks the Kubernetes API: what its requests carry, renewed where it may have changed.

The file of a token or a certificate is read again when it is another one, and a plugin is run again
before what it gave expires; both also where the API server takes it no longer (401). Where that
fails, the last one is carried on: the API server says whether it still does.

A renewal belongs to no request: one that gives up must not end a slow plugin that all wait for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from customevents.resource.errors import NoWay

logger = logging.getLogger(__name__)

#: Seconds until the next renewal after one that gave nothing new.
PATIENCE = 10.0


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
        await self._load()

    async def stop(self) -> None:
        """End what is under way."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})

    async def current(self) -> Given:
        """Those to carry now."""
        if self._source.is_stale:
            await self._renewed(lambda: self._source.is_stale)
        elif self._source.is_due and asyncio.get_running_loop() is self._loop:
            self._begin()
        return self._given

    async def after_refusal(self, carried: Given) -> Given:
        """Those to carry once these were refused: others, if there are any."""
        if self._given is carried and time.monotonic() >= self._rests_until:
            await self._renewed(lambda: self._given is carried)
            if self._given is carried:  # nothing new: not again for each request
                self._rests_until = time.monotonic() + PATIENCE
        return self._given

    async def _renewed(self, needed: Callable[[], bool]) -> None:
        if asyncio.get_running_loop() is self._loop:
            return await self._end_of_renewal(needed)
        renewing = asyncio.run_coroutine_threadsafe(self._end_of_renewal(needed), self._loop)
        return await asyncio.wrap_future(renewing)

    async def _end_of_renewal(self, needed: Callable[[], bool]) -> None:
        if needed():  # another thread's request may have seen to it
            await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        """One renewal for all who ask meanwhile."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        return self._renewing

    async def _renew(self) -> None:
        try:
            await self._load()
            self._told = ""
        except NoWay as error:
            self._tell(str(error))

    async def _load(self) -> None:
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


class CertificateFiles:
    """Files of a certificate and its key; somebody else replaces them before that expires."""

    def __init__(self, paths: Sequence[Path], read: Callable[[], Given], rest: Source) -> None:
        """`read` raises NoWay; `rest`: what else is shown."""
        self._paths = paths
        self._read = read
        self._rest = rest
        self._seen: list[_Stamp | None] = []

    @property
    def is_stale(self) -> bool:
        """Whether one of them is another now, or what else is shown."""
        return self._rest.is_stale or list(map(_stamp, self._paths)) != self._seen

    @property
    def is_due(self) -> bool:
        """Nobody reads in them when they expire."""
        return self._rest.is_due

    async def read(self) -> Given:
        """What is in them. Raises NoWay."""
        self._seen = list(map(_stamp, self._paths))
        own, rest = self._read(), await self._rest.read()
        return Given(rest.authorization, own.certificate, own.key)


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
        self._seen: _Stamp | None = None

    @property
    def is_stale(self) -> bool:
        """Whether it is another file now, or another content."""
        return _stamp(self._path) != self._seen

    @property
    def is_due(self) -> bool:
        """Nobody knows when it expires."""
        return False

    async def read(self) -> Given:
        """The token in it. Raises NoWay."""
        self._seen = _stamp(self._path)
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


_Stamp = tuple[int, int, int]


def _stamp(path: Path) -> _Stamp | None:
    """What tells one content of a file from another; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def bearer(token: str, where: str, rest: Given = Given()) -> Given:
    """What carries this token. Raises NoWay if it cannot be one."""
    if not token or not token.isascii() or not token.isprintable():
        raise NoWay(f"{where} holds no token: it must be one line of plain characters")
    return Given(f"Bearer {token}", rest.certificate, rest.key)
