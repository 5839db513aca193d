"""A real Chromium: the one on the PATH, else Debian's, else Playwright's own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from _common import ClusterError, Log, locked, run
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import sync_playwright

from debian import unpack

FOLDER = Path(__file__).parents[2] / ".cache" / "chromium"
PROGRAM = Path("usr", "lib", "chromium", "chromium")
UNPACKED = FOLDER / "unpacked"
FROM_DEBIAN = UNPACKED / PROGRAM
FROM_PLAYWRIGHT = FOLDER / "playwright"

ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: What keeps it from asking anything of anybody, and from wanting a screen or root.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Browser:
    """A program, and the environment that it needs beside ours."""

    program: Path
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def launched() -> Iterator[Chromium]:
    """One that runs, without a window."""
    found = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.program,
            args=list(ARGUMENTS),
            env={**os.environ, **found.environment},
        )
        yield browser
        browser.close()


def find_browser(log: Log = print) -> Browser:
    """Where it is; what is nowhere is fetched, and kept in the checkout. Raises ClusterError."""
    for name in ON_PATH:
        if found := shutil.which(name):
            return Browser(Path(found))
    with locked(FOLDER / "lock", lambda: log("Waiting for another to fetch Chromium.")):
        if not FROM_DEBIAN.exists() and not FROM_PLAYWRIGHT.exists():
            _fetch(log)
    if FROM_DEBIAN.exists():
        return Browser(FROM_DEBIAN, _environment(UNPACKED))
    (program,) = FROM_PLAYWRIGHT.glob("chromium-*/chrome-linux*/chrome")
    return Browser(program)


def _fetch(log: Log) -> None:
    log("Fetching Chromium out of Debian's packages (100 MB).")
    if unpack("chromium", UNPACKED, log, runs=_runs, with_dependencies=True):
        return
    log("Fetching Playwright's own Chromium (170 MB).")
    command = [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"]
    try:
        run(command, env={**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(FROM_PLAYWRIGHT)})
    except ClusterError as error:
        shutil.rmtree(FROM_PLAYWRIGHT, ignore_errors=True)
        words = "there is no Chromium, and it cannot be fetched: install it (apt install chromium)"
        raise ClusterError(f"{words}; {error}") from error


def _runs(unpacked: Path) -> None:
    run([unpacked / PROGRAM, "--version"], env={**os.environ, **_environment(unpacked)})


def _environment(unpacked: Path) -> dict[str, str]:
    """Where its libraries and its letters are, of which this machine may have none."""
    libraries = unpacked / "usr" / "lib" / "x86_64-linux-gnu"
    fonts = FOLDER / "fonts.conf"
    folders = ("/usr/share/fonts", unpacked / "usr" / "share" / "fonts")
    lines = [f"<dir>{folder}</dir>" for folder in folders]
    for family, letters in (("monospace", "DejaVu Sans Mono"), ("", "DejaVu Sans")):
        test = f"<test name='family'><string>{family}</string></test>" if family else ""
        edit = f"<edit name='family' mode='append'><string>{letters}</string></edit>"
        lines.append(f"<match>{test}{edit}</match>")
    lines.append(f"<cachedir>{FOLDER}/fonts</cachedir>")
    fonts.write_text(f"<fontconfig>{''.join(lines)}</fontconfig>\n")
    return {
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, (libraries, libraries / "pulseaudio"))),
        "FONTCONFIG_FILE": str(fonts),
    }
