"""What waits for its time comes out then, once, and leaves nothing behind."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from customevents.delay_queue import MOST_STALE, DelayQueue


class Thing(NamedTuple):
    due: int
    what: str = ""


def queue(**things: Thing) -> DelayQueue[Thing]:
    found: DelayQueue[Thing] = DelayQueue()
    for key, thing in things.items():
        found.put(key, thing)
    return found


def taken(waiting: DelayQueue[Thing], now: int) -> list[Thing]:
    """All that is due by now, in its order."""
    found = []
    while (thing := waiting.pop_due(now)) is not None:
        found.append(thing)
    return found


def test_what_is_due_first_comes_first_and_what_is_not_due_waits() -> None:
    waiting = queue(a=Thing(3), b=Thing(1), c=Thing(2))
    assert taken(waiting, 2) == [Thing(1), Thing(2)]
    assert (len(waiting), waiting.next_time) == (1, 3)


def test_of_two_that_are_due_at_once_the_one_that_came_first_comes_first() -> None:
    waiting = queue(b=Thing(1, "first"), a=Thing(1, "second"))
    assert [thing.what for thing in taken(waiting, 1)] == ["first", "second"]


def test_what_is_put_in_anothers_place_takes_its_time_as_well() -> None:
    waiting = queue(a=Thing(1, "old"))
    waiting.put("a", Thing(5, "new"))
    assert taken(waiting, 4) == []
    assert taken(waiting, 5) == [Thing(5, "new")]


def test_with_the_same_time_only_the_thing_is_another() -> None:
    waiting = queue(a=Thing(1, "old"))
    waiting.put("a", Thing(1, "new"))
    assert taken(waiting, 1) == [Thing(1, "new")]


def test_what_is_removed_does_not_come() -> None:
    waiting = queue(a=Thing(1), b=Thing(2))
    assert waiting.remove("a") == Thing(1)
    assert waiting.remove("a") is None
    assert taken(waiting, 9) == [Thing(2)]


KEYS = st.sampled_from("abc")
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("remove"), KEYS, st.just(0)),
    st.tuples(st.just("take"), st.just(""), st.integers(0, 9)),
)


@given(st.lists(STEPS))
def test_it_is_a_dict_of_which_what_is_due_is_taken_once(steps: list[tuple[str, str, int]]) -> None:
    waiting, model = queue(), dict[str, Thing]()
    for number, (step, key, time) in enumerate(steps):
        if step == "put":
            thing = model[key] = Thing(time, f"{number}")
            waiting.put(key, thing)
        elif step == "remove":
            assert waiting.remove(key) == model.pop(key, None)
        else:
            due = {k: thing for k, thing in model.items() if thing.due <= time}
            assert sorted(taken(waiting, time)) == sorted(due.values())
            model = {k: thing for k, thing in model.items() if k not in due}
        assert sorted(waiting) == sorted(model.values())
        assert all(waiting.next_time <= thing.due for thing in model.values())


def test_however_often_it_is_put_off_or_removed_few_timers_are_kept() -> None:
    waiting = queue()
    for number in range(10_000):
        waiting.put("a", Thing(number))
        waiting.put(f"{number}", Thing(number))
        waiting.remove(f"{number}")
        assert len(waiting._timers) <= MOST_STALE + 3
    assert taken(waiting, 10_000) == [Thing(9_999)]
