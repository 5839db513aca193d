"""The command as a person types it: what it says when something is missing, and what it starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from customevents import __version__
from operator_process import operator_environment


def customevents(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CUSTOMEVENTS_")}
    return subprocess.run(
        [sys.executable, "-m", "customevents", *args],
        env={**clean, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_says_its_version() -> None:
    assert customevents("--version").stdout == f"customevents {__version__}\n"


def test_help_names_the_commands() -> None:
    said = customevents("--help").stdout
    assert "run" in said
    assert "sandbox" in said


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "CUSTOMEVENTS_API_KEY_FILE: must be set"),
        ({"CUSTOMEVENTS_SITE": "mars"}, "CUSTOMEVENTS_SITE: must be us or eu"),
        (
            {"CUSTOMEVENTS_ENDPOINT": "http://127.0.0.1:1"},
            "CUSTOMEVENTS_ENDPOINT: endpoint must be https; "
            "for the sandbox, set CUSTOMEVENTS_ALLOW_HTTP=true",
        ),
        (
            {"CUSTOMEVENTS_DELIVERY_IN_FLIGHT": "many"},
            "CUSTOMEVENTS_DELIVERY_IN_FLIGHT: must be a whole number",
        ),
    ],
    ids=["no key file", "unknown site", "http", "not a number"],
)
def test_a_setting_that_cannot_work_is_one_line_that_names_it(
    env: dict[str, str], words: str
) -> None:
    key = {} if not env else {"CUSTOMEVENTS_API_KEY_FILE": "key"}
    done = customevents("run", **key, **env)
    assert (done.returncode, done.stderr) == (1, f"customevents: {words}\n")


def test_without_a_cluster_it_says_so_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "kubeconfig"
    env = operator_environment(missing, api_key_file=str(tmp_path / "key"))
    done = customevents("run", **env)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "no way to the Kubernetes API" in done.stderr.splitlines()[-1]


def test_what_is_on_this_machine_is_asked_through_no_proxy(account: Path) -> None:
    done = customevents("list", **operator_environment(account), HTTPS_PROXY="http://127.0.0.1:1")
    assert done.returncode == 0, done.stderr


def test_a_netrc_that_knows_the_api_servers_host_is_not_used(account: Path, tmp_path: Path) -> None:
    (netrc := tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    done = customevents("list", **operator_environment(account), NETRC=str(netrc))
    assert done.returncode == 0, done.stderr


def test_a_port_that_is_taken_is_one_line_that_names_the_setting(
    account: Path, key_file: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = operator_environment(account, api_key_file=str(key_file), health_port=port)
        done = customevents("run", **env)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"customevents: CUSTOMEVENTS_HEALTH_PORT: cannot listen on 127.0.0.1:{port}"
    )


TEXT = "café 🚀 ✓"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_whatever_the_terminal_can_say_nothing_fails_and_yaml_stays_yaml(encoding: str) -> None:
    flags = ("send", "--as-resource", "--type", TEXT, "--summary", TEXT)
    command = [sys.executable, "-m", "customevents", *flags]
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode("utf-8" if encoding == "ascii" else encoding)
    assert yaml.safe_load(said)["spec"]["summary"] == TEXT


def test_an_error_is_said_where_the_terminal_cannot_say_all_of_it() -> None:
    command = [sys.executable, "-m", "customevents", "list", "--kubeconfig", f"/{TEXT}"]
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    said = "customevents: /café \\U0001f680 \\u2713: there is no such kubeconfig\n"
    assert (done.returncode, done.stderr.decode("latin-1")) == (1, said)


def test_who_reads_no_further_causes_no_traceback() -> None:
    command = f"{sys.executable} -m customevents send --help | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
