"""The cluster's own name: the first place that tells it, asked again now and then.

The account knows this cluster under the name with which the agent registered it. All but the
setting and the agent itself are guesses at that name; so the answer says where it comes from, and
where two places of one kind disagree nobody chooses. The places are in `cluster_links.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from customevents.resource.errors import ClusterError, Gone, NoSuchKind
from customevents.resource.spec import LONGEST_NAME, plain

logger = logging.getLogger(__name__)

#: Seconds between two looks at the cluster.
EVERY = 300.0

#: The same while an event waits for the name. It looks at that every 60 s by itself, so this and 60
#: is the longest that it waits for a name that is there.
SOON = 20.0

#: Seconds for which an event counts as waiting once it asked in vain; more than those 60.
WANTED = 90.0


class Reads(Protocol):
    """What the places are read with; the first two raise ClusterError."""

    async def get(self, path: str) -> dict[str, Any]:
        """One object, or one page of a list."""

    async def list_metadata(self, path: str) -> list[dict[str, Any]]:
        """One page of a list, of each object only its metadata."""

    async def token(self) -> str:
        """The token that requests carry; empty if they carry none."""


@dataclass(frozen=True)
class ClusterName:
    """The name under which the account knows this cluster, and who says so."""

    name: str
    source: str


@dataclass(frozen=True)
class Ambiguous:
    """Two of a kind say different names: where each stands, and what it is."""

    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Silent:
    """A place that tells no name, and why."""

    why: str


Told = ClusterName | Ambiguous | Silent


@dataclass(frozen=True)
class Link:
    """One place that may tell the name: what it is called, what it reads, and the one call."""

    name: str
    reads: str
    ask: Callable[[Reads], Awaitable[Told]]


@dataclass(frozen=True)
class Nameless:
    """Why the name is not known, as the author of an event reads it."""

    why: str


def agree(said: Iterable[tuple[str, Any]], *, silent: str, source: str = "") -> Told:
    """What places of one kind tell together; each is given as where it stands and what it says.

    `silent` is the reason if they say nothing, `source` how the answer names them all.
    """
    heard = [(where, name) for where, name in said if name]
    first_to_say: dict[str, str] = {}
    for where, name in heard:
        if _is_usable(name):
            first_to_say.setdefault(name, where)
    match list(first_to_say.items()):
        case [(name, where)]:
            return ClusterName(name, source or where)
        case []:
            return Silent(f"{heard[0][0]} says what cannot be a name" if heard else silent)
        case several:
            return Ambiguous(tuple((where, name) for name, where in several))


def _is_usable(name: Any) -> bool:
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        return False
    try:
        return bool(plain(name))
    except ValueError:
        return False


async def ask(link: Link, cluster: Reads) -> Told:
    """What a link answers; one that may not be read, or is not there, tells nothing.

    Raises ClusterError if nobody can say now.
    """
    try:
        return await link.ask(cluster)
    except (Gone, NoSuchKind):
        return Silent("it is not there")
    except ClusterError as error:
        if error.status != 403:
            raise
        return Silent(f"it may not be read: {error}")


async def first_answer(chain: Sequence[Link], cluster: Reads) -> tuple[int, Told]:
    """The place in the chain of the first link that has an answer, and that.

    Raises ClusterError if a link cannot be asked now: the next one may tell another name.
    """
    for place, link in enumerate(chain):
        answer = await ask(link, cluster)
        if not isinstance(answer, Silent):
            return place, answer
    return len(chain), Silent("nothing in the cluster tells it")


class OwnName:
    """The name as it was last found; `look` before the first `get`, `run` for ever after."""

    def __init__(
        self,
        cluster: Reads,
        chain: Sequence[Link],
        *,
        uptime: Callable[[], float],
        found: Callable[[], None],
    ) -> None:
        """`uptime` in seconds; `found` is called when the name is known after it was not."""
        self._cluster = cluster
        self._chain = chain
        self._uptime = uptime
        self._found = found
        self._answer: ClusterName | Nameless = _NOT_YET
        self._looked = self._wanted = float("-inf")
        self._failed = False
        #: The link that told it, by its place in the chain.
        self._place = 0
        #: Another name, told further down: it counts once a second look agrees.
        self._doubted = ""

    @property
    def known(self) -> ClusterName | None:
        """The name, for whoever does not wait for it."""
        return None if isinstance(self._answer, Nameless) else self._answer

    def get(self) -> ClusterName | Nameless:
        """The name; whoever gets none is taken to wait for it."""
        if isinstance(self._answer, Nameless):
            self._wanted = self._uptime()
        return self._answer

    async def run(self) -> None:
        """Look again for ever, and sooner while an event waits or after a look that failed."""
        while True:
            await asyncio.sleep(SOON)
            if self._is_due():
                await self.look()

    async def look(self) -> None:
        """Ask the chain. What was known stays known while the cluster cannot be asked."""
        self._looked = self._uptime()
        try:
            place, answer = await first_answer(self._chain, self._cluster)
        except ClusterError as error:
            logger.warning("the cluster's name cannot be looked up now: %s", error)
            self._failed = True
        else:
            self._failed = False
            self._learn(place, answer)

    def _is_due(self) -> bool:
        now = self._uptime()
        awaited = isinstance(self._answer, Nameless) and now - self._wanted < WANTED
        return awaited or self._failed or now - self._looked >= EVERY

    def _learn(self, place: int, answer: Told) -> None:
        before, found = self._answer, _understood(answer)
        if place > self._place and self._is_doubtful(before, found):
            return
        self._answer, self._place, self._doubted = found, place, ""
        if self._answer == before:
            return
        if isinstance(self._answer, Nameless):
            logger.warning("%s", self._answer.why)
            return
        logger.info("this cluster is %s (%s)", self._answer.name, self._answer.source)
        if isinstance(before, Nameless):
            self._found()

    def _is_doubtful(self, before: ClusterName | Nameless, found: ClusterName | Nameless) -> bool:
        """Whether the link that told the name before may only be away for a moment."""
        if isinstance(before, Nameless) or isinstance(found, Nameless):
            return False
        if found.name in (before.name, self._doubted):
            return False
        self._doubted = found.name
        logger.warning(
            "this cluster is %s (%s), and now %s says %s: that counts once it says so again",
            *(before.name, before.source, found.source, found.name),
        )
        return True


_NOT_YET = Nameless(
    "the cluster's name is not known yet, as the Kubernetes API could not be asked for it"
)


def _understood(answer: Told) -> ClusterName | Nameless:
    match answer:
        case ClusterName():
            return answer
        case Ambiguous(said):
            (one, first), (other, second) = said[:2]
            return Nameless(
                f"the cluster's name is not known: {one} says {first}, {other} says {second}"
            )
        case Silent(why):
            return Nameless(f"the cluster's name is not known: {why}")
