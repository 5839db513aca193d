"""Figures of several rounds: the median and the range, and ratios taken within a round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, with the least and the most of them."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Of at least one round."""
        return cls(median(figures), min(figures), max(figures), len(figures))

    def shown(self, digits: int = 0) -> str:
        """`median (least-most)`."""
        if self.rounds == 1:
            return f"{self.median:.{digits}f}"
        return f"{self.median:.{digits}f} ({self.least:.{digits}f} to {self.most:.{digits}f})"


def percentile(sorted_figures: Sequence[float], share: float) -> float:
    """The smallest figure that at least this share of them does not exceed; nothing is binned."""
    rank = max(1, math.ceil(share * len(sorted_figures)))
    return sorted_figures[rank - 1]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, round by round: what the machine did in a round, it did to both."""
    return Spread.of([own / other for own, other in zip(ours, theirs, strict=True)])
