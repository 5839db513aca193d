"""What kubectl takes a YAML scalar for, and that we take it for the same."""

from __future__ import annotations

import json
from typing import Any

from localcluster import Cluster

from customevents.commands.draft import manifest
from customevents.commands.kubectl_yaml import read_document, write_yaml

SCALARS = """
y n Y N yes on Off true ~ null NULL = _1 0xg 0x1p4 12:30 1:2:3.5 190:20:30 2026-01-31
2026-01-31T12:00:00Z 1e5 12e3 1E5 1.0e5 1.0e+5 +1e5 .1e5 00e1 6e0 1_0e3 1e-5 1. .5 0o17 -0o7
0O7 0755 0899 08 -010 01_7 0_7 0b1 0B1 0b_1 0x1F 0X1F 0x_1 -0x1F -1 +5 +1_0 1_000 1_ 1__0
"""


def as_kubectl_reads(cluster: Cluster, text: str) -> dict[str, Any]:
    read = cluster.kubectl("create", "--dry-run=client", "-o", "json", "-f", "-", input=text)
    details: dict[str, Any] = json.loads(read.stdout)["spec"]["details"]
    return details


def test_a_scalar_is_read_as_kubectl_reads_it(cluster: Cluster) -> None:
    head = "apiVersion: customevents.dev/v1alpha1\nkind: CustomEvent\nmetadata: {name: scalars}\n"
    details = "".join(f"    '{scalar}': {scalar}\n" for scalar in SCALARS.split())
    text = f"{head}spec:\n  details:\n{details}"
    ours = read_document(text)
    theirs = as_kubectl_reads(cluster, text)
    assert ours["spec"]["details"] == {k: v for k, v in theirs.items() if v is not None}


def test_a_string_that_send_writes_is_a_string_to_kubectl(cluster: Cluster) -> None:
    details = {scalar: scalar for scalar in SCALARS.split()}
    spec = {"eventType": "y", "summary": "1e5"}
    text = write_yaml(manifest({**spec, "details": details}, "y", "1e5"))
    assert as_kubectl_reads(cluster, text) == details
