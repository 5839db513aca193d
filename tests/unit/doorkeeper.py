"""A server that notes who asks, users for its kubeconfigs, and what their plugins say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from customevents import kube
from customevents.chosen import Chosen
from customevents.kube import Cluster
from kubeconfigs import write
from unit.raw_server import Connection, serving

VERSION = "client.authentication.k8s.io/v1"
BETA = f"{VERSION}beta1"


class Doorkeeper:
    """A server that notes who asks, and lets in only whom it knows."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.heads: list[str] = []
        self.heard: Callable[[], None] = lambda: None

    @property
    def authorizations(self) -> list[str]:
        return [self._header(head, "authorization") for head in self.heads]

    def names(self, header: str) -> list[str]:
        """The values of this header in the last request."""
        lines = self.heads[-1].split("\r\n")
        return [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{header}: ")]

    async def __call__(self, connection: Connection) -> None:
        while True:
            head = (await connection.reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            self.heard()
            is_known = not self.known or self._header(head, "authorization") in self.known
            status, body = ("200 OK", "{}") if is_known else ("401 No", "{}")
            answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            await connection.send(answer.encode())

    @staticmethod
    def _header(head: str, name: str) -> str:
        found = [line for line in head.split("\r\n") if line.lower().startswith(f"{name}: ")]
        return found[0].partition(": ")[2] if found else ""


@asynccontextmanager
async def asking(
    folder: Path, user: dict[str, Any], *known: str, **chosen: Any
) -> AsyncIterator[tuple[Cluster, Doorkeeper]]:
    """A connection as this user to a server that knows these."""
    doorkeeper = Doorkeeper(*known)
    async with serving(doorkeeper) as server:
        kubeconfig = write(folder, {"server": f"http://127.0.0.1:{server.port}"}, user)
        async with kube.connect(chosen=Chosen(str(kubeconfig), **chosen)) as cluster:
            yield cluster, doorkeeper


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    """A user whose plugin this shell script is; it counts how often it runs in `runs`."""
    program = f"echo >> {folder}/runs; {script}"
    about = {"apiVersion": VERSION, "interactiveMode": "Never", **more}
    return {"exec": {"command": "sh", "args": ["-c", program], **about}}


def prints(**status: str) -> str:
    answer = json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": status})
    return f"cat <<'END'\n{answer}\nEND"


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())
