"""Two authorities, and the certificates of the stand-ins and of their clients, in files."""

from __future__ import annotations

from pathlib import Path

from authorities import Authority, Issued

#: What the stand-ins are called, and where they are.
HERE = (
    *("localhost", "near.example", "api.corp.example", "proxy.example"),
    *("127.0.0.1", "::1", "10.1.2.3", "fd00::1"),
)


def make(folder: Path) -> None:
    """Write `ca.crt`, `stranger.crt`, and for each that they have signed a `.crt` and a `.key`."""
    ca, stranger = Authority("ca", plain=True), Authority("stranger", plain=True)
    (folder / "ca.crt").write_bytes(ca.pem)
    (folder / "stranger.crt").write_bytes(stranger.pem)
    _write(folder / "server", ca.issue(*HERE))
    _write(folder / "hidden", ca.issue("kube.hidden.example"))
    _write(folder / "unknown", stranger.issue(*HERE))
    _write(folder / "expired", ca.issue(*HERE, expired=True))
    for client in ("jane", "joe"):
        _write(folder / client, ca.issue(name=client))


def _write(path: Path, issued: Issued) -> None:
    path.with_suffix(".crt").write_bytes(issued.certificate)
    path.with_suffix(".key").write_bytes(issued.key)
