"""Which answers of the API server speak of what was written, and which of whoever asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customevents import answers
from customevents.commands.dry_run import judge
from customevents.resource.errors import ClusterError, InvalidSpec
from unit.instant import at_once

PATH = "/apis/customevents.dev/v1alpha1/namespaces/shop/customevents"


def refusal(status: int, message: str, *, reason: str = "", **details: Any) -> ClusterError:
    body = {"kind": "Status", "message": message, "reason": reason, "details": details}
    answer = answers.Response(status, json.dumps(body).encode())
    return answers.refused(answers.asked(PATH), answer, of_patch=False)


def page(status: int, text: str) -> ClusterError:
    answer = answers.Response(status, text.encode())
    return answers.refused(answers.asked(PATH), answer, of_patch=False)


class Answering:
    """A cluster in which nothing is stored, and that answers a trial so."""

    def __init__(self, said: ClusterError | None = None) -> None:
        self._said = said

    async def try_event(self, *_: Any) -> None:
        if self._said is not None:
            raise self._said


def manifest(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "customevents.dev/v1alpha1",
        "kind": "CustomEvent",
        "metadata": {"generateName": "checkout-"},
        "spec": {"eventType": "release", "summary": "it is live", **spec},
    }


def judged(said: ClusterError | None, **spec: Any) -> str:
    cluster: Any = Answering(said)
    return at_once(judge(cluster, "shop", manifest(**spec)))


FORBIDDEN = 'customevents.customevents.dev "a" is forbidden: '

NOT_ASKED = {
    "no right": refusal(403, f'{FORBIDDEN}User "a" cannot create resource', reason="Forbidden"),
    "no known user": refusal(401, "Unauthorized", reason="Unauthorized"),
    "a webhook that knows no dry run": refusal(
        400, 'admission webhook "a" does not support dry run', reason="BadRequest"
    ),
    "too many requests": refusal(429, "slow down", reason="TooManyRequests"),
    "trouble": refusal(500, "etcd is away", reason="InternalError"),
    "a page of something in between": page(403, "<html>sign in</html>"),
    "a 404 of something in between": page(404, "<html>no such page</html>"),
    "no answer": ClusterError("the Kubernetes API did not answer: TimeoutError"),
}

REFUSED = {
    "a policy": (
        refusal(403, f"{FORBIDDEN}ValidatingAdmissionPolicy 'p' denied", reason="Forbidden"),
        "denied",
    ),
    "a webhook": (
        refusal(400, 'admission webhook "a" denied the request: no', reason="BadRequest"),
        "denied the request: no",
    ),
    "a quota": (refusal(403, f"{FORBIDDEN}exceeded quota: few", reason="Forbidden"), "quota"),
    "no such namespace": (
        refusal(404, 'namespaces "shop" not found', reason="NotFound", name="shop"),
        'namespaces "shop" not found',
    ),
    "no such kind": (page(404, "404 page not found"), "CustomResourceDefinition there"),
    "a cause": (
        refusal(
            422,
            "many words",
            reason="Invalid",
            causes=[
                {
                    "field": "spec.new",
                    "message": 'Invalid value: "x": spec.new in body should be y',
                },
                {"field": "<nil>", "message": "Invalid value: null: some rules were not checked"},
            ],
        ),
        "spec.new should be y",
    ),
    "an older schema": (
        refusal(400, 'strict decoding error: unknown field "spec.suspend"', reason="BadRequest"),
        "spec.suspend is no field of this cluster's CRD",
    ),
}


@pytest.mark.parametrize("case", NOT_ASKED)
def test_where_it_cannot_be_asked_the_own_rules_count_and_that_is_said(case: str) -> None:
    error = NOT_ASKED[case]
    assert judged(error) == f"checked by this version's own rules alone: {error}"
    with pytest.raises(InvalidSpec, match=r"^spec\.scop is no field: did you mean scope\?$"):
        judged(error, scop={})


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_refuses_is_refused_in_one_line(case: str) -> None:
    error, words = REFUSED[case]
    with pytest.raises(InvalidSpec) as caught:
        judged(error)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_both_refuse_is_said_in_our_words_and_the_rest_in_its_own() -> None:
    both = refusal(
        422,
        "many words",
        reason="Invalid",
        causes=[
            {"field": "spec.severity", "message": "Unsupported value"},
            {"field": "spec.new", "message": "Required value"},
        ],
    )
    with pytest.raises(InvalidSpec) as caught:
        judged(both, severity="x", details={"only": 1})
    words = str(caught.value)
    assert words.startswith("spec.severity must be Info, ")
    assert words.endswith("; spec.new is refused: Required value")


def test_what_a_newer_schema_takes_is_shown_with_a_word_on_what_is_not_known_here() -> None:
    assert judged(None) == ""
    assert judged(None, novelty=1) == (
        "the API server takes it; this version does not: spec.novelty is no field"
    )


def test_what_can_be_no_name_is_never_asked_for() -> None:
    wrong = manifest() | {"metadata": {"name": "../other"}}
    with pytest.raises(InvalidSpec, match=r"metadata\.name must be a name"):
        at_once(judge(None, "shop", wrong))  # type: ignore[arg-type]
