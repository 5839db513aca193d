"""The CRD is deleted and created again, and everything goes on in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from localcluster import Cluster

from conftest import CRD
from operator_process import eventually
from promises.ear import DEAF, Ear

NAME = "customevents.customevents.dev"

#: Once in twelve tries is once too often.
TRIES = 12


@pytest.mark.full
@pytest.mark.parametrize("away", [0.0] * TRIES + [70.0])
def test_the_crd_was_away_for(
    ear: Ear, cluster: Cluster, away: float, figure: Callable[[str], None]
) -> None:
    with ear.listening():
        cluster.kubectl("delete", "crd", NAME)
        time.sleep(away)
        with ear.spending() as spent:
            cluster.kubectl("apply", "-f", str(CRD))
            served = ("get", "customevents", "--all-namespaces")
            eventually("it is served", lambda: not cluster.kubectl(*served, check=False).returncode)
            begun = time.monotonic()
            known = ear.deliver(DEAF)
            first = time.monotonic() - begun
            heard = ear.hears(known)
            what = f"the CRD away for {away:.0f} s"
            figure(f"never deaf {ear.mode}, {what}: first {first:.1f} s, then {heard}; {spent()}")
        ear.check(known, heard)
