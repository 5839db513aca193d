"""The API key: a mounted file, read again when it changes.

The key leaves this module only towards the request header. Errors name the file, never its content.
What is mounted may be anything, and the mount may hang: a bounded number of bytes is read, of a
regular file alone, and never on the event loop.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from pydantic import SecretStr

from customevents.resource.errors import KeyFileError

T = TypeVar("T")

#: Far above the documented 36 characters: what is longer is not a key but the wrong file.
LONGEST_KEY = 256

#: Bytes that are read: blanks may surround the key.
MOST_OF_A_FILE = 4096

#: Seconds for which a key is used without another look at its file.
LOOK_EVERY = 1.0

#: Seconds after which a file that cannot be looked at is given up for now.
LONGEST_LOOK = 2.0

_PRINTABLE = re.compile(r"[\x21-\x7e]+")

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class KeyFile:
    """The key in a file; `read()` is cheap while the file stays the same."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._key = SecretStr("")

    def read(self) -> SecretStr:
        """The key as the file holds it now.

        Raises KeyFileError if it is missing or cannot be a key.
        """
        stamp = self._stamp()
        if stamp != self._seen:
            self._key = SecretStr(_parse(self._content(), self.path))
            self._seen = stamp
        return self._key

    def changed(self) -> bool:
        """Whether the file is another one than `read` last saw, or cannot be looked at."""
        try:
            return self._stamp() != self._seen
        except KeyFileError:
            return False

    def forget(self) -> None:
        """Make the next `read()` look at the content, whatever the file's times say."""
        self._seen = None

    def _stamp(self) -> tuple[int, int, int]:
        # A mounted Secret is replaced through a symbolic link: inode and time both change.
        try:
            found = self.path.stat()
        except OSError as error:
            raise KeyFileError(_unreadable(self.path, error)) from None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _content(self) -> bytes:
        try:
            # What is no regular file is not even opened: a device may act on that.
            self._insist_on_a_regular_file(self.path.stat())
            # It may be another one by now: without O_NONBLOCK a pipe would wait for its writer.
            with open(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                self._insist_on_a_regular_file(os.fstat(file.fileno()))
                return file.read(MOST_OF_A_FILE + 1)
        except OSError as error:
            raise KeyFileError(_unreadable(self.path, error)) from None

    def _insist_on_a_regular_file(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
            raise KeyFileError(f"the API key file {self.path} is {kind}; it must be a regular file")


class MountedKey:
    """The same for the event loop, which never waits for the file system."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._key = SecretStr("")
        #: When the key was read; None: there is none, or the last look failed.
        self._looked: float | None = None
        self._line = asyncio.Lock()
        #: The last look that was given up.
        self._hanging: Future[Any] | None = None

    async def read(self, *, anew: bool = False) -> SecretStr:
        """The key as the file held it a second ago at most; `anew`: whatever its times say.

        Raises KeyFileError if it is missing, cannot be a key, or cannot be looked at.
        """
        if anew or self._is_old():
            async with self._line:
                if anew or self._is_old():  # else who was before us in the line has looked
                    await self._look_at_the_file(anew)
        return self._key

    async def changed(self) -> bool:
        """Whether the file may hold another key than was last read."""
        async with self._line:
            try:
                return self._looked is None or await self._in_a_thread(self._file.changed)
            except KeyFileError:
                return False

    def _is_old(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._looked is None or now - self._looked >= LOOK_EVERY

    async def _look_at_the_file(self, anew: bool) -> None:
        def look() -> SecretStr:
            if anew:
                self._file.forget()
            return self._file.read()

        self._looked = None
        self._key = await self._in_a_thread(look)
        self._looked = asyncio.get_running_loop().time()

    async def _in_a_thread(self, look: Callable[[], T]) -> T:
        """At most one look hangs, however often the file is asked for."""
        hangs = f"cannot read the API key file {self._file.path}: its file system does not answer"
        if self._hanging is not None and not self._hanging.done():
            raise KeyFileError(hangs)
        looking = _started(look)
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                return await asyncio.wrap_future(looking)
        except TimeoutError:
            self._hanging = looking
            raise KeyFileError(hangs) from None


def _started(look: Callable[[], T]) -> Future[T]:
    """What a thread will have found, for which nobody waits when the process ends."""
    found: Future[T] = Future()
    found.set_running_or_notify_cancel()  # so that who gives up does not take it from the thread

    def run() -> None:
        try:
            found.set_result(look())
        except Exception as error:
            found.set_exception(error)

    Thread(target=run, name="a look at the key's file", daemon=True).start()
    return found


def _unreadable(path: Path, error: OSError) -> str:
    return f"cannot read the API key file {path}: {error.strerror}"


def _parse(content: bytes, path: Path) -> str:
    # latin-1 never fails, so that no exception can carry a piece of the key.
    key = content.decode("latin-1").strip()
    if not key:
        raise KeyFileError(f"the API key file {path} is empty")
    if "\n" in key or "\r" in key:
        raise KeyFileError(
            f"the API key file {path} holds more than one line; it must hold the key"
        )
    if len(key) > LONGEST_KEY or len(content) > MOST_OF_A_FILE:
        raise KeyFileError(f"the API key file {path} is too long for a key: is it the right file?")
    if not _PRINTABLE.fullmatch(key):
        raise KeyFileError(f"the API key file {path} holds characters that no key has")
    return key
