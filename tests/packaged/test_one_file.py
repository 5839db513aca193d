"""The one file runs wherever it is put: for any user, without an environment or a Python."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from customevents import __version__
from customevents.cli import COMMANDS
from integration.conftest import Events
from operator_process import PATIENCE, operator_environment

VERSION = f"customevents {__version__}\n"

#: A folder that is there, and in which not even root can make one.
UNWRITABLE = "/proc"


def run(file: Path, *words: str, **environment: str | Path) -> subprocess.CompletedProcess[str]:
    """Start it with this environment alone, from another folder."""
    return subprocess.run(
        [file, *words],
        env={name: str(value) for name, value in environment.items()},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def says_its_version(file: Path, **environment: str | Path) -> bool:
    done = run(file, "--version", **environment)
    return (done.returncode, done.stdout, done.stderr) == (0, VERSION, "")


def refusal(file: Path, **environment: str | Path) -> str:
    """Why it does not start, in one line."""
    done = run(file, "--version", **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("customevents: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def changed(file: Path, folder: Path, old: bytes, new: bytes) -> Path:
    """A copy in whose lines of shell something else stands, of the same length."""
    content = file.read_bytes()
    assert len(old) == len(new)
    assert old in content[:8192]
    copy = folder / "changed"
    copy.write_bytes(content.replace(old, new, 1))
    copy.chmod(0o755)
    return copy


def unpacked(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_runs_in_a_home_and_is_unpacked_there(one_file: Path, tmp_path: Path) -> None:
    assert says_its_version(one_file, HOME=tmp_path)
    (only,) = unpacked(tmp_path / ".cache" / "customevents")
    assert only.startswith(f"{__version__}-")
    assert (tmp_path / ".cache" / "customevents").stat().st_mode & 0o777 == 0o700


def test_it_obeys_the_folder_for_caches(one_file: Path, tmp_path: Path) -> None:
    assert says_its_version(one_file, HOME=UNWRITABLE, XDG_CACHE_HOME=tmp_path / "my caches")
    assert len(unpacked(tmp_path / "my caches" / "customevents")) == 1


@pytest.mark.parametrize("home", [None, "", UNWRITABLE, "TMPDIR/of/nobody"])
def test_it_runs_where_no_home_can_be_written(
    one_file: Path, home: str | None, tmp_path: Path
) -> None:
    given = {} if home is None else {"HOME": home.replace("TMPDIR", str(tmp_path))}
    for _ in range(2):
        assert says_its_version(one_file, TMPDIR=tmp_path, **given)
    (only,) = unpacked(tmp_path)
    assert only == f"customevents-{os.getuid()}"
    assert len(unpacked(tmp_path / only)) == 1


def test_any_number_may_start_it_at_once_for_the_first_time(one_file: Path, tmp_path: Path) -> None:
    starts = [
        subprocess.Popen(
            [one_file, "--version"], env={"HOME": str(tmp_path)}, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [start.communicate(timeout=60)[0] for start in starts] == [VERSION] * 4
    cache = tmp_path / ".cache" / "customevents"
    (only,) = unpacked(cache)
    assert unpacked(cache / only) == ["bin", "lib", "main.pyc"]


def test_the_second_start_unpacks_nothing(one_file: Path, tmp_path: Path) -> None:
    copy = changed(one_file, tmp_path, b"id=", b"id=")
    assert says_its_version(copy, HOME=tmp_path)
    copy.write_bytes(copy.read_bytes()[:8192])
    assert says_its_version(copy, HOME=tmp_path)


def test_a_start_costs_no_more_than_in_an_environment(
    one_file: Path, home: Path, figure: Callable[[str], None]
) -> None:
    here = cpu_seconds([sys.executable, "-m", "customevents", "--help"], home)
    there = cpu_seconds([one_file, "--help"], home)
    figure(f"one file --help once it is unpacked: {there:.2f} s of CPU, {here:.2f} s of .venv's")
    assert there < 1.25 * here


def cpu_seconds(command: list[str | Path], home: Path) -> float:
    """What the cheapest of some starts costs; the first one is not counted."""

    def once() -> float:
        before = os.times()
        subprocess.run(command, env={"HOME": str(home)}, stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        spent = after.children_user + after.children_system
        return spent - before.children_user - before.children_system

    return min([once() for _ in range(6)][1:])


def test_two_versions_do_not_disturb_each_other(one_file: Path, tmp_path: Path) -> None:
    other = changed(one_file, tmp_path, b"id=", b"id=9"[:3]).rename(tmp_path / "other")
    other.write_bytes(one_file.read_bytes().replace(b"id=0", b"id=9", 1))
    for file in (one_file, other, one_file):
        assert says_its_version(file, HOME=tmp_path)
    assert len(unpacked(tmp_path / ".cache" / "customevents")) == 2


def test_it_may_be_called_by_a_link(one_file: Path, home: Path, tmp_path: Path) -> None:
    link = tmp_path / "kubectl-customevents"
    link.symlink_to(one_file)
    assert says_its_version(link, HOME=home)


def test_half_of_a_file_is_refused_and_leaves_nothing(one_file: Path, tmp_path: Path) -> None:
    copy = changed(one_file, tmp_path, b"id=", b"id=")
    copy.write_bytes(copy.read_bytes()[:5_000_000])
    assert "unexpected end of file" in refusal(copy, HOME=tmp_path, TMPDIR=UNWRITABLE).lower()
    assert unpacked(tmp_path / ".cache" / "customevents") == []


def test_what_a_killed_start_has_left_is_removed_when_it_is_old(
    one_file: Path, tmp_path: Path
) -> None:
    cache = tmp_path / ".cache" / "customevents"
    for name in ("new.old", "new.young"):
        (cache / name / "lib").mkdir(parents=True)
    os.utime(cache / "new.old", (0, 0))
    assert says_its_version(one_file, HOME=tmp_path)
    assert [name for name in unpacked(cache) if name.startswith("new.")] == ["new.young"]


def test_where_nothing_can_be_written_it_says_so(one_file: Path) -> None:
    said = refusal(one_file, HOME=UNWRITABLE, TMPDIR=UNWRITABLE)
    assert f"cannot unpack itself into {UNWRITABLE}/.cache/customevents or {UNWRITABLE}/" in said


def test_a_machine_that_it_is_not_for_is_told_so(one_file: Path, tmp_path: Path) -> None:
    name = b"ld-linux-x86-64.so.2"
    file = changed(one_file, tmp_path, name, name.replace(b"linux", b"nowhe"))
    assert "is for Linux on x86-64 with glibc" in refusal(file, HOME=tmp_path)


def test_what_somebody_else_has_put_there_is_not_run(one_file: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    assert says_its_version(one_file, XDG_CACHE_HOME=theirs)
    (tmp_path / f"customevents-{os.getuid()}").symlink_to(theirs / "customevents")
    assert "cannot unpack itself" in refusal(one_file, TMPDIR=tmp_path)


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_each_command_is_explained(
    one_file: Path, home: Path, command: str | None, flag: str
) -> None:
    words = [command] if command else []
    done = run(one_file, *words, flag, HOME=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert " ".join(["Usage: customevents", *words]) in done.stdout


def test_the_settings_of_another_python_do_not_reach_it(one_file: Path, home: Path) -> None:
    wrong = {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere", "LD_LIBRARY_PATH": "/nowhere"}
    assert says_its_version(one_file, HOME=home, PYTHONWARNINGS="error", **wrong)


def test_nothing_of_it_reaches_the_program_that_shows_who_asks(
    one_file: Path, home: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\nenv > {shlex.quote(str(told))}\nexit 1\n")
    plugin.chmod(0o755)
    by_plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(plugin),
        "interactiveMode": "Never",
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "a", "user": {"exec": by_plugin}}],
            }
        )
    )
    assert run(one_file, "list", HOME=home, KUBECONFIG=kubeconfig).returncode == 1
    names = {line.partition("=")[0] for line in told.read_text().splitlines()}
    assert {name for name in names if name.startswith(("LD_", "PYTHON", "SSL_"))} == set()


@contextmanager
def stand_in(file: Path, home: Path) -> Iterator[str]:
    """The file's own sandbox; its address."""
    process = subprocess.Popen(
        [file, "sandbox", "--port", "0"],
        env={"HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_the_whole_way_of_an_event_by_the_one_file_alone(
    one_file: Path,
    home: Path,
    events: Events,
    account: Path,
    key_file: Path,
    tmp_path: Path,
) -> None:
    """Nothing that it needs was left out of it: the operator and the sandbox run by it, too."""
    where = ("-n", events.namespace)
    me = {"HOME": home, "KUBECONFIG": events.cluster.kubeconfig}
    new = ("--type", "release", "--summary", "checkout 1.4.2 is live", "--name", "checkout")
    with stand_in(one_file, home) as endpoint, (tmp_path / "log").open("wb") as log:
        settings = {"api_key_file": str(key_file), "endpoint": endpoint, "cluster_name": "prod"}
        operator = subprocess.Popen(
            [one_file, "run"],
            env={**operator_environment(account, **settings), "HOME": str(home)},
            stderr=log,
        )
        try:
            sent = run(one_file, "send", *new, *where, **me)
            assert sent.returncode == 0, sent.stderr + (tmp_path / "log").read_text()
            assert "checkout is Delivered" in sent.stdout
            for words in (("list",), ("render", "checkout"), ("wait", "checkout"), ("check",)):
                done = run(one_file, *words, *where, **me)
                assert "Traceback" not in done.stderr, done.stderr
                assert done.returncode == 0, (words, done.stdout, done.stderr)
        finally:
            operator.terminate()
            assert operator.wait(timeout=PATIENCE) == 0, (tmp_path / "log").read_text()
