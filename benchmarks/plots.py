"""The pictures of what was found, out of results.json: SVG, in docs/pictures.

It runs with what requirements-bench.txt names, which nothing else needs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes

HERE = Path(__file__).resolve().parent
PICTURES = HERE.parent / "docs" / "pictures"

#: The operator, and everybody else.
OURS, OTHERS = "#0b6bcb", "#9aa5b1"

#: Text stays text, and two runs of the same figures give the same file.
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "customevents",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def main() -> int:
    """Draw them all."""
    found = json.loads((HERE / "results.json").read_text())
    PICTURES.mkdir(exist_ok=True)
    with mpl.rc_context(STYLE):
        _save("drain", _drains, found, (8, 3.2))
        _save("latency", _latencies, found, (8, 3.6))
        _save("objects", _objects, found, (8, 3.2))
    return 0


def _save(name: str, draw: Any, found: dict[str, Any], size: tuple[float, float]) -> None:
    figure, axes = pyplot.subplots(figsize=size, layout="constrained")
    draw(axes, found)
    figure.savefig(PICTURES / f"bench-{name}.svg", metadata={"Date": None})
    pyplot.close(figure)


def _drains(axes: Axes, found: dict[str, Any]) -> None:
    """A bar for each, with the range over the rounds."""
    rates: dict[str, list[float]] = {}
    for drain in (each for round_ in found["drains"] for each in round_):
        rates.setdefault(drain["contestant"], []).append(drain["from_first_post"])
    names = sorted(rates, key=lambda name: median(rates[name]))
    middles = [median(rates[name]) for name in names]
    below = [middle - min(rates[name]) for name, middle in zip(names, middles, strict=True)]
    above = [max(rates[name]) - middle for name, middle in zip(names, middles, strict=True)]
    axes.barh(
        [found["names"][name] for name in names],
        middles,
        xerr=[below, above],
        color=[OURS if name == "operator" else OTHERS for name in names],
        ecolor="#52606d",
    )
    axes.set_xlabel("events delivered a second, median and range of the rounds")


def _latencies(axes: Axes, found: dict[str, Any]) -> None:
    """Each percentile of all rounds together."""
    for name, colour in (("operator", OURS), ("bare", OTHERS)):
        took = sorted(
            each
            for round_ in found["latencies"]
            for run in round_
            if run["contestant"] == name
            for each in run["milliseconds"]
        )
        left = [len(took) / (len(took) - rank) for rank in range(len(took))]
        axes.step(left, took, where="post", color=colour, label=found["names"][name])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([2, 10, 100, 1000], ["50 %", "90 %", "99 %", "99.9 %"])
    axes.set_xlabel("share of the events that were sooner")
    axes.set_ylabel("ms from due to POST")
    axes.legend(frameon=False)


def _objects(axes: Axes, found: dict[str, Any]) -> None:
    """What a start takes, and the memory, over what lies there finished."""
    there = [each["events"] for each in found["lying"]]
    axes.plot(there, [each["start_cpu"] for each in found["lying"]], "o-", color=OURS)
    axes.set_ylabel("seconds of CPU of a start", color=OURS)
    axes.set_ylim(bottom=0)
    memory = axes.twinx()
    memory.plot(there, [each["peak"] for each in found["lying"]], "s--", color="#52606d")
    memory.set_ylabel("MiB, the most", color="#52606d")
    memory.set_ylim(bottom=0)
    axes.set_xlabel("finished events that lie there")


if __name__ == "__main__":
    sys.exit(main())
