"""The first answer wins; it is kept, and asked for again in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from customevents.resource.errors import ClusterError
from customevents.scope.cluster_name import (
    Ambiguous,
    ClusterName,
    Link,
    Nameless,
    OwnName,
    Reads,
    Silent,
    Told,
    first_answer,
)
from platforms import agent, aws_node, kubeadm_config
from unit.instant import at_once
from unit.places import AWAY, FORBIDDEN, Places, links

PROD = ClusterName("prod", "Deployment komodor/komodor-agent")
SILENT = Silent("nothing in the cluster tells it")


def found(cluster: Places, configured: str = "") -> Told:
    return at_once(first_answer(list(links(configured).values()), cluster))[1]


def test_the_first_answer_wins() -> None:
    everything = [agent("komodor", "agents"), aws_node("eks"), kubeadm_config("kubeadm")]
    assert found(Places(everything), "setting") == ClusterName("setting", "setting clusterName")
    for number, name in enumerate(["agents", "eks", "kubeadm"]):
        answer = found(Places(everything[number:]))
        assert isinstance(answer, ClusterName)
        assert answer.name == name
    assert found(Places()) == SILENT


def test_with_the_setting_the_cluster_is_asked_nothing() -> None:
    cluster = Places([agent("komodor", "agents")])
    found(cluster, "setting")
    assert cluster.asked == []


def test_two_agents_that_disagree_end_the_chain_without_a_guess() -> None:
    disagreeing = [agent("komodor", "prod"), agent("customevents", "test"), aws_node("eks")]
    assert isinstance(found(Places(disagreeing)), Ambiguous)


def test_a_link_that_may_not_be_read_makes_way_for_the_next() -> None:
    cluster = Places([agent("komodor", "agents"), aws_node("eks")])
    cluster.failures = {"/deployments": FORBIDDEN, "/nodes": FORBIDDEN}
    assert found(cluster) == ClusterName("eks", "DaemonSet kube-system/aws-node")


def test_a_link_that_cannot_be_asked_now_makes_way_for_none() -> None:
    """The next one may tell another name, and events would go there."""
    cluster = Places([agent("komodor", "agents"), aws_node("eks")])
    cluster.failures = {"namespaces/komodor/deployments": AWAY}
    with pytest.raises(ClusterError):
        found(cluster)


# --- Kept, and asked for again


@dataclass
class Scene:
    """A name whose chain is one link, which answers what the test says."""

    answers: list[Told | ClusterError] = field(default_factory=lambda: [SILENT])
    asked: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = asyncio.get_running_loop().time()
        self.name = OwnName(
            Places(),
            (Link("a link", "something", self._answer),),
            uptime=self.now,
            found=lambda: self.calls.append(self.now()),
        )

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.start

    def looks(self) -> list[float]:
        """The times at which the chain was asked, in whole seconds."""
        return [round(time) for time in self.asked]

    async def _answer(self, _: Reads) -> Told:
        self.asked.append(self.now())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ClusterError):
            raise answer
        return answer


def play(story: Callable[[Scene], Awaitable[None]], answers: Sequence[Told | ClusterError]) -> None:
    """Let something happen to a name that was looked up once and is looked up for ever."""

    async def played() -> None:
        scene = Scene(list(answers))
        await scene.name.look()
        running = asyncio.create_task(scene.name.run())
        await story(scene)
        running.cancel()

    at_once(played())


def test_a_name_that_is_known_is_asked_for_again_every_five_minutes() -> None:
    async def story(scene: Scene) -> None:
        for _ in range(80):
            assert scene.name.get() == PROD
            await asyncio.sleep(10.0)
        assert scene.looks() == [0, 300, 600]

    play(story, [PROD])


def test_a_name_that_nobody_asks_for_is_looked_for_every_five_minutes() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(700.0)
        assert scene.looks() == [0, 300, 600]

    play(story, [SILENT])


def test_who_only_wants_to_know_does_not_wait_for_it() -> None:
    async def story(scene: Scene) -> None:
        for _ in range(20):
            assert scene.name.known is None
            await asyncio.sleep(10.0)
        assert scene.looks() == [0]
        scene.answers = [PROD]
        await asyncio.sleep(110.0)
        assert scene.name.known == PROD

    play(story, [SILENT])


def test_while_an_event_waits_for_it_it_is_looked_for_every_20_seconds() -> None:
    async def story(scene: Scene) -> None:
        for _ in range(3):
            assert isinstance(scene.name.get(), Nameless)
            await asyncio.sleep(60.0)
        assert scene.looks() == [0, 20, 40, 60, 80, 100, 120, 140, 160]
        # No event asks any more: it may have been deleted.
        await asyncio.sleep(220.0)
        assert scene.looks()[9:] == [180, 200]

    play(story, [SILENT])


@pytest.mark.parametrize("held", [0.0, 10.0, 19.5, 20.5])
@pytest.mark.parametrize("later", [0.1, 20.1, 40.1, 59.9])
def test_an_event_held_for_a_name_goes_on_within_90_seconds_of_it(
    held: float, later: float
) -> None:
    """By its own look each minute alone: `found` makes it sooner."""

    async def story(scene: Scene) -> None:
        await asyncio.sleep(held)
        assert isinstance(scene.name.get(), Nameless)
        await asyncio.sleep(later)
        scene.answers, appears = [PROD], scene.now()
        await asyncio.sleep(60.0 - later)
        if isinstance(scene.name.get(), Nameless):
            await asyncio.sleep(60.0)
        assert scene.name.get() == PROD
        assert scene.now() - appears < 80.1

    play(story, [SILENT])


def test_those_who_wait_are_told_once_when_the_name_is_found() -> None:
    async def story(scene: Scene) -> None:
        scene.name.get()
        assert scene.calls == []
        scene.answers = [PROD]
        await asyncio.sleep(1000.0)
        assert [round(time) for time in scene.calls] == [20]

    play(story, [SILENT])


def test_a_look_that_fails_keeps_the_name_and_is_tried_again_soon() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(310.0)
        assert scene.looks() == [0, 300]
        assert scene.name.get() == PROD
        await asyncio.sleep(40.0)
        assert scene.looks() == [0, 300, 320, 340]
        assert scene.name.get() == ClusterName("renamed", "setting clusterName")

    play(story, [PROD, AWAY, AWAY, ClusterName("renamed", "setting clusterName")])


AGENT, EKS = agent("komodor", "prod"), aws_node("eks")


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ([[AGENT, EKS], [EKS], [AGENT, EKS], [EKS]], ["prod", "prod", "prod", "prod"]),
        ([[AGENT, EKS], [EKS], [EKS]], ["prod", "prod", "eks"]),
        ([[EKS], [AGENT, EKS]], ["eks", "prod"]),
        ([[AGENT], [agent("komodor", "renamed")]], ["prod", "renamed"]),
    ],
    ids=["away for one look", "gone", "installed later", "renamed"],
)
def test_a_name_from_further_down_the_chain_counts_once_a_second_look_agrees(
    places: list[list[Any]], names: list[str]
) -> None:
    """While the agent is installed anew, events would go out for a cluster that nobody knows."""
    cluster = Places()
    own = OwnName(cluster, list(links().values()), uptime=lambda: 0.0, found=lambda: None)
    for objects, name in zip(places, names, strict=True):
        cluster.objects = objects
        at_once(own.look())
        assert own.known is not None
        assert own.known.name == name


def test_before_the_first_look_succeeds_the_name_is_not_known_yet() -> None:
    async def story(scene: Scene) -> None:
        known = scene.name.get()
        assert isinstance(known, Nameless)
        assert "not known yet" in known.why
        await asyncio.sleep(25.0)
        assert scene.name.get() == PROD
        assert len(scene.calls) == 1

    play(story, [AWAY, PROD])


def test_a_name_that_is_gone_is_not_kept() -> None:
    async def story(scene: Scene) -> None:
        await asyncio.sleep(310.0)
        known = scene.name.get()
        assert isinstance(known, Nameless)
        assert known.why == "the cluster's name is not known: nothing in the cluster tells it"

    play(story, [PROD, SILENT])


def test_an_ambiguous_name_is_told_with_both_who_tell_it() -> None:
    async def story(scene: Scene) -> None:
        known = scene.name.get()
        assert isinstance(known, Nameless)
        assert known.why == (
            "the cluster's name is not known: Deployment komodor/komodor-agent says prod, "
            "Deployment customevents/komodor-agent says test"
        )

    said = [("komodor", "prod"), ("customevents", "test")]
    ambiguous = tuple((f"Deployment {where}/komodor-agent", name) for where, name in said)
    play(story, [Ambiguous(ambiguous)])


def test_each_change_of_the_name_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def story(scene: Scene) -> None:
        scene.name.get()
        await asyncio.sleep(2000.0)
        assert len(scene.looks()) > 6

    play(story, [SILENT, SILENT, PROD])
    assert [record.getMessage() for record in caplog.records] == [
        "the cluster's name is not known: nothing in the cluster tells it",
        "this cluster is prod (Deployment komodor/komodor-agent)",
    ]
