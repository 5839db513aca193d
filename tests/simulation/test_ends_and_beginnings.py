"""What a process leaves behind when it ends, and what the next one does with that first."""

from __future__ import annotations

import re
from dataclasses import replace

from simulation.plan import Deed, Plan
from simulation.runs import run

CROWD = Plan(
    seed=1,
    deeds=tuple(Deed(1.0 + number / 100, "create", f"shop/e{number}") for number in range(6)),
    settings={"delivery_in_flight": 2},
    slowest=0.5,
)


def test_what_was_in_flight_is_settled_before_its_object_is_sent() -> None:
    killed = Deed(0.0, "kill", "a", point="POST remote done")
    outcome = run(replace(CROWD, deeds=(killed, *CROWD.deeds)))
    assert outcome.violations == ()
    assert any("is killed" in what for _, _, what in outcome.trace)


def test_who_is_asked_to_stop_begins_nothing_more() -> None:
    asked = Deed(0.0, "term", "a", point="POST remote sent")
    outcome = run(replace(CROWD, deeds=(asked, *CROWD.deeds)))
    assert outcome.violations == ()
    sent = re.compile(r"POST shop/e\d '")  # and not what became of it
    posts = [who for _, who, what in outcome.trace if sent.match(what)]
    assert posts.count("a1") <= CROWD.settings["delivery_in_flight"]
    assert len(posts) == len(CROWD.deeds)
