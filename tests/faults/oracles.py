"""What must hold whatever fault was placed: from the records of both ends, not from the operator.

The sandbox says what was told, the objects what is said of that, the proxy before the API server
what stood in the Lease when, and what was written. It shares no code with the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from promises import crowd
from promises.crowd import TERMINAL, Post
from proxy import Seen

#: As the sandbox expects it, unlike any key, and easy to find.
CANARY = "canary-test-key"

#: Of a quiet operator: it renews its Lease, and says how it is.
UPKEEP = ("/leases", "/configmaps/customevents")


class Fate(NamedTuple):
    """How an event ends: its POSTs at the sandbox, under how many ids, and the lost attempts.

    Nobody knows of a `deleted` object; its `posts` are the most that there may be.
    """

    posts: int = 1
    unknown: int = 0
    ids: int = 1
    state: str = "Delivered"
    deleted: bool = False

    def __str__(self) -> str:
        told = "1 POST" if self.posts == 1 else f"{self.posts} POSTs"
        if self.deleted:
            return f"deleted, {told} at most"
        ids = f" under {self.ids} ids" if self.ids > 1 else ""
        return f"{self.state}, {told}{ids}, {self.unknown} counted as unknown"


@dataclass(frozen=True)
class Evidence:
    """What is looked at when all is over, by namespace/name where it is of one event."""

    objects: Mapping[str, dict[str, Any]]
    #: What reached the sandbox.
    posts: Sequence[Post]
    #: What the operators asked of the API server, and of the events API.
    asked: Sequence[Seen]
    sent: Sequence[Seen]
    logs: str

    def posts_of(self, source: str) -> list[Post]:
        """Those of one object, or of others that had its name."""
        return [post for post in self.posts if post.source == source]

    def record(self, source: str) -> dict[str, Any]:
        """What its status says of the delivery; empty: the object is gone."""
        status = self.objects[source]["status"] if source in self.objects else {}
        return dict(status.get("delivery", {}))

    def unknown(self, source: str) -> int:
        """The attempts whose outcome counts as unknown."""
        return int(self.record(source).get("unknownOutcomes", 0))


def faults_found(evidence: Evidence) -> list[str]:
    """What does not hold, in words; empty: all holds."""
    return [f"{oracle.__name__}: {words}" for oracle in ORACLES for words in oracle(evidence)]


def not_as_fated(evidence: Evidence, fates: Mapping[str, Fate]) -> list[str]:
    """The events that ended in another way than they should, in words."""
    return [
        f"{source}: {found}, and not {fate}"
        for source, fate in fates.items()
        if not _is_fated(found := _fate(evidence, source), fate)
    ]


def o1_every_event_was_told(evidence: Evidence) -> Iterator[str]:
    """What an object asks for reached the other end, under the id of its record."""
    for source in evidence.objects:
        told = {post.delivery_id for post in evidence.posts_of(source) if post.accepted}
        if evidence.record(source)["id"] not in told:
            yield f"{source} was not told"


def o2_a_duplicate_is_counted(evidence: Evidence) -> Iterator[str]:
    """No id was told more often than the lost attempts of its object explain."""
    for source in {post.source for post in evidence.posts}:
        posts = [post for post in evidence.posts_of(source) if _maybe_applied(post)]
        more = len(posts) - len({post.delivery_id for post in posts})
        if more > evidence.unknown(source):
            yield f"{source} was told {more} times more, {evidence.unknown(source)} counted"


def o3_delivered_is_what_a_2xx_answered(evidence: Evidence) -> Iterator[str]:
    """A success was answered for the very id that the record has."""
    for source in evidence.objects:
        record = evidence.record(source)
        answered = [p.answered for p in evidence.posts_of(source) if p.delivery_id == record["id"]]
        successes = [each for each in answered if isinstance(each, int) and 200 <= each < 300]
        if record["state"] == "Delivered" and not successes:
            yield f"{source} is Delivered, and was answered {answered}"


def o4_the_lease_listed_each_post_as_it_left(evidence: Evidence) -> Iterator[str]:
    """The last write of the Lease that was answered before a POST came lists its id."""
    writes = [seen for seen in evidence.asked if "/leases" in seen.path and is_write(seen)]
    for post in evidence.sent:
        assert post.request is not None
        id_ = post.request.head.fields.get("idempotency-key", "")
        before = [seen for seen in writes if seen.answered is not None and seen.answered < post.at]
        last = max(before, key=lambda seen: seen.answered or 0.0, default=None)
        if not id_ or last is None or last.request is None or id_.encode() not in last.request.body:
            yield f"the Lease did not list {id_!r} when its POST left"


def o5_nothing_is_left_open(evidence: Evidence) -> Iterator[str]:
    """Each delivery has ended."""
    for source in evidence.objects:
        state = evidence.record(source)["state"]
        if state not in TERMINAL:
            yield f"{source} is {state}"


def o7_each_event_costs_few_writes(evidence: Evidence) -> Iterator[str]:
    """At most two writes of a status, and two more for each attempt behind the first."""
    for source in evidence.objects:
        namespace, _, name = source.partition("/")
        path = f"/namespaces/{namespace}/customevents/{name}/status"
        written = sum(is_write(seen) and path in seen.path for seen in evidence.asked)
        retries = max(len(evidence.posts_of(source)) - 1, evidence.unknown(source))
        if written > 2 + 2 * retries:
            yield f"{source} has {written} writes of its status for {retries} retries"


def o8_each_condition_is_of_the_object_as_it_is(evidence: Evidence) -> Iterator[str]:
    """`kubectl wait` believes no condition of an older generation."""
    for source, event in evidence.objects.items():
        seen = {each.get("observedGeneration") for each in event["status"]["conditions"]}
        if seen != {event["metadata"]["generation"]}:
            yield f"{source} is at {event['metadata']['generation']}, its conditions at {seen}"


def o9_no_log_has_the_key(evidence: Evidence) -> Iterator[str]:
    """Whatever went wrong, the key is not said."""
    for line in evidence.logs.splitlines():
        if CANARY in line:
            yield f"the key stands in the log: {line}"


#: That it grows quiet, and how soon, belongs to O5: `Rig.judge` waits for it.
ORACLES: tuple[Callable[[Evidence], Iterator[str]], ...] = (
    o1_every_event_was_told,
    o2_a_duplicate_is_counted,
    o3_delivered_is_what_a_2xx_answered,
    o4_the_lease_listed_each_post_as_it_left,
    o5_nothing_is_left_open,
    o7_each_event_costs_few_writes,
    o8_each_condition_is_of_the_object_as_it_is,
    o9_no_log_has_the_key,
)


def is_told_aloud(seen: Seen) -> bool:
    """Whether a request changes the cluster beside the operator's own upkeep."""
    return seen.method != "GET" and not any(path in seen.path for path in UPKEEP)


def is_write(seen: Seen) -> bool:
    """Whether it has changed something."""
    return seen.method != "GET" and seen.status is not None and seen.status < 300


def _fate(evidence: Evidence, source: str) -> Fate:
    posts = evidence.posts_of(source)
    ids = len(crowd.by_delivery(posts))
    if source not in evidence.objects:
        return Fate(len(posts), ids=ids, deleted=True)
    return Fate(len(posts), evidence.unknown(source), ids, evidence.record(source)["state"])


def _is_fated(found: Fate, fate: Fate) -> bool:
    return found == fate if not fate.deleted else found.deleted and found.posts <= fate.posts


def _maybe_applied(post: Post) -> bool:
    """Whether the other side may have taken it: all but a refusal."""
    return post.accepted or not isinstance(post.answered, int) or post.answered >= 500
