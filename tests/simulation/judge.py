"""What must hold in every schedule, looked at as it happens and when all is calm.

The names are those of the design: O1 told at least once, O2 more than once only if it is counted,
O3 Delivered only after a 2xx, O4 no POST without a committed intent, O5 an end, and then silence,
O6 the end that the authors asked for, O7 few writes, O8 the generation that was seen.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from customevents.answers import Response
from customevents.eventsapi.client import Answer, NoAnswer
from customevents.resource.event import RESEND_ANNOTATION
from customevents.wiring import Wired
from simulation.pace import Pace
from simulation.remote import REFUSED, Sent
from simulation.sentences import is_documented

if TYPE_CHECKING:
    from simulation.world import World

#: Requests of one kind that may fail within a second, of one process.
MOST_FAILURES = 40

#: Seconds after somebody has edited the Lease in which it need not list what is sent.
BY_HAND = 20.0

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
    #: How often its author has asked to tell something.
    tellings: int = 1
    always_holds: bool = False
    resent: bool = False
    restored: bool = False
    #: Whether a backup brought it back without its status, and nobody has touched it since.
    is_no_news: bool = False
    #: Whether somebody else has written its status.
    tampered: bool = False
    writes: int = 0
    unknown: int = 0
    sequence: int = 0
    intents: set[tuple[str, int]] = field(default_factory=set)
    said: tuple[str, str] = ("", "")
    last: dict[str, Any] = field(default_factory=dict)


def _may_send(parts: Wired) -> bool:
    return parts.election.leads and parts.throttle.is_open


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
        self._forgiven: set[str] = set()
        self._by_hand = self._cleared = float("-inf")
        self._paces: dict[str, Pace] = {}
        self._failures: dict[tuple[str, str], deque[float]] = {}
        self._by_id: defaultdict[tuple[str, str], list[Sent]] = defaultdict(list)
        self._settled: tuple[int, int] | None = None

    def violated(self, rule: str, words: str) -> None:
        """A rule is broken."""
        self._world.say("judge", f"{rule}: {words}")
        self.violations.append(Violation(rule, words, self._world.loop.time()))

    # What authors and administrators did.

    def made(
        self, raw: dict[str, Any], *, restored: bool = False, with_status: bool = False
    ) -> None:
        """An object was created."""
        metadata = raw["metadata"]
        life = Life(f"{metadata['namespace']}/{metadata['name']}", self._world.loop.time())
        life.always_holds = raw["spec"].get("onUnknownOutcome") == "Hold"
        life.restored, life.tampered = restored, with_status
        life.is_no_news = restored and not with_status
        record = raw.get("status", {}).get("delivery", {})
        life.unknown, life.sequence = record.get("unknownOutcomes", 0), record.get("sequence", 0)
        self.lives[metadata["uid"]] = life

    def wrote(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """An author changed an object."""
        life = self.lives[after["metadata"]["uid"]]
        if before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]:
            return
        life.deeds += 1
        life.changed = self._world.loop.time()
        life.is_no_news = False
        was, now = (raw["metadata"].get("annotations", {}) for raw in (before, after))
        life.resent |= bool(now.get(RESEND_ANNOTATION))
        told_anew = before["spec"]["summary"] != after["spec"]["summary"]
        asked = now.get(RESEND_ANNOTATION, "") not in ("", was.get(RESEND_ANNOTATION))
        life.tellings += told_anew or asked

    def rewritten(self, raw: dict[str, Any]) -> None:
        """Another version of the operator has written a status."""
        life, record = self.lives[raw["metadata"]["uid"]], raw["status"]["delivery"]
        life.tampered, life.last = True, record
        life.unknown, life.sequence = 0, 0

    def lease_is_touched(self, *, cleared: bool = False) -> None:
        """Somebody is about to edit the Lease: what it lists may be forgotten.

        `cleared`: its holder is taken away, who cannot know of that.
        """
        if cleared:
            self._cleared = self._world.loop.time()
        self._by_hand = self._world.loop.time()
        self._forgiven |= self._world.in_flight().keys()

    # What the operator did.

    def posted(self, sent: Sent) -> None:
        """A POST leaves a replica."""
        now = self._world.loop.time()
        self._look_at_the_pace(sent.who, now)
        self._look_for_another_leader(sent.who, now)
        if not sent.uid:
            if now - self._by_hand > BY_HAND:
                self.violated("O4", f"the Lease lists no intent for {sent.source}")
            sent.uid = self._uid(sent.source)
        if not sent.uid:
            return
        earlier = [each for each in self._by_id[sent.uid, sent.delivery_id] if each.applies]
        self._by_id[sent.uid, sent.delivery_id].append(sent)
        life = self.lives[sent.uid]
        self._look_at_the_deadline(sent, life, now)
        stored = self._stored(sent.uid)
        if stored is None or sent.delivery_id in self._forgiven:
            return
        counted = stored["status"]["delivery"].get("unknownOutcomes", 0)
        if not life.tampered and counted < len(earlier):
            times = f"{len(earlier)} times, {counted} counted"
            self.violated("O2", f"{sent.source} is sent again: it is there {times}")
        if life.is_no_news and not life.tampered:
            self.violated("O2", f"{sent.source} is sent, and a backup brought it back")
        if life.always_holds and earlier and not life.tampered:
            self.violated("O2", f"{sent.source} is sent again, and holds")

    def began(self, who: str) -> None:
        """A process begins."""
        plan, settings = self._world.plan, self._world.settings
        rate, burst = settings.get("delivery_rate", 10.0), settings.get("delivery_burst", 20)
        self._paces[who] = Pace(self._world.loop.time(), rate, burst, plan.drift)

    def ended(self, sent: Sent, found: Answer | NoAnswer) -> None:
        """A replica knows how a POST has ended."""
        self._paces[sent.who].ended(found, self._world.loop.time())

    def exited(self, who: str) -> None:
        """A process has ended by itself."""
        if under_way := self._paces[who].under_way:
            self.violated("P8", f"{who} has ended with {under_way} attempts under way")

    def done(self, who: str, what: str, found: Response) -> None:
        """The API server has done something, or refused to."""
        self.requests[what] += 1
        if what == "PATCH status":
            self._look_at_a_status(who, found)
        elif what.endswith("lease") and found.status < 300:
            for intent in self._world.intents():
                if intent.uid in self.lives:
                    self.lives[intent.uid].intents.add((intent.delivery_id, intent.attempt))

    def counted(self, who: str, what: str, *, good: bool) -> None:
        """A request is answered."""
        if good:
            self._failures.pop((who, what), None)
            return
        now, failures = self._world.loop.time(), self._failures.setdefault((who, what), deque())
        failures.append(now)
        while failures[0] < now - 1.0:
            failures.popleft()
        if len(failures) > MOST_FAILURES:
            self.violated("no hot loop", f"{who}: {len(failures)} x {what} within a second")
            failures.clear()

    def errors(self, found: list[dict[str, Any]]) -> None:
        """What the loop was told of."""
        for context in found:
            self.violated("defect", f"{context.get('message')}: {context.get('exception')!r}")

    def _look_at_the_pace(self, who: str, now: float) -> None:
        if wrong := self._paces[who].sends(now):
            self.violated("P5", f"{who} sends: {wrong}")

    def _look_for_another_leader(self, who: str, now: float) -> None:
        """Whoever else believes to hold the Lease may send as well."""
        others = [each for each in self._world.replicas.values() if each.name != who]
        leaders = [each.name for each in others if each.parts and _may_send(each.parts)]
        if leaders and now - self._cleared > BY_HAND:
            self.violated("one leader", f"{who} sends, and {', '.join(leaders)} leads as well")

    def _look_at_the_deadline(self, sent: Sent, life: Life, now: float) -> None:
        stored = self._stored(sent.uid)
        if stored is None or life.resent:
            return
        seconds = stored["spec"].get("deliveryDeadlineSeconds")
        if seconds and now > life.changed + seconds + 3.0:
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
        life.writes += 1
        said = (record["state"], condition["reason"])
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
        before = life.last
        same = bool(before.get("id")) and before.get("id") == record.get("id")
        was_delivered = same and before["state"] == "Delivered"
        if was_delivered and record["state"] != "Delivered":
            self.violated("records", f"{life.path}: it was Delivered, and is {record['state']}")
        if record["state"] == "Delivered" and not was_delivered:
            self._must_be_read(life, uid, record)
        life.unknown, life.sequence = unknown, sequence

    def _must_be_read(self, life: Life, uid: str, record: dict[str, Any]) -> None:
        sent = self._by_id[uid, record.get("id", "")]
        if not life.tampered and not any(200 <= each.answered < 300 for each in sent):
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

    # When all is calm.

    def unsettled(self) -> list[str]:
        """What is not yet as it should be."""
        found = [self._unsettled(raw) for raw in self._world.server.stored()]
        return [words for words in found if words] + self._left_over()

    def settled(self) -> None:
        """From now on nothing more may happen."""
        self._settled = self._effects()

    def final(self) -> None:
        """The end of the schedule."""
        for words in self.unsettled():
            self.violated("O5", words)
        if self._settled is not None and self._settled != self._effects():
            before, now = self._settled, self._effects()
            self.violated("O5", f"status writes and POSTs go on: {before}, then {now}")
        for raw in self._world.server.stored():
            if "deletionTimestamp" not in raw["metadata"]:
                self._look_at_the_end(raw)
        for life in self.lives.values():
            self._look_at_the_writes(life)
        if self._world.plan.is_quiet and (reads := self.requests["GET event"]):
            self.violated("P11", f"{reads} reads where nothing went wrong")

    def _effects(self) -> tuple[int, int]:
        # What is suspended, or held, is looked at again each minute, and may say more by then.
        finished = (life.writes for life in self.lives.values() if life.said[0] in FINISHED)
        return sum(finished), len(self._world.remote.posts)

    def _left_over(self) -> list[str]:
        """What the leader keeps of what is over."""
        live = {raw["metadata"]["uid"] for raw in self._world.server.stored()}
        running = [each.parts for each in self._world.replicas.values() if each.parts is not None]
        leaders = [parts for parts in running if parts.election.valid]
        if any(parts.inbox.busy for parts in running if parts not in leaders):
            return ["a process that does not lead is at work still"]
        if not leaders:
            return ["nobody leads"]
        if unready := [name for name, each in self._world.replicas.items() if not each.is_ready]:
            return [f"not ready: {unready}"]
        found = []
        for parts in leaders:
            if halted := parts.throttle.halted:
                return [f"nothing is sent any more: {halted}"]
            places = parts.inbox.places()
            if places["ready"] or places["busy"] or places["blocked"] or len(parts.journal):
                found.append(f"the leader is at work: {places}, {len(parts.journal)} in flight")
            if gone := parts.inbox.uids("") - live:
                found.append(f"the inbox keeps what is gone: {sorted(gone)}")
        return found

    def _unsettled(self, raw: dict[str, Any]) -> str:
        metadata, spec, status = raw["metadata"], raw["spec"], raw["status"]
        if "deletionTimestamp" in metadata:
            return ""
        record, condition = status["delivery"], status["conditions"][0]
        path, state = f"{metadata['namespace']}/{metadata['name']}", record["state"]
        if condition.get("observedGeneration") != metadata["generation"]:
            return f"{path}: generation {metadata['generation']} was not seen"
        resend = metadata.get("annotations", {}).get(RESEND_ANNOTATION, "")
        if resend not in ("", record.get("resend")) and not spec.get("suspend"):
            return f"{path}: the resend {resend} was not seen"
        expires = "deliveryDeadlineSeconds" in spec and state in ("Suspended", "Held")
        waits = condition["reason"] in ("UnknownOutcome", "RestoredFromBackup")
        nobody = condition["reason"] == "NoServicesMatch" and not self._world.is_deployed(raw)
        passes = state == "Held" and not (waits or nobody)
        if state not in self._ends(raw) or (expires and not waits) or passes:
            return f"{path} is {state} ({condition['reason']})"
        return ""

    def _ends(self, raw: dict[str, Any]) -> set[str]:
        """The states in which it may end."""
        spec, record = raw["spec"], raw["status"]["delivery"]
        life = self.lives[raw["metadata"]["uid"]]
        ends = {"Failed"} if REFUSED in spec["summary"] else {"Delivered"}
        wide = "level" in spec.get("scope", {}) or "namespaces" in spec.get("scope", {})
        if wide and "scope_wide_from" in self._world.plan.settings:
            ends = {"Failed"}
        if spec.get("suspend"):
            ends = {*FINISHED, "Suspended"}
        if record.get("unknownOutcomes") or life.restored:
            ends.add("Held")
        if "serviceSelector" in spec.get("scope", {}) and not self._world.is_deployed(raw):
            ends.add("Held")
        if "deliveryDeadlineSeconds" in spec:
            ends.add("Expired")
        return ends | ({"Delivered"} if life.tampered else set())

    def _look_at_the_end(self, raw: dict[str, Any]) -> None:
        uid, record = raw["metadata"]["uid"], raw["status"]["delivery"]
        life = self.lives[uid]
        if life.tampered:
            return
        there: Counter[str] = Counter()
        for (whose, delivery_id), sent in self._by_id.items():
            if whose == uid and delivery_id not in self._forgiven:
                there[delivery_id] = sum(each.applies for each in sent)
        if record["state"] == "Delivered":
            told = [s for s in self._by_id[uid, record.get("id", "")] if s.applies]
            if not told or told[-1].summary != raw["spec"]["summary"]:
                self.violated("O1", f"{life.path} is Delivered, and not on the timeline as it is")
        if sum(times > 0 for times in there.values()) > life.tellings + life.unknown:
            self.violated("O2", f"{life.path} is told more often than anybody asked")
        doubled = sum(times - 1 for times in there.values() if times > 1)
        unknown = record.get("unknownOutcomes", 0)
        if unknown < doubled:
            self.violated("O2", f"{life.path}: {doubled} duplicates, {unknown} counted")
        if unknown > len(life.intents):
            self.violated("O2", f"{life.path}: {unknown} unknown of {len(life.intents)} attempts")

    def _look_at_the_writes(self, life: Life) -> None:
        most = 4 + 4 * life.deeds + 3 * len(life.intents)
        if life.writes > most:
            self.violated("O7", f"{life.path}: {life.writes} writes, {len(life.intents)} attempts")
