"""A TCP relay between the browser and a sandbox, whose connections can be cut and frozen."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit


class Relay:
    """Leads from its own address to another one; used from any thread."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._streams: set[asyncio.StreamWriter] = set()
        self._down = False
        self._swallowed: threading.Event | None = None
        self._ended = asyncio.Event()
        self.url = ""

    def lead_to(self, target: str) -> None:
        """Lead there from the next connection on."""
        self._target = target

    def cut(self) -> None:
        """Reset every connection, and each new one, until it is mended."""
        self._down = True
        self.call(self._reset)

    def mend(self) -> None:
        self._down = False

    def freeze(self) -> None:
        """Let the stream's connection die without a word, and end the others."""
        self.call(self._freeze)

    @contextlib.contextmanager
    def swallowing(self) -> Iterator[threading.Event]:
        """Take new connections, and carry nothing over them; yields what is set by the first."""
        self._swallowed = threading.Event()
        yield self._swallowed
        self._swallowed = None

    def call(self, function: Callable[[], object]) -> None:
        """Call it where the relay runs, and come back when it is done."""
        assert self._loop
        done = threading.Event()
        self._loop.call_soon_threadsafe(function)
        self._loop.call_soon_threadsafe(done.set)
        assert done.wait(10)

    def end(self) -> None:
        """Have `serve` end; it may have done so before this comes back."""
        assert self._loop
        self._loop.call_soon_threadsafe(self._ended.set)

    def _reset(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    def _freeze(self) -> None:
        for writer in self._streams:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        self._open -= self._streams
        self._reset()

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self._down:
            back.transport.abort()
            return
        self._open.add(back)
        if self._swallowed:
            self._swallowed.set()
            return
        with contextlib.suppress(ConnectionError):
            parts = urlsplit(self._target)
            far, forth = await asyncio.open_connection(parts.hostname, parts.port)
            self._open.add(forth)
            await asyncio.gather(
                _pipe(near, forth, lambda asked: self._note(asked, back, forth)), _pipe(far, back)
            )

    def _note(self, asked: bytes, *writers: asyncio.StreamWriter) -> None:
        if b"GET /sandbox/changes" in asked:
            self._streams.update(writers)

    async def serve(self, ready: threading.Event) -> None:
        """Relay until the end; then nothing of it is left."""
        self._loop = asyncio.get_running_loop()
        carried: set[asyncio.Task[None]] = set()

        def accept(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
            carried.add(asyncio.create_task(self._carry(near, back)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await self._ended.wait()
        server.close()
        self._down = True
        while not all(task.done() for task in carried):
            for writer in self._open | self._streams:
                writer.transport.abort()
            await asyncio.sleep(0.01)


async def _pipe(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    note: Callable[[bytes], object] = lambda _: None,
) -> None:
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65536):
            note(part)
            writer.write(part)
            await writer.drain()
    writer.transport.abort()


@contextlib.contextmanager
def relayed(target: str) -> Iterator[Relay]:
    """A relay on a thread of its own."""
    relay = Relay(target)
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(relay.serve(ready)))
    thread.start()
    assert ready.wait(10)
    try:
        yield relay
    finally:
        relay.end()
        thread.join()
