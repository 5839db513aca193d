"""A kubeconfig that leads through the proxy, and the certificate that makes clients trust it."""

from __future__ import annotations

import json
import ssl
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from proxy.connection import Upstream


class Kubeconfig:
    """A kubeconfig as the local cluster writes it, with a token.

    Raises ValueError for one with a client's certificate: that would end at the proxy.
    """

    def __init__(self, path: Path) -> None:
        self._content: dict[str, Any] = yaml.safe_load(path.read_text())
        (self._cluster,) = (each["cluster"] for each in self._content["clusters"])
        if any("client-certificate-data" in each["user"] for each in self._content["users"]):
            raise ValueError(f"{path} holds a client's certificate, which no proxy can pass on")

    def upstream(self) -> Upstream:
        """The API server, with its authority trusted and no other."""
        server = urlsplit(self._cluster["server"])
        assert server.hostname
        authority = b64decode(self._cluster["certificate-authority-data"]).decode()
        tls = ssl.create_default_context(cadata=authority)
        return Upstream(server.hostname, server.port or 443, tls)

    def write(self, path: Path, server: str, authority: Path) -> None:
        """Write a copy that leads to another server, and trusts that one's authority."""
        cluster = {
            **self._cluster,
            "server": server,
            "certificate-authority-data": b64encode(authority.read_bytes()).decode(),
        }
        (entry,) = self._content["clusters"]
        path.touch(mode=0o600)
        path.write_text(json.dumps({**self._content, "clusters": [{**entry, "cluster": cluster}]}))
