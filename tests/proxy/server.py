"""The proxy as a running thing: its thread, its port, and what a test does with it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from certificates import serving_context
from proxy.connection import Connection, Stream, Surroundings, Upstream
from proxy.kubeconfig import Kubeconfig
from proxy.rules import Handle, Rule, Rulebook
from proxy.streams import Streams
from proxy.wire import Seen

T = TypeVar("T")

#: Seconds; for anything that the proxy's thread is asked to do.
_PATIENCE = 10.0


class Proxy:
    """A proxy in front of a server; runs as a context manager.

    Its methods are for the test's thread; it works on one of its own. What the proxy itself gets
    wrong is raised when the block ends.
    """

    def __init__(self, upstream: Upstream, tls: ssl.SSLContext | None, keep: str | None) -> None:
        """`tls` is its own side's; requests to paths that `keep` is found in are kept whole."""
        #: Every request so far, in the order in which they came.
        self.requests: list[Seen] = []
        self._tls = tls
        self._port = _bind(0)
        self._address = self._port.getsockname()
        self._loop = asyncio.new_event_loop()
        self._rules = Rulebook(self._loop.call_soon_threadsafe)
        self._streams = Streams(self._rules)
        self._around = Surroundings(
            upstream,
            self._rules,
            self._streams,
            self.requests,
            lambda path: keep is not None and re.search(keep, path) is not None,
            self._spawn,
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._port.close()
        if self._errors and kind is None:
            raise self._errors[0]

    def add(self, rule: Rule) -> Handle:
        """Put a rule in force, behind those that are; one for streams acts on open ones, too."""
        handle = self._rules.add(rule)
        if handle.is_for_streams:
            self._loop.call_soon_threadsafe(self._streams.meet, handle)
        return handle

    def open_streams(self, path: str) -> int:
        """How many watches are open whose path matches, those aside that were silenced."""
        return self._on_loop(self._count(path))

    @property
    def connections(self) -> int:
        """How many there are, to clients and to the API server, also those that only begin."""
        return len(self._transports())

    def _transports(self) -> list[asyncio.WriteTransport]:
        known: Any = self._loop  # asyncio has no public way to ask
        return [each for each in known._transports.values() if not each.is_closing()]

    async def _count(self, path: str) -> int:
        return self._streams.count(path)

    def clear(self) -> None:
        """End all rules; what they hold goes on, what they made hang goes on hanging."""
        self._rules.clear()

    def down(self) -> None:
        """Reset all connections and refuse new ones, until `up`; what is held is lost."""
        self._on_loop(self._down())

    def up(self) -> None:
        """Listen, on the port that it always had."""
        self._on_loop(self._up())

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _up(self) -> None:
        if self._listener is None:
            listening = _bind(self._address[1])
            self._listener = await asyncio.start_server(
                self._accept, sock=listening, ssl=self._tls, backlog=1024
            )

    async def _down(self) -> None:
        if self._listener:
            for listening in self._listener.sockets:
                self._loop.remove_reader(listening)
            # Who was accepted just now gets its transport first: a closed listener takes no more.
            await asyncio.sleep(0)
            self._listener.close()
            self._listener = None
        while tasks := tuple(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        # Who is in the middle of a handshake, or was not served yet, is closed by nobody else.
        while True:
            for transport in self._transports():
                transport.abort()
            await asyncio.sleep(0)  # what was aborted is closed in the loop's next turn
            handshakes = asyncio.all_tasks() - {asyncio.current_task()}
            if not handshakes and not self._transports():
                return
            await asyncio.sleep(0.001)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Stream(reader, writer)
        if self._listener is None:  # its handshake ended after we went down
            client.reset()
        else:
            self._spawn(Connection(client, self._around).serve())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._errors.append(error)


class ApiProxy(Proxy):
    """In front of the API server of a kubeconfig."""

    def __init__(self, kubeconfig: Path, folder: Path, *, keep: str | None = None) -> None:
        """`folder` gets its keys and its kubeconfig, and is made if it is not there."""
        given = Kubeconfig(kubeconfig)
        self.kubeconfig = folder / "proxied.kubeconfig"
        tls, authority = serving_context(folder / "proxy-keys")
        super().__init__(given.upstream(), tls, keep)
        given.write(self.kubeconfig, f"https://127.0.0.1:{self._address[1]}", authority)


class PlainProxy(Proxy):
    """In front of a server that speaks plain HTTP, as the sandbox does."""

    def __init__(self, url: str, *, keep: str | None = None) -> None:
        server = urlsplit(url)
        assert server.hostname
        assert server.port
        super().__init__(Upstream(server.hostname, server.port, None), None, keep)
        self.url = f"http://127.0.0.1:{self._address[1]}"


def _bind(port: int) -> socket.socket:
    """A socket on loopback that shares its port.

    One that only binds it keeps the port for the proxy while nobody listens.
    """
    # Said to be TCP's, asyncio turns Nagle's algorithm off; it would cost 40 ms an answer.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
