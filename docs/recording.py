"""`make recording`: an event that is refused, explained, mended; as a terminal shows it, in an SVG.

The session is played on the local cluster, with the sandbox and the operator at work. The picture
holds its text and moves by CSS alone: a page that embeds it asks nobody for anything.
tests/integration/test_recording.py plays it again and compares.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "localcluster")]

from localcluster import KUBECTL, Cluster, build  # noqa: E402

from customevents import sandbox  # noqa: E402
from operator_process import eventually, probe, starting  # noqa: E402

PICTURE = ROOT / "docs" / "pictures" / "command-line.svg"
CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
RIGHTS = ROOT / "tests" / "integration" / "rbac.yaml"

NAMESPACE, NAME = "shop", "checkout-1-4-2"

#: Its type has one character more than an endpoint takes that follows the OpenAPI document.
EVENT = f"""
apiVersion: customevents.dev/v1alpha1
kind: CustomEvent
metadata: {{name: {NAME}, namespace: {NAMESPACE}}}
spec:
  eventType: checkout released to production
  summary: checkout 1.4.2 is live
"""

APPLY = "kubectl apply -f event.yaml"
STORY = (
    APPLY,
    "kubectl get cev",
    f"customevents explain {NAME}",
    f'kubectl patch cev {NAME} --type merge -p \'{{"spec": {{"eventType": "release"}}}}\'',
    f"customevents wait {NAME}",
    "customevents list",
)

COLUMNS, ROWS = 96, 24


class Scene(NamedTuple):
    """A command, and what the terminal then shows, with its colours."""

    command: str
    output: str


# The session.


def recorded(cluster: Cluster, folder: Path) -> list[Scene]:
    """Play the story on a cluster that has the CRD, and no operator at work."""
    (folder / "event.yaml").write_text(EVENT)
    environment = _environment(cluster, folder)
    with _namespace(cluster), _operator(cluster, folder):
        return [_played(command, environment, folder) for command in STORY]


@contextlib.contextmanager
def _namespace(cluster: Cluster) -> Iterator[None]:
    """Nobody waits for its end; its event goes at once, else another operator would take it up."""
    cluster.kubectl("create", "namespace", NAMESPACE)
    try:
        yield
    finally:
        cluster.kubectl("delete", "cev", "--all", "-n", NAMESPACE)
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@contextlib.contextmanager
def _operator(cluster: Cluster, folder: Path) -> Iterator[None]:
    """It posts to a sandbox that takes types of 30 characters."""
    cluster.kubectl("apply", "-f", str(RIGHTS))
    account = cluster.service_account_kubeconfig("customevents", "customevents")
    # What an operator before it has said of itself would be taken for this one's.
    cluster.kubectl(
        "delete", "configmap", "-n", "customevents", "customevents", "--ignore-not-found"
    )
    key = folder / "api-key"
    key.write_text("test-key\n")
    with sandbox.running() as endpoint:
        endpoint.call("PUT", "/sandbox/behaviour", {"eventType": "30"})
        endpoint.call("PUT", "/sandbox/inventory", {"prod-eu-1": {NAMESPACE: ["checkout"]}})
        settings = {"endpoint": endpoint.url, "cluster_name": "prod-eu-1", "api_key_file": str(key)}
        with starting(folder, account, pod_name="customevents-7d9f", **settings) as running:
            eventually("the operator is ready", lambda: probe(running, "/readyz") == 200 or None)
            yield


def _environment(cluster: Cluster, folder: Path) -> dict[str, str]:
    """A terminal's, of somebody who works in this namespace and has no settings of their own."""
    kubeconfig = json.loads(cluster.kubeconfig.read_text())
    kubeconfig["contexts"][0]["context"]["namespace"] = NAMESPACE
    file = folder / "kubeconfig"
    file.touch(mode=0o600)
    file.write_text(json.dumps(kubeconfig))
    programs = (str(KUBECTL.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    return {
        "PATH": os.pathsep.join(programs),
        "HOME": str(folder),
        "KUBECONFIG": str(file),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }


def _played(command: str, environment: dict[str, str], folder: Path) -> Scene:
    output = _shown(command, environment, folder)
    if command == APPLY:
        eventually("it is refused", lambda: _is_refused(environment, folder) or None)
    return Scene(command, _steady(output))


def _is_refused(environment: dict[str, str], folder: Path) -> bool:
    """And the operator has told everything that `explain` shows."""
    told = json.loads(_shown(f"customevents explain {NAME} -o json", environment, folder))
    known = told.get("key", {}).get("grade") == told.get("clusterName", {}).get("grade") == "ok"
    return bool(told["state"] == "Failed" and known and "inFlight" not in told["attempts"])


def _shown(command: str, environment: dict[str, str], folder: Path) -> str:
    """What a command writes to a terminal of this size. Raises RuntimeError if it fails."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (ROWS, COLUMNS))
    process = subprocess.Popen(
        shlex.split(command), stdin=its, stdout=its, stderr=its, env=environment, cwd=folder
    )
    os.close(its)
    written = b""
    with contextlib.suppress(OSError):  # EIO: nobody holds the other end any more
        while chunk := os.read(ours, 65536):
            written += chunk
    os.close(ours)
    shown = written.decode().replace("\r\n", "\n")
    if process.wait():
        raise RuntimeError(f"{command}: {shown}")
    return shown


def _steady(shown: str) -> str:
    """With the same times, id and port each time: what differs from the last picture is news."""
    for pattern, instead in (
        (r"\b\d+[smh](?= ago|$)", "2s"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-11-27 09:00:05Z"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "5c7a3f60-0d1e-4b52-9c84-2f6a1be07d93"),
        (r"(http://127\.0\.0\.1):\d+", r"\1:8090"),  # the sandbox's own, unless it is taken
    ):
        shown = re.sub(pattern, instead, shown, flags=re.MULTILINE)
    return shown


# The picture.

#: Pixels: of a character and a line, of the margin, and of the bar on top. Most monospaced letters
#: of 13 pixels are 7.8 wide; others are made so.
WIDE, HIGH, MARGIN, BAR = 7.8, 18, 18, 30

#: Seconds: to read a command, until it answers, and to read an answer and each of its lines.
COMMAND, RUNS, ANSWER, EACH_LINE = 1.0, 0.4, 1.2, 0.25
#: Seconds until it begins anew.
END = 4.0

#: By their numbers of a terminal: red, green and yellow, and no other is used.
COLOURS = {1: "#ff7b72", 2: "#7ee787", 3: "#e3b341"}

PROMPT = Text.assemble(("$", "bold green"))

SVG = """\
<!-- Written by `make recording`. -->
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img">
<title>{title}</title>
<style>
text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",\
monospace;fill:#e6edf3}}
{css}
@media (prefers-reduced-motion:reduce){{*{{animation:none!important}}}}
</style>
<rect x=".5" y=".5" width="{inner}" height="{deep}" rx="8" fill="#161b22" stroke="#3d444d"/>
<g fill="#484f58"><circle cx="20" cy="17" r="5"/><circle cx="37" cy="17" r="5"/>\
<circle cx="54" cy="17" r="5"/></g>
<svg x="{margin}" y="{bar}" width="{text_width}" height="{text_height}">
<g class="s">
{frames}
</g>
</svg>
</svg>
"""


class Frame(NamedTuple):
    """What appears at a time, and the row down to which there is something then."""

    at: float
    texts: list[str]
    last_row: int


def drawn(scenes: list[Scene]) -> str:
    """The picture: what appears stays, and goes up with the lines when they are too many."""
    frames, length = _frames(scenes)
    css = [_appearing(number, frame, length) for number, frame in enumerate(frames) if frame.at]
    width, text_height = round(COLUMNS * WIDE) + 2 * MARGIN, ROWS * HIGH
    height = BAR + text_height + MARGIN // 2
    return SVG.format(
        title=f"A terminal: {'; '.join(escape(scene.command) for scene in scenes)}",
        css="\n".join([*css, _scrolling(frames, length)]),
        frames="\n".join(map(_group, range(len(frames)), frames)),
        width=width,
        height=height,
        inner=width - 1,
        deep=height - 1,
        margin=MARGIN,
        bar=BAR,
        text_width=width - MARGIN,
        text_height=text_height,
    )


def _frames(scenes: list[Scene]) -> tuple[list[Frame], float]:
    """They, and how many seconds it all takes."""
    frames, at, row = [Frame(0.0, list(_texts(PROMPT, 0)), 0)], 0.0, 0
    for scene in scenes:
        at += COMMAND
        frames.append(Frame(at, list(_texts(Text.assemble((scene.command, "bold")), row, 2)), row))
        lines = [*_lines(scene.output), Text(), PROMPT]
        texts = [text for n, line in enumerate(lines, row + 1) for text in _texts(line, n)]
        row += len(lines)
        at += RUNS
        frames.append(Frame(at, texts, row))
        at += ANSWER + EACH_LINE * len(lines)
    return frames, at + END


def _lines(output: str) -> Iterator[Text]:
    """As a terminal folds them."""
    for line in Text.from_ansi(output.rstrip("\n")).split():
        yield from line.divide(range(COLUMNS, len(line), COLUMNS))


def _texts(line: Text, row: int, column: int = 0) -> Iterator[str]:
    """Each piece at a place of its own, so that columns stay columns in every font."""
    for segment in line.render(Console()):
        for words in re.finditer(r"\S+(?: \S+)*", segment.text):
            x, y = (column + words.start()) * WIDE, row * HIGH + 14
            length = len(words[0]) * WIDE
            yield (
                f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}" '
                f'lengthAdjust="spacingAndGlyphs"{_look(segment.style)}>{escape(words[0])}</text>'
            )
        column += len(segment.text)


def _look(style: Style | None) -> str:
    if not style:
        return ""
    looks = ["font-weight:bold"] * bool(style.bold) + ["opacity:.6"] * bool(style.dim)
    if style.color and style.color.number is not None:
        looks.append(f"fill:{COLOURS[style.color.number]}")
    return f' style="{";".join(looks)}"' if looks else ""


def _group(number: int, frame: Frame) -> str:
    return "\n".join([f'<g class="f{number}">', *frame.texts, "</g>"])


def _appearing(number: int, frame: Frame, length: float) -> str:
    at = 100 * frame.at / length
    return (
        f".f{number}{{animation:f{number} {length:.1f}s step-end infinite}}"
        f"@keyframes f{number}{{0%{{opacity:0}}{at:.2f}%{{opacity:1}}}}"
    )


def _scrolling(frames: list[Frame], length: float) -> str:
    def up(frame: Frame) -> str:
        return f"{{transform:translateY({-HIGH * max(0, frame.last_row + 1 - ROWS)}px)}}"

    steps = "".join(f"{100 * frame.at / length:.2f}%{up(frame)}" for frame in frames)
    moving = f".s{{animation:s {length:.1f}s step-end infinite}}"
    return f".s{up(frames[-1])}{moving}@keyframes s{{{steps}}}"


def main() -> None:
    """Write it."""
    build(print)
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        folder = Path(made)
        with Cluster(folder / "cluster", crds=[CRD]) as cluster:
            PICTURE.write_text(drawn(recorded(cluster, folder)))


if __name__ == "__main__":
    main()
