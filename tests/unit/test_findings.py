"""What follows of a probe's answers."""

from __future__ import annotations

from typing import Any

import pytest

from customevents.commands.findings import exit_code, find, flat, lines, looks
from customevents.commands.questions import Came, Reaction, Topic, questions

RUN = "x7k2p"

Said = dict[str, Any]

REFUSED: Said = {"came": Came.REFUSED, "code": 400}
NAMED: Said = {**REFUSED, "fields": ("eventType",)}
TOO_LONG: Said = {"came": Came.REFUSED, "code": 413}
OPEN: Said = {"came": Came.NO_ANSWER}
NOT_ASKED: Said = {"came": Came.NOT_ASKED}


def answers(**ends: Said) -> list[Reaction]:
    """All are taken but these, by their keys with _ for -."""
    taken: Said = {"came": Came.TAKEN, "code": 201}
    return [Reaction(q, **ends.get(q.key.replace("-", "_"), taken)) for q in questions(RUN)]


def found(about: Topic, **ends: Said) -> tuple[tuple[str, ...], str]:
    """The readings that fit and the words of one finding."""
    (finding,) = (f for f in find(answers(**ends)) if f.about is about)
    return finding.answers, finding.words


def bounds(about: Topic, **ends: Said) -> tuple[int | None, int | None]:
    (finding,) = (f for f in find(answers(**ends)) if f.about is about)
    return finding.at_least, finding.below


@pytest.mark.parametrize(
    ("ends", "fitting", "words"),
    [
        ({}, ("60", "30 cut"), "60 characters are taken, and no event here has more: whole, or"),
        ({"type_31": NAMED, "type_60": NAMED}, ("30",), "30 characters are taken, 31 are refused"),
        ({"type_60": NAMED}, (), "31 characters are taken, 60 are refused"),
        (
            {"type_30": NAMED, "type_31": NAMED, "type_60": NAMED},
            (),
            "30 characters are refused already",
        ),
        ({"type_60": OPEN}, (), "31 characters are taken; of more, there was no answer"),
        ({"type_30": OPEN, "type_31": OPEN, "type_60": OPEN}, (), "open: there was no answer"),
        ({"type_31": NAMED}, (), "open: 60 characters are taken, and 31 refused: probe again"),
    ],
)
def test_the_longest_type(ends: dict[str, Said], fitting: tuple[str, ...], words: str) -> None:
    read, said = found(Topic.EVENT_TYPE, **ends)
    assert read == fitting
    assert said.startswith(words)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ({}, (4096, None)),
        ({"summary_4096": NAMED}, (101, 4096)),
        ({"summary_101": NAMED, "summary_4096": NAMED}, (100, 101)),
        ({"summary_100": NAMED}, (None, None)),
    ],
)
def test_the_longest_summary(
    ends: dict[str, Said], expected: tuple[int | None, int | None]
) -> None:
    assert bounds(Topic.SUMMARY, **ends) == expected


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ({}, (73728, None)),
        ({"body_72": TOO_LONG}, (65536, 75776)),
        ({"body_32": TOO_LONG, "body_64": TOO_LONG, "body_72": TOO_LONG}, (16384, 34816)),
    ],
)
def test_the_longest_body_is_bracketed_in_bytes(
    ends: dict[str, Said], expected: tuple[int | None, int | None]
) -> None:
    assert bounds(Topic.BODY, **ends) == expected


def test_details_that_are_refused_with_another_status_may_be_too_many() -> None:
    assert "too many" not in found(Topic.BODY, body_72=TOO_LONG)[1]
    assert "too many" in found(Topic.BODY, body_72=REFUSED)[1]


@pytest.mark.parametrize(
    ("ends", "fitting", "words"),
    [
        ({}, ("taken",), "a service that does not exist is taken; a cluster that"),
        ({"service": REFUSED, "cluster": REFUSED}, ("refused",), "a service that does not exist"),
        ({"service": REFUSED}, ("refused", "taken"), "a service that does not exist is refused;"),
        (
            {"cluster": NOT_ASKED},
            ("taken",),
            "a service that does not exist is taken; a cluster that does not exist is not asked "
            "(it may take the verb broadcast on customevents)",
        ),
        ({"service": OPEN, "cluster": OPEN}, (), "a service that does not exist is open"),
    ],
)
def test_names_that_do_not_exist(
    ends: dict[str, Said], fitting: tuple[str, ...], words: str
) -> None:
    read, said = found(Topic.NAMES, **ends)
    assert read == fitting
    assert said.startswith(words)


@pytest.mark.parametrize(
    ("ends", "fitting"),
    [
        ({}, ()),
        ({"type_31": {**NAMED, "names_request": True}}, ("second",)),
        ({"body_72": {**TOO_LONG, "names_request": True}}, ("second",)),
        ({"type_31": NAMED, "body_72": TOO_LONG}, ("first",)),
        ({"type_31": REFUSED, "body_72": TOO_LONG}, ("none",)),
        ({"service": REFUSED}, ("none",)),
        ({"body_72": TOO_LONG}, ("first", "none")),
        ({"body_72": REFUSED}, ("first", "none")),
        ({"cluster": NOT_ASKED, "service": OPEN}, ()),
    ],
)
def test_the_shape_of_errors(ends: dict[str, Said], fitting: tuple[str, ...]) -> None:
    assert found(Topic.ERRORS, **ends)[0] == fitting


def test_where_the_plain_event_is_not_delivered_nothing_is_concluded() -> None:
    alone = answers(control=OPEN)[:1]
    (finding,) = find(alone)
    assert finding.about is Topic.CONTROL
    assert "customevents check" in finding.words
    assert exit_code(alone) == 1
    assert list(lines(alone)) == [f"control: {finding.words}"]


def test_what_was_taken_is_to_be_looked_at_where_it_may_have_been_cut() -> None:
    at = {look.about: look.summary for look in looks(answers(type_60=NAMED))}
    assert at == {
        Topic.EVENT_TYPE: f"probe {RUN}: an eventType of 31 characters",
        Topic.SUMMARY: f"probe {RUN}: a summary of 4096 characters",
        Topic.BODY: f"probe {RUN}: details of 72 KB",
    }
    assert all(
        f'"{summary}"' in "\n".join(lines(answers(type_60=NAMED))) for summary in at.values()
    )


def test_nothing_is_to_be_looked_at_that_no_document_would_cut() -> None:
    refused = {"type_31": NAMED, "type_60": NAMED}
    assert Topic.EVENT_TYPE not in {look.about for look in looks(answers(**refused))}


@pytest.mark.parametrize(
    ("ends", "code"),
    [({}, 0), ({"type_60": NAMED, "cluster": NOT_ASKED}, 0), ({"service": OPEN}, 3)],
)
def test_the_exit_code_says_whether_there_was_an_answer(ends: dict[str, Said], code: int) -> None:
    assert exit_code(answers(**ends)) == code


def test_programs_get_all_of_it_in_one_shape() -> None:
    made = flat(answers(type_31=NAMED, type_60=NAMED), RUN)
    assert (list(made), made["run"]) == (["run", "events", "findings", "look"], RUN)
    assert made["events"][2] == {
        "name": f"probe-{RUN}-type-31",
        "about": "eventType",
        "asks": "an eventType of 31 characters",
        "came": "refused",
        "words": "refused: HTTP 400, names eventType",
        "code": 400,
        "fields": ["eventType"],
    }
    assert made["findings"][0] == {
        "about": "eventType",
        "answers": ["30"],
        "words": "30 characters are taken, 31 are refused",
        "atLeast": 30,
        "below": 31,
    }
    assert [each["about"] for each in made["findings"]] == [
        "eventType",
        "unknownNames",
        "errorShape",
        "longestBody",
        "summary",
    ]
    assert list(made["look"][0]) == ["about", "summary", "asks"]
