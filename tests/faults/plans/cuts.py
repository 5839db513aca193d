"""Every attempt is cut at each of its points, in each of the three ways in which a process goes.

Killed, what it asked for is lost with it; asked to stop, it gets its answer and ends in order;
stopped past its Lease and resumed, it finds another one leading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from faults.oracles import Fate
from faults.plans.plan import Plan
from faults.plans.rig import Leg, Rig
from operator_process import RunningOperator
from proxy import Handle

NAME = "cut"

ONCE = Fate(posts=1, unknown=0)
#: The one that was lost never arrived, or it did: either way it counts.
COUNTED, DOUBLED = Fate(posts=1, unknown=1), Fate(posts=2, unknown=1)


class Point(NamedTuple):
    """Where an attempt is cut: at which request, before it arrives or before its answer does."""

    name: str
    words: str
    leg: Leg
    answered: bool
    #: How the event ends after each of the three ends of the process.
    killed: Fate
    terminated: Fate
    stopped: Fate


LEASE_UNWRITTEN = Point(
    "lease-unwritten", "before the intent is written", Leg.LEASE, False, ONCE, ONCE, ONCE
)
LEASE_UNANSWERED = Point(
    "lease-unanswered", "its intent written", Leg.LEASE, True, COUNTED, ONCE, COUNTED
)

POINTS = (
    LEASE_UNWRITTEN,
    LEASE_UNANSWERED,
    Point("post-unsent", "its POST on the way", Leg.POST, False, COUNTED, ONCE, DOUBLED),
    Point("post-unanswered", "its POST counted", Leg.POST, True, DOUBLED, ONCE, DOUBLED),
    Point("status-unwritten", "its result on the way", Leg.STATUS, False, DOUBLED, ONCE, DOUBLED),
    Point("status-unanswered", "its result written", Leg.STATUS, True, ONCE, ONCE, ONCE),
)

#: Those that gate each change: of each point, the end that asks most of it.
GATING = frozenset(
    {
        "lease-unwritten-stopped",
        "lease-unanswered-killed",
        "post-unsent-stopped",
        "post-unanswered-terminated",
        "status-unwritten-killed",
        "status-unanswered-stopped",
    }
)


def killed(rig: Rig, point: Point) -> None:
    """SIGKILL, and the standby takes over."""
    leader, _ = _leader_at(rig, point, rig.lose)
    leader.kill()
    rig.operators.leader(but=leader)


def terminated(rig: Rig, point: Point) -> None:
    """SIGTERM while it waits; it gets its answer and ends, and the standby takes over."""
    leader, held = _leader_at(rig, point, rig.hold)
    rig.ask_to_stop(leader)
    held.release()
    rig.ends_with(leader, 0)
    rig.operators.leader(but=leader)


def stopped(rig: Rig, point: Point) -> None:
    """SIGSTOP until the standby has led and told all; then SIGCONT, and what was held goes on."""
    leader, held = _leader_at(rig, point, rig.hold)
    rig.stop(leader)
    rig.operators.leader(but=leader)
    rig.until_ended()
    rig.resume(leader)
    held.release()
    rig.ends_with(leader, 1)


def answered_in_its_sleep(rig: Rig) -> dict[str, Fate]:
    """Its answer is there when it is resumed, and no watch has said what was done meanwhile.

    The next one has settled the attempt by then, and stated its list anew.
    """
    leader, held = _leader_at(rig, LEASE_UNANSWERED, rig.hold)
    rig.swallow(NAME)
    rig.stop(leader)
    held.release()
    rig.operators.leader(but=leader)
    rig.until_renewed()
    rig.resume(leader)
    rig.ends_with(leader, 1)
    return {NAME: COUNTED}


def written_after_its_death(rig: Rig) -> dict[str, Fate]:
    """Its intent was on the way when it was killed, and arrives."""
    leader, held = _leader_at(rig, LEASE_UNWRITTEN, rig.hold)
    leader.kill()
    held.release()
    rig.operators.leader(but=leader)
    return {NAME: COUNTED}


def _leader_at(
    rig: Rig, point: Point, place: Callable[[Leg, str, bool], Handle]
) -> tuple[RunningOperator, Handle]:
    """A leader whose attempt has come to this point, a standby beside it, and what holds it."""
    leader = rig.lead_with_a_standby()
    held = place(point.leg, NAME, point.answered)
    rig.apply_until_held(NAME, held)
    if point.leg is not Leg.LEASE:
        rig.until_renewed()  # so that the journal stands there as it is by now
    return leader, held


def _cut(rig: Rig, way: Callable[[Rig, Point], None], point: Point, fate: Fate) -> dict[str, Fate]:
    way(rig, point)
    return {NAME: fate}


ENDS: dict[str, tuple[Callable[[Rig, Point], None], str]] = {
    "killed": (killed, "SIGKILL, another takes over"),
    "terminated": (terminated, "SIGTERM, another takes over"),
    "stopped": (stopped, "SIGSTOP, another leads, SIGCONT"),
}


def cuts() -> Iterator[Plan]:
    """The plans, point by point."""
    for point in POINTS:
        for end, (way, words) in ENDS.items():
            name, fate = f"{point.name}-{end}", getattr(point, end)
            steps = partial(_cut, way=way, point=point, fate=fate)
            yield Plan(name, f"{point.words}: {words}", str(fate), steps, gates=name in GATING)
    yield Plan(
        "lease-unanswered-resumed",
        "its intent written: SIGSTOP, answered meanwhile, another leads, SIGCONT; no watch",
        str(COUNTED),
        answered_in_its_sleep,
        gates=True,
    )
    yield Plan(
        "lease-late-killed",
        "its intent on the way: SIGKILL, it arrives, another takes over",
        str(COUNTED),
        written_after_its_death,
    )
