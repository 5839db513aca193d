"""One odd object among those that are shown: it is named once, and the others are taken in."""

from __future__ import annotations

from typing import Any

import pytest

from customevents.delivery.intake import MOST_NAMED, Intake
from customevents.resource.event import CustomEvent
from unit.builders import raw_event

UNREADABLE = {"delivery": {"state": "NotKnownYet"}}


class Reader:
    """Writes down what it is shown; it trips over one name."""

    def __init__(self) -> None:
        self.offered: list[str] = []
        self.forgotten: list[str] = []
        self.unreadable: list[str] = []
        self.wanted: set[str] = set()

    def offer(self, event: CustomEvent) -> None:
        if event.name == "odd":
            raise RuntimeError("nobody foresaw it")
        (self.unreadable if event.unreadable else self.offered).append(event.name)

    def forget(self, event: CustomEvent) -> None:
        self.forgotten.append(event.name)

    def wants(self, raw: dict[str, Any]) -> bool:
        return bool(raw["metadata"]["name"] in self.wanted)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def intake(reader: Reader) -> Intake:
    return Intake([reader])


@pytest.mark.parametrize(
    ("change", "forgotten"),
    [("ADDED", False), ("MODIFIED", False), (None, False), ("DELETED", True)],
)
def test_what_is_deleted_is_forgotten_and_all_else_offered(
    intake: Intake, reader: Reader, change: str | None, forgotten: bool
) -> None:
    intake.show(change, raw_event(name="a"))
    assert (reader.offered, reader.forgotten) == (([], ["a"]) if forgotten else (["a"], []))


@pytest.mark.parametrize("change", ["ADDED", "MODIFIED", None, "DELETED"])
def test_what_is_being_deleted_counts_as_deleted(
    intake: Intake, reader: Reader, change: str | None
) -> None:
    intake.show(change, raw_event(name="a", deletionTimestamp="2026-05-01T12:00:00Z"))
    assert (reader.offered, reader.forgotten) == ([], ["a"])


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (
            raw_event(name="x", status=UNREADABLE),
            "shop/x: it is passed over until it changes: shop/x cannot be read: "
            "status.delivery.state must be ",
        ),
        (raw_event(name="odd"), "shop/odd: it is passed over until it changes: RuntimeError"),
        ({}, "?/?: it is passed over until it changes: ?/? cannot be read: it is no CustomEvent"),
    ],
    ids=["unreadable", "tripped over", "nothing"],
)
def test_an_odd_object_is_named_once_and_the_others_are_taken_in(
    intake: Intake,
    reader: Reader,
    caplog: pytest.LogCaptureFixture,
    odd: dict[str, object],
    words: str,
) -> None:
    for raw in (raw_event(name="a"), odd, raw_event(name="b"), odd, odd):
        intake.show("MODIFIED", raw)
    assert reader.offered == ["a", "b"]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(words)
    assert "\n" not in said


def test_who_waits_with_an_older_version_is_told_that_it_cannot_be_read(
    intake: Intake, reader: Reader
) -> None:
    intake.show("MODIFIED", raw_event(name="x", status=UNREADABLE))
    assert (reader.offered, reader.forgotten, reader.unreadable) == ([], [], ["x"])


def test_it_is_looked_at_again_when_it_changes(intake: Intake, reader: Reader) -> None:
    intake.show("MODIFIED", raw_event(name="x", status=UNREADABLE))
    intake.show("MODIFIED", raw_event(name="x"))
    assert reader.offered == ["x"]


@pytest.mark.parametrize(
    ("change", "metadata"),
    [("DELETED", {}), ("MODIFIED", {"deletionTimestamp": "2026-05-01T12:00:00Z"})],
    ids=["gone", "being deleted"],
)
def test_what_cannot_be_read_and_is_deleted_is_forgotten(
    intake: Intake, reader: Reader, change: str, metadata: dict[str, Any]
) -> None:
    intake.show(change, raw_event(name="x", status=UNREADABLE, **metadata))
    assert reader.forgotten == ["x"]


def test_of_many_odd_objects_not_all_are_kept_in_mind(intake: Intake) -> None:
    for number in range(MOST_NAMED + 10):
        intake.show("ADDED", raw_event(name=str(number), status=UNREADABLE))
    assert len(intake._said) <= MOST_NAMED


FINISHED: dict[str, Any] = {
    "conditions": [{"type": "Delivered", "observedGeneration": 1}],
    "delivery": {"state": "Delivered"},
}


@pytest.mark.parametrize("change", ["ADDED", "MODIFIED", None])
def test_what_lies_there_finished_is_shown_only_to_who_wants_it(
    intake: Intake, reader: Reader, change: str | None
) -> None:
    reader.wanted = {"a"}
    for name in ("a", "b"):
        intake.show(change, raw_event(name=name, status=FINISHED))
    assert (reader.offered, reader.forgotten) == (["a"], [])


@pytest.mark.parametrize(
    ("change", "metadata"),
    [
        ("DELETED", {}),
        ("MODIFIED", {"deletionTimestamp": "2026-05-01T12:00:00Z"}),
    ],
    ids=["gone", "going"],
)
def test_the_end_of_what_was_finished_is_shown_to_all(
    intake: Intake, reader: Reader, change: str, metadata: dict[str, Any]
) -> None:
    intake.show(change, raw_event(name="a", status=FINISHED, **metadata))
    assert reader.forgotten == ["a"]


def test_only_our_own_condition_says_what_is_finished(intake: Intake, reader: Reader) -> None:
    theirs = {"type": "Seen", "observedGeneration": 2}
    status = {**FINISHED, "conditions": [theirs, *FINISHED["conditions"]]}
    intake.show("MODIFIED", raw_event(name="a", status=status, generation=2))
    assert reader.offered == ["a"]


@pytest.mark.parametrize(
    "metadata",
    [{"generation": 2}, {"annotations": {"customevents.dev/resend": "again"}}],
    ids=["edited", "resent"],
)
def test_an_edit_of_what_was_finished_is_news(
    intake: Intake, reader: Reader, metadata: dict[str, Any]
) -> None:
    intake.show("MODIFIED", raw_event(name="a", status=FINISHED, **metadata))
    assert reader.offered == ["a"]
