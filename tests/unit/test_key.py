"""The key is read from a real file, as Kubernetes replaces it, and is told to nobody."""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

import pytest

from customevents.eventsapi.key import KeyFile
from customevents.resource.errors import KeyFileError

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


def test_a_directory_in_the_place_of_the_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="Is a directory"):
        KeyFile(tmp_path).read()


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
