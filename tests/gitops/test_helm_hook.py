"""An event as a Helm hook, and why its delete policy must not be hook-succeeded."""

from __future__ import annotations

import shutil
from pathlib import Path

from localcluster import Cluster

from integration.conftest import Events, StartOperator

CHART = Path(__file__).parents[2] / "examples" / "helm" / "checkout-hook"
SPEC = {"eventType": "marker", "summary": "sent after what is before it"}


def deleting_on_success(folder: Path) -> Path:
    """The example with the delete policy that it warns of."""
    copy = shutil.copytree(CHART, folder / "checkout-hook")
    template = copy / "templates" / "event.yaml"
    policy = "helm.sh/hook-delete-policy: before-hook-creation"
    text = template.read_text()
    assert policy in text
    template.write_text(text.replace(policy, f"{policy},hook-succeeded"))
    return copy


def summaries(events: Events) -> list[str]:
    return [event["body"]["summary"] for event in events.sent()]


def test_the_hook_tells_of_install_upgrade_and_rollback_and_leaves_one_object(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    start_operator(discovery_settle_seconds="0")
    here = ("-n", events.namespace, "--wait", "--timeout=20s")
    for command in (
        ("install", "checkout", str(CHART)),
        ("upgrade", "checkout", str(CHART), "--set", "version=1.4.3"),
        ("rollback", "checkout", "1"),
    ):
        cluster.helm(*command, *here)
        events.until("checkout", "Delivered")

    assert summaries(events) == [f"checkout {v} is live" for v in ("1.4.2", "1.4.3", "1.4.2")]
    assert [e["body"]["scope"]["servicesNames"] for e in events.sent()] == [["checkout"]] * 3
    assert len({event["idempotencyKey"] for event in events.sent()}) == 3
    assert events.kubectl("get", "cev", "-o", "name").count("\n") == 1


def test_a_hook_that_nobody_has_sent_yet_stays_until_it_is_sent(
    cluster: Cluster, events: Events, start_operator: StartOperator
) -> None:
    cluster.helm("install", "checkout", str(CHART), "-n", events.namespace)
    start_operator(discovery_settle_seconds="0")
    events.until("checkout", "Delivered")


def test_with_hook_succeeded_helm_deletes_the_event_before_it_is_sent(
    cluster: Cluster, events: Events, start_operator: StartOperator, tmp_path: Path
) -> None:
    chart = deleting_on_success(tmp_path)
    cluster.helm("install", "checkout", str(chart), "-n", events.namespace)
    assert events.kubectl("get", "cev", "-o", "name") == ""

    start_operator()
    events.apply("marker", SPEC)
    events.until("marker", "Delivered")
    assert summaries(events) == [SPEC["summary"]]
