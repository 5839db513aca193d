"""The CRD and the pydantic models say the same: names, required, enums, bounds, defaults."""

from __future__ import annotations

import re

import pytest

from contract.schemas import crd_schema, facts, of_model, rules, violations
from customevents.delivery.state import invalid
from customevents.resource.errors import InvalidSpec
from customevents.resource.event import read_event
from customevents.resource.matching import Reach, describe
from customevents.resource.spec import RESERVED_DETAILS, CustomEventSpec, Severity, parse_spec
from customevents.resource.status import (
    Condition,
    DeliveryRecord,
    LastOutcome,
    OutcomeClass,
    ResolvedScope,
    State,
    Status,
    to_seconds,
)
from unit.builders import NOW, event, moment, raw_event, raw_spec

SPEC_IN_CRD = dict(facts(crd_schema("spec"), "spec"))
SPEC_IN_MODEL = dict(facts(of_model(CustomEventSpec), "spec"))
STATUS_IN_CRD = dict(facts(crd_schema("status"), "status"))
STATUS_IN_MODEL = dict(facts(of_model(Status), "status"))


def test_the_walk_sees_both_sides() -> None:
    """Guards the comparison itself: two walks that found nothing would agree."""
    for side in (SPEC_IN_CRD, SPEC_IN_MODEL):
        assert side["spec required"] == ["eventType", "summary"]
        assert side["spec.details.<key> maxLength"] == 1024
        assert side["spec.scope.serviceSelector.matchExpressions[].values[] maxLength"] == 63
    for side in (STATUS_IN_CRD, STATUS_IN_MODEL):
        assert side["status.delivery.lastOutcome.code type"] == "integer"


@pytest.mark.parametrize("fact", sorted({*SPEC_IN_CRD, *SPEC_IN_MODEL}))
def test_the_spec_says_the_same_on_both_sides(fact: str) -> None:
    assert SPEC_IN_MODEL.get(fact) == SPEC_IN_CRD.get(fact)


#: Where the models are wider on purpose: what is in the cluster must always be readable.
ONLY_IN_CRD = {
    "status.resolved.severity enum": sorted(Severity),
    "status.conditions[].lastTransitionTime format": "date-time",
    "status.conditions[] required": ["status", "type"],
}

#: A map to us, which keys it may have is the CRD's.
SOURCES = "status.resolved.sources."


def compared(side: dict[str, object]) -> set[str]:
    bounds = (" default", " minLength", " maxLength", " minimum", " maximum", " minItems")
    return {
        fact
        for fact in side
        if not fact.startswith(SOURCES) and not fact.endswith((*bounds, " maxItems"))
    }


@pytest.mark.parametrize("fact", sorted(compared(STATUS_IN_CRD) | compared(STATUS_IN_MODEL)))
def test_the_status_says_the_same_on_both_sides(fact: str) -> None:
    assert STATUS_IN_MODEL.get(fact, ONLY_IN_CRD.get(fact)) == STATUS_IN_CRD.get(fact)


def test_the_models_bound_nothing_in_a_status_that_the_crd_does_not() -> None:
    bounds = STATUS_IN_MODEL.keys() - compared(STATUS_IN_MODEL)
    stated = {fact for fact in bounds if not fact.startswith(SOURCES) and "default" not in fact}
    assert {fact for fact in stated if STATUS_IN_MODEL[fact] != STATUS_IN_CRD.get(fact)} == set()


def test_the_schemas_default_status_is_what_the_models_call_pending() -> None:
    default = crd_schema("status")["default"]
    read = Status.model_validate(default)
    assert read.delivery == DeliveryRecord()
    assert read.delivered == Condition(message=read.delivered.message)
    assert read.delivered.message.startswith("Waiting for the operator")
    assert list(violations(crd_schema("status"), default, "status")) == []


def test_the_bounds_on_keys_which_only_cel_can_state_are_the_models_too() -> None:
    """JSON Schema's `propertyNames` does not exist in a CRD."""
    details = " ".join(rules(crd_schema("spec")["properties"]["details"]))
    model = of_model(CustomEventSpec)["properties"]["details"]["propertyNames"]
    assert re.findall(r"size\(name\) <= (\d+)", details) == [str(model["maxLength"])]
    assert set(re.findall(r"customevents\.dev/\w+", details)) == RESERVED_DETAILS


def test_the_sources_of_a_scope_are_those_that_the_crd_keeps() -> None:
    sources = crd_schema("status")["properties"]["resolved"]["properties"]["sources"]
    assert set(sources["properties"]) == {"clusters", "namespaces", "serviceNames"}


def names(letter: str, count: int, length: int) -> tuple[str, ...]:
    return tuple(f"{number:03}" + letter * (length - 3) for number in range(count))


#: The reaches with the longest sentences: some names in full, or as many as a spec can hold.
WIDEST = [
    Reach(names("c", count, 253), names("n", count, 63), names("s", count, 253))
    for count in (1, 2, 5)
] + [Reach(names("c", 50, 253), names("n", 50, 63), names("s", 200, 253))]


@pytest.mark.parametrize("reach", WIDEST, ids=lambda reach: f"{len(reach.services)} services")
def test_the_widest_status_that_can_be_written_is_one_that_the_crd_takes(reach: Reach) -> None:
    """A status that the API server refuses would leave a sent event without its receipt."""
    annotated = raw_event(annotations={"customevents.dev/resend": "x" * 100_000})
    delivery = DeliveryRecord(
        state=State.RETRYING,
        id="5e0cf7f2-2bd0-5d5e-8a1f-0a3b5b9a3d3f",
        sequence=2**31,
        content_hash="v1:" + "0" * 64,
        resend=read_event(annotated).resend,
        resend_time=NOW,
        attempts=2**31,
        unknown_outcomes=2**31,
        last_attempt_time=NOW,
        next_attempt_time=NOW,
        finished_time=NOW,
        last_outcome=LastOutcome(outcome_class=OutcomeClass.UNKNOWN, code=999),
    )
    resolved = ResolvedScope(
        endpoint="api.eu.komodor.com",
        severity=Severity.INFORMATION,
        clusters=reach.clusters,
        namespaces=reach.namespaces,
        service_names=reach.services,
        reach=describe(reach),
        sources={"clusters": "spec.scope.clusters", "namespaces": "", "serviceNames": ""},
        matching_services=200,
    )
    condition = Condition(observed_generation=2**62, last_transition_time=to_seconds(NOW))
    status = Status(conditions=(condition,), delivery=delivery, resolved=resolved).to_json()
    assert list(violations(crd_schema("status"), status, "status")) == []


def test_the_longest_message_about_a_spec_is_one_that_the_crd_takes() -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec(raw_spec(details={"key" * 100_000: True}))
    verdict = invalid(event(), str(caught.value), moment())
    status = Status(
        conditions=(Condition(reason=verdict.reason, message=verdict.message),),
        delivery=verdict.record,
    )
    assert list(violations(crd_schema("status"), status.to_json(), "status")) == []
