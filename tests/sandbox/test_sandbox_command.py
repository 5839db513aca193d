"""`customevents sandbox`, as it is started."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from customevents.sandbox import running
from real_curl import path_with_curl
from sandbox.sandbox_client import started

COMMAND = [sys.executable, "-m", "customevents", "sandbox", "--port", "0"]


def test_it_begins_with_switches_and_an_inventory(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text("prod: {shop: [cart]}\n")
    switches = ("--behaviour", "eventType=30 cut", "--behaviour", "longestBody=2000")
    with started(*switches, "--inventory", str(inventory)) as api:
        behaviour = api.call("GET", "/sandbox/behaviour")["behaviour"]
        assert (behaviour["eventType"], behaviour["longestBody"]) == ("30 cut", 2000)
        assert behaviour["unknownKeys"] == "refused"
        assert api.call("GET", "/sandbox/inventory") == {"prod": {"shop": ["cart"]}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--behaviour", "eventtype=30"], "'eventtype' is none of eventType, unknownKeys,"),
        (["--behaviour", "eventType"], "eventType must be 60 or 30 or 30 cut, and not ''"),
        (["--behaviour", "longestBody=-1"], "longestBody must be a number of bytes, and not '-1'"),
        (["--behaviour", f"longestBody={'9' * 5000}"], "longestBody must be a number of bytes,"),
        (["--behaviour", "longestBody=1_000"], "longestBody must be a number of bytes,"),
        (["--behaviour", "details=any"], "details must be strings or any value, and not 'any'"),
        (["--inventory", "nowhere.yaml"], "cannot read nowhere.yaml: No such file or directory"),
        (["--database", "nowhere/events.db"], "cannot open the database nowhere/events.db"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, options: list[str], said: str) -> None:
    done = subprocess.run(
        [*COMMAND, *options], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["a: b", "[1]", "a: {b: [1]}", "a: {b: {", "\x00", "a: {'': []}"])
def test_an_inventory_that_is_none_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "inventory").write_text(text)
    done = subprocess.run(
        [*COMMAND, "--inventory", "inventory"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert "inventory" in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_command_of_its_page_of_the_docs_works() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    commands = re.findall(r"^\$ curl (.*)$", page, re.MULTILINE)
    assert len(commands) > 5
    with running() as api:
        for command in commands:
            here = command.replace("http://localhost:8090", api.url)
            done = subprocess.run(
                ["sh", "-c", f"curl --fail-with-body --silent --show-error {here}"],
                env={"PATH": path_with_curl()},
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert api.call("GET", "/sandbox/behaviour")["behaviour"]["eventType"] == "30 cut"
