"""Which characters of the page's module have run, by Chromium's own account."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from playwright.sync_api import CDPSession, Page

MODULE = "timeline.js"
SOURCE = (files("customevents.sandbox") / "timeline" / MODULE).read_text(encoding="utf-8")

_WITHOUT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\s+", re.DOTALL)


class Coverage:
    """The characters that ran in any page that was watched."""

    def __init__(self) -> None:
        self._ran = bytearray(len(SOURCE))
        self._sessions: list[CDPSession] = []

    def watch(self, page: Page) -> None:
        """Count what runs in this page, from its first script on."""
        session = page.context.new_cdp_session(page)
        session.send("Profiler.enable")
        session.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": True})
        self._sessions.append(session)

    def collect(self) -> None:
        """Take in what ran until now; before a page is left or closed."""
        for session in self._sessions:
            for script in session.send("Profiler.takePreciseCoverage")["result"]:
                if script["url"].endswith(MODULE):
                    self._take(script["functions"])

    def forget(self) -> None:
        """Watch those pages no more."""
        self._sessions.clear()

    def _take(self, functions: list[dict[str, Any]]) -> None:
        ranges = [each for function in functions for each in function["ranges"]]
        ran = bytearray(len(SOURCE))
        # What is inside of a range says more than the range.
        for each in sorted(ranges, key=lambda each: (each["startOffset"], -each["endOffset"])):
            size = each["endOffset"] - each["startOffset"]
            ran[each["startOffset"] : each["endOffset"]] = bytes([each["count"] > 0]) * size
        self._ran = bytearray(one | other for one, other in zip(self._ran, ran, strict=True))

    @property
    def share(self) -> float:
        """The share of the code that ran, comments and blanks aside."""
        code = self._code()
        return sum(self._ran[index] for index in code) / len(code)

    def lines_that_did_not_run(self) -> list[str]:
        """Those lines of which some code never ran, with their numbers."""
        missing = {SOURCE.count("\n", 0, index) for index in self._code() if not self._ran[index]}
        lines = SOURCE.splitlines()
        return [f"{number + 1}: {lines[number].strip()}" for number in sorted(missing)]

    def _code(self) -> list[int]:
        without = bytearray(len(SOURCE))
        for found in _WITHOUT_CODE.finditer(SOURCE):
            without[found.start() : found.end()] = b"\1" * (found.end() - found.start())
        return [index for index, left_out in enumerate(without) if not left_out]
