"""TLS for a server on loopback.

The control plane's binary issues certificates; the standard library and our dependencies cannot,
and openssl is no prerequisite.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from _common import CONTROLPLANE, run
from localcluster import build


def serving_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """The server's side of TLS, and the new authority that signed its certificate."""
    build()
    run([CONTROLPLANE, "pki", folder])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
    return tls, folder / "ca.crt"
