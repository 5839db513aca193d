"""Probes, metrics and the sandbox answer by IPv4 and IPv6, whichever of them a machine has."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from customevents import health, sandbox, sockets
from customevents.health import Finding
from customevents.settings import Settings


async def no_metrics(_: web.Request) -> web.Response:
    return web.Response()


def ask(host: str, port: int) -> int:
    with urllib.request.urlopen(f"http://{host}:{port}/", timeout=5) as answer:
        status: int = answer.status
        return status


def probed(host: str, port: int) -> int:
    with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=5) as answer:
        status: int = answer.status
        return status


@pytest.fixture
def without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that was started without it: there is no such socket at all."""
    create = socket.socket.__init__

    def refusing(self: socket.socket, family: int = -1, *args: Any, **kwargs: Any) -> None:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        create(self, family, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "__init__", refusing)


@pytest.mark.parametrize("asked_at", ["127.0.0.1", "[::1]"])
def test_the_probes_answer_a_kubelet_of_either_family_at_the_same_port(asked_at: str) -> None:
    host = Settings.model_fields["health_host"].default

    async def main() -> int:
        async with health.serve(host, 0, alive=Finding, ready=Finding, metrics=no_metrics) as port:
            return await asyncio.to_thread(probed, asked_at, port)

    assert asyncio.run(main()) == 200


@pytest.mark.usefixtures("without_ipv6")
def test_the_probes_answer_where_the_kernel_has_no_ipv6() -> None:
    async def main() -> int:
        async with health.serve("::", 0, alive=Finding, ready=Finding, metrics=no_metrics) as port:
            return await asyncio.to_thread(probed, "127.0.0.1", port)

    assert asyncio.run(main()) == 200


@pytest.mark.parametrize("asked_at", ["127.0.0.1", "[::1]"])
def test_the_sandbox_answers_either_family(asked_at: str) -> None:
    with sandbox.running(host="::") as api:
        port = urlsplit(api.url).port
        assert port
        assert ask(asked_at, port) == 200
        assert ask(urlsplit(api.url).hostname or "", port) == 200


@pytest.mark.usefixtures("without_ipv6")
def test_the_sandbox_answers_where_the_kernel_has_no_ipv6() -> None:
    with sandbox.running(host="::") as api:
        assert api.url.startswith("http://127.0.0.1:")
        assert api.call("GET", "/events") is not None


def test_an_ipv6_address_is_announced_in_brackets() -> None:
    with sandbox.running(host="::1") as api:
        assert api.url.startswith("http://[::1]:")
        assert api.call("GET", "/events") is not None


def test_an_address_of_one_family_is_that_alone() -> None:
    with sandbox.running(host="127.0.0.1") as api:
        port = urlsplit(api.url).port
        assert port
        with pytest.raises(OSError, match="refused"):
            ask("[::1]", port)


@pytest.mark.parametrize("taken_at", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_either_family_has_taken_is_an_error(taken_at: str) -> None:
    """Else the operator would be up, and deaf to half of those who ask."""
    with socket.create_server((taken_at, 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(OSError, match="in use") as raised,
            sandbox.running(host="::", port=port),
        ):
            pass
    assert raised.value.errno == errno.EADDRINUSE
    assert sockets.reason(raised.value) == "Address already in use"


@pytest.mark.parametrize(
    ("host", "address"),
    [("::", "[::]:80"), ("fd00::1", "[fd00::1]:80"), ("10.0.0.1", "10.0.0.1:80")],
)
def test_an_address_is_shown_as_people_write_it(host: str, address: str) -> None:
    assert sockets.shown(host, 80) == address


def test_an_address_that_is_not_here_ends_the_sandbox_with_one_line() -> None:
    command = [sys.executable, "-m", "customevents", "sandbox", "--host", "192.0.2.1", "--port=0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (
        1,
        "customevents: cannot listen on 192.0.2.1:0: Cannot assign requested address\n",
    )


def test_the_error_that_python_3_13_has_for_it_is_said_in_the_same_words() -> None:
    error = OSError("could not bind on any address out of [('192.0.2.1', 0)]")
    assert sockets.reason(error) == "Cannot assign requested address"
