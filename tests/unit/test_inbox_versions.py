"""The newest edit wins, none is lost or taken twice, and a stale watch fools nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from customevents.delivery.echoes import LONGEST_LAG, PATIENCE
from customevents.delivery.inbox import Inbox
from customevents.resource.event import CustomEvent, read_without_status
from unit.builders import Clock, event, later, raw_event
from unit.counted import Counted
from unit.instant import at_once
from unit.queued import (
    LONG,
    after_our_own_write,
    drained,
    edited,
    finished,
    offer_all,
    out,
    soon,
    waiting,
    written,
)


@pytest.fixture
def inbox() -> Inbox:
    clock = Clock()
    return Inbox(clock, clock.uptime, Counted())


# --- Edits


@pytest.mark.asyncio
async def test_an_edit_replaces_itself_and_keeps_its_place(inbox: Inbox) -> None:
    first, second = waiting("a"), waiting("b")
    newer = edited(first, version=101)
    offer_all(inbox, [first, second, newer])
    assert len(inbox) == 2
    assert await soon(inbox) == newer
    assert await soon(inbox) == second


@pytest.mark.asyncio
async def test_an_older_version_than_the_one_that_waits_is_ignored(inbox: Inbox) -> None:
    first = waiting("a")
    newer = edited(first, version=101)
    offer_all(inbox, [newer, first])
    assert await soon(inbox) == newer
    newest = edited(first, version=102)
    offer_all(inbox, [newest, newer])
    inbox.done(newer, newer, None)
    assert await soon(inbox) == newest


@pytest.mark.asyncio
async def test_what_is_settled_meanwhile_is_not_given_out(inbox: Inbox) -> None:
    offer_all(inbox, [waiting("a"), waiting("b"), finished("a", version=101)])
    assert await drained(inbox) == ["b"]


@pytest.mark.asyncio
async def test_somebody_elses_record_of_other_content_is_looked_at_again(inbox: Inbox) -> None:
    """A backup writes the status in a second request, which our own verdict met."""
    first = waiting("a")
    inbox.offer(first)
    assert await soon(inbox) == first
    theirs = written(first, version=101)
    inbox.offer(theirs)
    inbox.done(first, theirs, None)
    assert await soon(inbox) == theirs


@pytest.mark.asyncio
async def test_an_edit_during_an_attempt_is_taken_afterwards(inbox: Inbox) -> None:
    first = waiting("a")
    inbox.offer(first)
    taken = await soon(inbox)
    newer = edited(first, version=101)
    inbox.offer(newer)
    assert await soon(inbox) is None
    assert taken == first
    inbox.done(first, first, None)
    assert await soon(inbox) == newer


@pytest.mark.asyncio
async def test_an_edit_that_only_our_own_write_shows_is_taken_afterwards(inbox: Inbox) -> None:
    """The edit came between the attempt and its record: the watch will show nothing newer."""
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    answer = edited(first, version=102)
    inbox.done(first, answer, None)
    assert await soon(inbox) == answer


@pytest.mark.asyncio
async def test_an_edit_that_the_watch_and_our_own_write_show_is_taken_once(inbox: Inbox) -> None:
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    inbox.offer(edited(first, version=101))
    answer = edited(first, version=102)
    inbox.done(first, answer, None)
    assert await soon(inbox) == answer
    inbox.offer(answer)  # the watch's echo of our write
    inbox.done(answer, answer, None)
    assert await soon(inbox) is None


@pytest.mark.asyncio
async def test_a_resend_asked_for_during_an_attempt_is_taken_afterwards(inbox: Inbox) -> None:
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    answer = replace(first, resource_version=102, resend="one")
    inbox.done(first, answer, None)
    assert await soon(inbox) == answer


@pytest.mark.asyncio
async def test_an_edit_goes_before_the_time_for_the_next_attempt(inbox: Inbox) -> None:
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    inbox.done(first, written(first, version=101), later(LONG))
    newer = edited(first, version=102)
    inbox.offer(newer)
    assert await soon(inbox) == newer


@pytest.mark.asyncio
async def test_an_event_that_is_out_is_not_given_out_twice(inbox: Inbox) -> None:
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    inbox.offer(written(first, version=101))
    assert await soon(inbox) is None
    assert inbox.busy == 1


# --- The watch's echo


@pytest.mark.asyncio
@pytest.mark.parametrize("version", [101, 104, 105], ids=["old", "just before", "the echo"])
async def test_the_watch_is_not_believed_up_to_our_own_write(inbox: Inbox, version: int) -> None:
    fresh = await after_our_own_write(inbox)
    inbox.offer(written(fresh, version=version))
    assert await soon(inbox) is None
    assert len(inbox) == 1  # it still waits for its time


@pytest.mark.asyncio
async def test_one_stale_event_does_not_make_the_next_one_believed(inbox: Inbox) -> None:
    fresh = await after_our_own_write(inbox)
    for version in (101, 104, 105):
        inbox.offer(written(fresh, version=version))
        assert await soon(inbox) is None


@pytest.mark.asyncio
async def test_the_watch_is_believed_after_our_own_write(inbox: Inbox) -> None:
    fresh = await after_our_own_write(inbox)
    inbox.offer(written(fresh, version=105))
    newer = edited(fresh, version=106)
    inbox.offer(newer)
    assert await soon(inbox) == newer


@pytest.mark.asyncio
async def test_an_edit_is_believed_although_the_echo_was_skipped(inbox: Inbox) -> None:
    fresh = await after_our_own_write(inbox)
    newer = edited(fresh, version=106)
    inbox.offer(newer)
    assert await soon(inbox) == newer


@pytest.mark.asyncio
async def test_a_stale_event_shown_during_an_attempt_is_not_taken_afterwards(inbox: Inbox) -> None:
    first = waiting("a", version=103)
    inbox.offer(first)
    await soon(inbox)
    inbox.offer(written(first, version=101))
    inbox.done(first, finished("a", version=104), None)
    assert await soon(inbox) is None


@pytest.mark.asyncio
async def test_what_is_being_deleted_is_not_taken_for_new_by_a_watch_that_lags(
    inbox: Inbox,
) -> None:
    first = waiting("a", version=101)
    inbox.offer(first)
    await soon(inbox)
    going = replace(first, resource_version=104, deleting=True)  # a finalizer keeps it for now
    inbox.done(first, going, None)
    inbox.offer(written(first, version=102))  # as it was before anybody deleted it
    assert await soon(inbox) is None
    inbox.forget(going)
    assert not inbox.knows("a")


@pytest.mark.asyncio
async def test_a_look_at_what_is_being_deleted_makes_no_lagging_watch_believed(
    inbox: Inbox,
) -> None:
    fresh = await after_our_own_write(inbox)
    inbox.forget(replace(fresh, resource_version=106, deleting=True), read=True)
    inbox.offer(written(waiting("a"), version=104))
    assert await soon(inbox) is None


@pytest.mark.asyncio
async def test_what_was_gone_as_its_result_was_written_is_not_taken_for_new(inbox: Inbox) -> None:
    first = waiting("a", version=101)
    inbox.offer(first)
    await soon(inbox)
    inbox.done(first, None, None)
    inbox.offer(edited(first, version=102))  # the watch lags: it was deleted since
    assert await soon(inbox) is None
    assert inbox.knows("a")  # so that a list which lags as well is not taken for news either
    inbox.forget(first)
    assert not inbox.knows("a")


@pytest.mark.asyncio
async def test_what_a_look_found_gone_is_not_taken_for_new(inbox: Inbox) -> None:
    first = waiting("a", version=101)
    inbox.offer(first)
    await soon(inbox)
    inbox.forget(first, read=True)
    inbox.done(first, first, None)
    inbox.offer(edited(first, version=102))
    assert await soon(inbox) is None


@pytest.mark.asyncio
async def test_an_object_that_is_there_after_all_is_not_lost_for_good() -> None:
    clock = Clock()
    inbox = Inbox(clock, clock.uptime, Counted())
    first = waiting("a", version=101)
    inbox.forget(first, read=True)
    clock.advance(LONGEST_LAG + 1.0)
    assert not inbox.knows("a")
    inbox.offer(first)
    assert await soon(inbox) == first


def test_what_was_read_long_ago_is_kept_by_nobody() -> None:
    clock = Clock()
    inbox = Inbox(clock, clock.uptime, Counted())
    for name in ("a", "b"):
        inbox.forget(waiting(name), read=True)
    clock.advance(LONGEST_LAG)
    inbox.forget(waiting("c"), read=True)
    assert list(inbox.echoes._read) == ["c"]
    clock.advance(LONGEST_LAG)
    inbox.echoes.pop_missing()
    assert not inbox.echoes._read


def test_what_is_read_again_is_kept_longer_and_keeps_nothing_else() -> None:
    clock = Clock()
    inbox = Inbox(clock, clock.uptime, Counted())
    for name in ("a", "b"):
        inbox.learn(finished(name, version=104))
    clock.advance(LONGEST_LAG - 1.0)
    inbox.learn(finished("a", version=105))
    clock.advance(1.0)
    inbox.echoes.pop_missing()
    assert list(inbox.echoes._read) == ["a"]


@pytest.mark.parametrize("newer", [finished("a", version=110), None])
def test_an_answer_that_was_long_on_its_way_takes_nothing_back(
    inbox: Inbox, newer: CustomEvent | None
) -> None:
    first = out(inbox, waiting("a"))
    if newer is None:
        inbox.forget(first, read=True)
    else:
        inbox.learn(newer)
    inbox.learn(first)
    inbox.settled("a", written(first, version=103))
    inbox.done(first, first, None)
    for version in (103, 105):
        inbox.offer(written(first, version=version))
    assert len(inbox) == 0


def test_a_watch_that_has_not_shown_a_write_in_time_is_not_believed_for_that() -> None:
    clock = Clock()
    inbox = Inbox(clock, clock.uptime, Counted())
    inbox.sees("")
    first = out(inbox, waiting("a"))
    inbox.done(first, finished("a", version=105), None)
    clock.advance(PATIENCE + 1.0)
    assert inbox.echoes.pop_missing() == {"shop"}
    inbox.offer(written(first, version=102))
    assert len(inbox) == 0
    newer = edited(finished("a", version=105), version=106)
    inbox.offer(newer)
    assert len(inbox) == 1


def test_while_nothing_is_shown_no_write_is_missed_and_none_is_kept_for_ever() -> None:
    clock = Clock()
    inbox = Inbox(clock, clock.uptime, Counted())
    for name in ("a", "b"):
        first = out(inbox, waiting(name))
        inbox.done(first, written(first, version=105), later(LONG))
    clock.advance(PATIENCE + 1.0)
    assert inbox.echoes.pop_missing() == set()
    assert not inbox.echoes._expected
    inbox.offer(written(first, version=102))
    assert first.uid not in inbox.echoes._expected
    clock.advance(LONGEST_LAG)
    assert inbox.echoes.pop_missing() == set()
    assert not inbox.echoes._read


def test_what_was_written_and_deleted_while_nothing_was_shown_is_missed_by_nobody() -> None:
    """The list with which the watch begins anew shows all that is still there."""
    clock = Clock()
    inbox = Inbox(clock, clock.uptime, Counted())
    inbox.sees("")
    first = out(inbox, waiting("a"))
    inbox.done(first, written(first, version=105), later(LONG))
    inbox.lost_sight("")
    clock.advance(1.0)
    inbox.sees("")
    clock.advance(PATIENCE + 1.0)
    assert inbox.echoes.pop_missing() == set()


def test_nobody_misses_the_echo_of_what_is_gone() -> None:
    clock = Clock()
    inbox = Inbox(clock, clock.uptime, Counted())
    inbox.sees("")
    first = out(inbox, waiting("a"))
    inbox.done(first, written(first, version=105), later(LONG))
    inbox.forget(first, read=True)
    clock.advance(PATIENCE + 1.0)
    assert inbox.echoes.pop_missing() == set()


def test_a_deletion_that_was_shown_while_it_was_out_is_expected_no_more(inbox: Inbox) -> None:
    first = out(inbox, waiting("a"))
    inbox.forget(first)
    inbox.done(first, None, None)
    assert not inbox.knows("a")


@pytest.mark.asyncio
async def test_what_a_look_found_is_believed_and_no_watch_that_lags(inbox: Inbox) -> None:
    first = waiting("a")
    inbox.offer(first)
    await soon(inbox)
    inbox.learn(finished("a", version=104))
    inbox.done(first, first, later(LONG))
    inbox.offer(written(first, version=102))
    assert await soon(inbox) is None
    newer = edited(finished("a", version=104), version=106)
    inbox.offer(newer)  # it has caught up
    assert await soon(inbox) == newer


UNREADABLE = {"delivery": {"state": "NotKnownYet"}}


def test_an_event_that_waits_is_not_given_out_once_its_status_cannot_be_read(
    inbox: Inbox,
) -> None:
    inbox.offer(event())
    inbox.offer(read_without_status(raw_event(resourceVersion="101", status=UNREADABLE)))
    assert len(inbox) == 0
    inbox.offer(event(resourceVersion="102"))
    assert len(inbox) == 1


def test_an_event_that_is_out_does_not_stand_once_its_status_cannot_be_read(
    inbox: Inbox,
) -> None:
    inbox.offer(event())
    taken = at_once(inbox.take())
    assert taken is not None
    inbox.offer(read_without_status(raw_event(resourceVersion="101", status=UNREADABLE)))
    assert not inbox.is_current(taken)
    inbox.done(taken, taken, None)
    assert len(inbox) == 0
