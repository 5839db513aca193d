"""How all must stand once nothing goes wrong any more: O1, O2 and O5 to O8 of a whole story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from customevents.resource.event import RESEND_ANNOTATION
from simulation.deeds import NEWER
from simulation.judge import FINISHED, UNREADABLE, Judge, Life
from simulation.remote import REFUSED, Sent

if TYPE_CHECKING:
    from simulation.world import World


class Calm:
    """Looks at a world in which all faults are over."""

    def __init__(self, world: World, judge: Judge) -> None:
        self._world = world
        self._judge = judge
        self._violated = judge.violated
        self._settled: tuple[int, int] | None = None
        self._is_over = False

    def open(self) -> list[str]:
        """What is not yet as it should be."""
        found = [self._open(raw) for raw in self._world.server.stored()]
        return [words for words in found if words] + self._left_over()

    def settled(self) -> None:
        """From now on nothing more may happen."""
        self._settled = self._effects()

    def final(self) -> None:
        """The end of the schedule."""
        self._is_over = True
        for words in self.open():
            self._violated("O5", words)
        if self._settled is not None and self._settled != self._effects():
            before, now = self._settled, self._effects()
            self._violated("O5", f"status writes and POSTs go on: {before}, then {now}")
        for raw in self._world.server.stored():
            if "deletionTimestamp" not in raw["metadata"]:
                self._look_at_the_end(raw)
        for life in self._judge.lives.values():
            self._look_at_the_writes(life)
        if self._world.plan.is_quiet and (reads := self._judge.requests["GET event"]):
            self._violated("P11", f"{reads} reads where nothing went wrong")

    def _effects(self) -> tuple[int, int]:
        # What is suspended, or held, is looked at again each minute, and may say more by then.
        finished = (life.writes for life in self._judge.lives.values() if life.said[0] in FINISHED)
        return sum(finished), len(self._world.remote.posts)

    def _unread(self) -> int:
        """How many objects have a status that only a newer version can read."""
        records = (raw.get("status", {}).get("delivery", {}) for raw in self._world.server.stored())
        return sum(record.get("state") == NEWER for record in records)

    def _left_over(self) -> list[str]:
        """What the leader keeps of what is over."""
        live = {raw["metadata"]["uid"] for raw in self._world.server.stored()}
        running = [each.parts for each in self._world.replicas.values() if each.parts is not None]
        leaders = [parts for parts in running if parts.election.valid]
        if any(parts.inbox.busy for parts in running if parts not in leaders):
            return ["a process that does not lead is at work still"]
        if not leaders:
            return ["nobody leads"]
        if blind := [
            who for who, until in self._world.silent.items() if self._is_blind(who, until)
        ]:
            return [f"nothing is shown to {blind} yet"]
        if unready := [name for name, each in self._world.replicas.items() if not each.is_ready]:
            return [f"not ready: {unready}"]
        found = []
        for parts in leaders:
            if halted := parts.throttle.halted:
                return [f"nothing is sent any more: {halted}"]
            places = parts.inbox.places()
            # Words for what nobody here can read are tried again until it changes.
            is_busy = places["busy"] > self._unread()
            if places["ready"] or is_busy or places["blocked"] or len(parts.journal):
                found.append(f"the leader is at work: {places}, {len(parts.journal)} in flight")
            if gone := parts.inbox.uids("") - live:
                found.append(f"the inbox keeps what is gone: {sorted(gone)}")
        return found

    def _is_blind(self, who: str, until: float) -> bool:
        """Whether a process is there whose watch is silent still."""
        replica = self._world.replicas[who[0]]
        return replica.runs and replica.name == who and self._world.loop.time() < until + 5.0

    def _open(self, raw: dict[str, Any]) -> str:
        metadata, spec, status = raw["metadata"], raw["spec"], raw["status"]
        if "deletionTimestamp" in metadata:
            return ""
        record, condition = status["delivery"], status["conditions"][0]
        path, state = f"{metadata['namespace']}/{metadata['name']}", record["state"]
        if state == NEWER:  # a backup of that version: nobody here can say what it means
            return ""
        if condition.get("observedGeneration") != metadata["generation"]:
            return f"{path}: generation {metadata['generation']} was not seen"
        told = self._judge.told_as(raw)
        is_ours = record.get("contentHash", "").startswith("v1:")  # another version's is believed
        if state == "Delivered" and is_ours and told and spec["summary"] not in told:
            return f"{path} is Delivered, and was told as {told}"
        resend = metadata.get("annotations", {}).get(RESEND_ANNOTATION, "")
        is_dry = spec.get("suspend") and state not in FINISHED
        if resend not in ("", record.get("resend")) and not is_dry:
            return f"{path}: the resend {resend} was not seen"
        expires = "deliveryDeadlineSeconds" in spec and state in ("Suspended", "Held")
        waits = condition["reason"] in ("UnknownOutcome", "RestoredFromBackup")
        nobody = condition["reason"] == "NoServicesMatch" and not self._world.is_deployed(raw)
        passes = state == "Held" and not (waits or nobody)
        if state not in self._ends(raw) or (expires and not waits) or passes:
            return f"{path} is {state} ({condition['reason']})"
        if state == "Suspended" and "resolved" not in status and self._can_be_told(raw):
            return f"{path} does not say whom it would be about"
        return ""

    def _is_forbidden(self, raw: dict[str, Any]) -> bool:
        scope = raw["spec"].get("scope", {})
        wide = "level" in scope or "namespaces" in scope
        return wide and "scope_wide_from" in self._world.plan.settings

    def _can_be_told(self, raw: dict[str, Any]) -> bool:
        """Whether it can be said whom it is about."""
        selects = "serviceSelector" in raw["spec"].get("scope", {})
        return not self._is_forbidden(raw) and (not selects or self._world.is_deployed(raw))

    def _ends(self, raw: dict[str, Any]) -> set[str]:
        """The states in which it may end."""
        spec, record = raw["spec"], raw["status"]["delivery"]
        life = self._judge.lives[raw["metadata"]["uid"]]
        ends = {"Failed"} if REFUSED in spec["summary"] else {"Delivered"}
        if self._is_forbidden(raw):
            ends = {"Failed"}
        if spec.get("severity") == UNREADABLE:  # a backup brought it back
            ends = {"Failed"}
        if spec.get("suspend"):
            ends = {*FINISHED, "Suspended"}
        if record.get("unknownOutcomes") or life.restored:
            ends.add("Held")
        if "serviceSelector" in spec.get("scope", {}) and not self._world.is_deployed(raw):
            ends.add("Held")
        if "deliveryDeadlineSeconds" in spec:
            ends.add("Expired")
        if life.tampered:
            ends.add("Delivered")
            # A watch that swallowed it may hide it for good: not all looks compare what it says.
            if self._is_over and any(deed.do == "deafen" for deed in self._world.plan.deeds):
                ends.add("Retrying")
        return ends

    def _look_at_the_end(self, raw: dict[str, Any]) -> None:
        uid, record = raw["metadata"]["uid"], raw["status"]["delivery"]
        life = self._judge.lives[uid]
        if life.tampered:
            return
        there: Counter[str] = Counter()
        for (whose, delivery_id), sent in self._judge.by_id.items():
            if whose == uid and delivery_id not in self._judge.forgiven:
                there[delivery_id] = sum(each.applies for each in sent)
        if record["state"] == "Delivered":
            told = [s for s in self._judge.by_id[uid, record.get("id", "")] if s.applies]
            if not told or told[-1].summary != raw["spec"]["summary"]:
                self._violated("O1", f"{life.path} is Delivered, and not on the timeline as it is")
        if sum(times > 0 for times in there.values()) > life.tellings + life.unknown:
            self._violated("O2", f"{life.path} is told more often than anybody asked")
        doubled = sum(times - 1 for times in there.values() if times > 1)
        unknown = record.get("unknownOutcomes", 0)
        if unknown < doubled:
            self._violated("O2", f"{life.path}: {doubled} duplicates, {unknown} counted")
        mute = [each for each in self._sent_of(uid) if each.applies and not each.answered]
        if unknown < len(mute):
            self._violated("O2", f"{life.path}: {len(mute)} without an answer, {unknown} counted")
        if unknown > len(life.intents):
            self._violated("O2", f"{life.path}: {unknown} unknown of {len(life.intents)} attempts")

    def _sent_of(self, uid: str) -> Iterator[Sent]:
        """Its attempts, but for those that the Lease may have forgotten."""
        for (whose, delivery_id), sent in self._judge.by_id.items():
            if whose == uid and delivery_id not in self._judge.forgiven:
                yield from sent

    def _look_at_the_writes(self, life: Life) -> None:
        most = 4 + 4 * life.deeds + 3 * len(life.intents)
        if life.writes > most:
            self._violated("O7", f"{life.path}: {life.writes} writes, {len(life.intents)} attempts")
