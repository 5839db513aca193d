"""Authorities and certificates for the stand-ins, made by openssl in two seconds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

#: What an authority is, and nothing else: whoever insists on more refuses real clusters'.
AUTHORITY = """
[req]
distinguished_name = name
x509_extensions = ca
[name]
[ca]
basicConstraints = critical, CA:TRUE
"""

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

HERE = (
    *("DNS:localhost", "DNS:near.example", "DNS:api.corp.example", "DNS:proxy.example"),
    *("IP:127.0.0.1", "IP:::1", "IP:10.1.2.3", "IP:fd00::1"),
)


def make(folder: Path) -> None:
    """Two authorities, `ca` and `stranger`, and what they have signed, each a `.crt` and a `.key`.

    Raises LookupError if there is no openssl.
    """
    if not shutil.which("openssl"):
        raise LookupError("these tests need the program openssl: apt-get install openssl")
    (folder / "ca.cnf").write_text(AUTHORITY)
    for authority in ("ca", "stranger"):
        _authority(folder, authority)
    _signed(folder, "server", by="ca", names=HERE)
    _signed(folder, "hidden", by="ca", names=["DNS:kube.hidden.example"])
    _signed(folder, "unknown", by="stranger", names=HERE)
    _signed(folder, "expired", by="ca", names=HERE, days=0)
    _signed(folder, "jane", by="ca")
    _signed(folder, "joe", by="ca")


def _authority(folder: Path, name: str) -> None:
    key, certificate = f"{name}.key", f"{name}.crt"
    where = ("-config", "ca.cnf", "-keyout", key, "-out", certificate)
    _openssl(folder, "req", "-x509", *EC, "-subj", f"/CN={name}", *where, "-days", "30")


def _signed(folder: Path, name: str, *, by: str, names: Iterable[str] = (), days: int = 30) -> None:
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={','.join(names)}\n" if names else "")
    key = ("-config", "ca.cnf", "-keyout", f"{name}.key", "-out", request)
    _openssl(folder, "req", "-new", *EC, "-subj", f"/CN={name}", *key)
    signer = ("-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial", "-days", str(days))
    out = ("-extfile", extensions, "-out", f"{name}.crt")
    _openssl(folder, "x509", "-req", "-in", request, *signer, *out)


def _openssl(folder: Path, *arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
