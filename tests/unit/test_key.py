"""The key is read from a real file, as Kubernetes replaces it, and is told to nobody."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from customevents.eventsapi.key import LOOK_EVERY, KeyFile, MountedKey
from customevents.resource.errors import KeyFileError
from unit.heartbeat import HELD_UP, heartbeat

KEY = "1b671a64-40d5-491e-99b0-da01ff1f3341"
CANARY = "canary-5a1f"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "api-key"


def key_in(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return KeyFile(path).read().get_secret_value()


@pytest.mark.parametrize(
    "content",
    [KEY, f"{KEY}\n", f"{KEY}\r\n", f"  {KEY}\t\n\n"],
    ids=["bare", "newline", "windows newline", "blanks"],
)
def test_blanks_around_the_key_are_stripped(path: Path, content: str) -> None:
    assert key_in(path, content) == KEY


def test_a_key_of_the_greatest_length_is_taken(path: Path) -> None:
    assert key_in(path, "k" * 256) == "k" * 256


UNUSABLE = [
    pytest.param(b"", "is empty", id="empty"),
    pytest.param(b" \n\t\n", "is empty", id="only blanks"),
    pytest.param(f"{CANARY}\n{CANARY}".encode(), "more than one line", id="two lines"),
    pytest.param(f"{CANARY}\r{CANARY}".encode(), "more than one line", id="two old lines"),
    pytest.param(f"{CANARY}ü".encode(), "characters that no key has", id="utf-8"),
    pytest.param(f"{CANARY}ü".encode("latin-1"), "characters that no key has", id="latin-1"),
    pytest.param(f"\ufeff{CANARY}".encode(), "characters that no key has", id="byte order mark"),
    pytest.param(CANARY.encode("utf-16"), "characters that no key has", id="utf-16"),
    pytest.param(f"{CANARY} {CANARY}".encode(), "characters that no key has", id="two words"),
    pytest.param(f"{CANARY}\0".encode(), "characters that no key has", id="a zero byte"),
    pytest.param(CANARY.encode() * 24, "too long for a key", id="too long"),
]


@pytest.mark.parametrize(("content", "words"), UNUSABLE)
def test_what_cannot_be_a_key_is_an_error_that_names_the_file(
    path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(KeyFileError, match=words) as caught:
        key_in(path, content)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "words"), UNUSABLE)
def test_no_error_and_no_traceback_holds_a_piece_of_the_key(
    path: Path, content: bytes, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyFileError, match=words) as caught:
        key_in(path, content)
    logging.getLogger("test").exception("it failed", exc_info=caught.value)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert CANARY not in told
    assert "c\0a\0n\0a\0r\0y" not in told
    cause: BaseException | None = caught.value
    while cause is not None:
        assert CANARY not in str(cause)
        cause = cause.__cause__ or cause.__context__


def test_a_missing_file_is_an_error_that_names_it(path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file") as caught:
        KeyFile(path).read()
    assert str(path) in str(caught.value)


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def listening(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a name of 108 bytes at most
    return path


def linked(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(lambda path: path.parent, "a directory", id="directory"),
        pytest.param(pipe, "a named pipe", id="pipe"),
        pytest.param(listening, "a socket", id="socket"),
        pytest.param(lambda _: Path("/dev/zero"), "a device", id="device"),
        pytest.param(linked, "a device", id="a link to a device"),
    ],
)
def test_what_is_no_regular_file_is_an_error_that_names_it(
    path: Path, make: Callable[[Path], Path], kind: str
) -> None:
    found = make(path)
    with pytest.raises(KeyFileError, match=f"{found} is {kind}; it must be a regular file"):
        KeyFile(found).read()


def test_of_a_file_of_gigabytes_no_more_is_read_than_a_key_may_have(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(8 << 30)
    tracemalloc.start()
    with pytest.raises(KeyFileError):
        KeyFile(path).read()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 20


def test_a_key_before_too_many_blanks_is_too_long(path: Path) -> None:
    with pytest.raises(KeyFileError, match="too long for a key"):
        key_in(path, KEY + "\n" * 8192)


def test_a_key_that_is_shown_by_accident_is_masked(path: Path) -> None:
    path.write_text(CANARY)
    file = KeyFile(path)
    shown = f"{file.read()} {file.read()!r} {file!r} {vars(file)!r}"
    assert CANARY not in shown


def mount(folder: Path, version: str, key: str) -> Path:
    """Put a key where Kubernetes puts it: behind two symbolic links, the first replaced at once."""
    (folder / version).mkdir()
    (folder / version / "api-key").write_text(key)
    (folder / "..data_tmp").symlink_to(version)
    os.replace(folder / "..data_tmp", folder / "..data")
    visible = folder / "api-key"
    if not visible.is_symlink():
        visible.symlink_to("..data/api-key")
    return visible


def test_a_key_is_read_anew_when_kubernetes_replaces_the_secret(tmp_path: Path) -> None:
    file = KeyFile(mount(tmp_path, "..1", "first"))
    assert file.read().get_secret_value() == "first"
    mount(tmp_path, "..2", "other")  # of the same length
    assert file.read().get_secret_value() == "other"
    mount(tmp_path, "..3", "first")
    assert file.read().get_secret_value() == "first"


def test_a_key_is_read_anew_when_its_file_is_written_in_place(path: Path) -> None:
    path.write_text("first")
    file = KeyFile(path)
    file.read()
    path.write_text("second")
    assert file.read().get_secret_value() == "second"


def test_a_spoilt_file_is_an_error_and_never_the_key_of_before(path: Path) -> None:
    path.write_text("first")
    file = KeyFile(path)
    file.read()
    path.write_text("")
    for _ in range(2):
        with pytest.raises(KeyFileError):
            file.read()
    path.unlink()
    with pytest.raises(KeyFileError):
        file.read()


def test_a_spoilt_file_that_is_mended_is_read(path: Path) -> None:
    path.write_text("")
    file = KeyFile(path)
    with pytest.raises(KeyFileError):
        file.read()
    path.write_text(KEY)
    assert file.read().get_secret_value() == KEY


def same_times(path: Path, content: str) -> None:
    """Write other content of the same length, and set the clock of the file back."""
    before = path.stat()
    path.write_text(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_the_content_is_not_read_while_the_file_looks_the_same(path: Path) -> None:
    path.write_text("first")
    file = KeyFile(path)
    file.read()
    same_times(path, "other")
    assert file.read().get_secret_value() == "first"


def test_what_is_forgotten_is_read_anew_whatever_the_files_times_say(path: Path) -> None:
    path.write_text("first")
    file = KeyFile(path)
    file.read()
    same_times(path, "other")
    file.forget()
    assert file.read().get_secret_value() == "other"


# --- On the event loop


class Watched(KeyFile):
    """Counts the looks; while `hangs` they do not end, as on a mount whose server is gone."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.looks = 0
        self.under_way = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def read(self) -> SecretStr:
        self.looks += 1
        self.under_way += 1
        self.goes_on.wait()
        try:
            return super().read()
        finally:
            self.under_way -= 1


@pytest.fixture
def watched(path: Path) -> Iterator[Watched]:
    path.write_text(KEY)
    file = Watched(path)
    yield file
    file.goes_on.set()


@pytest.mark.asyncio
async def test_a_key_costs_one_look_a_second(watched: Watched) -> None:
    key = MountedKey(watched)
    found = await asyncio.gather(*(key.read() for _ in range(100)))
    assert {one.get_secret_value() for one in found} == {KEY}
    assert watched.looks == 1
    await asyncio.sleep(LOOK_EVERY)
    await asyncio.gather(*(key.read() for _ in range(100)))
    assert watched.looks == 2


async def mended(key: MountedKey) -> str:
    """The key, as soon as it can be read again."""
    async with asyncio.timeout(30.0):
        while True:
            try:
                return (await key.read()).get_secret_value()
            except KeyFileError:
                await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_a_mount_that_hangs_holds_up_neither_the_loop_nor_more_than_one_thread(
    watched: Watched,
) -> None:
    key = MountedKey(watched)
    watched.goes_on.clear()
    async with heartbeat() as late:
        for _ in range(3):
            with pytest.raises(KeyFileError, match=f"{watched.path}: its file system does not"):
                await key.read()
        assert await key.changed()  # so that it is tried again
        assert watched.under_way == 1
    assert max(late) < HELD_UP
    watched.goes_on.set()
    assert await mended(key) == KEY
    assert not await key.changed()


@pytest.mark.asyncio
async def test_a_file_that_is_replaced_is_seen_to_have_changed(watched: Watched) -> None:
    key = MountedKey(watched)
    await key.read()
    assert not await key.changed()
    watched.path.write_text("other-key")
    assert await key.changed()
    assert (await key.read(anew=True)).get_secret_value() == "other-key"
    assert not await key.changed()


@pytest.mark.asyncio
async def test_after_an_error_the_key_of_before_is_not_used(watched: Watched) -> None:
    key = MountedKey(watched)
    await key.read()
    watched.path.unlink()
    for _ in range(2):
        with pytest.raises(KeyFileError, match="No such file"):
            await key.read(anew=True)
    with pytest.raises(KeyFileError, match="No such file"):
        await key.read()


def test_a_process_ends_while_a_mount_hangs() -> None:
    look_and_end = """
import asyncio, threading
from pathlib import Path
from customevents.eventsapi import key
from customevents.resource.errors import KeyFileError

class Hanging(key.KeyFile):
    def read(self):
        threading.Event().wait()

async def main():
    try:
        await key.MountedKey(Hanging(Path("nowhere"))).read()
    except KeyFileError:
        print("it went on")

asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", look_and_end], capture_output=True, text=True, timeout=20, check=True
    )
    assert ended.stdout == "it went on\n"
