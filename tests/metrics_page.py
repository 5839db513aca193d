"""What an operator exposes at `/metrics`, read as Prometheus reads it."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Scrape:
    """The samples of one scrape."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def of(cls, text: str) -> Scrape:
        """Read the text format; raises ValueError where it is none."""
        families = text_string_to_metric_families(text)
        return cls(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in families
                for sample in family.samples
            }
        )

    def __call__(self, name: str, **labels: str) -> float:
        """One sample; raises KeyError if it is not there. `class_` stands for the label class."""
        asked = {label.rstrip("_"): value for label, value in labels.items()}
        return self.samples[f"customevents_{name}", frozenset(asked.items())]

    def has(self, name: str) -> bool:
        """Whether there is any sample of this name."""
        return any(found == f"customevents_{name}" for found, _ in self.samples)
