"""JSON Patch (RFC 6902) and merge patch (RFC 7396), as the API server reads them.

What is patched is never changed: the result shares with it all that the patch leaves alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class DoesNotApply(Exception):
    """A `test` failed, or an operation names what is not there."""


_ABSENT = object()


def patched(found: Any, operations: Sequence[dict[str, Any]]) -> Any:
    """The result of a JSON Patch. Raises DoesNotApply."""
    for operation in operations:
        path = _tokens(str(operation.get("path", "")))
        match operation.get("op"):
            case "test":
                _test(_at(found, path, 0), operation.get("value"))
            case "add" | "replace" | "remove" as op:
                found = _changed(found, path, 0, op, operation.get("value"))
            case _:
                raise DoesNotApply
    return found


def merged(found: Any, patch: Any) -> Any:
    """The result of a merge patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(found) if isinstance(found, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _tokens(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _test(found: Any, wanted: Any) -> None:
    # What is absent is null for a test.
    if not _same(None if found is _ABSENT else found, wanted):
        raise DoesNotApply


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON as the server has it: 1 is neither true nor 1.0."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(map(_same, one.values(), map(other.__getitem__, one)))
    return not isinstance(one, list) or all(map(_same, one, other))


def _at(found: Any, path: list[str], depth: int) -> Any:
    if depth == len(path):
        return found
    name = path[depth]
    if isinstance(found, dict):
        inner = found.get(name, _ABSENT)
        if inner is _ABSENT and depth < len(path) - 1:
            raise DoesNotApply
        return inner if inner is _ABSENT else _at(inner, path, depth + 1)
    if isinstance(found, list):
        return _at(found[_index(name, len(found) - 1)], path, depth + 1)
    raise DoesNotApply


def _changed(found: Any, path: list[str], depth: int, op: str, value: Any) -> Any:
    if not path:
        raise DoesNotApply
    name, is_last = path[depth], depth == len(path) - 1
    if isinstance(found, dict):
        return _changed_object(found, path, depth, op, value)
    if not isinstance(found, list):
        raise DoesNotApply
    items = list(found)
    if not is_last:
        at = _index(name, len(items) - 1)
        items[at] = _changed(items[at], path, depth + 1, op, value)
    elif op == "add":
        items.insert(len(items) if name == "-" else _index(name, len(items)), value)
    elif op == "remove":
        del items[_index(name, len(items) - 1)]
    else:
        items[_index(name, len(items) - 1)] = value
    return items


def _changed_object(
    found: dict[str, Any], path: list[str], depth: int, op: str, value: Any
) -> dict[str, Any]:
    name, is_last = path[depth], depth == len(path) - 1
    if not is_last:
        if name not in found:
            raise DoesNotApply
        return {**found, name: _changed(found[name], path, depth + 1, op, value)}
    if op == "remove":
        if name not in found:
            raise DoesNotApply
        return {each: inner for each, inner in found.items() if each != name}
    return {**found, name: value}


def _index(name: str, most: int) -> int:
    if not name.isascii() or not name.isdecimal() or int(name) > most:
        raise DoesNotApply
    return int(name)
