"""One row of the table, and how it is furnished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CA = {"certificate-authority": "{pki}/ca.crt"}

A, B, PLAIN = "https://127.0.0.1:8001", "https://127.0.0.1:8002", "http://127.0.0.1:8003"
TLS = "https://127.0.0.1:6443"
NEAR, NEAR_TLS = "http://near.example:8003", "https://near.example:6443"


#: Reasons for which we differ.
NO_SERVER = "kubectl asks localhost:8080 where nobody names a server; an operator must not guess"
PROMPTS = "kubectl asks for a name and a password at the keyboard; we ask the server as nobody"
SENT = "kubectl sends no credentials by http; we send what the kubeconfig says"


@dataclass(frozen=True)
class Row:
    """What a user has, and what the stand-ins note when kubectl is asked for /version.

    In texts, `{here}` is the row's folder, and `{pki}` that of the certificates.
    """

    sentence: str
    asked: str  # one note or several, by " / "; empty: nobody is asked
    # A path: a link to it; None: a folder.
    files: Mapping[str, str | bytes | Path | None] = field(default_factory=dict)
    env: Mapping[str, str | None] = field(default_factory=dict)  # None: not set
    at: str = "."
    flags: tuple[str, ...] = ()
    in_pod: bool = False
    fails: bool = False
    names: str = ""  # what our refusal must name
    ours: str | None = None  # what is noted of us, where that is meant to differ
    why: str = ""  # the reason that it differs

    @property
    def we_fail(self) -> bool:
        """Whether we ask nobody, or get no answer."""
        return self.fails if self.ours is None else not self.ours


def config(
    name: str = "a",
    server: str = A,
    *,
    user: Mapping[str, Any] | None = None,
    cluster: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    **top: Any,
) -> str:
    """A kubeconfig with one of each, of one name; `top` replaces what is in it, None removes."""
    user = {"token": f"of-{name}"} if user is None else user
    cluster = CA if cluster is None else cluster
    full = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, **cluster}}],
        "users": [{"name": name, "user": dict(user)}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **(context or {})}}],
        **{key.replace("_", "-"): value for key, value in top.items()},
    }
    return str(yaml.safe_dump({key: value for key, value in full.items() if value is not None}))
