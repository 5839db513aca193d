"""Which failures of the API server are worth another try, and that none doubles an event."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from customevents.commands.patience import PatientCluster, pause
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Conflict, Gone
from unit.instant import at_once

NO_ANSWER = ClusterError("the Kubernetes API did not answer: the connection was dropped")

EVENT = {"metadata": {"name": "release-abcde"}, "spec": {"eventType": "release", "scope": {}}}


def refusal(status: int, retry_after: float = 0.0) -> ClusterError:
    words = f"the Kubernetes API answered {status}: no"
    return ClusterError(words, status, retry_after=retry_after)


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504])
def test_what_passes_by_itself_is_tried_again_later_and_later(status: int) -> None:
    waits = [pause(refusal(status), failures) for failures in (1, 2, 3, 4, 5, 50)]
    assert waits == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_the_api_server_says_when() -> None:
    assert pause(refusal(429, retry_after=7.0), 1) == 7.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_what_only_a_person_can_mend_is_not_tried_again(status: int) -> None:
    assert pause(refusal(status), 1) is None


class Story(PatientCluster):
    """One that is answered so, one request after the other."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*[cast(Any, None)] * 4)
        self.answers = list(answers)
        self.asked: list[tuple[str, float]] = []


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def request(story: Story, method: str, *_: Any, **__: Any) -> Any:
        story.asked.append((method, asyncio.get_running_loop().time()))
        answer = story.answers.pop(0)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(Cluster, "request", request)


def played(story: Story, seconds: float = 10.0) -> Any:
    async def create() -> Any:
        story.has(seconds)
        return await story.create_event("shop", EVENT)

    return at_once(create())


def test_a_hiccup_is_outlived() -> None:
    story = Story(refusal(503), NO_ANSWER, refusal(429), EVENT)
    assert played(story) == EVENT
    begun = story.asked[0][1]
    assert [at - begun for _, at in story.asked] == pytest.approx([0, 0.25, 0.75, 1.75], abs=0.05)


def test_a_try_that_was_made_after_all_is_found_and_not_made_again() -> None:
    stands = {**EVENT, "spec": {"eventType": "release", "scope": {}, "severity": "Info"}}
    story = Story(NO_ANSWER, Conflict("already exists", 409), stands)
    assert played(story) == stands
    assert [method for method, _ in story.asked] == ["POST", "POST", "GET"]


def test_another_event_of_that_name_is_not_taken_for_ours() -> None:
    other = {**EVENT, "spec": {"eventType": "migration"}}
    story = Story(NO_ANSWER, Conflict("already exists", 409), other)
    with pytest.raises(Conflict):
        played(story)


@pytest.mark.parametrize("first", [None, refusal(429)])
def test_a_name_that_is_taken_from_the_start_is_refused(first: ClusterError | None) -> None:
    story = Story(*([first] if first else []), Conflict("already exists", 409))
    with pytest.raises(Conflict):
        played(story)


def test_who_is_never_answered_is_told_so_in_time() -> None:
    story = Story(600.0)
    with pytest.raises(ClusterError, match=r"^the Kubernetes API did not answer within 12 s$"):
        played(story, 12.0)


def test_nothing_is_tried_that_would_come_too_late() -> None:
    story = Story(refusal(503, retry_after=30.0))
    with pytest.raises(ClusterError, match="answered 503"):
        played(story)
    assert len(story.asked) == 1


def test_what_is_gone_is_gone() -> None:
    story = Story(Gone("there is none", 404))
    with pytest.raises(Gone):
        played(story)
