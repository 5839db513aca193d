"""What must hold in every schedule, looked at as it happens; `calm.py` looks at the end.

The names are those of the design: O1 told at least once, O2 more than once only if it is counted,
O3 Delivered only after a 2xx, O4 no POST without a committed intent, O5 an end, and then silence,
O6 the end that the authors asked for, O7 few writes, O8 the generation that was seen.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from customevents.answers import Response
from customevents.eventsapi.answer import Answer, NoAnswer
from customevents.resource.event import RESEND_ANNOTATION
from customevents.resource.lease import holder
from simulation.pace import Pace
from simulation.remote import Sent
from simulation.sentences import is_documented

if TYPE_CHECKING:
    from simulation.world import World

#: Requests of one kind that may fail within a second, of one process.
MOST_FAILURES = 40

#: Seconds within which a POST may well be under way: they are tried for 30.
LONGEST = 25.0

#: Seconds after somebody has edited the Lease in which two may lead, and it need not list all.
BY_HAND = 20.0

#: Seconds for which a failed write keeps a result from its object: a pause, and then the drain.
HINDERED = 120.0

#: A severity that only another version of the CRD has.
UNREADABLE = "Fatal"

#: What authors edit of the content.
EDITED = ("summary", "severity")

#: No count that was counted.
PLANTED = 2**28

#: What a finished delivery is.
FINISHED = ("Delivered", "Failed", "Expired")

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Violation:
    """A rule that was broken."""

    rule: str
    words: str
    at: float

    def __str__(self) -> str:
        return f"{self.rule}: {self.words} (t={self.at:.3f})"


@dataclass
class Life:
    """One object, from its creation on."""

    path: str
    #: When its author last wrote anything.
    changed: float
    deeds: int = 1
    #: How often its author has asked to tell something; and what can be read, so often.
    tellings: int = 1
    news: int = 1
    always_holds: bool = False
    always_suspended: bool = False
    resent: bool = False
    restored: bool = False
    #: Whether it was told, or may have been before a backup brought it back, and nobody has asked
    #: to tell it since.
    is_no_news: bool = False
    #: Whether somebody else has written its status.
    tampered: bool = False
    #: Writes of its status that changed it, and the version of the last one.
    writes: int = 0
    version: str = ""
    unknown: int = 0
    sequence: int = 0
    intents: set[tuple[str, int]] = field(default_factory=set)
    said: tuple[str, str] = ("", "")
    last: dict[str, Any] = field(default_factory=dict)


def _is_told(raw: dict[str, Any]) -> bool:
    """Whether its status says that it was told as it is."""
    record, condition = raw["status"]["delivery"], raw["status"]["conditions"][0]
    resend = raw["metadata"].get("annotations", {}).get(RESEND_ANNOTATION, "")
    is_seen = condition.get("observedGeneration") == raw["metadata"]["generation"]
    is_answered = resend in ("", record.get("resend"))
    is_delivered = record["state"] == "Delivered" and bool(record.get("contentHash"))
    return is_delivered and is_seen and is_answered


class Judge:
    """Looks at one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.violations: list[Violation] = []
        self.lives: dict[str, Life] = {}
        #: From what to what a status went.
        self.pairs: set[tuple[tuple[str, str], tuple[str, str]]] = set()
        #: What the world looked like after each write of a status.
        self.states: set[int] = set()
        self.sentences: set[str] = set()
        self.requests: Counter[str] = Counter()
        self.forgiven: set[str] = set()
        self._by_hand = float("-inf")
        #: Who has made a Lease where there was none, and so knows of nobody's attempts; and when.
        self._made: dict[str, float] = {}
        self._paces: dict[str, Pace] = {}
        #: Who was stopped in its drain, which may have used up the time that it had for that.
        self.out_of_time: set[str] = set()
        #: When a read or a write of a status failed last, by process.
        self._hindered: dict[str, float] = {}
        self._failures: dict[tuple[str, str], deque[float]] = {}
        #: What was counted when the first attempt under an id was sent: that is of other tellings.
        self._counted_before: dict[tuple[str, str], int] = {}
        self.by_id: defaultdict[tuple[str, str], list[Sent]] = defaultdict(list)

    def violated(self, rule: str, words: str) -> None:
        """A rule is broken."""
        self._world.say("judge", f"{rule}: {words}")
        self.violations.append(Violation(rule, words, self._world.loop.time()))

    # What authors and administrators did.

    def made(self, raw: dict[str, Any]) -> None:
        """An object was created."""
        self._begin(raw)

    def restored(self, raw: dict[str, Any], saved: dict[str, Any], *, with_status: bool) -> None:
        """A backup has brought it back as it was saved, or without its status."""
        life = self._begin(raw)
        life.restored, life.tampered = True, with_status
        has_receipt = "contentHash" in raw["status"]["delivery"]
        life.is_no_news = not with_status or (has_receipt and self._is_no_news(saved))

    def _begin(self, raw: dict[str, Any]) -> Life:
        metadata = raw["metadata"]
        life = Life(f"{metadata['namespace']}/{metadata['name']}", self._world.loop.time())
        life.always_holds = raw["spec"].get("onUnknownOutcome") == "Hold"
        life.always_suspended = bool(raw["spec"].get("suspend"))
        life.resent = bool(metadata.get("annotations", {}).get(RESEND_ANNOTATION))
        record = raw.get("status", {}).get("delivery", {})
        life.unknown, life.sequence = record.get("unknownOutcomes", 0), record.get("sequence", 0)
        self.lives[metadata["uid"]] = life
        return life

    def wrote(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """An author changed an object."""
        life = self.lives[after["metadata"]["uid"]]
        if before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]:
            return
        life.deeds += 1
        life.changed = self._world.loop.time()
        life.always_suspended &= bool(after["spec"].get("suspend"))
        was, now = (raw["metadata"].get("annotations", {}) for raw in (before, after))
        life.resent |= bool(now.get(RESEND_ANNOTATION))
        edited = [x for x in EDITED if before["spec"].get(x) != after["spec"].get(x)]
        told_anew = bool(edited)
        # An edit that nobody can read asks for nothing, and nor does who takes it back.
        is_unread = UNREADABLE in (before["spec"].get("severity"), after["spec"].get("severity"))
        asked = now.get(RESEND_ANNOTATION, "") not in ("", was.get(RESEND_ANNOTATION))
        life.tellings += told_anew or asked
        life.news += asked or (told_anew and not (is_unread and edited == ["severity"]))
        life.is_no_news &= not (told_anew or asked)

    def rewritten(self, raw: dict[str, Any]) -> None:
        """Another version of the operator, or somebody else, has written a status."""
        life, record = self.lives[raw["metadata"]["uid"]], raw["status"]["delivery"]
        life.tampered, life.last = True, record
        # What is in flight just now may be other content, and all that is told of it comes later.
        is_under_way = raw["metadata"]["uid"] in self._world.in_flight().values()
        life.is_no_news = self._is_no_news(raw) and not is_under_way
        life.unknown, life.sequence = 0, 0

    def _is_no_news(self, raw: dict[str, Any]) -> bool:
        """Whether it was told as it is: a generation that was seen may be that of another life."""
        return _is_told(raw) and raw["spec"]["summary"] in self.told_as(raw)

    def told_as(self, raw: dict[str, Any]) -> set[str]:
        """What was sent under the id that its status names."""
        named = raw["status"]["delivery"].get("id")
        sent = (each for (_, told), all_ in self.by_id.items() if told == named for each in all_)
        return {each.summary for each in sent}

    def lease_is_touched(self) -> None:
        """Somebody is about to edit the Lease: what it lists may be forgotten."""
        self._by_hand = self._world.loop.time()
        self.forgiven |= self._world.in_flight().keys()

    @property
    def _is_by_hand(self) -> bool:
        return self._world.loop.time() - self._by_hand <= BY_HAND

    # What the operator did.

    def posted(self, sent: Sent) -> None:
        """A POST leaves a replica."""
        now = self._world.loop.time()
        self._look_at_the_pace(sent.who, now)
        self._look_for_another_leader(sent.who, now)
        self._look_at_what_waits(sent)
        if not sent.uid:
            if not self._is_by_hand:
                self.violated("O4", f"the Lease lists no intent for {sent.source}")
            sent.uid = self._uid(sent.source)
        if not sent.uid:
            return
        earlier = [each for each in self.by_id[sent.uid, sent.delivery_id] if each.applies]
        life = self.lives[sent.uid]
        is_there = bool(earlier) or (life.news == 1 and self._is_there(sent.uid))
        self.by_id[sent.uid, sent.delivery_id].append(sent)
        self._look_at_the_deadline(sent, life, now)
        stored = self._stored(sent.uid)
        if stored is None or sent.delivery_id in self.forgiven:
            return
        unknown = stored["status"]["delivery"].get("unknownOutcomes", 0)
        counted = unknown - self._counted_before.setdefault((sent.uid, sent.delivery_id), unknown)
        if not life.tampered and counted < len(earlier):
            times = f"{len(earlier)} times, {counted} counted"
            self.violated("O2", f"{sent.source} is sent again: it is there {times}")
        if life.is_no_news:
            self.violated("O2", f"{sent.source} is sent, and is no news")
        if life.always_holds and is_there and not life.tampered:
            self.violated("O2", f"{sent.source} is sent again, and holds")

    def _is_there(self, uid: str) -> bool:
        """Whether an object is on the timeline, under whatever id."""
        known = (key for key in self.by_id if key[0] == uid and key[1] not in self.forgiven)
        return any(each.applies for key in known for each in self.by_id[key])

    def began(self, who: str) -> None:
        """A process begins."""
        plan, settings = self._world.plan, self._world.settings
        rate, burst = settings.get("delivery_rate", 10.0), settings.get("delivery_burst", 20)
        self._paces[who] = Pace(self._world.loop.time(), rate, burst, plan.drift)

    def ended(self, sent: Sent, found: Answer | NoAnswer) -> None:
        """A replica knows how a POST has ended."""
        self._paces[sent.who].ended(found, self._world.loop.time())

    def probed(self, who: str, found: Answer | NoAnswer) -> None:
        """A replica knows what a probe was answered."""
        if isinstance(found, Answer) and found.status in (200, 404):
            self._paces[who].probed()

    def exited(self, who: str) -> None:
        """A process has ended by itself."""
        if who in self.out_of_time:
            return
        if under_way := self._paces[who].under_way:
            self.violated("P8", f"{who} has ended with {under_way} attempts under way")
        if self._world.loop.time() - self._hindered.get(who, float("-inf")) < HINDERED:
            return
        for (uid, delivery_id), all_ in self.by_id.items():
            if any(sent.who == who and sent.is_confirmed for sent in all_):
                self._must_be_on_record(who, uid, delivery_id)

    def done(self, who: str, what: str, found: Response) -> None:
        """The API server has done something, or refused to."""
        self.requests[what] += 1
        if what == "PATCH status":
            self._look_at_a_status(who, found)
        elif what == "POST notice" and b"another operator" in found.body:
            self._look_at_the_alarm(who)
        elif what in ("POST lease", "PUT lease") and found.status < 300:
            if what == "POST lease":
                self._made[who] = self._world.loop.time()
            for intent in self._world.intents():
                if intent.uid in self.lives:
                    self.lives[intent.uid].intents.add((intent.delivery_id, intent.attempt))

    def slept(self, who: str, seconds: float) -> None:
        """A process was stopped for so long: to it, what failed before that has just failed."""
        if who in self._hindered:
            self._hindered[who] += seconds

    def counted(self, who: str, what: str, *, good: bool) -> None:
        """A request is answered."""
        if good:
            self._failures.pop((who, what), None)
            return
        if what in ("PATCH status", "GET event"):
            self._hindered[who] = self._world.loop.time()
        now, failures = self._world.loop.time(), self._failures.setdefault((who, what), deque())
        failures.append(now)
        while failures[0] < now - 1.0:
            failures.popleft()
        if len(failures) > MOST_FAILURES:
            self.violated("no hot loop", f"{who}: {len(failures)} x {what} within a second")
            failures.clear()

    def _look_at_the_alarm(self, who: str) -> None:
        """There is one operator. But who is deposed by hand learns that at its next renewal."""
        if all(deed.do != "clear the holder" for deed in self._world.plan.deeds):
            self.violated("alarm", f"{who} takes its own kind for another operator")

    def _must_be_on_record(self, who: str, uid: str, delivery_id: str) -> None:
        stored, life = self._stored(uid), self.lives[uid]
        record = stored["status"]["delivery"] if stored is not None else {}
        if record.get("id") != delivery_id or life.tampered or life.said[1] == "Invalid":
            return
        if record["state"] != "Delivered":
            state = record["state"]
            self.violated("P8", f"{who} has ended, and {life.path}, which it delivered, is {state}")

    def errors(self, found: list[dict[str, Any]]) -> None:
        """What the loop was told of."""
        for context in found:
            self.violated("defect", f"{context.get('message')}: {context.get('exception')!r}")

    def _look_at_the_pace(self, who: str, now: float) -> None:
        if wrong := self._paces[who].sends(now):
            self.violated("P5", f"{who} sends: {wrong}")

    def _look_for_another_leader(self, who: str, now: float) -> None:
        """Who sends holds the Lease, and nobody's attempts are under way that it cannot know."""
        since = self._made.get(who, float("-inf"))
        for other, pace in self._paces.items():
            may_arrive = pace.under_way and now < pace.sent_last + LONGEST
            if other != who and may_arrive and pace.sent_last < since:
                self.violated("one leader", f"{who} sends, and knows not what {other} has sent")
        parts, lease = self._world.replicas[who[0]].parts, self._world.server.lease()
        if parts is None or lease is None or self._is_by_hand:
            return
        if (named := holder(lease)) != parts.election.terms.identity:
            self.violated("one leader", f"{who} sends, and {named or 'nobody'} holds the Lease")

    def _look_at_what_waits(self, sent: Sent) -> None:
        settings = self._world.replicas[sent.who[0]].settings
        if settings is not None and settings.delivery_paused:
            self.violated("suspended", f"{sent.who} sends, and is paused")
        # By the Lease: where that lists nothing, its name alone says which object it is.
        if sent.uid and self.lives[sent.uid].always_suspended:
            self.violated("suspended", f"{sent.source} is sent, and was never to be")

    def _look_at_the_deadline(self, sent: Sent, life: Life, now: float) -> None:
        stored = self._stored(sent.uid)
        if stored is None or life.resent:
            return
        seconds, since = stored["spec"].get("deliveryDeadlineSeconds"), life.changed
        if occurred := stored["spec"].get("occurredAt"):
            since = now - (self._world.now() - datetime.fromisoformat(occurred)).total_seconds()
        if seconds and now > since + seconds + 3.0:
            self.violated("deadline", f"{sent.source} is no news any more")

    def _look_at_a_status(self, who: str, found: Response) -> None:
        if found.status not in (200, 422):
            return
        raw = json.loads(found.body)
        if found.status == 422 and raw.get("details", {}).get("causes"):
            self.violated("schema", f"a status of {who} is refused: {raw['message']}")
        if found.status == 422:
            return
        uid, status = raw["metadata"]["uid"], raw["status"]
        record, condition, life = status["delivery"], status["conditions"][0], self.lives[uid]
        said, version = (record["state"], condition["reason"]), raw["metadata"]["resourceVersion"]
        # One whose answer is lost is written again, and changes nothing then. And by hand, until
        # the next renewal two may lead, and answer each other.
        if version != life.version and not self._is_by_hand:
            life.writes += 1
        life.version = version
        self._world.say(who, f"{life.path} is {said[0]} ({said[1]}), version {version}")
        self.pairs.add((life.said, said))
        life.said = said
        self._look_at_a_record(life, uid, record)
        self.sentences.add(f"{condition['reason']}: {_DIGITS.sub('#', condition['message'])}")
        if not is_documented(condition["reason"], condition["message"]):
            self.violated("words", f"{condition['reason']} never says: {condition['message']}")
        if condition.get("observedGeneration", 0) > raw["metadata"]["generation"]:
            self.violated("O8", f"{life.path}: a generation that is not there yet")
        life.last = record
        self._note_the_state()

    def _look_at_a_record(self, life: Life, uid: str, record: dict[str, Any]) -> None:
        unknown, sequence = record.get("unknownOutcomes", 0), record.get("sequence", 0)
        if unknown < life.unknown < PLANTED:
            self.violated("O2", f"{life.path}: unknownOutcomes falls to {unknown}")
        if sequence < life.sequence < PLANTED:
            self.violated("records", f"{life.path}: sequence falls to {sequence}")
        if not life.tampered and sequence > life.tellings + unknown:
            self.violated("records", f"{life.path}: its {sequence}. telling, and nobody asked")
        before = life.last
        same = bool(before.get("id")) and before.get("id") == record.get("id")
        was_delivered = same and before["state"] == "Delivered"
        if was_delivered and record["state"] != "Delivered" and life.said[1] != "Invalid":
            self.violated("records", f"{life.path}: it was Delivered, and is {record['state']}")
        if record["state"] == "Delivered" and not was_delivered:
            self._must_be_read(life, uid, record)
        life.unknown, life.sequence = unknown, sequence

    def _must_be_read(self, life: Life, uid: str, record: dict[str, Any]) -> None:
        sent = self.by_id[uid, record.get("id", "")]
        if not life.tampered and not any(each.is_confirmed for each in sent):
            self.violated("O3", f"{life.path} is Delivered, and nobody has read a 2xx")

    def _note_the_state(self) -> None:
        lives = sorted(
            (*life.said, min(life.last.get("attempts", 0), 3), min(life.unknown, 2))
            for life in self.lives.values()
        )
        replicas = [(each.runs, each.process.is_stopped) for each in self._world.replicas.values()]
        self.states.add(hash((tuple(lives), tuple(replicas), len(self._world.in_flight()))))

    def _uid(self, path: str) -> str:
        """The object of this name that was made last."""
        found = (uid for uid, life in reversed(self.lives.items()) if life.path == path)
        return next(found, "")

    def _stored(self, uid: str) -> dict[str, Any] | None:
        found = (raw for raw in self._world.server.stored() if raw["metadata"]["uid"] == uid)
        return next(found, None)
