"""The events of a probe in the cluster: made, waited for, and taken away again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from customevents.commands.patient import PATIENCE, PatientCluster
from customevents.commands.questions import (
    LABEL,
    Came,
    Question,
    Reaction,
    Topic,
    not_in_time,
    read_reaction,
    refused_by_cluster,
    settled,
    waves,
)
from customevents.resource.errors import ClusterError, Gone, NotTheApi
from customevents.resource.event import CustomEvent, read_event
from customevents.resource.times import doubled

#: Seconds until the second look, doubled with each up to the longest.
FIRST_LOOK, LONGEST_LOOK = 0.1, 0.5

#: Statuses with which a cluster refuses one object and may take another.
NOT_THIS_ONE = (400, 403, 422)


class Probing:
    """One run of a probe in a namespace."""

    def __init__(self, cluster: PatientCluster, namespace: str, run: str) -> None:
        self._cluster = cluster
        self.namespace = namespace
        self._run = run
        #: What may be there: also that of which no answer came.
        self._made: list[str] = []

    async def ask(self) -> list[Reaction]:
        """Ask all questions; only the first, if that is not taken. Raises ClusterError."""
        reactions: list[Reaction] = []
        for wave in waves(self._run):
            reactions += await self._ask(wave) if self._cluster.left else map(not_in_time, wave)
            if reactions[0].came is not Came.TAKEN:
                break
        return reactions

    async def remove(self) -> list[str]:
        """Delete what was made; returns the names of what may be left."""
        self._cluster.has(PATIENCE)
        while self._made:
            try:
                await self._cluster.remove_event(self.namespace, self._made[-1])
            except Gone:
                pass
            except ClusterError:
                break
            self._made.pop()
        return self._made

    async def _ask(self, wave: Sequence[Question]) -> list[Reaction]:
        refused = [await self._refused(question) for question in wave]
        sent = [question for question, reaction in zip(wave, refused, strict=True) if not reaction]
        seen = await self._ends_of(sent)
        return [
            reaction or read_reaction(question, seen.get(question.name))
            for question, reaction in zip(wave, refused, strict=True)
        ]

    async def _refused(self, question: Question) -> Reaction | None:
        """Create its event; the reaction if the cluster takes none such. Raises ClusterError."""
        self._made.append(question.name)
        try:
            await self._cluster.create_event(self.namespace, question.manifest)
        except ClusterError as error:
            was_heard = 400 <= error.status < 500 or isinstance(error, NotTheApi)
            if was_heard and not self._cluster.in_doubt:
                self._made.pop()  # surely not made
            if error.status not in NOT_THIS_ONE or question.topic is Topic.CONTROL:
                raise
            return refused_by_cluster(question, error.status)
        return None

    async def _ends_of(self, wave: Sequence[Question]) -> dict[str, CustomEvent]:
        """The events by their names, when there is nothing to wait for, or no time."""
        looks = 0
        while True:
            seen = await self._seen()
            ends = (seen.get(question.name) for question in wave)
            if all(event is None or settled(event) for event in ends) or not self._cluster.left:
                return seen
            wait = doubled(FIRST_LOOK, looks, LONGEST_LOOK)
            await asyncio.sleep(min(wait, self._cluster.left))
            looks += 1

    async def _seen(self) -> dict[str, CustomEvent]:
        listed = self._cluster.labelled(self.namespace, LABEL, self._run)
        return {event.name: event async for raw in listed for event in [read_event(raw)]}
