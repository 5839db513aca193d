"""Counters that a test can read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Counted:
    """What was counted: namespaces, in their order, and with attempts their class."""

    attempts: list[tuple[str, str]] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    unusual: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    cancellations: list[str] = field(default_factory=list)

    def attempted(self, namespace: str, outcome_class: str, took: float) -> None:
        self.attempts.append((namespace, outcome_class))
        self.took.append(took)

    def delivered(self, age: float) -> None:
        self.ages.append(age)

    def unusual_success(self, namespace: str) -> None:
        self.unusual.append(namespace)

    def unknown_outcome(self, namespace: str) -> None:
        self.unknown.append(namespace)

    def cancelled(self, namespace: str) -> None:
        self.cancellations.append(namespace)
