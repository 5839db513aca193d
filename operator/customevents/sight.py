"""What the watch of a namespace sees, and why it sees nothing: kopf itself tells neither.

`Eyes` stands in kopf's session and looks at each of its answers. It also ends what kopf would go on
with for ever: a stream that ends as it begins, a list that breaks off, a page that somebody else
answers with, a resource that is not there.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol, cast

import aiohttp
import yarl

from customevents import answers, trust
from customevents.resource.errors import ClusterError, WatchFailed
from customevents.resource.event import GROUP, PLURAL, VERSION
from customevents.sieve import Sieve, Sifted

#: Seconds: a watch that has lasted for so long was no failure.
GOOD_FOR = 10.0

#: Seconds: kopf would go on for ever with a stream that meets no API server.
REACHABLE_WITHIN = 5.0

#: Seconds within which an answer must begin, also that of a stream.
ANSWERS_WITHIN = 30.0

#: So many streams in a row that end within so many seconds are no watch.
SHORT_STREAMS, SHORT = 3, 1.0

#: Seconds without a watch after which a leader is not at work.
DEAF = 60.0

_DISCOVERY, _API = "/apis", f"/apis/{GROUP}/{VERSION}"
_NO_CRD = f"the API server knows no {PLURAL}.{GROUP}: apply the CustomResourceDefinition"


class Observer(Protocol):
    """Who is told, on the watch's thread; the namespace "" stands for all."""

    def shown(self, change: str | None, raw: dict[str, Any]) -> None:
        """An object as it is after this change; None: it was listed."""

    def lists(self, namespace: str) -> None:
        """All is about to be listed for the first time: what is not shown then is gone."""

    def lost(self, namespace: str) -> None:
        """From now on changes go unseen; and a deletion is for good, as no list tells of it."""

    def sees(self, namespace: str) -> None:
        """All was listed, and each change is shown."""


class Sight:
    """What is known of one namespace's watch; other threads only read it."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        #: Why nothing is seen.
        self.reason = "kopf has listed nothing yet"
        #: Whether the API server has said so: then a new process would be told the same.
        self.answered = False
        self.listed = False
        #: When it last showed anything.
        self.shown_at = float("-inf")
        #: When a watch that was no failure was last lost.
        self.last_good = time.monotonic()
        self._seeing_since: float | None = None

    @property
    def watched_for(self) -> float:
        """Seconds for which changes are seen; 0: they are not."""
        return 0.0 if self._seeing_since is None else time.monotonic() - self._seeing_since

    @property
    def blind_for(self) -> float:
        """Seconds since changes were last seen for any length of time; 0: they are."""
        return 0.0 if self._seeing_since is not None else time.monotonic() - self.last_good

    @property
    def where(self) -> str:
        """For the end of a sentence."""
        return f" in namespace {self.namespace}" if self.namespace else ""

    @property
    def trouble(self) -> str:
        """What a person should know of: not of a moment between two streams."""
        if self._seeing_since is not None or (self.listed and self.blind_for < DEAF):
            return ""
        return f"not watching{self.where}: {self.reason}"

    def sees(self) -> None:
        """A stream has begun."""
        self.listed = True
        if self._seeing_since is None:
            self._seeing_since = time.monotonic()

    def lost(self, reason: str, *, answered: bool) -> None:
        """It went wrong like this."""
        if self.watched_for >= GOOD_FOR:
            self.last_good = time.monotonic()
        self._seeing_since = None
        self.reason, self.answered = reason, answered


class Eyes:
    """A middleware of kopf's session: it sees what kopf is answered, and kopf does not tell."""

    def __init__(self, sight: Sight, observer: Observer, *, first: bool, server: str = "") -> None:
        """Before the `first` list of all, no change has gone unseen but a deletion."""
        self._server = server
        self._below = yarl.URL(server).path.rstrip("/")
        self._sight = sight
        self._observer = observer
        #: Shows what kopf is answered, but for what kopf is to show itself.
        self.sieve = Sieve(self._shown)
        self._first = first
        #: When kopf last asked for anything.
        self.asked_at = time.monotonic()
        #: The page of the list that is under way; None: a stream has begun since.
        self._page: str | None = None
        self._stream_began = float("-inf")
        self._short_streams = 0
        #: What was wrong with the last request; empty if nothing was.
        self.reason = ""
        #: Whether that was an answer of the API server.
        self.answered = False

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """One request of kopf's. Raises WatchFailed where kopf must not go on."""
        path = self._path(request.url)
        is_ours = path.startswith(_API) and path.endswith(f"/{PLURAL}")
        is_stream = is_ours and "watch" in request.url.query
        self.asked_at = time.monotonic()
        if is_stream:
            self._mind_short_streams()
        elif is_ours:
            self._mind_list(request.url.query.get("continue", ""))
        response = await self._ask(request, handler)
        if path in (_DISCOVERY, _API):
            await self._find_the_resource(response)
        if is_stream and response.status == 200:
            self._stream_began, self._page = time.monotonic(), None
            self._sight.sees()
            self._observer.sees(self._sight.namespace)
        if is_ours and response.status == 200:
            response.content = cast("Any", Sifted(response.content, self.sieve))
        return response

    def went_wrong(self, reason: str, *, answered: bool) -> None:
        """Remember what was wrong with a request."""
        self.reason, self.answered = reason, answered

    def _shown(self, change: str | None, raw: dict[str, Any]) -> None:
        self._sight.shown_at = time.monotonic()
        self._observer.shown(change, raw)

    def _mind_short_streams(self) -> None:
        is_short = time.monotonic() - self._stream_began < SHORT
        self._short_streams = self._short_streams + 1 if is_short else 0
        if self._short_streams >= SHORT_STREAMS:
            raise self._failed("its streams end as soon as they begin")

    def _mind_list(self, page: str) -> None:
        is_repeated = self._page is not None and page in ("", self._page)
        if is_repeated and not self.reason:  # it was answered, and not to its end
            raise self._failed("a list of the events broke off, or did not go on")
        self._page = page
        if not page:
            self._begin_list()

    def _begin_list(self) -> None:
        if self._first:
            self._observer.lists(self._sight.namespace)
        else:  # also what was taken in since the last stream has ended
            self._observer.lost(self._sight.namespace)
        self._first = False

    async def _ask(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                response = await handler(request)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            words = f"the Kubernetes API did not answer: {trust.why(error, self._server)}"
            self._lost(words, answered=False)
            if self._sight.blind_for > REACHABLE_WITHIN:
                raise WatchFailed(words) from error
            raise
        self.went_wrong("", answered=True)
        if response.status >= 400:
            refusal = await self._refusal(response)
            self._lost(str(refusal), answered=True)
            if refusal.retry_after >= answers.LONGEST_RETRY_AFTER:  # kopf would wait for an hour
                raise self._failed(str(refusal))
        elif response.content_type != "application/json":
            raise self._failed(
                f"{response.content_type} was answered where JSON should be: something between "
                "here and the Kubernetes API answers in its place"
            )
        return response

    async def _find_the_resource(self, response: aiohttp.ClientResponse) -> None:
        """Kopf waits for ever for a resource that is not there."""
        discovery = self._path(response.url) == _DISCOVERY
        wanted = f'"{GROUP}/{VERSION}"' if discovery else f'"{PLURAL}"'
        is_missing = response.status == 404 and not discovery
        if is_missing or (response.status == 200 and wanted.encode() not in await response.read()):
            raise self._failed(_NO_CRD)

    async def _refusal(self, response: aiohttp.ClientResponse) -> ClusterError:
        """What an answer says that is no success, in one line."""
        try:
            body, wait = await response.read(), response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Kopf would ask again at once, and for ever.
            words = f"the Kubernetes API answered {response.status}, and the answer broke off"
            raise self._failed(words) from error
        answer = answers.Response(response.status, body, wait)
        asked = answers.asked(self._path(response.url))
        return answers.refused(asked, answer, of_patch=False)

    def _path(self, url: yarl.URL) -> str:
        """A path as the API server has them: it may be asked below another one."""
        return url.path.removeprefix(self._below)

    def _lost(self, words: str, *, answered: bool) -> None:
        self._sight.lost(words, answered=answered)
        self.went_wrong(words, answered=answered)

    def _failed(self, words: str) -> WatchFailed:
        self.went_wrong(words, answered=True)
        return WatchFailed(words)
