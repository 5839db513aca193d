"""A part of a package, imported without all that the package imports for others.

`kubernetes` brings the blocking half of its client with it, and that two HTTP libraries and one for
websockets, which nobody here uses: a quarter of a start, and ten MiB.
"""

from __future__ import annotations

import importlib.util
import sys


def package(name: str) -> None:
    """Let modules of a package be imported, and not what its `__init__` would run.

    Nothing happens where it was imported already, or is not there.
    """
    spec = importlib.util.find_spec(name)
    if name in sys.modules or spec is None:
        return
    sys.modules[name] = importlib.util.module_from_spec(spec)  # and not executed
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, sys.modules[name])
