"""Field and label selectors of lists and watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from simulation.kinds import ServedKind
from simulation.refusals import bad_request

Raw = dict[str, Any]
Selects = Callable[[Raw], bool]


def everything(_: Raw) -> bool:
    """What no selector is."""
    return True


@lru_cache(maxsize=1000)
def selects(kind: ServedKind, fields: str, labels: str) -> Selects:
    """What both select together. Raises NotDone."""
    wanted = [_field(kind, part) for part in fields.split(",") if part]
    wanted += [_label(part.strip()) for part in labels.split(",") if part]
    if not wanted:
        return everything
    if len(wanted) == 1:
        return wanted[0]
    return lambda found: all(each(found) for each in wanted)


def _field(kind: ServedKind, part: str) -> Selects:
    name, value, is_equal = _split(part)
    if name is None:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    read = {
        "metadata.name": lambda found: found["metadata"]["name"],
        "metadata.namespace": lambda found: found["metadata"].get("namespace", ""),
        **({"status.delivery.state": _state} if kind.is_ours else {}),
    }.get(name)
    if read is None:
        raise bad_request(f"field label not supported: {name}")
    return lambda found: (read(found) == value) == is_equal


def _label(part: str) -> Selects:
    name, value, is_equal = _split(part)
    if name is not None:
        return lambda found: (_labels(found).get(name) == value) == is_equal
    if " " in part or "(" in part:
        raise NotImplementedError(f"the simulation has no label selector {part!r}")
    if part.startswith("!"):
        return lambda found: part[1:] not in _labels(found)
    return lambda found: part in _labels(found)


def _split(part: str) -> tuple[str | None, str, bool]:
    for sign in ("!=", "==", "="):
        name, found, value = part.partition(sign)
        if found:
            return name, value, sign != "!="
    return None, "", True


def _state(found: Raw) -> str:
    return str(found.get("status", {}).get("delivery", {}).get("state", ""))


def _labels(found: Raw) -> Mapping[str, str]:
    labels: Mapping[str, str] = found["metadata"].get("labels", {})
    return labels
