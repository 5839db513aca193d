"""`make krew`: the one file as an archive, and the manifest by which krew installs it."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from build_cli import HERE, ROOT, build, packed

from customevents import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Write customevents.tar.gz and krew/customevents.yaml into a folder."""
    parser = argparse.ArgumentParser(description="Write what krew installs.")
    parser.add_argument("folder", type=Path, help="where to")
    parser.add_argument("--address", required=True, help="the archive's folder, as users reach it")
    options = parser.parse_args(arguments)
    if "://" not in options.address:
        parser.error("say where users find the archive's folder: ADDRESS=https://...")
    archive, manifest = options.folder / "customevents.tar.gz", "krew/customevents.yaml"
    (options.folder / "krew").mkdir(parents=True, exist_ok=True)
    archive.write_bytes(pack())
    (options.folder / manifest).write_text(render(options.address, archive.read_bytes()))
    print(f"{archive} and {options.folder / manifest}")
    return 0


def pack() -> bytes:
    """The archive: the one file, and its licence."""
    with TemporaryDirectory() as folder:
        shutil.copy(build(), Path(folder, "customevents"))
        shutil.copy(ROOT / "LICENSE", folder)
        return packed(Path(folder), level=1)  # it is compressed already


def render(address: str, archive: bytes) -> str:
    """The manifest."""
    known = {
        "@VERSION@": __version__,
        "@ADDRESS@": address.rstrip("/"),
        "@SHA256@": hashlib.sha256(archive).hexdigest(),
    }
    text = (HERE / "krew.yaml").read_text()
    for name, value in known.items():
        text = text.replace(name, value)
    return text


if __name__ == "__main__":
    sys.exit(main())
