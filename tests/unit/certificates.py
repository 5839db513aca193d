"""A server's certificate that nobody vouches for, unless told to."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SelfSigned:
    """The server's side, and the file that a client may be told to trust."""

    server: ssl.SSLContext
    certificate: Path


def self_signed(folder: Path) -> SelfSigned:
    """A certificate for localhost."""
    certificate, private = folder / "certificate.pem", folder / "private.pem"
    how = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    named = "-addext subjectAltName=DNS:localhost"
    where = f"-keyout {private} -out {certificate}"
    command = f"openssl {how} {named} {where}".split()
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return SelfSigned(context, certificate)
