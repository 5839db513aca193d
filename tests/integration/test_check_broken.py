"""`customevents check` where something is broken: one line, which names what to do about it.

What the operator says of itself is written here as an operator in that trouble writes it; that it
does write so is shown beside the troubles themselves (test_trouble.py, the promises).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcluster import Cluster

from customevents import __version__
from customevents.clocks import now
from customevents.resource.operator_state import BreakerState, Key, OperatorState, Resolving
from integration.conftest import Events, Existing, Shell
from platforms import agent
from proxy import Answer, ApiProxy, RawAnswer, Rule, ShiftDate

CRD = Path(__file__).parents[2] / "crds" / "customevents.customevents.dev.yaml"
CRD_NAME = "customevents.customevents.dev"

#: An operator that is well.
WELL = {
    "version": __version__,
    "leader": "customevents-0",
    "endpoint": "https://api.komodor.com",
    "key": Key.OK,
    "cluster_name": "prod-eu-1",
    "cluster_name_source": "setting clusterName",
    "cluster_known": True,
    "settings": Resolving(cluster_name="prod-eu-1"),
}


@dataclass(frozen=True)
class Broken:
    """What is broken, and the one line of `check` about it."""

    line: str
    said: dict[str, Any] | None = None


def said(line: str, **fields: Any) -> Broken:
    return Broken(line, fields)


SAID = {
    "nobody leads": said(
        "wrong operator nobody leads since TIME, when it was stopped: look at the operator's pods "
        "and their log; events wait until then",
        leader="",
    ),
    "the operator is silent": said(
        "wrong operator customevents-0 has been silent for N s: look at the operator's pods and "
        "their log; events wait until then",
        renewed=-3600,
    ),
    "another version": said(
        f"warning version the operator is 0.0.1, this program {__version__}: use the program of "
        "the operator's version",
        version="0.0.1",
    ),
    "the namespace is not watched": said(
        "wrong namespace shop is not watched; the operator watches cart, payments: add it to "
        "watchNamespaces in the chart",
        settings=Resolving(cluster_name="prod-eu-1", watch_namespaces=("cart", "payments")),
    ),
    "the watch is deaf": said(
        "wrong watch changes of events go unseen: its log and /readyz say where and why; "
        "docs/troubleshooting.md says what to look at",
        unwatched=1,
    ),
    "it is told to send nothing": said(
        "warning sending it is told to send nothing: set delivery.paused to false",
        settings=Resolving(cluster_name="prod-eu-1", delivery_paused=True),
    ),
    "the agent's key": said(
        "wrong key the events API refuses it: use the API key of a user, not the agent's key; it "
        "may have expired",
        key=Key.REFUSED,
        paused="The events API refused the key (HTTP 403)",
    ),
    "no key": said(
        "wrong key Not sent: cannot read the API key file /etc/key: No such file or directory: "
        "mount a Secret that holds the API key (apiKeySecret)",
        key=Key.MISSING,
        paused="Not sent: cannot read the API key file /etc/key: No such file or directory",
    ),
    "a key that nobody has tried": said(
        "warning key not known yet whether the events API takes it: the first event that is sent "
        "shows it: customevents send",
        key=Key.UNKNOWN,
    ),
    "the wrong site": said(
        "wrong endpoint https://api.komodor.com: The endpoint does not take events (HTTP 404); "
        "check the settings site and endpoint",
        paused="The endpoint does not take events (HTTP 404); check the settings site and endpoint",
    ),
    "the endpoint is not reached": said(
        "wrong endpoint https://api.komodor.com does not answer, or only with errors of its own "
        "(HTTP 5xx): it is tried again; where there is no answer at all, look at the way there "
        "from the operator's pod: DNS, network policies, and whether it needs a proxy "
        "(CUSTOMEVENTS_PROXY)",
        breaker=BreakerState.OPEN,
    ),
    "a second operator": said(
        "wrong endpoint nothing is sent: another operator sends the same events. Uninstall one",
        halted="another operator sends the same events. Uninstall one",
    ),
    "the endpoint asked for a pause": said(
        "warning endpoint https://api.komodor.com asked to be left alone until 2030-01-31 "
        "12:00:00Z (Retry-After): nothing; sending goes on by itself then",
        rests_until=datetime(2030, 1, 31, 12, tzinfo=UTC),
    ),
    "the node's clock is off": said(
        "warning clock that of the operator's node is 40 s ahead of the API server's: set it by "
        "NTP; events are judged by the API server's",
        clock_skew=40.0,
    ),
    "no cluster name": said(
        "wrong cluster name the operator does not know this cluster's name: set clusterName in the "
        "chart; events that need it are held",
        cluster_name="",
        settings=Resolving(),
    ),
    "the account does not know the cluster": said(
        "warning cluster name prod-eu-1 (setting clusterName), which the account does not know: "
        "events with it would land on no service; set clusterName to the name in the account",
        cluster_known=False,
    ),
}


class Scene:
    """A namespace with what an operator says of itself, and the command line beside it."""

    def __init__(self, events: Events, customevents: Shell) -> None:
        self.events = events
        self.cluster = events.cluster
        self._shell = customevents

    @property
    def here(self) -> str:
        return self.events.namespace

    def plant(self, **fields: Any) -> None:
        renewed = now() + timedelta(seconds=fields.pop("renewed", 0))
        state = OperatorState(**{**WELL, "renewed": renewed, **fields})
        self.write({"state.json": state.to_json()})

    def write(self, data: dict[str, str]) -> None:
        metadata = {"name": "customevents", "namespace": self.here}
        whole = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        self.cluster.kubectl("apply", "-f", "-", input=json.dumps(whole))

    def lines(self, *args: str, kubeconfig: Path | None = None) -> tuple[int, list[str]]:
        """The exit code, and the lines that are not ok, each with its blanks made one."""
        where = () if "--operator-namespace" in args else ("--operator-namespace", self.here)
        done = self._shell("check", *where, *args, kubeconfig=kubeconfig)
        assert "Traceback" not in done.stderr
        told = done.stdout.replace(self.here, "shop") + done.stderr
        lines = [" ".join(line.split()) for line in told.splitlines()]
        return done.returncode, [
            line for line in lines if line.partition(" ")[0] not in ("ok", "-")
        ]


@pytest.fixture
def scene(events: Events, customevents: Shell) -> Scene:
    made = Scene(events, customevents)
    made.plant()
    return made


def test_nothing_is_said_where_nothing_is_broken(scene: Scene) -> None:
    assert scene.lines() == (0, [])


@pytest.mark.parametrize("name", SAID)
def test_what_the_operator_says_is_broken_is_one_line_with_what_to_do(
    scene: Scene, name: str
) -> None:
    broken = SAID[name]
    scene.plant(**(broken.said or {}))
    code, lines = scene.lines()
    told = [line for line in lines if line.split()[1] == broken.line.split()[1]]
    assert [without_times(line) for line in told] == [broken.line]
    assert code == broken.line.startswith("wrong")


def without_times(line: str) -> str:
    dated = re.sub(r"since \d{4}-\d\d-\d\d \d\d:\d\dZ", "since TIME", line)
    return re.sub(r"silent for \d+ s", "silent for N s", dated)


# What check sees for itself.


def test_no_operator(scene: Scene) -> None:
    assert scene.lines("--operator-namespace", "kube-public") == (1, [
        "wrong operator there is no ConfigMap kube-public/customevents, which an operator that "
        "leads would have: install the chart, or say where it is by --operator-namespace; and of a "
        "release with watchNamespaces, --operator-name=RELEASE-customevents",
    ])  # fmt: skip


def test_something_else_in_the_place_of_what_it_says(scene: Scene) -> None:
    scene.write({"state.json": "[]"})
    assert scene.lines() == (1, [
        "wrong operator ConfigMap shop/customevents does not say what an operator says: delete it; "
        "an operator that runs writes it anew within a minute",
    ])  # fmt: skip


def test_a_namespace_that_is_misspelt(scene: Scene) -> None:
    assert scene.lines("-n", "shpo") == (1, [
        "wrong namespace there is no namespace shpo: is -n misspelt? kubectl get namespaces lists "
        "them",
    ])  # fmt: skip


def test_no_crd(scene: Scene) -> None:
    with without_crd(scene.cluster):
        code, lines = scene.lines()
    install = "install the chart, or kubectl apply -f crds/"
    assert (code, lines) == (1, [f"wrong CRD {CRD_NAME} is not there: {install}"])


@contextmanager
def without_crd(cluster: Cluster) -> Iterator[None]:
    cluster.kubectl("delete", "crd", CRD_NAME)
    try:
        yield
    finally:
        cluster.kubectl("apply", "--server-side", "-f", str(CRD))
        cluster.kubectl("wait", "--for=condition=Established", f"crd/{CRD_NAME}")


def test_an_old_crd(scene: Scene) -> None:
    fields = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/delivery"
    change = [{"op": "remove", "path": f"{fields}/properties/lastOutcome"}]
    scene.cluster.kubectl("patch", "crd", CRD_NAME, "--type=json", "-p", json.dumps(change))
    try:
        assert scene.lines() == (1, [
            "wrong CRD it is older than this program, and lacks status.delivery.lastOutcome: "
            "kubectl apply the CRD of this version",
        ])  # fmt: skip
    finally:
        scene.cluster.kubectl("replace", "-f", str(CRD))


def test_somebody_without_rights(scene: Scene) -> None:
    code, lines = scene.lines("--as", "nobody")
    assert code == 0
    todo = {line.split()[1]: line.rpartition(": ")[2] for line in lines}
    assert all(line.startswith("warning ") for line in lines)
    assert todo == {
        "CRD": "ask an administrator to look; nothing else here needs it",
        "your": "ask for the role edit there; a release for the whole cluster adds CustomEvents "
        "to it",
        "operator": "ask an administrator to look",
    }


def test_two_agents_that_disagree(scene: Scene, existing: Existing, komodor: str) -> None:
    scene.plant(settings=Resolving())
    two = (agent(komodor, "prod-eu-1"), agent(komodor, "prod-eu-2", name="komodor-agent-2"))
    with existing(*two):
        code, lines = scene.lines()
    assert (code, lines) == (0, [
        "warning name: Komodor agent Deployment komodor/komodor-agent says prod-eu-1, Deployment "
        "komodor/komodor-agent-2 says prod-eu-2: set clusterName in the chart",
    ])  # fmt: skip


def test_an_agent_that_is_not_believed(scene: Scene, existing: Existing) -> None:
    with existing(agent("default", "planted")):
        code, lines = scene.lines()
    assert (code, lines) == (0, [
        "warning agents not believed about the cluster's name: default/komodor-agent: if one is "
        "yours, add its namespace to discovery.agentNamespaces",
    ])  # fmt: skip


# What is between here and the cluster.


def test_this_machines_clock_is_off(scene: Scene, proxy: ApiProxy) -> None:
    proxy.add(Rule(None, "", ShiftDate(-40), count=None))
    _, lines = scene.lines(kubeconfig=proxy.kubeconfig)
    (line,) = [line for line in lines if " clock " in line]
    words = (
        r"warning clock that of this machine is (39|40|41) s ahead of the API server's: set it by "
        r"NTP; events are judged by the API server's"
    )
    assert re.fullmatch(words, line)  # the API server tells whole seconds


def test_a_login_page(scene: Scene, proxy: ApiProxy) -> None:
    proxy.add(Rule(None, "", RawAnswer(200, "text/html", "<html>Sign in"), count=None))
    code, (line,) = scene.lines(kubeconfig=proxy.kubeconfig)
    assert code == 1
    assert line.startswith("wrong Kubernetes ")
    assert line.endswith(
        ": something else answers in its place; is a proxy or a login page in between?"
    )


def test_credentials_that_have_expired(scene: Scene, proxy: ApiProxy) -> None:
    proxy.add(Rule(None, "", Answer(401, message="Unauthorized"), count=None))
    assert scene.lines(kubeconfig=proxy.kubeconfig) == (1, [
        "wrong Kubernetes the Kubernetes API answered 401: Unauthorized: your credentials are "
        "refused, or have expired; log in to the cluster again",
    ])  # fmt: skip


def changed(scene: Scene, folder: Path, **cluster: Any) -> Path:
    """The administrator's kubeconfig with another way to the cluster."""
    content = yaml.safe_load(scene.cluster.kubeconfig.read_text())
    there = content["clusters"][0]["cluster"]
    content["clusters"][0]["cluster"] = {k: v for k, v in {**there, **cluster}.items() if v}
    (path := folder / "changed").write_text(json.dumps(content))
    return path


def test_a_cluster_that_is_down(scene: Scene, tmp_path: Path) -> None:
    code, (line,) = scene.lines(kubeconfig=changed(scene, tmp_path, server="https://127.0.0.1:1"))
    assert code == 1
    assert line.startswith("wrong Kubernetes the Kubernetes API did not answer: ")
    assert line.endswith(
        ": is the cluster up, and the right one? --kubeconfig and --context choose another"
    )


def test_a_certificate_of_another_authority(scene: Scene, tmp_path: Path) -> None:
    gone = {"certificate-authority": None, "certificate-authority-data": None}
    code, (line,) = scene.lines(kubeconfig=changed(scene, tmp_path, **gone))
    assert code == 1
    assert line.endswith(
        ": give the kubeconfig the cluster's own certificate-authority, or the right server"
    )


def test_no_kubeconfig(scene: Scene, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert scene.lines("--kubeconfig", str(absent)) == (1, [
        f"customevents: {absent}: there is no such kubeconfig",
    ])  # fmt: skip


def test_an_empty_kubeconfig(scene: Scene, tmp_path: Path) -> None:
    (empty := tmp_path / "empty").write_text("")
    assert scene.lines(kubeconfig=empty) == (1, [
        f"customevents: no way to the Kubernetes API: {empty} says none: set KUBECONFIG to a "
        "kubeconfig with a current-context, or give --context",
    ])  # fmt: skip


def test_a_context_that_is_not_there(scene: Scene) -> None:
    code, (line,) = scene.lines("--context", "prod")
    assert (code, line) == (
        1,
        "customevents: --context: there is no context 'prod' (there are: local)",
    )
