"""The namespace of whoever names none: that of the context, as kubectl has it, or the pod's own."""

from __future__ import annotations

from pathlib import Path

from kubectl.conftest import World
from kubectl.every import every
from kubectl.furniture import KUBECTL, furnish
from kubectl.row import CA, Row, config
from kubectl.rows.servers import POD, service

PATHS = {"KUBECONFIG": "{here}/ka:{here}/kb"}
TEAM = {"cluster": "a", "user": "a", "namespace": "team"}
SECOND = {"name": "b", "context": {**TEAM, "namespace": "other"}}

OF_CONTEXTS = [
    Row("a context with a namespace", "team", {"config": config(context=TEAM)}),
    Row("a context without", "default", {"config": config()}),
    Row(
        "a context whose namespace is empty",
        "default",
        {"config": config(context={"namespace": ""})},
    ),
    Row(
        "the context of --context",
        "other",
        {"config": config(contexts=[{"name": "a", "context": TEAM}, SECOND])},
        flags=("--context=b",),
    ),
    Row(
        "a context in two files: the first has none",
        "default",
        {"ka": config(), "kb": config(context=TEAM)},
        PATHS,
    ),
    Row(
        "the context of --kubeconfig",
        "other",
        {"config": config(context=TEAM), "k": config(context={"namespace": "other"}, cluster=CA)},
        flags=("--kubeconfig={here}/k",),
    ),
]

OF_PODS = [
    Row("a pod's own", "mine", POD, service(), in_pod=True),
    Row(
        "a pod with a kubeconfig",
        "team",
        {**POD, "k": config(context=TEAM)},
        service(KUBECONFIG="{here}/k"),
        in_pod=True,
    ),
]


@every(OF_CONTEXTS)
def test_kubectl(row: Row, world: World, tmp_path: Path) -> None:
    question = furnish(row, tmp_path, world.pki)
    flags = [*question["flags"], "config", "view", "--minify", "-o", "jsonpath={..namespace}"]
    answer = world.ask(**{**question, "what": str(KUBECTL), "flags": flags})
    assert (answer["out"] or "default") == row.asked, answer["err"]


@every([*OF_CONTEXTS, *OF_PODS])
def test_the_product(row: Row, world: World, tmp_path: Path) -> None:
    answer = world.ask(**furnish(row, tmp_path, world.pki), what="namespace")
    assert answer["out"].strip() == row.asked, answer["err"]
