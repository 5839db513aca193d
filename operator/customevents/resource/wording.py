"""What is wrong with a field, in words: where it stands, and what it must be.

pydantic finds it, and says it to programmers; its own words reach nobody. A test holds the table to
the kinds of errors that the models can meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

#: Characters of a number that a message repeats.
LONGEST_VALUE = 40


def where(root: str, location: tuple[int | str, ...]) -> str:
    """A field's place as the API server writes it: `spec.scope.clusters[0]`."""
    path = root
    for part in location[:-2] if _is_about_a_key(location) else location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _is_about_a_key(location: tuple[int | str, ...]) -> bool:
    """Whether it is the name of an entry that is wrong, and not its value."""
    return location[-1:] == ("[key]",)


def words(error: ErrorDetails) -> str:
    """What a field must be, to be read after its name."""
    table = _WORDS_OF_KEYS if _is_about_a_key(error["loc"]) else {}
    say = table.get(error["type"]) or _WORDS.get(error["type"])
    return say(error) if say else f"must be something else ({error['type']})"


def of_a_setting(error: ErrorDetails) -> str:
    """The same for what an environment variable holds, which knows no quotes."""
    say = _WORDS_OF_SETTINGS.get(error["type"])
    return say(error) if say else words(error)


def _always(text: str) -> Callable[[ErrorDetails], str]:
    return lambda _: text


def _counted(text: str) -> Callable[[ErrorDetails], str]:
    return lambda error: text.format_map(_context(error))


def _context(error: ErrorDetails) -> Mapping[str, Any]:
    return error.get("ctx") or {}


def _own(error: ErrorDetails) -> str:
    return str(_context(error)["error"])


def _string(error: ErrorDetails) -> str:
    value = error["input"]
    if value is None:
        return "must be a string: put one into quotes, or leave it out (null is none)"
    if isinstance(value, list | tuple | dict):
        kind = "a map" if isinstance(value, dict) else "a list"
        return f"must be a string: put it into quotes, as one text ({kind} is none)"
    # YAML has read it already: 72225e2 is 7222500 by now, and that is not what goes into quotes.
    return f"must be a string: put it into quotes (unquoted, it is {_shown(value)})"


def _shown(value: object) -> str:
    """A scalar as YAML and JSON write it, with its kind."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    text = str(value)
    return f"the number {text}" if len(text) <= LONGEST_VALUE else "a number"


def _lower_bound(error: ErrorDetails) -> str:
    least = _context(error).get("min_length", 1)
    return "must not be empty" if least == 1 else f"must have {least} entries or more"


def _least(error: ErrorDetails) -> str:
    bound = _bound(error, "ge")
    return f"must not be before {bound}" if "T" in bound else f"must be {bound} or more"


def _most(error: ErrorDetails) -> str:
    return f"must be {_bound(error, 'le')} or less"


def _before(error: ErrorDetails) -> str:
    return f"must be before {_bound(error, 'lt')}"


def _bound(error: ErrorDetails, name: str) -> str:
    bound = str(_context(error).get(name)).removesuffix(".0")
    return bound.replace(" 00:00:00+00:00", "T00:00:00Z")


def _one_of(error: ErrorDetails) -> str:
    return f"must be {str(_context(error)['expected']).replace(chr(39), '')}"


_TIME = _always("must be a time with its zone, such as 2026-01-31T12:00:00Z")
_WHOLE = _always("must be a whole number, without quotes")
_SWITCH = _always("must be true or false, without quotes")
_MAP = _always("must be a map: names with a value each")
_LIST = _always("must be a list")

_WORDS_OF_KEYS: dict[str, Callable[[ErrorDetails], str]] = {
    "string_too_short": _always("must have no empty names"),
    "string_too_long": _counted("must have names of at most {max_length} characters"),
}

_WORDS_OF_SETTINGS: dict[str, Callable[[ErrorDetails], str]] = {
    "missing": _always("must be set"),
    "bool_parsing": _always("must be true or false"),
    "int_parsing": _always("must be a whole number"),
    "int_parsing_size": _always("must be a whole number"),
    "int_from_float": _always("must be a whole number"),
    "float_parsing": _always("must be a number"),
    "finite_number": _always("must be a number"),
}

_WORDS: dict[str, Callable[[ErrorDetails], str]] = {
    "missing": _always("must be given"),
    "extra_forbidden": _always("is no field"),
    "value_error": _own,
    "string_type": _string,
    "string_unicode": _always("must be text"),
    "string_too_short": _lower_bound,
    "string_too_long": _counted("must have at most {max_length} characters"),
    "string_pattern_mismatch": _always(
        "must be one line of plain text: no line breaks, tabs or other control characters"
    ),
    "enum": _one_of,
    "literal_error": _one_of,
    "too_short": _lower_bound,
    "too_long": _counted("must have at most {max_length} entries"),
    "tuple_type": _LIST,
    "dict_type": _MAP,
    "model_type": _MAP,
    "dataclass_type": _MAP,
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "finite_number": _WHOLE,
    "greater_than_equal": _least,
    "less_than_equal": _most,
    "less_than": _before,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": _TIME,
}
