"""A part of a package is imported without the rest of it, and finds its way about."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from customevents import lean
lean.package("kubernetes")
lean.package("kubernetes.aio")
lean.package("not_here")
import kubernetes.aio.client.api_client
assert kubernetes.aio.client.api_client.ApiClient
from kubernetes.client import V1ObjectMeta  # as somebody else may want it
print(*{"requests", "websocket", "not_here", "kubernetes.config"} & {*sys.modules})
"""


def test_what_is_not_used_is_not_imported_and_what_is_can_be_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_what_is_imported_already_stays_as_it_is() -> None:
    program = (
        "import yaml; from customevents import lean; lean.package('yaml'); yaml.safe_load('a')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
