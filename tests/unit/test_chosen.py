"""kubectl's flags that say which cluster is asked, on every command that asks one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from customevents.cli import app
from kubeconfigs import write

ASKING = {
    "wait": ["wait", "checkout"],
    "send": ["send", "--type", "t", "--summary", "s"],
    "list": ["list"],
    "resend": ["resend", "checkout"],
    "render": ["render", "checkout"],
    "check": ["check"],
    "probe": ["probe", "--yes"],
}


@pytest.mark.parametrize("command", ASKING.values(), ids=ASKING)
def test_each_command_asks_the_cluster_that_is_chosen(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "not-this-one"))
    kubeconfig = write(tmp_path, {"server": "http://127.0.0.1:1"})
    flags = ["--kubeconfig", str(kubeconfig), "--context", "nowhere"]
    done = CliRunner().invoke(app, [*command, *flags])
    said = f"{done.output} {done.exception}"
    assert "there is no context 'nowhere' (there are: here)" in said


def test_who_acts_as_nobody_may_not_act_as_a_group(tmp_path: Path) -> None:
    kubeconfig = write(tmp_path, {"server": "http://127.0.0.1:1"})
    flags = ["--kubeconfig", str(kubeconfig), "--as-group", "viewers"]
    done = CliRunner().invoke(app, ["list", *flags])
    assert "take a user to act as" in str(done.exception)


@pytest.mark.parametrize("command", ["run", "sandbox"])
def test_who_runs_for_ever_is_configured_and_has_no_such_flags(command: str) -> None:
    assert CliRunner().invoke(app, [command, "--context", "here"]).exit_code == 2


def test_the_flags_stand_in_the_help_of_a_command() -> None:
    said = CliRunner().invoke(app, ["list", "--help"], env={"COLUMNS": "200"}).output
    assert all(f"--{flag} " in said for flag in ("kubeconfig", "context", "as", "as-group"))
    assert "chosen" not in said
