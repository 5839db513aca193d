"""A reader of the sandbox's stream of changes, message by message."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

from customevents.sandbox import Running
from sandbox.sandbox_client import address

PATH = "/sandbox/changes"


class Reader:
    """Reads messages: what they are, what they say, and their id."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def next(self) -> tuple[str, Any, str]:
        """The next message; ends the test where none comes."""
        fields: dict[str, str] = {}
        while True:
            line = self._answer.readline().decode()
            assert line, "the stream has ended"
            if line == "\n" and "event" in fields:
                return fields["event"], json.loads(fields["data"]), fields.get("id", "")
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value

    def until(self, wanted: str) -> tuple[Any, str]:
        """What the next message of this kind says, and its id; it must come before a beat."""
        while True:
            kind, said, place = self.next()
            if kind == wanted:
                return said, place
            assert kind != "beat", f"nobody was woken to tell: {wanted}"

    def ends(self) -> bool:
        return self._answer.read() == b""


@contextlib.contextmanager
def following(api: Running, after: str = "", last: str = "") -> Iterator[Reader]:
    wire = http.client.HTTPConnection(*address(api), timeout=10)
    with contextlib.closing(wire):
        headers = {"Last-Event-ID": last} if last else {}
        wire.request("GET", PATH + (f"?after={after}" if after else ""), headers=headers)
        with contextlib.closing(wire.getresponse()) as answer:
            assert answer.status == 200
            assert answer.getheader("Content-Type") == "text/event-stream"
            yield Reader(answer)


def summaries(told: list[dict[str, Any]]) -> list[str]:
    return [each["body"]["summary"] for each in told]
