"""How a sandbox begins: what the command line's options say, read and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError

from customevents.resource.errors import SettingsError
from customevents.sandbox.behaviour import Behaviour, switches
from customevents.sandbox.contract import STRICT, explain
from customevents.sandbox.inventory import Inventory

_INVENTORY = TypeAdapter(Inventory, config=ConfigDict(strict=True))

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Setup:
    """What a sandbox is from its start on."""

    key: str = "test-key"
    #: A file, or `:memory:`.
    database: str = ":memory:"
    behaviour: Behaviour = STRICT
    #: None: nobody has said what exists.
    inventory: Inventory | None = None


def read_switches(given: Sequence[str]) -> Behaviour:
    """The switches that `NAME=VALUE` sets. Raises SettingsError."""
    return Behaviour.model_validate(dict(_switch(each) for each in given))


def _switch(given: str) -> tuple[str, str | int]:
    name, _, value = given.partition("=")
    known = {each["name"]: each["values"] for each in switches()}
    if name not in known:
        raise SettingsError(f"--behaviour: {name!r} is none of {', '.join(known)}")
    values = known[name]
    if values is None and _NUMBER.fullmatch(value):
        return name, int(value)
    if values is None or value not in values:
        allowed = " or ".join(values) if values else "a number of bytes"
        raise SettingsError(f"--behaviour: {name} must be {allowed}, and not {value!r}")
    return name, value


def read_inventory(path: Path) -> Inventory:
    """What exists, as a file of JSON or YAML says. Raises SettingsError."""
    try:
        found: Any = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        words = " ".join(str(error).split())
        raise SettingsError(f"{path} is neither JSON nor YAML: {words}") from None
    try:
        return _INVENTORY.validate_python(found)
    except ValidationError as error:
        words = "; ".join(explain(error))
        raise SettingsError(f"{path} must hold cluster: namespace: [services]: {words}") from None
