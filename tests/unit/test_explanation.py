"""What `explain` says beside the reasons: what is not seen yet, under way, gone or unreadable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from customevents.chosen import Chosen
from customevents.commands import announced, explanation, output, remedies
from customevents.commands.remarks import ok
from customevents.resource.lease import Intent, Listed
from customevents.resource.operator_state import Key, OperatorState, Resolving
from customevents.resource.status import Reason
from unit.builders import NOW, later, raw_event

LEADS = OperatorState(leader="pod-a_1", renewed=NOW, key=Key.OK, cluster_name="prod-eu-1")

NOTHING = Listed(whole=True)


def status(state: str, reason: str = "", *, generation: int = 1, **record: Any) -> dict[str, Any]:
    condition = {"type": "Delivered", "status": "False", "reason": reason or state, "message": ""}
    observed = {"observedGeneration": generation}
    return {"conditions": [condition | observed], "delivery": {"state": state, **record}}


def told(
    said: OperatorState = LEADS, listed: Listed | str = NOTHING, **parts: Any
) -> explanation.Explanation:
    event, unreadable = explanation._read(raw_event(**parts))
    heard = announced.Announced(said, ok("operator", "pod-a_1 leads"))
    remarks = tuple(explanation._of_the_operator(heard, "shop", NOW))
    in_flight = explanation._in_flight(listed, event)
    return explanation.Explanation(event, unreadable, heard, remarks, in_flight, NOW)


def shown(explained: explanation.Explanation, capsys: pytest.CaptureFixture[str]) -> str:
    output.print_tree(explanation.tree(explained))
    return capsys.readouterr().out


def intent(attempt: int, sequence: int = 1) -> Listed:
    event, _ = explanation._read(raw_event())
    return Listed((Intent(event.uid, "id", "shop", event.name, sequence, attempt),), whole=True)


def test_every_reason_has_a_remedy() -> None:
    assert set(remedies.REMEDIES) == set(Reason)


def test_what_is_under_way_is_what_the_record_does_not_count_yet() -> None:
    retrying = status("Retrying", "UnknownOutcome", attempts=2, sequence=1)
    assert told(listed=intent(3), status=retrying).in_flight.attempt == 3
    assert told(listed=intent(1, sequence=2), status=retrying).in_flight.attempt == 1
    assert told(listed=intent(2), status=retrying).in_flight.attempt is None


def test_a_journal_that_may_not_be_read_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    explained = told(listed="only the operator and administrators may read its journal")
    assert "in flight: not to be seen from here (only the operator and" in shown(explained, capsys)


def test_an_edit_that_nobody_saw_yet_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    explained = told(status=status("Delivered"), generation=2)
    assert "what was written last, as soon as it sees it" in shown(explained, capsys)


def test_a_resend_that_nobody_saw_yet_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    annotations = {"customevents.dev/resend": "again"}
    explained = told(status=status("Failed", "Refused"), annotations=annotations)
    assert "what was written last, as soon as it sees it" in shown(explained, capsys)


@pytest.mark.parametrize(
    ("fields", "todo"),
    [
        ({"leader": ""}, "look at the operator's pods"),
        ({"renewed": later(-3600)}, "look at the operator's pods"),
        (
            {"settings": Resolving(watch_namespaces=("cart",))},
            "add it to watchNamespaces in the chart",
        ),
        ({"unwatched": 1}, "its log and /readyz say where and why"),
        ({"halted": "another operator. Uninstall one"}, "another operator. Uninstall one"),
    ],
)
def test_an_operator_that_does_not_work_comes_before_any_other_remedy(
    fields: dict[str, Any], todo: str
) -> None:
    said = LEADS.model_copy(update=fields)
    coming = told(said, status=status("Held", "NoServicesMatch")).next
    assert coming.what == "nothing until the operator works"
    assert coming.todo.startswith(todo)


def test_what_has_its_answer_does_not_wait_for_an_operator() -> None:
    said = LEADS.model_copy(update={"leader": ""})
    assert told(said, status=status("Delivered")).next.what == "nothing: the events API took it"


@pytest.mark.parametrize(
    "reason", ["Pending", "NeverArrived", "RefusedForNow", "EndpointPaused", "EndpointLevel"]
)
def test_what_waits_for_the_endpoint_is_due_at_no_other_time(reason: str) -> None:
    waiting = status("Retrying", reason, nextAttemptTime="2026-05-01T11:00:00Z")
    refused = told(LEADS.model_copy(update={"key": Key.REFUSED}), status=waiting).next
    assert refused.what == "it is sent once the endpoint takes events again"
    assert (refused.todo, refused.when) == (announced.OTHER_KEY, None)
    rests = told(LEADS.model_copy(update={"rests_until": later(600)}), status=waiting).next
    assert (rests.what, rests.when) == ("it is sent once the endpoint's pause is over", later(600))


def test_an_attempt_that_is_under_way_is_what_comes_next() -> None:
    coming = told(listed=intent(1, sequence=1)).next
    assert coming.what.startswith("attempt 1 is under way: its answer is awaited")


def test_commands_are_for_the_cluster_that_was_asked() -> None:
    chosen = Chosen(context="prod eu", as_user="me")
    explained = told(status=status("Failed", "Refused"))
    typed = remedies.Typed("kubectl customevents", chosen.flags)
    coming = replace(explained, typed=typed).next
    assert coming.todo.endswith(
        "; or: kubectl customevents resend checkout-1-4-2 -n shop --context 'prod eu' --as me"
    )


def test_a_mark_that_is_not_sent_is_not_looked_for() -> None:
    settings = Resolving(provenance_enabled=False)
    said = LEADS.model_copy(update={"settings": settings})
    coming = told(said, status=status("Held", "UnknownOutcome", id="abc")).next
    assert coming.todo.startswith("look on the timeline for its summary, at the time of its last")


def test_what_is_being_deleted_is_told() -> None:
    explained = told(deletionTimestamp="2026-05-01T12:00:00Z")
    assert explained.next.what == "nothing more of it is sent: it is being deleted"


def test_a_status_that_cannot_be_read_is_one_line_and_the_rest_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    explained = told(status={"delivery": {"state": "NotKnownYet"}})
    lines = shown(explained, capsys).splitlines()
    assert lines[0].startswith("shop/checkout-1-4-2 cannot be read: status.delivery.state must be")
    assert "run the version of the operator that wrote it, or a newer one" in lines[-1]
    data = explanation.data(explained)
    assert data["state"] == "Unreadable"
    assert not {"reason", "attempts"} & set(data)


def test_a_reason_that_only_another_version_knows_points_at_its_message() -> None:
    explained = told(status=status("Held", "SomethingNew"))
    assert explained.next.what == "see what is said of it above"
    assert explained.next.todo == "if this stays: customevents check -n shop"


def test_nothing_that_was_written_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    spec = {"eventType": "release\x1b[2J", "summary": "[red]live\x07", "scope": {"level": "\x1b"}}
    said = shown(told(spec=spec), capsys)
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "[red]live" in said


def test_an_api_that_answers_with_more_names_than_fit_has_them_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [f"service-{number}" for number in range(12)]
    resolved = {"reach": "12 services", "serviceNames": names}
    explained = told(status={**status("Delivered"), "resolved": resolved})
    assert "service-9 and 2 more" in shown(explained, capsys)
