"""Which release an object belongs to, by the marks that Helm, Argo CD and Flux leave on it.

Two objects belong to the same release if they carry the same mark with the same value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

#: Characters of a mark's value; the longest that a tool writes is `namespace_name` of Argo CD.
LONGEST_VALUE = 512

#: Its value is `APPLICATION:GROUP/KIND:NAMESPACE/NAME`; what is behind the first colon is the
#: object's own.
TRACKING_ID = "argocd.argoproj.io/tracking-id"

_MARKS: tuple[tuple[Literal["label", "annotation"], str], ...] = (
    ("label", "app.kubernetes.io/instance"),
    ("annotation", "meta.helm.sh/release-name"),
    ("annotation", TRACKING_ID),
    ("label", "helm.toolkit.fluxcd.io/name"),
    ("label", "kustomize.toolkit.fluxcd.io/name"),
)


@dataclass(frozen=True, slots=True)
class Release:
    """One mark of a release, and its value."""

    where: Literal["label", "annotation"]
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.where} {self.key}={self.value}"


def releases_of(metadata: dict[str, Any]) -> tuple[Release, ...]:
    """The marks that an object carries; the first is the one that counts for it."""
    found = []
    for where, key in _MARKS:
        value = (metadata.get(f"{where}s") or {}).get(key, "")
        if key == TRACKING_ID:
            value = value.partition(":")[0]
        if 0 < len(value) <= LONGEST_VALUE:
            found.append(Release(where, key, value))
    return tuple(found)
