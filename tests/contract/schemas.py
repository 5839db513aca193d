"""The CRD's schema and pydantic's, brought into one form in which they can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

CRD = Path(__file__).parents[2] / "crds" / "customevents.customevents.dev.yaml"

Schema = dict[str, Any]

#: What both languages can say of a value.
BOUNDS = (
    *("minLength", "maxLength", "minimum", "maximum"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
)


@cache
def crd_schema(part: str) -> Schema:
    """The CRD's schema of `spec` or `status`."""
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]["properties"][part]
    return schema


def of_model(model: type[BaseModel]) -> Schema:
    """The model's schema without references, nulls, and defaults that mean absence."""
    whole = model.model_json_schema()
    definitions = whole.pop("$defs", {})

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return plain({**definitions[node["$ref"].rpartition("/")[2]], **_beside(node, "$ref")})
        alternatives = [one for one in node.get("anyOf", ()) if one != {"type": "null"}]
        if len(alternatives) == 1:
            return plain({**alternatives[0], **_beside(node, "anyOf")})
        return {key: plain(value) for key, value in node.items()}

    found: Schema = plain(whole)
    return found


def _beside(node: Schema, left_out: str) -> Schema:
    return {key: value for key, value in node.items() if key != left_out}


def facts(node: Schema, path: str) -> Iterator[tuple[str, Any]]:
    """Every statement of a schema: `spec.eventType maxLength` → 60."""
    yield f"{path} type", node["type"]
    yield from _said(node, path)
    for name, inner in node.get("properties", {}).items():
        yield from facts(inner, f"{path}.{name}")
    if isinstance(node.get("additionalProperties"), dict):
        yield from facts(node["additionalProperties"], f"{path}.<key>")
    if "items" in node:
        yield from facts(node["items"], f"{path}[]")


def _said(node: Schema, path: str) -> Iterator[tuple[str, Any]]:
    is_time = node.get("format") == "date-time"
    if is_time:
        yield f"{path} format", "date-time"
    for bound in BOUNDS:
        # The length of a time bounds the cost of the CRD's rules, and nothing else.
        if bound in node and not is_time:
            yield f"{path} {bound}", node[bound]
    if "enum" in node:
        yield f"{path} enum", sorted(node["enum"])
    if node.get("required"):
        yield f"{path} required", sorted(node["required"])
    if node.get("default") not in (None, False, 0, "", [], {}):
        yield f"{path} default", node["default"]


def rules(node: Schema) -> Iterator[str]:
    """The CEL rules that stand at this very node."""
    for rule in node.get("x-kubernetes-validations", ()):
        yield rule["rule"]


_TYPES: dict[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}


def violations(node: Schema, value: Any, path: str) -> Iterator[str]:
    """Why the API server would refuse a value, or silently drop a part of it."""
    kind: Any = _TYPES[node["type"]]
    if not isinstance(value, kind):
        yield f"{path} is not of type {node['type']}"
        return
    if value not in node.get("enum", [value]):
        yield f"{path} is none of {node['enum']}"
    size = value if isinstance(value, int) else len(value)
    lower = [node[key] for key in ("minLength", "minimum", "minItems") if key in node]
    upper = [node[key] for key in ("maxLength", "maximum", "maxItems") if key in node]
    if any(size < bound for bound in lower) or any(size > bound for bound in upper):
        yield f"{path} is out of bounds: {size}"
    if isinstance(value, list):
        for item in value:
            yield from violations(node["items"], item, f"{path}[]")
    if isinstance(value, dict):
        for name in node.get("required", ()):
            if name not in value:
                yield f"{path}.{name} is required"
        for name, inner in value.items():
            if name in node["properties"]:
                yield from violations(node["properties"][name], inner, f"{path}.{name}")
            else:
                yield f"{path}.{name} would be dropped"
