"""The operator's rights as the chart gives them, in one file for whoever has no Helm.

That are the tests that run the operator as a process, and the demo.

`make chart` writes it; a test compares.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "localcluster")]

from localcluster import HELM, build  # noqa: E402

from chart.helm_cli import MINIMAL, Helm, Json  # noqa: E402

FILE = HERE.parent / "integration" / "rbac.yaml"

SAYS = "# What the operator may do, as the chart gives it. `make chart` writes this file.\n"

KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def render(helm: Helm) -> str:
    """The file, of a release with no more values than it must have."""
    namespace: Json = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "customevents"},
    }
    of_ours = [o for o in helm.template(*MINIMAL) if o["kind"] in KINDS and not _is_aggregated(o)]
    listed = [namespace, *(_bare(each) for each in of_ours)]
    return SAYS + yaml.safe_dump_all(listed, sort_keys=False, width=100)


def _is_aggregated(role: Json) -> bool:
    """Whether it is no right of the operator's, but one of people with the cluster's own roles."""
    return any("aggregate-to" in label for label in role["metadata"].get("labels", {}))


def _bare(given: Json) -> dict[str, Any]:
    """Without what changes with each version."""
    kept = ("name", "namespace")
    metadata = {key: given["metadata"][key] for key in kept if key in given["metadata"]}
    return {**given, "metadata": metadata}


if __name__ == "__main__":
    build(print)
    FILE.write_text(render(Helm(HELM, dict(os.environ))))
