"""Every choice of a schedule, drawn by the name of what is chosen.

There is no stream of numbers: what is drawn for one request stays the same when another one is left
out. So a schedule can be made smaller without becoming another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from random import Random

_BYTES = 7


class Chance:
    """Numbers from 0 to 1 by name, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, *name: object) -> float:
        """The number of this name."""
        said = "|".join(map(str, (self._seed, *name))).encode()
        return int.from_bytes(blake2b(said, digest_size=_BYTES).digest()) / (1 << 8 * _BYTES)

    def stream(self, *name: object) -> Random:
        """Numbers of this name, one after the other."""
        return Random(f"{self._seed}|{name}")

    def span(self, low: float, high: float, *name: object) -> float:
        """A number between two, each order of magnitude as likely as the next."""
        return float(low * (high / low) ** self.of(*name))


def drawn(shares: Mapping[str, float], number: float) -> str:
    """Which of these happens, if each does in its share of all cases; empty: none."""
    for what, share in shares.items():
        number -= share
        if number < 0.0:
            return what
    return ""
