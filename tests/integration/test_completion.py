"""What a shell offers behind a Tab, as bash asks for it with the script that the command prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.conftest import Events, Shell

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

#: As bash calls it: the words of the line are the arguments, the last is what is being typed.
ASK = """
source <(customevents completion bash)
COMP_WORDS=(customevents "$@") COMP_CWORD=$#
_customevents_completion customevents
printf '%s\\n' "${COMPREPLY[@]}"
"""

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(customevents: Shell, tmp_path: Path) -> Complete:
    (tmp_path / "customevents").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m customevents "$@"\n'
    )
    (tmp_path / "customevents").chmod(0o755)
    env = {**customevents.env, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def ask(*line: str, **more: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-c", ASK, "bash", *line],
            env=env | more,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        return sorted(done.stdout.split())

    return ask


def test_commands_are_offered(complete: Complete) -> None:
    assert complete("re") == ["render", "report", "resend"]


def test_flags_and_their_values_are_offered(complete: Complete) -> None:
    assert complete("list", "--name") == ["--namespace"]
    assert complete("list", "-o", "") == ["json", "table", "yaml"]
    assert complete("completion", "z") == ["zsh"]


@pytest.mark.parametrize("command", ["wait", "explain", "resend", "render"])
def test_events_of_the_namespace_are_offered(
    events: Events, complete: Complete, command: str
) -> None:
    for name in ("checkout-1", "checkout-2", "cart-1"):
        events.apply(name, SPEC)
    here = ("-n", events.namespace)
    assert complete(command, *here, "check") == ["checkout-1", "checkout-2"]
    assert complete(command, *here, "") == ["cart-1", "checkout-1", "checkout-2"]
    assert complete(command, "check") == []  # the context's namespace has none


def test_namespaces_are_offered(events: Events, complete: Complete) -> None:
    assert events.namespace in complete("list", "-n", events.namespace[:10])


def test_where_the_cluster_says_nothing_nothing_is_offered_and_nothing_is_said(
    complete: Complete, tmp_path: Path
) -> None:
    assert complete("wait", "check", KUBECONFIG=str(tmp_path / "none")) == []
    assert complete("wait", "--as", "nobody", "check") == []
