"""`customevents check`: the way from here to a delivered event, a line for each step."""

from __future__ import annotations

from pathlib import Path

import pytest

from customevents import sandbox
from integration.conftest import Events, Existing, Shell, StartOperator
from operator_process import eventually
from platforms import agent

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


def line(said: str, about: str) -> str:
    """The line about one step."""
    rows = [" ".join(row.split()) for row in said.splitlines()]
    (found,) = [row for row in rows if row.partition(" ")[2].startswith(f"{about} ")]
    return found


def test_where_all_is_well_every_step_is_ok_and_the_exit_code_0(
    events: Events, customevents: Shell, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    timeline.call("PUT", "/sandbox/inventory", {"prod-eu-1": {"shop": ["checkout"]}})
    start_operator(lease_duration="3")
    events.apply("checkout", SPEC)
    events.until("checkout", "Delivered")

    def key_is_known() -> str | None:
        done = customevents("check")
        return done.stdout if done.returncode == 0 and "known to the account" in done.stdout else ""

    said = eventually("all is well", key_is_known)
    assert "wrong" not in said
    assert "warning" not in said
    assert line(said, "Kubernetes").startswith("ok Kubernetes v1.37.2 at https://127.0.0.1:")
    assert line(said, "CRD").startswith("ok CRD customevents.customevents.dev has what 0.")
    assert line(said, "operator").endswith("leads (ConfigMap customevents/customevents)")
    assert line(said, "key") == "ok key the events API takes it"
    assert line(said, "endpoint") == f"ok endpoint {timeline.url}"
    assert line(said, "cluster name") == (
        "ok cluster name prod-eu-1 (setting clusterName), known to the account"
    )
    assert line(said, "name: setting") == "ok name: setting prod-eu-1 (setting clusterName)"
    assert line(said, "name: Komodor agent").startswith("- name: Komodor agent there is no agent")


def test_without_an_operator_it_says_so_and_ends_with_1(
    customevents: Shell,
) -> None:
    done = customevents("check", "--operator-namespace", "nobody-here")
    assert done.returncode == 1
    assert "wrong operator there is no ConfigMap nobody-here/customevents" in line(
        done.stdout, "operator"
    )
    assert "say where it is by --operator-namespace" in done.stdout
    assert "of a release with watchNamespaces, --operator-name=RELEASE-customevents" in done.stdout


def test_a_refused_key_is_named_with_what_to_do(
    events: Events, customevents: Shell, start_operator: StartOperator, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("not-the-test-key")
    start_operator(api_key_file=str(key_file), lease_duration="3")
    events.apply("checkout", SPEC)

    def refused() -> str | None:
        done = customevents("check")
        return done.stdout if done.returncode == 1 and "refuses it" in done.stdout else None

    said = eventually("it is known", refused)
    assert line(said, "key").startswith("wrong key the events API refuses it: ")
    assert "use the API key of a user, not the agent's key" in said
    assert "not-the-test-key" not in said


def test_a_namespace_that_nobody_watches_is_named(
    events: Events, customevents: Shell, start_operator: StartOperator
) -> None:
    start_operator(watch_namespaces="default")
    done = customevents("check")
    assert done.returncode == 1
    assert f"wrong namespace {events.namespace} is not watched" in line(done.stdout, "namespace")


def test_an_agent_that_is_not_believed_is_named(
    events: Events, customevents: Shell, existing: Existing
) -> None:
    with existing(agent(events.namespace, "planted")):
        said = customevents("check").stdout
    assert f"{events.namespace}/komodor-agent" in line(said, "agents")
    assert "add its namespace to discovery.agentNamespaces" in said


def test_a_cluster_that_does_not_answer_is_one_line(customevents: Shell, tmp_path: Path) -> None:
    done = customevents("check", kubeconfig=tmp_path / "absent")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["--help"])
def test_its_help_says_what_the_exit_code_means(customevents: Shell, option: str) -> None:
    assert "Exit code 1 if something is wrong" in customevents("check", option).stdout
