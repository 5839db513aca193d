"""Nobody waits for the reader of the log, and the reader learns what is missing."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from customevents.logs import LAST_WORDS, MOST_WAITING, Outlet

#: Bytes; the least that a pipe holds.
SMALL = 4096

#: Lines of 100 bytes that fit nowhere.
TOO_MANY = 2 * MOST_WAITING // 100


class Piped:
    """An outlet into a small pipe."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, SMALL)
        self.outlet = Outlet(self.writing, lambda missing: f"missing {missing}\n")

    def say(self, *numbers: int) -> None:
        for number in numbers:
            self.outlet.write(f"line {number:094}\n".encode())

    def read(self) -> list[str]:
        """All lines to the last one that was said, and what waits behind it."""
        with ThreadPoolExecutor() as aside:
            reading = aside.submit(self._read_to_the_end)
            self.outlet.drain(10.0)
            self.outlet.write(b"the end\n")
            return reading.result(timeout=10.0)

    def _read_to_the_end(self) -> list[str]:
        lines = []
        with open(self.reading, "rb", closefd=False) as file:
            while (line := file.readline().decode().strip()) != "the end":
                lines.append(line)
        return lines


@pytest.fixture
def piped() -> Iterator[Piped]:
    made = Piped()
    yield made
    os.close(made.reading)
    # Its thread must have come to rest: the number of a closed file is soon another's.
    made.outlet.drain(10.0)
    os.close(made.writing)


def numbers(lines: list[str]) -> list[int]:
    return [int(line.removeprefix("line ")) for line in lines]


def test_all_is_written_in_order(piped: Piped) -> None:
    piped.say(*range(1000))
    assert numbers(piped.read()) == list(range(1000))
    assert piped.outlet.dropped == 0


def test_who_writes_does_not_wait_for_a_reader_and_what_does_not_fit_is_counted(
    piped: Piped,
) -> None:
    longest = 0.0
    for number in range(TOO_MANY):
        begun = time.monotonic()
        piped.say(number)
        longest = max(longest, time.monotonic() - begun)
    assert longest < 5.0  # with a reader that never comes, for ever
    assert 0 < piped.outlet.dropped < TOO_MANY


def test_the_reader_learns_what_is_missing_in_its_place(piped: Piped) -> None:
    piped.say(*range(TOO_MANY))
    dropped = piped.outlet.dropped
    lines = piped.read()
    assert numbers(lines[:-1]) == list(range(TOO_MANY - dropped))
    assert lines[-1] == f"missing {dropped}"
    piped.say(1, 2)
    assert numbers(piped.read()) == [1, 2]


def test_a_pipe_of_which_somebody_asks_not_to_wait_is_written_all_the_same(piped: Piped) -> None:
    os.set_blocking(piped.writing, False)
    piped.say(*range(1000))
    assert numbers(piped.read()) == list(range(1000))


def test_a_reader_that_is_gone_ends_nothing_and_is_counted() -> None:
    piped = Piped()
    os.close(piped.reading)
    for _ in range(3):
        piped.say(*range(10))
        piped.outlet.drain(10.0)
    assert piped.outlet.dropped == 30
    os.close(piped.writing)


def test_the_end_is_not_waited_for_longer_than_asked(piped: Piped) -> None:
    piped.say(*range(1000))
    begun = time.monotonic()
    piped.outlet.drain(0.2)
    assert 0.2 <= time.monotonic() - begun < 10.0  # or for ever


# --- The whole of a process


def started(script: str, stderr: int) -> subprocess.Popen[bytes]:
    before = "import logging, sys, typer, warnings\nfrom customevents import logs\n"
    return subprocess.Popen([sys.executable, "-c", before + script], stderr=stderr)


def said(script: str) -> tuple[int, list[str]]:
    """How a process ended, and the lines of its stderr."""
    process = started(script, subprocess.PIPE)
    _, words = process.communicate(timeout=20)
    return process.returncode, words.decode().splitlines()


def test_a_traceback_is_the_last_of_the_log() -> None:
    code, lines = said("logs.set_up('INFO', 'json')\nlogging.info('first')\nraise ValueError('so')")
    assert code == 1
    assert json.loads(lines[0])["message"] == "first"
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: so"


def test_what_others_write_to_stderr_is_written_as_well() -> None:
    code, lines = said(
        "logs.set_up('INFO', 'text')\n"
        "typer.echo('customevents: an error', err=True)\n"
        "print('half ', end='', file=sys.stderr)\n"
        "print('a line', file=sys.stderr)\n"
        "sys.exit(3)"
    )
    assert (code, lines) == (3, ["customevents: an error", "half a line"])


def test_a_line_that_makes_no_sense_is_named_and_ends_nothing() -> None:
    code, lines = said(
        "logs.set_up('INFO', 'json')\n"
        "logging.info('%d attempts', 'canary-5a1f-key')\n"
        "logging.info('\\udcff goes on')\n"
    )
    assert code == 0
    first, second = map(json.loads, lines)
    assert first["message"] == "the line at <string>:4 cannot be written: TypeError"
    assert second["message"].endswith("goes on")


def test_without_a_stderr_nothing_is_said() -> None:
    script = "from customevents import logs\nimport logging\nlogs.set_up('INFO', 'json')\n"
    script += "logging.error('to nobody')\nprint(logs.lines_dropped())"
    shell = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, script]
    ended = subprocess.run(shell, capture_output=True, text=True, timeout=20, check=True)
    assert ended.stdout == "0\n"


@pytest.mark.parametrize(("ending", "code"), [("", 0), ("raise ValueError('so')", 1)])
def test_a_process_ends_although_nobody_reads_its_log(ending: str, code: int) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, SMALL)
    script = "logs.set_up('INFO', 'json')\nfor n in range(1000): logging.info('line %d', n)\n"
    begun = time.monotonic()
    process = started(script + ending, writing)
    try:
        assert process.wait(timeout=20) == code
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)
    assert time.monotonic() - begun < LAST_WORDS + 15.0
