"""What Prometheus reads of a running operator, and of its standby."""

from __future__ import annotations

from pathlib import Path

from customevents import sandbox
from integration.conftest import Events, StartOperator
from operator_process import eventually, scrape

SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}
PLACES = ("ready", "postponed", "blocked", "busy")


def test_deliveries_and_a_lost_answer_are_counted(
    events: Events, start_operator: StartOperator, timeline: sandbox.Running
) -> None:
    running = start_operator(watch_namespaces=events.namespace)
    timeline.call(
        "PUT",
        "/sandbox/faults",
        {"drop": "afterReading", "count": 1, "match": {"summary": "lost on the way back"}},
    )
    events.apply("first", SPEC)
    events.apply("second", SPEC)
    events.apply("lost", {**SPEC, "summary": "lost on the way back"})
    for name in ("first", "second", "lost"):
        events.until(name, "Delivered")

    seen = scrape(running)
    assert seen("attempts_total", class_="Success") == 3
    assert seen("attempts_total", class_="Unknown") == 1
    assert seen("unknown_outcomes_total") == 1
    assert seen("unusual_successes_total") == 0
    assert seen("post_duration_seconds_count") == 4
    assert seen("delivery_duration_seconds_count") == 3
    assert 0 <= seen("delivery_duration_seconds_sum") < 90
    assert [seen("inbox_events", place=place) for place in PLACES] == [0, 0, 0, 0]
    assert seen("inbox_oldest_age_seconds") == 0
    assert seen("journal_intents_total") == 4
    assert seen("journal_entries") == seen("journal_lost_total") == 0
    assert seen("breaker_state", state="closed") == 1
    assert seen("leader") == 1
    assert seen("events_missed_total") == 0


def test_the_watch_is_silent_until_it_shows_something(
    events: Events, start_operator: StartOperator
) -> None:
    running = start_operator(watch_namespaces=events.namespace)

    def age() -> float:
        seen = scrape(running)
        return seen("watch_age_seconds") if seen.has("watch_age_seconds") else 0.0

    silent = eventually("nothing is shown", lambda: age() if age() > 2 else None)
    events.apply("checkout", SPEC)
    eventually("something is shown", lambda: age() < silent)
    events.until("checkout", "Delivered")


def test_events_that_wait_for_a_good_key_are_seen_to_wait(
    events: Events, start_operator: StartOperator, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("not-the-test-key")
    running = start_operator(
        watch_namespaces=events.namespace,
        api_key_file=str(key_file),
        metrics_namespace_label="true",
    )
    events.apply("checkout", SPEC)
    events.until("checkout", "Retrying")
    seen = scrape(running)
    assert seen("paused", reason="key") == 1
    refused = {"class_": "EndpointLevel", "namespace": events.namespace}
    assert seen("attempts_total", **refused) == 1
    assert seen("inbox_events", place="postponed") == 1
    eventually("its age shows", lambda: scrape(running)("inbox_oldest_age_seconds") > 1)

    events.kubectl("delete", "cev", "checkout")
    eventually("it is cancelled", lambda: scrape(running).has("events_cancelled_total"))
    assert scrape(running)("events_cancelled_total", namespace=events.namespace) == 1
    running.says("checkout was deleted before it was delivered")


def test_a_standby_answers_too_and_says_that_it_does_not_lead(
    start_operator: StartOperator,
) -> None:
    leader = start_operator(pod_name="leader")
    eventually("the first one leads", lambda: scrape(leader)("leader") == 1)
    standby = start_operator(pod_name="standby")
    seen = scrape(standby)
    assert seen("leader") == 0
    assert not seen.has("watch_age_seconds")
    assert leader.terminate() == 0
    eventually("the standby leads", lambda: scrape(standby)("leader") == 1)
