"""All rows, and how one of them is laid out in a folder."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

from kubectl.row import Row
from kubectl.rows import files, proxies, servers, users

ROWS: list[Row] = [*files.ROWS, *users.ROWS, *servers.ROWS, *proxies.ROWS]

KUBECTL = Path(__file__).parents[2] / "localcluster" / ".cache" / "bin" / "kubectl"


def furnish(row: Row, folder: Path, pki: Path) -> dict[str, Any]:
    """Write its files; what a question about it says beside what is to be run."""
    (folder / "home").mkdir()
    for name, content in row.files.items():
        _write(folder / name, told(content, folder, pki) if isinstance(content, str) else content)
    env = {"HOME": "{here}/home", "PATH": os.defpath, "KUBECONFIG": "{here}/config", **row.env}
    return {
        "at": str(folder / row.at),
        "env": {name: told(value, folder, pki) for name, value in env.items() if value is not None},
        "flags": [told(flag, folder, pki) for flag in row.flags],
        "pod": str(folder / "run") if row.in_pod else "",
    }


def told(text: str, folder: Path, pki: Path) -> str:
    """A row's text with the folders and certificates that it speaks of."""
    text = text.replace("{here}", str(folder)).replace("{pki}", str(pki))
    return re.sub(r"\{pki([:<])([\w.]+)(\|json)?\}", lambda found: _content(pki, found), text)


def _content(pki: Path, found: re.Match[str]) -> str:
    """A certificate as it is, as base64, or as it stands within a string of JSON."""
    content = (pki / found[2]).read_text()
    if found[1] == ":":
        return base64.b64encode(content.encode()).decode()
    return json.dumps(content)[1:-1] if found[3] else content


def _write(path: Path, content: str | bytes | Path | None) -> None:
    if isinstance(content, Path):
        path.symlink_to(content)
        return
    if content is None:
        path.mkdir()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if path.read_bytes().startswith(b"#!"):
        path.chmod(0o755)
