"""A curl user's body becomes a CustomEvent that says the same, and reaches no further."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.eventsapi.curl import translate
from customevents.eventsapi.payload import build_body
from customevents.resource.errors import InvalidBody
from customevents.resource.spec import parse_spec
from customevents.scope.cluster_name import ClusterName
from customevents.scope.resolve import Resolution, resolve

BODY = {"eventType": "release", "summary": "checkout 1.4.2 is live"}

HERE = ClusterName("here", "setting clusterName")


def translated(**parts: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The scope that is written down, and what is said about it."""
    done = translate(json.dumps(BODY | parts))
    return done.spec["scope"], done.remarks


@pytest.mark.parametrize(
    ("scope", "expected", "said"),
    [
        ({}, {"level": "Account"}, "ALL services"),
        (None, {"level": "Account"}, "ALL services"),
        ({"clusters": []}, {"level": "Account"}, "ALL services"),
        ({"namespaces": ["c"]}, {"level": "Account", "namespaces": ["c"]}, "no clusters"),
        ({"servicesNames": ["s"]}, {"level": "Account", "serviceNames": ["s"]}, "no clusters"),
        ({"clusters": ["a"]}, {"level": "Cluster", "clusters": ["a"]}, "no namespaces"),
    ],
)
def test_what_is_not_named_gets_a_level_and_a_word(
    scope: Any, expected: dict[str, Any], said: str
) -> None:
    written, remarks = translated(scope=scope)
    assert written == expected
    assert len(remarks) == 1
    assert said in remarks[0]


def test_a_scope_that_names_both_needs_neither() -> None:
    named = {"clusters": ["a"], "namespaces": ["c"]}
    assert translated(scope=named) == (named, ())


def test_the_slip_of_the_documentation_is_understood_and_said() -> None:
    scope, remarks = translated(
        scope={"serviceNames": ["s"], "clusters": ["a"], "namespaces": ["c"]}
    )
    assert scope["serviceNames"] == ["s"]
    assert "spells it servicesNames" in remarks[0]


NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True)
SCOPES = st.fixed_dictionaries(
    {}, optional={"clusters": NAMES, "namespaces": NAMES, "servicesNames": NAMES}
)


@given(SCOPES, st.sampled_from(["information", "warning", "error"]))
def test_there_and_back_it_is_the_same_body(scope: dict[str, list[str]], severity: str) -> None:
    body = BODY | {"severity": severity} | ({"scope": scope} if scope else {})
    spec = parse_spec(translate(json.dumps(body)).spec)
    resolution = resolve(
        spec.scope, namespace="own", cluster=ClusterName("here", "setting clusterName")
    )
    assert isinstance(resolution, Resolution)
    assert build_body(spec, resolution.reach) == body


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ('"release"', "the body must be a JSON object"),
        (json.dumps(BODY | {"scope": ["a"]}), "scope must be a JSON object"),
        (json.dumps(BODY | {"clusters": ["a"]}), "the body must not have 'clusters'"),
        (json.dumps(BODY | {"scope": {"cluster": ["a"]}}), "scope must not have 'cluster'"),
        (
            json.dumps(BODY | {"scope": {"serviceNames": ["a"], "servicesNames": ["b"]}}),
            "must not have both",
        ),
    ],
)
def test_what_is_no_body_of_the_api_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InvalidBody, match=words) as refused:
        translate(text)
    assert "\n" not in str(refused.value)
