"""Thousands of schedules, each with every rule looked at; `make simulate` runs on from there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from faults.mutate import ROOT, SOURCE, all_mutations, broken

#: Schedules from seed 0 on, and those that nobody has run before.
FIXED, FRESH = 5000, 300

#: What a story tells of one event, and of what repeats itself.
STORY = (
    r"^t= .*  world   create bank/e3$",
    r"^t= .*  b1      WATCH shows bank/e3, version \d+$",
    r"^t= .*  b1      POST bank/e3 'e3 v1'$",
    r"^t= .*  b1      POST bank/e3: 201$",
    r"^t= .*  b1      PATCH status of bank/e3: 200$",
    r"^t= .*  b1      bank/e3 is Delivered \(Delivered\), version \d+$",
    r"^t= .*  b1      \.\.\. \d+ times more until then$",
)


def asked(
    *command: str, hash_seed: str = "0", source: Path = SOURCE
) -> subprocess.CompletedProcess[str]:
    """The simulation's command line, in a process of its own."""
    search = os.pathsep.join((str(source), str(ROOT / "tests")))
    environment = {**os.environ, "PYTHONPATH": search, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-m", "simulation", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_no_rule_is_broken_in_the_schedules_that_everybody_runs() -> None:
    said = asked("explore", "--seed", "0", "--schedules", str(FIXED), "--minutes", "60", "--plain")
    assert said.returncode == 0, said.stdout + said.stderr
    assert f"{FIXED} schedules" in said.stdout


def test_no_rule_is_broken_in_schedules_that_nobody_has_run() -> None:
    """Its first line says the seed (the time), and a rule that is broken how to see that again."""
    said = asked("explore", "--schedules", str(FRESH), "--minutes", "60", "--plain")
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_schedule_that_breaks_a_rule_is_told_with_the_line_that_replays_it() -> None:
    mutation = next(each for each in all_mutations() if each.name == "post-before-commit")
    with broken(mutation) as source:
        said = asked("explore", "--seed", "1000000", "--first", "--workers", "1", source=source)
        assert said.returncode == 1, said.stdout + said.stderr
        lines = said.stdout.splitlines()
        _, _, _, _, *again = next(line for line in lines if "replay" in line).split()
        replayed = asked(*again, source=source)
    (ROOT / ".cache" / "simulation" / f"{again[1]}.json").unlink()
    assert f"broken: {lines[2]}" in replayed.stdout


def test_a_schedule_replays_to_the_same_story_in_another_process() -> None:
    stories = [asked("digest", "--schedules", "200", hash_seed=seed).stdout for seed in "12"]
    assert stories[0] == stories[1]
    assert len(stories[0].splitlines()) == 200


def test_a_seed_has_a_story_that_a_person_reads() -> None:
    said = asked("replay", "3", "--log")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "a1      starts" in said.stdout
    assert "is calm" in said.stdout
    assert said.stdout.startswith(
        "seed 3: 2 replicas, 5 events; nothing goes wrong any more from t=40"
    )
    for line in STORY:
        assert re.search(line, said.stdout, re.M), line
