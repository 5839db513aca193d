"""Somebody with no more than the role edit in one namespace, in a cluster with the chart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from localcluster import Cluster

from chart.releases import create_event
from chart.test_at_work import at_work, timeline
from customevents import sandbox
from operator_process import eventually, operator_environment

__all__ = ["timeline"]

HOME = "ordinary"
USER = ("--as=dev-of-ordinary", "--as-group=system:authenticated")


def test_an_ordinary_user_may_use_every_command_and_never_reads_the_lease(
    chart_cluster: Cluster, timeline: sandbox.Running, tmp_path: Path
) -> None:
    """The Lease names the events of all tenants that are just being sent."""
    cluster = chart_cluster
    cluster.kubectl("create", "namespace", HOME)
    binding = ("--clusterrole=edit", "--user=dev-of-ordinary", "-n", HOME)
    cluster.kubectl("create", "rolebinding", "dev", *binding)
    file = tmp_path / "event.yaml"
    file.write_text(
        "apiVersion: customevents.dev/v1alpha1\nkind: CustomEvent\nmetadata: {name: next}\n"
        "spec: {eventType: release, summary: checkout 1.4.3 is live}\n"
    )
    env = operator_environment(cluster.kubeconfig)

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "customevents", *args, "-n", HOME, *USER]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    given = ("--set", "clusterName=prod-eu-1")
    with at_work(cluster, tmp_path, timeline, "customevents", *given):
        create_event(cluster, "shown", HOME, suspend=True)

        def checked() -> str | None:
            done = run("check")
            return (
                done.stdout
                if "leads (ConfigMap customevents/customevents)" in done.stdout
                else None
            )

        said = eventually("it is told who leads", checked)
        assert "you may create CustomEvents in ordinary" in said
        assert "prod-eu-1 (setting clusterName)" in said
        rendered = run("render", "-f", str(file))
        assert '"clusters": [\n      "prod-eu-1"' in rendered.stdout, rendered.stderr
        assert "are not known" not in rendered.stderr
        eventually("it is listed", lambda: "Suspended" in run("list").stdout or None)
        told = run("explain", "shown")
        assert "shown is Suspended: " in told.stdout, told.stderr
        assert "only the operator and administrators may read its journal" in told.stdout
        assert "to send it: kubectl patch cev shown -n ordinary" in told.stdout
        asked = run("probe", "--yes", "--timeout", "60")
        assert "a plain event                  taken: HTTP 201" in asked.stdout, asked.stderr
        assert "not deleted" not in asked.stderr
        reported = run("report", "--file", str(tmp_path / "report.zip"))
        assert reported.returncode == 0, reported.stderr

        beside = ("customevents", "-n", "customevents", "-o", "name")
        assert cluster.kubectl("get", "configmap", *beside, *USER).stdout
        assert cluster.kubectl("get", "lease", *beside).stdout  # it is there, for administrators
        refused = cluster.kubectl("get", "lease", *beside, *USER, check=False)
        assert "Forbidden" in refused.stderr, refused.stdout
