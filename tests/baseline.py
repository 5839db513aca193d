"""The baseline of `benchmarks/naive.py` as a process, under the rights that it states."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcluster import Cluster

from operator_process import PATIENCE

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@contextmanager
def naive(cluster: Cluster, key_file: Path, endpoint: str, folder: Path) -> Iterator[Path]:
    """The baseline at work until the block ends, with exit code 0; yields its log."""
    cluster.kubectl("apply", "-f", str(BENCHMARKS / "naive-rbac.yaml"))
    settings = {
        "KUBECONFIG": str(cluster.service_account_kubeconfig("naive", "naive")),
        "NAIVE_ENDPOINT": endpoint,
        "NAIVE_KEY_FILE": str(key_file),
    }
    log = folder / "naive.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, BENCHMARKS / "naive.py"],
            env={**os.environ, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(timeout=PATIENCE) == 0
        finally:
            process.kill()
