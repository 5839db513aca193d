"""Says which defects of delivery were found, and whether today's tests still find each of them.

    python tests/faults/track_record.py                  # lists them
    python tests/faults/track_record.py check NAME...    # puts them back; or "all"
    python tests/faults/track_record.py check all --unit # without the tests that need a cluster
    python tests/faults/track_record.py render           # writes the table for people

track-record.toml is the record. It exits 0 if each test that was run is red with its defect, and
green without it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # it is a command, and begins there

from faults.defects import Defect, Shown, all_defects, check

PAGE = Path(__file__).parents[1] / "simulation" / "TRACK-RECORD.md"

INTRODUCTION = """\
# What went wrong with delivery, and what finds it today

Every defect of delivery that was ever found in this project: an event that was lost, sent twice,
not counted, stuck or wrongly finished, an operator that spun, went deaf or ended. Each is put back
into today's code, in a copy, and the tests named here must turn red; without it they must be green:

```console
$ python tests/faults/track_record.py check all          # or names
$ python tests/faults/track_record.py check all --unit   # without the tests that need a cluster
```

The *list* is that of the attempts under way, on the operator's Lease; *settling* is to put one of
them on its object's status once nobody knows its end; the *essence* is what of a status is written
where the cluster refuses the whole.

A test of `test_found.py` is a schedule of the simulation, as small as it could be made. The commit
is the one that mended it. *history* stands where today's code has no place for the defect: there
the tests of that commit are run on the code before it. The record is
[track-record.toml](../faults/track-record.toml), and this page is made of it
(`python tests/faults/track_record.py render`).
"""

COLUMNS = ("defect", "what a user could have met", "mended", "found by", "seen")


def main() -> int:
    """Do what the command line asks for; how many defects were not shown."""
    options = _options()
    chosen = [each for each in all_defects() if {each.name, "all"} & set(options.names)]
    match options.what:
        case "render":
            PAGE.write_text(page())
            return 0
        case "check":
            return _check(chosen, unit_only=options.unit)
        case _:
            for defect in all_defects():
                print(f"{defect.name:40} {defect.mended}  {defect.met}")
            return 0


def page() -> str:
    """The table for people."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_cells, all_defects())]
    return "\n".join([INTRODUCTION, *(f"| {' | '.join(cells)} |" for cells in rows), ""])


def _cells(defect: Defect) -> tuple[str, ...]:
    tests = "<br>".join(f"`{test}`" for test in defect.tests)
    found = tests if defect.mutation else f"*history*: {tests}"
    return (f"`{defect.name}`", defect.met, f"`{defect.mended}`", found, defect.seen)


def _check(chosen: list[Defect], *, unit_only: bool) -> int:
    shown = {
        defect.name: [_told(defect, each) for each in check(defect, unit_only=unit_only)]
        for defect in chosen
    }
    not_asked = [name for name, told in shown.items() if not told]
    not_shown = [name for name, told in shown.items() if not all(told)]
    tests = sum(map(len, shown.values()))
    print(f"{len(chosen) - len(not_asked)} defects, {tests} tests")
    print(f"not shown: {', '.join(not_shown) or 'none'}")
    print(f"not asked: {', '.join(not_asked) or 'none'}")
    return len(not_shown)


def _told(defect: Defect, shown: Shown) -> bool:
    """Say what one test showed; whether it tells."""
    print(
        f"{defect.name:40} {shown.broken.colour:12} {shown.mended.colour:12} {shown.test}",
        flush=True,
    )
    if not shown.tells:
        print("\n".join(f"    {line}" for line in shown.broken.why + shown.mended.why))
    return shown.tells


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", default="list", choices=("list", "check", "render"))
    parser.add_argument("names", nargs="*", metavar="DEFECT", help="to check; or all")
    parser.add_argument("--unit", action="store_true", help="only tests that need no cluster")
    options = parser.parse_intermixed_args()
    if unknown := set(options.names) - {"all", *(each.name for each in all_defects())}:
        parser.error(f"no such defect: {', '.join(sorted(unknown))}")
    if options.what != "check" and options.names:
        parser.error(f"{options.what} takes no names: check does")
    if options.what == "check" and not options.names:
        parser.error("name defects to check, or all")
    return options


if __name__ == "__main__":
    sys.exit(main())
