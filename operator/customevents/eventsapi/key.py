"""The API key: a mounted file, read again when it changes.

The key leaves this module only towards the request header. Errors name the file, never its content.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr

from customevents.resource.errors import KeyFileError

#: Far above the documented 36 characters: what is longer is not a key but the wrong file.
LONGEST_KEY = 256

_PRINTABLE = re.compile(r"[\x21-\x7e]+")


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
            return self.path.read_bytes()
        except OSError as error:
            raise KeyFileError(_unreadable(self.path, error)) from None


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
    if len(key) > LONGEST_KEY:
        raise KeyFileError(f"the API key file {path} is too long for a key: is it the right file?")
    if not _PRINTABLE.fullmatch(key):
        raise KeyFileError(f"the API key file {path} holds characters that no key has")
    return key
