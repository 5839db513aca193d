"""What the CRD's schema does to an object: it drops, fills in, and refuses.

One walk does all three and builds the object anew, so that nothing of what was sent is kept. The
rules in CEL are left out: what breaks only them is let in here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

#: Where a value stands: what it is in, and its name or number there. Written out only in a fault.
Place = tuple[Any, str | int] | None

#: After one of these the real server does not look at the rules in CEL, and says so.
_BLOCKING = {
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
}

_RULES_UNCHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)

_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?(z|[+-][0-9]{2}:[0-9]{2})")

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
}

_NAMES = {dict: "object", list: "array", tuple: "array", str: "string", bool: "boolean"}
_NAMES |= {int: "integer", float: "number", type(None): "null"}


#: Of these types, equal values are the same; True would be 1.
_CACHED = (str, int)
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong with an object, as a Status lists it."""

    reason: str
    field: str
    message: str


@dataclass
class Flaws:
    """What one walk found."""

    wrong: list[Flaw] = field(default_factory=list)
    #: Fields that the schema does not know; they were dropped.
    unknown: list[str] = field(default_factory=list)

    def add(self, reason: str, at: Place, message: str) -> None:
        """Something is wrong there."""
        self.wrong.append(Flaw(reason, written(at), message))


def complete(wrong: list[Flaw]) -> list[Flaw]:
    """The same, and whether more was not looked at."""
    if any(fault.reason in _BLOCKING for fault in wrong):
        return [*wrong, Flaw("FieldValueInvalid", "<nil>", _RULES_UNCHECKED)]
    return wrong


def written(at: Place) -> str:
    """A place as a Status writes it: `status.conditions[0].type`."""
    if at is None:
        return ""
    inside, name = at
    before = written(inside)
    if isinstance(name, int):
        return f"{before}[{name}]"
    return f"{before}.{name}" if before else name


class Schema:
    """The schema of one field, and of all that is in it."""

    def __init__(self, raw: dict[str, Any]) -> None:
        """`raw`: as the CRD writes it."""
        self._type = str(raw["type"])
        self._types = _TYPES[self._type]
        properties: dict[str, Any] = raw.get("properties", {})
        self._properties = {name: Schema(each) for name, each in properties.items()}
        self._defaults = [
            (n, each["default"]) for n, each in properties.items() if "default" in each
        ]
        self._required = tuple(raw.get("required", ()))
        self._others = (
            Schema(raw["additionalProperties"]) if "additionalProperties" in raw else None
        )
        self._items = Schema(raw["items"]) if "items" in raw else None
        self._bits = int(
            raw.get("format", "0").removeprefix("int") if self._type == "integer" else 0
        )
        self._keys = tuple(raw.get("x-kubernetes-list-map-keys", ()))
        self._enum = _one_of(raw["enum"]) if "enum" in raw else None
        self._checks = tuple(_checks(raw))
        #: Texts and numbers that were let in: most come again and again.
        self.good: set[str | int] = set()
        self._admit: Callable[[Any, Place, Flaws], Any] = self._checked
        if self._type == "object":
            self._admit = self._object
        if self._type == "array":
            self._admit = self._array
        if self._type == "integer":
            self._admit = self._integer

    def of(self, name: str) -> Schema:
        """The schema of one of its fields."""
        return self._properties[name]

    def default(self, name: str) -> Any:
        """What a field is that was left out; None: absent. It is not to be changed."""
        return dict(self._defaults).get(name)

    def admit(self, value: Any, at: Place, faults: Flaws) -> Any:
        """The value as it is stored, if there are no faults."""
        kind = type(value)
        if kind not in self._types or (kind is bool and self._type != "boolean"):
            if kind is float and self._type == "integer":
                return self._float(value, at, faults)
            if self._enum:  # what is of another type is none of these either
                self._enum(value, at, faults)
            return _wrong_type(self._type, _NAMES[kind], at, faults)
        if kind not in _CACHED:
            return self._admit(value, at, faults)
        before = len(faults.wrong)
        self._admit(value, at, faults)
        if len(faults.wrong) == before:
            self._remember(value)
        return value

    def _remember(self, value: str | int) -> None:
        if len(self.good) >= _MOST_REMEMBERED:
            self.good.clear()
        self.good.add(value)

    def _object(self, value: dict[str, Any], at: Place, faults: Flaws) -> dict[str, Any]:
        kept = {}
        for name, inner in value.items():
            schema = self._properties.get(name, self._others)
            if schema is None:
                faults.unknown.append(written((at, name)))
            elif type(inner) in _CACHED and inner in schema.good:
                kept[name] = inner
            elif inner is not None:  # null counts as left out
                kept[name] = schema.admit(inner, (at, name), faults)
        for name, default in self._defaults:
            kept.setdefault(name, default)
        for name in self._required:
            if name not in kept:
                faults.add("FieldValueRequired", (at, name), "Required value")
        self._checked(kept, at, faults)
        return kept

    def _array(self, value: list[Any], at: Place, faults: Flaws) -> list[Any]:
        assert self._items is not None
        items, kept = self._items, []
        for number, each in enumerate(value):
            is_known = type(each) in _CACHED and each in items.good
            kept.append(each if is_known else items.admit(each, (at, number), faults))
        if self._keys:
            self._unique(value, at, faults)
        self._checked(kept, at, faults)
        return kept

    def _unique(self, items: list[Any], at: Place, faults: Flaws) -> None:
        seen = set[tuple[Any, ...]]()
        for number, item in enumerate(items):
            if not isinstance(item, dict):
                if item is not None:
                    words = "Invalid value: must be an object for an item of a map"
                    faults.add("FieldValueInvalid", (at, number), words)
                continue
            key = tuple(str(item.get(name)) for name in self._keys)
            if key in seen:
                faults.add("FieldValueDuplicate", (at, number), f"Duplicate value: {key}")
            seen.add(key)

    def _checked(self, value: Any, at: Place, faults: Flaws) -> Any:
        for check in self._checks:
            check(value, at, faults)
        return value

    def _float(self, value: float, at: Place, faults: Flaws) -> Any:
        if value.is_integer():  # JSON knows no difference between 1 and 1.0
            return self.admit(int(value), at, faults)
        if self._bits:
            _beyond_format(self._bits, at, faults)
        return _wrong_type("int64", "float64", at, faults)

    def _integer(self, value: int, at: Place, faults: Flaws) -> Any:
        if not -(2**63) <= value < 2**63:
            _wrong_type("int64", "float64", at, faults)
        if self._bits and not -(2 ** (self._bits - 1)) <= value < 2 ** (self._bits - 1):
            _beyond_format(self._bits, at, faults)
        return self._checked(value, at, faults)


def _wrong_type(wanted: str, found: str, at: Place, faults: Flaws) -> None:
    words = f'Invalid value: "{found}": must be of type {wanted}: "{found}"'
    faults.add("FieldValueTypeInvalid", at, words)


def _beyond_format(bits: int, at: Place, faults: Flaws) -> None:
    words = f'Invalid value: "": must be of type integer with format int{bits}: {written(at)}'
    faults.add("FieldValueInvalid", _root(at), words)  # the real server says it of the whole


def _root(at: Place) -> Place:
    while at is not None and at[0] is not None:
        at = at[0]
    return at if at == (None, "status") else (None, "<nil>")


Check = Callable[[Any, Place, Flaws], None]


def _checks(raw: dict[str, Any]) -> Iterator[Check]:
    if "enum" in raw:
        yield _one_of(raw["enum"])
    if "minLength" in raw:
        yield _not_below(raw["minLength"], len, "should be at least {} chars long")
    if "maxLength" in raw:
        yield _not_above(raw["maxLength"], "FieldValueTooLong", "Too long: at most {} bytes")
    if "minItems" in raw:
        yield _not_below(raw["minItems"], len, "should have at least {} items")
    if "maxItems" in raw:
        yield _not_above(raw["maxItems"], "FieldValueTooMany", "Too many: at most {} items")
    if "maxProperties" in raw:
        yield _not_above(raw["maxProperties"], "FieldValueTooMany", "Too many: at most {} items")
    if "minimum" in raw:
        yield _not_below(raw["minimum"], int, "should be greater than or equal to {}")
    if "maximum" in raw:
        yield _not_beyond(raw["maximum"])
    if raw.get("format") == "date-time":
        yield _date_time


def _one_of(allowed: list[str]) -> Check:
    words = "supported values: " + ", ".join(f'"{each}"' for each in allowed)
    known = frozenset(allowed)

    def check(value: Any, at: Place, faults: Flaws) -> None:
        if not isinstance(value, str) or value not in known:
            faults.add("FieldValueNotSupported", at, f'Unsupported value: "{value}": {words}')

    return check


def _not_below(least: int, size: Callable[[Any], int], words: str) -> Check:
    def check(value: Any, at: Place, faults: Flaws) -> None:
        if size(value) < least:
            faults.add("FieldValueInvalid", at, f"Invalid value: {value}: {words.format(least)}")

    return check


def _not_beyond(most: int) -> Check:
    def check(value: Any, at: Place, faults: Flaws) -> None:
        if value > most:
            words = f"Invalid value: {value}: should be less than or equal to {most}"
            faults.add("FieldValueInvalid", at, words)

    return check


def _not_above(most: int, reason: str, words: str) -> Check:
    def check(value: Any, at: Place, faults: Flaws) -> None:
        if len(value) > most:
            faults.add(reason, at, words.format(most))

    return check


def _date_time(value: str, at: Place, faults: Flaws) -> None:
    day, _, time = value.lower().partition("t")
    found = _TIME.fullmatch(time)
    if not (found and _is_date(day) and found[1] < "24" and found[2] < "60" and found[3] < "60"):
        _wrong_type("date-time", value, at, faults)


@lru_cache(maxsize=1000)
def _is_date(text: str) -> bool:
    try:
        return len(text) == len("2026-01-31") and bool(date.fromisoformat(text))
    except ValueError:
        return False
