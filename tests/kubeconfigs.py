"""Kubeconfigs for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(
    folder: Path,
    cluster: dict[str, Any],
    user: dict[str, Any] | None = None,
    *,
    name: str = "kubeconfig",
    **context: str,
) -> Path:
    """A kubeconfig with one context, `here`, of this cluster and this user."""
    about = {"cluster": "there", "user": "me", **context}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": about}],
        "clusters": [{"name": "there", "cluster": cluster}],
        "users": [{"name": "me", "user": user or {}}],
    }
    (path := folder / name).write_text(json.dumps(content))
    return path
