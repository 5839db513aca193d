"""Which cluster the flags of a command choose, and as whom; light, for `--help` reads it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Chosen:
    """What kubectl's flags of these names choose; what is empty, they do not."""

    kubeconfig: str = ""
    context: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()

    @property
    def flags(self) -> str:
        """The same as it is typed, with a blank before each; empty if nothing was chosen."""
        given = (
            ("--kubeconfig", self.kubeconfig),
            ("--context", self.context),
            ("--as", self.as_user),
            *(("--as-group", group) for group in self.as_groups),
        )
        return "".join(f" {flag} {shlex.quote(value)}" for flag, value in given if value)
