"""Files as kubectl reads them, and as we do: the same documents, or both refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from _common import ClusterError
from localcluster import Cluster

from customevents.commands import manifests
from customevents.resource.errors import InvalidSpec

HEAD = "apiVersion: customevents.dev/v1alpha1\nkind: CustomEvent\nmetadata: {name: odd}\n"
EVENT = f"{HEAD}spec: {{a: 1}}\n"
OBJECT: dict[str, Any] = {
    "apiVersion": "customevents.dev/v1alpha1",
    "kind": "CustomEvent",
    "metadata": {"name": "odd"},
    "spec": {"a": 1},
}
JSON = json.dumps(OBJECT)


def listed(*items: dict[str, Any], kind: str = "List", version: str = "v1") -> dict[str, Any]:
    return {"kind": kind, "apiVersion": version, "items": list(items)}


#: What stands behind `spec:`.
SPECS = {
    "a key twice": "\n  a: 1\n  a: 2\n",
    "a key twice, the last null": "\n  a: 1\n  a: null\n",
    "a key twice in JSON within": " {a: 1, a: 2}\n",
    "an alias": "\n  a: &x [1, 2]\n  b: *x\n",
    "an alias of a map": "\n  a: &x {c: d}\n  b: *x\n  e: [*x, *x]\n",
    "an alias of nothing": "\n  a: *x\n",
    "an anchor twice": "\n  a: &x 1\n  b: &x 2\n  c: *x\n",
    "an anchor within itself": "\n  a: &x [*x]\n",
    "a merge": "\n  a: &x {b: 1, c: 2}\n  d: {<<: *x, c: 3}\n",
    "a merge behind": "\n  a: &x {b: 1, c: 2}\n  d: {c: 3, <<: *x}\n",
    "a merge of two": "\n  a: &x {b: 1}\n  c: &y {b: 2, d: 3}\n  e: {<<: [*x, *y]}\n",
    "a merge of a text": "\n  a: {<<: text}\n",
    "a merge in quotes": "\n  a: {'<<': {b: 1}}\n",
    "nulls": " {a: null, b: ~, c: , d: NULL, e: [null, 1]}\n",
    "keys of other types": "\n  1: a\n  true: b\n  1.5: c\n  y: d\n",
    "a null as a key": "\n  ~: a\n",
    "a list as a key": "\n  ? [a]\n  : b\n",
    "a map as a key": "\n  ? {a: b}\n  : c\n",
    "a complex key of text": "\n  ? a\n  : b\n",
    "tag str": "\n  a: !!str 1\n  b: !!str true\n  c: !!str null\n",
    "tag int": "\n  a: !!int '1'\n",
    "tag int of a text": "\n  a: !!int x\n",
    "tag float": "\n  a: !!float 1\n",
    "tag bool": "\n  a: !!bool 'true'\n",
    "tag null": "\n  a: !!null ''\n",
    "tag binary": "\n  a: !!binary aGVsbG8=\n",
    "tag binary of no base64": "\n  a: !!binary '%'\n",
    "a tag of one's own": "\n  a: !mine 1\n",
    "a tag of one's own on a map": "\n  a: !mine {b: 1}\n",
    "tag set": "\n  a: !!set {b, c}\n",
    "tag omap": "\n  a: !!omap [b: 1]\n",
    "tag timestamp": "\n  a: !!timestamp 2026-01-31\n",
    "a literal": "\n  a: |\n    one\n    two\n  b: |-\n    three\n  c: |+\n    four\n\n",
    "a folded text": "\n  a: >\n    one\n    two\n\n    three\n",
    "a text over lines": "\n  a: one\n    two\n  b: 'three\n    four'\n",
    "escapes": '\n  a: "\\u00e9\\x41\\n\\t\\U0001F680\\e"\n',
    "half a character": '\n  a: "\\ud83d\\ude80"\n',
    "an unknown escape": '\n  a: "\\q"\n',
    "an emoji": "\n  a: 🚀\n",
    "a tab before a comment": "\n  a: 1\t# one\n",
    "a tab for an indent": "\n\ta: 1\n",
    "a tab within": "\n  a:\t1\n",
    "a comment without a blank": "\n  a: b#c\n",
    "a colon": "\n  a: b: c\n",
    "a percent": "\n  a: %b\n",
    "an at": "\n  a: @b\n",
    "a backtick": "\n  a: `b\n",
    "open brackets": " {a: [1, 2}\n",
    "an open quote": "\n  a: 'b\n",
    "large numbers": "\n  a: 9223372036854775807\n  b: 9007199254740993\n",
    "a small number": "\n  a: -9223372036854775808\n",
    "an infinity below": "\n  a: -.INF\n",
    "an infinity": "\n  a: .inf\n",
    "not a number": "\n  a: .nan\n",
    "an empty text": "\n  a: ''\n  b: \"\"\n",
    "an empty map and list": " {a: {}, b: []}\n",
    "a control character": '\n  a: "\x01"\n',
    "a next line": "\n  a: b\x85c\n",
    "a no-break space": "\n  a:\xa0b\n",
    "indents of all sorts": "\n        a: 1\n        b:\n         - c\n         -   d\n",
    "a list that is not indented": "\n  a:\n  - 1\n  - 2\n",
}

FILES = {
    "two documents": f"{EVENT}---\n{EVENT}",
    "a document behind the separator": f"--- {{a: 1}}\n---\n{EVENT}",
    "a comment behind the separator": f"--- # the event\n{EVENT}",
    "blanks behind the separator": f"---   \n{EVENT}",
    "an end": f"{EVENT}...\n",
    "an end and another": f"{EVENT}...\n---\n{EVENT}",
    "a directive": f"%YAML 1.1\n---\n{EVENT}",
    "a line of dashes": f"{EVENT}----\n",
    "empty documents": f"---\n---\n\n---\n# nothing\n---\n{EVENT}---\n",
    "line ends of Windows": EVENT.replace("\n", "\r\n"),
    "JSON": JSON,
    "JSON, one behind the other": f"{JSON}\n{JSON}",
    "JSON without a line between": f"{JSON}{JSON}",
    "JSON and then YAML": f"{JSON}\n---\n{EVENT}",
    "JSON of tabs": json.dumps(json.loads(JSON), indent="\t"),
    "JSON with a key twice": JSON.replace('"a": 1', '"a": 1, "a": 2'),
    "JSON with nulls": JSON.replace('"a": 1', '"a": null'),
    "JSON of half characters": JSON.replace('"a": 1', '"a": "\\ud83d\\ude80"'),
    "nearly JSON": JSON.replace('"a": 1', '"a": 1,'),
    "JSON with a comment": f"{JSON} # ours",
    "a list": json.dumps(listed(OBJECT, OBJECT)),
    "a list of ours": json.dumps(
        listed(OBJECT, kind="CustomEventList", version="customevents.dev/v1alpha1")
    ),
    "a list in a list": json.dumps(listed(listed(OBJECT))),
    "an empty list": json.dumps(listed()),
    "a text": "hello\n",
    "a number": "1\n",
    "a list of YAML": f"- {JSON}\n",
}


def theirs(cluster: Cluster, text: str) -> list[Any] | None:
    """What kubectl makes of a file, or None: it refuses it."""
    flags = ("--dry-run=client", "--validate=false", "-o", "json", "-f", "-")
    try:
        done = cluster.kubectl("create", *flags, input=text)
    except ClusterError:
        return None
    found = list(manifests._json(done.stdout))
    return [item for each in found for item in each.get("items", [each])]


def ours(text: str) -> list[Any] | None:
    try:
        return list(manifests.documents(text))
    except InvalidSpec as error:
        return None if len(str(error).splitlines()) == 1 else [OBJECT]


def specs(found: list[Any] | None) -> Any:
    """What is compared: kubectl adds what it knows of metadata. No object at all is a refusal."""
    if found is None:
        return None
    return [each.get("spec") for each in found if _is_ours(each)] or None


def _is_ours(found: Any) -> bool:
    return isinstance(found, dict) and found.get("kind") == "CustomEvent"


@pytest.mark.parametrize("case", SPECS)
def test_a_document_is_read_as_kubectl_reads_it(cluster: Cluster, case: str) -> None:
    text = f"{HEAD}spec:{SPECS[case]}"
    expected = specs(theirs(cluster, text))
    if expected is not None:
        expected = json.loads(json.dumps(expected), object_hook=_without_nulls)
    assert specs(ours(text)) == expected


def _without_nulls(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize("case", FILES)
def test_a_file_is_read_as_kubectl_reads_it(cluster: Cluster, case: str) -> None:
    expected = specs(theirs(cluster, FILES[case]))
    found = specs(ours(FILES[case]))
    if expected:
        expected = json.loads(json.dumps(expected), object_hook=_without_nulls)
    assert found == expected
