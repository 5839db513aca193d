"""P1, P3: what becomes of each attempt that a crash finds in flight, and of its object.

Nobody can say whether such an attempt arrived. So it is counted; its content is told again only if
that is what the object still asks for, and under Hold only if a person does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from customevents import sandbox
from integration.conftest import Events
from operator_process import eventually
from promises import crowd
from promises.crowd import Post
from promises.fleet import Fleet
from proxy import ApiProxy, Handle, HangBefore, Hold, Rule

RESEND = "customevents.dev/resend"

#: Their POSTs are read and taken, and never answered.
UNANSWERED = (
    *("lost", "edited", "resent", "deleted", "again"),
    *("lost-hold", "edited-hold", "resent-hold"),
)

#: The connection is reset when their POSTs have been read and taken.
RESET = ("reset", "reset-hold")

#: Its POST is answered, and its result is on its way to the API server until all is settled.
LATE = "late"


class End(NamedTuple):
    """How a delivery stands, what reached the other end, and what the object says of that."""

    state: str
    posts: int
    ids: int
    unknown: int


AFTER_THE_CRASH = {
    "lost": End("Delivered", posts=2, ids=1, unknown=1),
    "reset": End("Delivered", posts=2, ids=1, unknown=1),
    "late": End("Delivered", posts=2, ids=1, unknown=1),
    "edited": End("Delivered", posts=2, ids=2, unknown=1),
    "resent": End("Delivered", posts=2, ids=2, unknown=1),
    "lost-hold": End("Held", posts=1, ids=1, unknown=1),
    "reset-hold": End("Held", posts=1, ids=1, unknown=1),
    "edited-hold": End("Delivered", posts=2, ids=2, unknown=1),
    "resent-hold": End("Delivered", posts=2, ids=2, unknown=1),
    # Another object of the same name: the lost attempt was none of its own.
    "again": End("Delivered", posts=2, ids=2, unknown=0),
}

HELD = [name for name, end in AFTER_THE_CRASH.items() if end.state == "Held"]
RESENT = End("Delivered", posts=2, ids=2, unknown=1)


def spec(name: str, summary: str = "") -> dict[str, Any]:
    policy = {"onUnknownOutcome": "Hold"} if name.endswith("-hold") else {}
    return {"eventType": "release", "summary": summary or name, **policy}


def posts_of(events: Events, name: str) -> list[Post]:
    return crowd.posts_of(events.timeline, events.namespace, name)


def ends(events: Events, names: list[str]) -> dict[str, End]:
    found = {}
    for name in names:
        record = events.get(name)["status"]["delivery"]
        posts = posts_of(events, name)
        ids = len({post.delivery_id for post in posts})
        found[name] = End(record["state"], len(posts), ids, record.get("unknownOutcomes", 0))
    return found


def put_in_flight(events: Events, operators: Fleet, proxy: ApiProxy) -> Handle:
    """Attempts under way, each in its own trouble, and what their authors do meanwhile.

    Returns what holds the result of the late one.
    """
    operators.start(kubeconfig=proxy.kubeconfig)
    events.apply("first", spec("first"))
    events.until("first", "Delivered")
    taken = {"accept": True}
    silent = [{**taken, "hang": True, "match": {"summary": name}} for name in UNANSWERED]
    reset = [{**taken, "drop": "afterReading", "match": {"summary": name}} for name in RESET]
    events.timeline.call("PUT", "/sandbox/faults", [*silent, *reset])
    unrecorded = proxy.add(Rule("PATCH", r"/reset/status(\?|$)", HangBefore(), count=None))
    late = proxy.add(Rule("PATCH", rf"/{LATE}/status(\?|$)", Hold()))
    for name in (*UNANSWERED, *RESET, LATE):
        events.apply(name, spec(name))
    eventually("all are sent", lambda: all(posts_of(events, name) for name in UNANSWERED))
    assert unrecorded.reached.wait(30)
    assert late.reached.wait(30)
    events.until("reset-hold", "Held")

    for name in ("edited", "edited-hold"):
        events.apply(name, spec(name, f"{name}: told otherwise"))
    events.kubectl("annotate", "cev", "resent", "resent-hold", f"{RESEND}=again")
    events.kubectl("delete", "cev", "deleted", "again")
    return late


def refused(proxy: ApiProxy) -> bool:
    """Whether the late result has arrived and changed nothing."""
    (write,) = (seen for seen in proxy.requests if f"/{LATE}/status" in seen.path)
    return write.status == 422


def test_each_attempt_that_a_crash_finds_in_flight_is_counted_and_told_again_as_it_is_then(
    events: Events,
    operators: Fleet,
    proxy: ApiProxy,
    timeline: sandbox.Running,
    figure: Callable[[str], None],
) -> None:
    late = put_in_flight(events, operators, proxy)
    operators.leader().kill()
    assert len(operators.in_flight(events.namespace)) >= len(UNANSWERED)
    events.apply("again", spec("again"))
    timeline.call("DELETE", "/sandbox/faults")
    begun = time.monotonic()
    operators.start(delivery_post_timeout="2")

    names = [*AFTER_THE_CRASH]
    eventually("all is settled", lambda: ends(events, names) == AFTER_THE_CRASH or None)
    seconds = time.monotonic() - begun
    for name in ("edited", "edited-hold"):
        said = [post.body["summary"] for post in posts_of(events, name)]
        assert said == [name, f"{name}: told otherwise"]
    assert len(posts_of(events, "deleted")) == 1
    late.release()
    eventually("the late result is refused", lambda: refused(proxy))
    operators.until_none_is_in_flight(events.namespace)
    doubled = sum(end.unknown for end in AFTER_THE_CRASH.values())
    figure(
        f"P3 SIGKILL with {len(UNANSWERED)} unanswered, {len(RESET)} reset, 1 late: "
        f"{doubled} counted, {len(HELD)} of them Held; settled in {seconds:.1f} s"
    )

    operators.leader().kill()
    operators.start(delivery_post_timeout="2")
    events.apply("last", spec("last"))
    events.until("last", "Delivered")
    assert ends(events, HELD) == {name: AFTER_THE_CRASH[name] for name in HELD}
    events.kubectl("annotate", "cev", *HELD, f"{RESEND}=a-person-looked")
    told = {**AFTER_THE_CRASH, **dict.fromkeys(HELD, RESENT)}
    eventually("both are told", lambda: ends(events, names) == told or None)
    operators.until_none_is_in_flight(events.namespace)
    assert ends(events, names) == told
