"""Which failures of the API server are worth another try, and that none doubles an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

import pytest

from customevents.clocks import ClusterClock
from customevents.commands import deliveries
from customevents.commands.patient import PatientCluster, pause
from customevents.kube import Cluster
from customevents.resource.errors import ClusterError, Conflict, Gone, NotTheApi
from customevents.trust import ProxyFailed
from unit.builders import NOW, raw_event
from unit.instant import at_once

T = TypeVar("T")

NO_ANSWER = ClusterError("the Kubernetes API did not answer: the connection was dropped")

EVENT = {"metadata": {"name": "release-abcde"}, "spec": {"eventType": "release", "scope": {}}}


NOT_ASKED = ClusterError("the Kubernetes API did not answer: Connection refused")
NOT_ASKED.__cause__ = ProxyFailed("refused")

TAKEN = Conflict("already exists", 409, reason="AlreadyExists")


def made(created: str = "2026-05-01T11:59:59Z", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "release-abcde", "creationTimestamp": created}
    return {"metadata": metadata, "spec": {"eventType": "release", **spec}}


def refusal(status: int, retry_after: float = 0.0) -> ClusterError:
    words = f"the Kubernetes API answered {status}: no"
    return ClusterError(words, status, retry_after=retry_after)


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504])
def test_what_passes_by_itself_is_tried_again_later_and_later(status: int) -> None:
    waits = [pause(refusal(status), failures) for failures in (1, 2, 3, 4, 5, 50)]
    assert waits == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_the_api_server_says_when() -> None:
    assert pause(refusal(429, retry_after=7.0), 1) == 7.0


def test_what_is_no_api_server_is_not_asked_again() -> None:
    assert pause(NotTheApi("a login page"), 1) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_what_only_a_person_can_mend_is_not_tried_again(status: int) -> None:
    assert pause(refusal(status), 1) is None


class Story(PatientCluster):
    """One that is answered so, one request after the other; a number is seconds until the next."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*[cast(Any, None)] * 4)
        self.time = ClusterClock(wall=lambda: NOW)
        self.answers = list(answers)
        self.asked: list[tuple[str, float]] = []


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def request(story: Story, method: str, *_: Any, **__: Any) -> Any:
        story.asked.append((method, asyncio.get_running_loop().time()))
        await asyncio.sleep(0.001)  # no answer comes at once, and none after its time
        # The last one stays.
        answer = story.answers.pop(0) if len(story.answers) > 1 else story.answers[0]
        while isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = story.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(Cluster, "request", request)


def played(
    story: Story, work: Callable[[Story], Coroutine[Any, Any, T]], seconds: float | None = 10.0
) -> T:
    async def play() -> T:
        story.has(seconds)
        return await work(story)

    return at_once(play())


def create(story: Story) -> Coroutine[Any, Any, dict[str, Any]]:
    return story.create_event("shop", EVENT)


def read(story: Story) -> Coroutine[Any, Any, dict[str, Any]]:
    return story.get_event("shop", "release-abcde")


def test_a_hiccup_is_outlived() -> None:
    story = Story(refusal(503), NO_ANSWER, refusal(429), EVENT)
    assert played(story, create) == EVENT
    begun = story.asked[0][1]
    assert [at - begun for _, at in story.asked] == pytest.approx([0, 0.25, 0.75, 1.75], abs=0.05)


def test_a_try_that_was_made_after_all_is_found_and_not_made_again() -> None:
    stands = made(scope={}, severity="Info")
    story = Story(NO_ANSWER, TAKEN, stands)
    assert played(story, create) == stands
    assert [method for method, _ in story.asked] == ["POST", "POST", "GET"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(made(scope={}, eventType="migration"), id="another content"),
        pytest.param(made(scope={}, created="2026-05-01T11:50:00Z"), id="an earlier job's"),
    ],
)
def test_another_event_of_that_name_is_not_taken_for_ours(other: dict[str, Any]) -> None:
    story = Story(NO_ANSWER, TAKEN, other)
    with pytest.raises(Conflict):
        played(story, create)


@pytest.mark.parametrize("first", [None, refusal(429), NOT_ASKED])
def test_a_name_that_is_taken_from_the_start_is_refused(first: ClusterError | None) -> None:
    story = Story(*([first] if first else []), TAKEN)
    with pytest.raises(Conflict):
        played(story, create)
    assert not story.in_doubt


def test_who_is_never_answered_is_told_so_in_time() -> None:
    story = Story(600.0)
    with pytest.raises(ClusterError, match=r"^the Kubernetes API did not answer within 10 s$"):
        played(story, read, None)


def test_nothing_more_is_waited_for_once_nothing_was_answered_for_so_long() -> None:
    async def ask(story: Story) -> float:
        begun = asyncio.get_running_loop().time()
        for _ in range(5):
            with pytest.raises(ClusterError, match="did not answer within 10 s"):
                await read(story)
        return asyncio.get_running_loop().time() - begun

    assert played(Story(600.0), ask, None) == pytest.approx(10.0, abs=0.1)


def test_a_long_list_is_read_to_its_end_however_long_that_takes() -> None:
    """Only what is not answered takes the patience away."""

    async def ask(story: Story) -> int:
        return len([await read(story) for _ in range(20)])

    assert played(Story(*[3.0, EVENT] * 20), ask, None) == 20


def test_one_request_that_hangs_does_not_take_all_the_time() -> None:
    story = Story(600.0, EVENT)
    assert played(story, read, 60.0) == EVENT
    assert len(story.asked) == 2


def test_nothing_is_tried_that_would_come_too_late() -> None:
    story = Story(refusal(503, retry_after=30.0))
    with pytest.raises(ClusterError, match="answered 503"):
        played(story, read)
    assert len(story.asked) == 1


def test_what_is_gone_is_gone() -> None:
    story = Story(Gone("there is none", 404), EVENT)
    with pytest.raises(Gone, match=r"^there is no CustomEvent shop/[^ ]+: kubectl get"):
        played(story, read)


def test_of_a_namespace_that_is_not_there_that_is_said() -> None:
    for work in (read, create):
        with pytest.raises(Gone, match=r"^there is no namespace shop$"):
            played(Story(Gone("there is none", 404)), work)


# --- Waiting


def wait(story: Story) -> tuple[int, str]:
    said: list[str] = []

    async def waiting(story: Story) -> int:
        return await deliveries.wait(story, "shop", "checkout-1-4-2", said.append)

    return played(story, waiting, 60.0), "\n".join(said)


def state(name: str, message: str = "", **more: Any) -> dict[str, Any]:
    condition = {"type": "Delivered", "status": "Unknown", "reason": name, "message": message}
    observed = {"observedGeneration": 1}
    return raw_event(
        status={"delivery": {"state": name}, "conditions": [condition | observed]}, **more
    )


def test_a_wait_ends_with_what_was_seen_last() -> None:
    story = Story(state("Pending", "Waiting for the operator."))
    assert wait(story) == (3, "shop/checkout-1-4-2 is still Pending: Waiting for the operator.")
    assert story.asked[-1][1] - story.asked[0][1] == pytest.approx(60.0, abs=0.6)


def test_it_outlives_whatever_passes_in_its_time() -> None:
    hiccups = [refusal(503), NO_ANSWER, refusal(429, retry_after=20.0), refusal(500)]
    story = Story(state("Pending"), *hiccups, state("Delivered", "Delivered at the first attempt."))
    assert wait(story)[0] == 0


def test_a_server_that_hangs_at_the_end_ends_it_soon_after() -> None:
    story = Story(state("Pending"), 600.0)
    ending, said = wait(story)
    assert ending == 3
    assert said.startswith(
        "shop/checkout-1-4-2 was Pending, and cannot be seen: the Kubernetes API"
    )


@pytest.mark.parametrize("error", [refusal(401), refusal(403), NotTheApi("a login page")])
def test_what_a_person_must_mend_ends_it_at_once(error: ClusterError) -> None:
    for story in (Story(error), Story(state("Pending"), error)):
        with pytest.raises(ClusterError):
            wait(story)


def test_what_is_deleted_while_it_is_waited_for_is_said() -> None:
    story = Story(state("Pending"), Gone("not found", 404), EVENT)
    with pytest.raises(Gone, match="checkout-1-4-2 was Pending when it was last seen, and is del"):
        wait(story)


def test_what_is_made_anew_under_its_name_is_not_taken_for_it() -> None:
    story = Story(state("Pending"), state("Delivered", uid="another"), EVENT)
    with pytest.raises(Gone, match="checkout-1-4-2 was Pending when it was last seen, and is del"):
        wait(story)


def test_its_line_says_no_state_twice_and_is_one_line() -> None:
    story = Story(state("Failed", "Failed: the events API\x1b[2J\nrefused it."))
    assert wait(story) == (1, "shop/checkout-1-4-2 is Failed: the events API [2J refused it.")
    assert wait(Story(state("Failed"))) == (1, "shop/checkout-1-4-2 is Failed")


# --- Sending


def send(story: Story, **metadata: str) -> tuple[int, str]:
    said: list[str] = []
    manifest = {**EVENT, "metadata": metadata or {"generateName": "release-"}}

    async def sending(story: Story) -> int:
        return await deliveries.send(story, "shop", manifest, said.append)

    return played(story, sending), "\n".join(said)


def test_a_name_that_was_made_up_and_is_taken_is_not_the_users_trouble() -> None:
    story = Story(TAKEN, state("Pending"), state("Delivered", "At last."))
    assert send(story)[0] == 0
    assert [method for method, _ in story.asked] == ["POST", "POST", "GET"]


def test_a_name_that_was_given_and_is_taken_is_said_with_what_to_do() -> None:
    with pytest.raises(
        Conflict, match=r"^there is another shop/a already: give another --name, or"
    ):
        send(Story(TAKEN), name="a")


def test_who_never_hears_of_what_was_sent_is_told_to_look_first() -> None:
    with pytest.raises(ClusterError, match=r"; shop/a may have been created all the same: look b"):
        send(Story(NO_ANSWER), name="a")


def test_who_was_surely_not_heard_is_not() -> None:
    with pytest.raises(ClusterError, match=r"Connection refused$"):
        send(Story(NOT_ASKED), name="a")


def test_another_conflict_is_not_taken_for_a_name() -> None:
    with pytest.raises(Conflict, match="quota"):
        send(Story(Conflict("the quota was modified", 409, reason="Conflict")), name="a")


# --- Sending again


def test_those_that_are_there_are_sent_again_whichever_are_missing() -> None:
    said: list[str] = []

    async def asking(story: Story) -> None:
        await deliveries.resend(story, "shop", ["a", "b", "c"], said.append)

    story = Story(EVENT, Gone("not found", 404), EVENT, EVENT)  # and the namespace is there
    with pytest.raises(Gone, match=r"^not there in shop, so not sent again: b$"):
        played(story, asking)
    assert said == ["shop/a will be sent again", "shop/c will be sent again"]
