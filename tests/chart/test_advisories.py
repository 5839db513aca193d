"""What is taken, and surprises later, is told to whoever applies it; nobody is refused."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from localcluster import HELM, Cluster

from chart.helm_cli import CHART, MINIMAL, Helm, Json, kinds
from chart.releases import get, installed, on, until_served
from operator_process import eventually

NAME = "customevents-advisories"
HOME = "advised"

#: What kubectl prints before the words.
WARNING = (
    f"Warning: Validation failed for ValidatingAdmissionPolicy '{NAME}' with binding '{NAME}': "
)

#: Not the default: an event that does not say has half an hour.
DEADLINE = 1800


def ago(seconds: float) -> str:
    """A time before now, as people write it."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


class Author:
    """Applies events, and reads what kubectl prints."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def apply(
        self, *options: str, name: str = "e", metadata: Json | None = None, **spec: Any
    ) -> list[str]:
        """The warnings. Raises if it is refused."""
        event = {
            "apiVersion": "customevents.dev/v1alpha1",
            "kind": "CustomEvent",
            "metadata": {"name": name, "namespace": HOME, **(metadata or {})},
            "spec": {"eventType": "release", "summary": "checkout 1.4.2 is live", **spec},
        }
        done = self.cluster.kubectl("apply", *options, "-f", "-", input=json.dumps(event))
        return done.stderr.splitlines()

    def would_be_told(self, **content: Any) -> list[str]:
        """The warnings to a new event, of which nothing stays."""
        told = self.apply("--dry-run=server", **content)
        assert all(line.startswith(WARNING) for line in told), told
        return [line.removeprefix(WARNING) for line in told]


@pytest.fixture(scope="module")
def author(chart_cluster: Cluster) -> Iterator[Author]:
    chart_cluster.kubectl("create", "namespace", HOME)
    it = Author(chart_cluster)
    with installed(on(chart_cluster, HELM), *MINIMAL, "--set", f"delivery.deadline={DEADLINE}"):
        until_served(chart_cluster)
        eventually("the policy warns", lambda: it.would_be_told(eventType="t" * 31) or None)
        yield it
    chart_cluster.kubectl("delete", "namespace", HOME, "--wait=false")


def tracked(kind: str, key: str, **more: str) -> Json:
    return {kind: {key: "shop", **(more if kind == "annotations" else {})}}


#: Content, and how the one warning begins and ends.
ADVISED: dict[str, tuple[Json, str, str]] = {
    "a long type": (
        {"eventType": "t" * 31},
        "spec.eventType has 31 characters",
        "put the rest into spec.summary or spec.details",
    ),
    "a long type of letters that are several bytes each": (
        {"eventType": "ä" * 31},
        "spec.eventType has 31 characters",
        "spec.details",
    ),
    "the whole account": (
        {"scope": {"level": "Account"}},
        "spec.scope.level is Account and nothing else is named: the event reaches every service of "
        "the account;",
        "or leave spec.scope.level out",
    ),
    "whole clusters": (
        {"scope": {"level": "Account", "clusters": ["a", "b"]}},
        "spec.scope.level is Account and nothing else is named: the event reaches every service of "
        "the clusters a, b;",
        "or leave spec.scope.level out",
    ),
    **{
        f"a ttl on what {key} tracks": (
            {"ttlSecondsAfterFinished": 600, "metadata": tracked(kind, key)},
            "spec.ttlSecondsAfterFinished is ignored",
            "leave it out, or make the event a hook of that tool",
        )
        for kind, key in [
            ("annotations", "argocd.argoproj.io/tracking-id"),
            ("annotations", "meta.helm.sh/release-name"),
            ("labels", "helm.toolkit.fluxcd.io/name"),
            ("labels", "kustomize.toolkit.fluxcd.io/name"),
        ]
    },
    "tomorrow's news": (
        {"occurredAt": ago(-25 * 3600)},
        "spec.occurredAt is more than a day ahead",
        "left out, it is the time of the apply",
    ),
    "older than the operator's deadline": (
        {"occurredAt": ago(DEADLINE + 60)},
        f"spec.occurredAt is longer past than the deadline of {DEADLINE} s",
        "or leave spec.occurredAt out",
    ),
    "older than its own deadline": (
        {"occurredAt": ago(120), "deliveryDeadlineSeconds": 60},
        "spec.occurredAt is longer past than the deadline of 60 s",
        "or leave spec.occurredAt out",
    ),
}

#: Nothing is to be said about these.
GOOD: dict[str, Json] = {
    "the shortest": {},
    "a type of 30 characters": {"eventType": "t" * 30},
    "a type of 30 characters of several bytes": {"eventType": "ä" * 30},
    "a namespace and a cluster": {"scope": {"namespaces": [HOME]}},
    "the whole cluster": {"scope": {"level": "Cluster"}},
    "services wherever they are": {"scope": {"level": "Account", "serviceNames": ["checkout"]}},
    "a namespace wherever it is": {"scope": {"level": "Account", "namespaces": [HOME]}},
    "a ttl": {"ttlSecondsAfterFinished": 600, "metadata": {"labels": {"app": "shop"}}},
    "a ttl on a hook of Helm": {
        "ttlSecondsAfterFinished": 600,
        "metadata": tracked("annotations", "meta.helm.sh/release-name", **{"helm.sh/hook": "x"}),
    },
    "a ttl on a hook of Argo CD": {
        "ttlSecondsAfterFinished": 600,
        "metadata": tracked(
            "annotations", "argocd.argoproj.io/tracking-id", **{"argocd.argoproj.io/hook": "Sync"}
        ),
    },
    "tracked and kept": {"metadata": tracked("labels", "kustomize.toolkit.fluxcd.io/name")},
    "just now": {"occurredAt": ago(60)},
    "in an hour": {"occurredAt": ago(-3600)},
    "old, with time enough": {"occurredAt": ago(7200), "deliveryDeadlineSeconds": 86400},
}


@pytest.mark.parametrize("what", ADVISED)
def test_a_surprise_is_told_with_what_to_do_about_it(author: Author, what: str) -> None:
    content, begins, ends = ADVISED[what]
    (told,) = author.would_be_told(**content)
    assert told.startswith(begins), told
    assert told.endswith(ends), told


@pytest.mark.parametrize("what", GOOD)
def test_about_a_good_event_nothing_is_said(author: Author, what: str) -> None:
    assert author.would_be_told(**GOOD[what]) == []


@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["apply", "apply --server-side"])
def test_who_is_warned_is_not_refused(author: Author, way: tuple[str, ...]) -> None:
    name = f"taken{len(way)}"
    content: Json = {"eventType": "t" * 31, "scope": {"level": "Account"}, "occurredAt": ago(90000)}
    assert len(author.apply(*way, name=name, **content)) == 3
    assert get(author.cluster, "cev", name, HOME)


@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["apply", "apply --server-side"])
def test_an_edit_is_judged_by_the_time_of_the_edit(author: Author, way: tuple[str, ...]) -> None:
    """Not by that of the object's creation, which may be long ago."""
    name = f"edited{len(way)}"
    minute: Json = {"occurredAt": ago(57), "deliveryDeadlineSeconds": 60}
    assert author.apply(*way, name=name, **minute) == []
    edits = itertools.count()

    def edit() -> list[str] | None:
        return author.apply(*way, name=name, summary=f"edit {next(edits)}", **minute) or None

    (told,) = eventually("an edit comes too late", edit)
    assert "longer past than the deadline of 60 s" in told


def test_who_only_labels_an_event_is_not_told_again(author: Author) -> None:
    assert len(author.apply(name="labelled", eventType="t" * 31)) == 1
    done = author.cluster.kubectl("label", "cev", "labelled", "-n", HOME, "team=shop")
    assert done.stderr == ""


def test_its_expressions_fit_the_schema(author: Author) -> None:
    """The API server checks their types against the CRD, a moment after the apply."""

    def checked() -> Json | None:
        policy = get(author.cluster, "validatingadmissionpolicy", NAME)
        assert policy
        seen = policy.get("status", {}).get("observedGeneration")
        return policy if seen == policy["metadata"]["generation"] else None

    assert eventually("the types are checked", checked)["status"]["typeChecking"] == {}


@pytest.mark.parametrize(
    "without", [("advisories.enabled=false",), ("watchNamespaces={shop},clusterName=a",)]
)
def test_there_is_none_where_it_is_not_wanted_or_not_ours_to_have(
    helm: Helm, without: tuple[str, ...]
) -> None:
    policies = {("ValidatingAdmissionPolicy", NAME), ("ValidatingAdmissionPolicyBinding", NAME)}
    assert policies <= kinds(helm.template(*MINIMAL))
    assert policies.isdisjoint(kinds(helm.template(*MINIMAL, "--set", *without)))


def test_the_chart_puts_its_deadline_in(helm: Helm) -> None:
    as_it_stands = (CHART / "files" / "advisories.yaml").read_text()
    assert as_it_stands.count("orValue(86400)") == 1
    (policy, _) = yaml.safe_load_all(as_it_stands)
    for deadline in (60, 604800):
        rendered = helm.succeed(
            *("template", CHART, *MINIMAL, "--set", f"delivery.deadline={deadline}"),
            *("-s", "templates/advisories.yaml"),
        )
        (ours, _) = yaml.safe_load_all(rendered)
        text = json.dumps(policy["spec"]).replace("orValue(86400)", f"orValue({deadline})")
        assert ours["spec"] == json.loads(text)
