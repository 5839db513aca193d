"""The documents of a file: large ones, deep ones, and those of somebody who means no good."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from customevents.commands import kubectl_yaml, manifests
from customevents.commands.manifests import documents, read_source
from customevents.resource.errors import InvalidBody, InvalidSpec

EVENT = "apiVersion: customevents.dev/v1alpha1\nkind: CustomEvent\nmetadata: {name: a}\nspec: {}\n"


def bomb(levels: int) -> str:
    """Nine aliases of nine aliases of nine aliases..."""
    lines = ["  a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        below = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"  a{level}: &a{level} [{below}]")
    return f"{EVENT.replace('spec: {}', 'spec:')}" + "\n".join(lines)


@pytest.mark.parametrize("levels", [5, 8, 40])
def test_aliases_of_aliases_are_refused_in_one_line(levels: int) -> None:
    with pytest.raises(InvalidSpec, match=r"^this is no YAML: line \d+: .* excessive aliasing$"):
        list(documents(bomb(levels)))


def test_a_few_aliases_are_taken() -> None:
    text = EVENT.replace("spec: {}", "spec: {a: &a [x], b: *a, c: *a}")
    assert next(documents(text))["spec"] == {"a": ["x"], "b": ["x"], "c": ["x"]}


DEEP = {
    "lists of YAML": f"{EVENT}a: {'[' * 20_000}",
    "maps of YAML": f"{EVENT}a: {'{a: ' * 20_000}",
    "lists of YAML that end": f"{EVENT}a: {'[' * 3_000}{']' * 3_000}",
    "lists of JSON": '{"kind": "CustomEvent", "a": ' + "[" * 200_000,
    "lists of JSON that end": '{"kind": "CustomEvent", "a": ' + "[" * 200_000 + "]" * 200_000 + "}",
    "indents": EVENT + "".join(f"{' ' * level}a:\n" for level in range(1_200)),
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_deep_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        list(documents(text))
    assert len(str(refused.value).splitlines()) == 1


def test_what_is_deep_ends_no_process() -> None:
    """Where the parser is no Python, deep nesting may end in worse than an exception."""
    program = "import sys\nfrom customevents.commands.manifests import documents\n"
    program += "try:\n    list(documents(sys.stdin.read()))\nexcept Exception as e:\n    print(e)"
    for text in DEEP.values():
        done = subprocess.run(
            [sys.executable, "-c", program], input=text, text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr[-300:]


def test_a_document_of_another_kind_is_passed_over_unread() -> None:
    other = "kind: ConfigMap # of ours\ndata:\n" + "- {name: x}\n" * 400_000
    assert len(other) > manifests.LARGEST_DOCUMENT
    assert [each["kind"] for each in documents(f"{other}---\n{EVENT}")] == ["CustomEvent"]


@pytest.mark.parametrize(
    "head", ["", "kind: CustomEvent\n", "kind: List\n", "kind: ConfigMap\nkind: CustomEvent\n"]
)
def test_what_may_be_ours_is_refused_where_the_api_server_takes_none_of_its_size(head: str) -> None:
    text = f"{head}data: {'x' * manifests.LARGEST_DOCUMENT}\n"
    with pytest.raises(InvalidSpec, match=r"^a document of 3\.0 MiB is more than the API server"):
        list(documents(text))


@pytest.mark.parametrize(
    "kind", ["CustomEvent", '"CustomEvent"', "'CustomEvent'", "CustomEvent # x"]
)
def test_the_kind_is_seen_however_it_is_written(kind: str) -> None:
    assert len(list(documents(EVENT.replace("kind: CustomEvent", f"kind: {kind}")))) == 1


def test_where_libyaml_is_not_there_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pure(yaml.SafeLoader):
        yaml_implicit_resolvers = kubectl_yaml._Loader.yaml_implicit_resolvers

    text = "a: &a [1e5, y, ~, 0o17]\nb: {<<: {c: 1}, d: *a}\ne: !!binary aGk="
    ours = kubectl_yaml.read_document(text)
    monkeypatch.setattr(kubectl_yaml, "_Loader", Pure)
    assert kubectl_yaml.read_document(text) == ours
    assert ours == {"a": [100000, True, None, 15], "b": {"c": 1, "d": ours["a"]}, "e": "hi"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_taken_at_its_word(tmp_path: Path, encoding: str) -> None:
    (path := tmp_path / "file").write_bytes(json.dumps({"a": "é"}).encode(encoding))
    assert json.loads(read_source(str(path))) == {"a": "é"}


def test_what_cannot_be_read_is_one_line_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (odd := tmp_path / "odd").write_bytes(b"\xff\xfe\xff")
    (latin := tmp_path / "latin").write_bytes(b"summary: caf\xe9")
    (large := tmp_path / "large").write_bytes(b"x" * 11)
    monkeypatch.setattr(manifests, "LARGEST_FILE", 10)
    for source, words in (
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (odd, "it is no UTF-16 text"),
        (large, "it is larger than 0 MiB"),
    ):
        with pytest.raises(InvalidBody, match=f"^cannot read {source}: {words}$"):
            read_source(str(source))
    monkeypatch.setattr(manifests, "LARGEST_FILE", 1000)
    with pytest.raises(InvalidBody, match=r"it is no UTF-8 text$"):
        read_source(str(latin))
    with pytest.raises(InvalidBody, match=r"^cannot read "):
        read_source("a\0b")
