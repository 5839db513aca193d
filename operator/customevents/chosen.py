"""Which cluster the flags of a command choose, and as whom; light, for `--help` reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chosen:
    """What kubectl's flags of these names choose; what is empty, they do not."""

    kubeconfig: str = ""
    context: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()
