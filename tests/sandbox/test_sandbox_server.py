"""The sandbox's start and its end."""

import asyncio
import contextlib
import threading
import time
from urllib.parse import urlsplit

import pytest

from customevents import sandbox
from sandbox.sandbox_client import EVENT, answers, connect, eventually, fault, head, post, requests

#: Seconds; what waits at the end waits for minutes, or for ever.
AT_ONCE = 20.0

BODY = b'{"eventType": "a", "summary": "b"}'


def test_serve_announces_an_address_that_answers_and_ends_when_cancelled() -> None:
    async def main() -> None:
        # A future can be resolved once: a second announcement would raise.
        announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        running = asyncio.ensure_future(
            sandbox.serve("127.0.0.1", 0, announce=announced.set_result)
        )
        api = sandbox.Running(await announced)
        assert (await asyncio.to_thread(post, api)).status == 201
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert running.cancelled()
        with pytest.raises(ConnectionRefusedError):
            connect(api)

    asyncio.run(asyncio.wait_for(main(), 10))


def test_every_address_is_announced_as_one_that_can_be_reached() -> None:
    with sandbox.running(host="0.0.0.0") as api:
        assert urlsplit(api.url).hostname == "127.0.0.1"
        assert post(api).status == 201


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    with sandbox.running() as one, sandbox.running() as two:
        post(one)
        assert (answers(one), answers(two)) == ([201], [])


def test_a_port_in_use_is_an_error() -> None:
    with sandbox.running() as api:
        port = urlsplit(api.url).port
        assert port
        with pytest.raises(OSError, match="address already in use"), sandbox.running(port=port):
            pass
        assert post(api).status == 201


def test_the_same_port_can_be_taken_again_at_once() -> None:
    with sandbox.running() as api:
        port = urlsplit(api.url).port
        assert port
        fault(api, drop="afterReading", count=1)
        with pytest.raises(ConnectionResetError):
            post(api)
        post(api)
    with pytest.raises(ConnectionRefusedError):
        connect(api)
    with sandbox.running(port=port) as again:
        assert again.url == api.url
        assert post(again).status == 201


def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with sandbox.running() as api:
        post(api)
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before


def test_an_error_of_the_caller_stops_the_sandbox_and_comes_through() -> None:
    with pytest.raises(LookupError), sandbox.running() as api:
        raise LookupError
    with pytest.raises(ConnectionRefusedError):
        connect(api)


@pytest.mark.parametrize("waiting", [{"hang": True}, {"delaySeconds": 3600}, {"slowBody": 3600}])
def test_a_request_that_waits_does_not_hold_up_the_end(waiting: dict[str, object]) -> None:
    with contextlib.ExitStack() as stack:
        with sandbox.running() as api:
            fault(api, **waiting)
            connection = stack.enter_context(connect(api))
            connection.sendall(head(len(BODY)) + BODY)
            eventually(lambda: len(requests(api)) == 1)
            ending = time.monotonic()
        assert time.monotonic() - ending < AT_ONCE
        if "slowBody" not in waiting:
            with pytest.raises(ConnectionResetError):
                connection.recv(1)


def test_a_client_that_never_sends_its_body_does_not_hold_up_the_end() -> None:
    with contextlib.ExitStack() as stack:
        with sandbox.running() as api:
            connection = stack.enter_context(connect(api))
            connection.sendall(head(100))
            post(api, EVENT)
            ending = time.monotonic()
        assert time.monotonic() - ending < AT_ONCE


def test_a_call_that_is_refused_says_what_was_answered() -> None:
    with (
        sandbox.running() as api,
        pytest.raises(RuntimeError, match=r"PUT /sandbox/key was answered 400: .*key is required"),
    ):
        api.call("PUT", "/sandbox/key", {})
