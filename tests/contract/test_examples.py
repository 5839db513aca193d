"""Every example is one that the API server takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from localcluster import Cluster, ClusterError

EXAMPLES = Path(__file__).parents[2] / "examples"
NUMBERED = sorted(EXAMPLES.glob("0*.yaml"))
TO_CREATE = EXAMPLES / "create" / "from-a-pipeline.yaml"


@pytest.mark.parametrize("example", NUMBERED, ids=lambda path: path.name)
def test_an_example_is_applied_as_it_stands(
    cluster: Cluster, namespace: str, example: Path
) -> None:
    said = cluster.kubectl("apply", "-n", namespace, "-f", str(example)).stdout
    assert said.splitlines()
    assert all(line.endswith(" created") for line in said.splitlines())


def test_the_one_for_pipelines_is_created_anew_each_time_and_refused_by_apply(
    cluster: Cluster, namespace: str
) -> None:
    for _ in range(2):
        cluster.kubectl("create", "-n", namespace, "-f", str(TO_CREATE))
    assert cluster.kubectl("get", "cev", "-n", namespace, "-o", "name").stdout.count("\n") == 2
    with pytest.raises(ClusterError, match="cannot use generate name with apply"):
        cluster.kubectl("apply", "-n", namespace, "-f", str(TO_CREATE))
