"""kubectl and the product are asked the same: whom do they ask, as whom, and through what.

What kubectl does is what the row says, so that a row cannot be right by accident; and the product
does what kubectl does, but where the row gives a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubectl.conftest import World
from kubectl.every import every
from kubectl.furniture import KUBECTL, ROWS, furnish, told
from kubectl.row import Row

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(row: Row, world: World, tmp_path: Path) -> Ask:
    """Ask about the row, which is furnished once."""
    question = furnish(row, tmp_path, world.pki)
    return lambda what, *flags: world.ask(
        **{**question, "what": what, "flags": [*flags, *question["flags"]]}
    )


@every(ROWS)
def test_kubectl(row: Row, ask: Ask, world: World, tmp_path: Path) -> None:
    answer = ask(str(KUBECTL), "get", "--raw", "/version")
    assert " / ".join(answer["asked"]) == told(row.asked, tmp_path, world.pki), answer["err"]
    assert (answer["code"] != 0) == row.fails, answer["err"]


@every(ROWS)
def test_the_product(row: Row, ask: Ask, world: World, tmp_path: Path) -> None:
    """Its own client, and then kopf's session."""
    answer = ask("both ways")
    wanted = told(row.asked if row.ours is None else row.ours, tmp_path, world.pki)
    assert " / ".join(answer["asked"]) == (f"{wanted} / {wanted}" if wanted else ""), answer["err"]
    assert answer["code"] == (1 if row.we_fail else 0), answer["err"]


@every([row for row in ROWS if row.we_fail])
def test_a_refusal_is_one_line(row: Row, ask: Ask, world: World, tmp_path: Path) -> None:
    answer = ask("customevents", "list", "-n", "default")
    assert answer["code"] == 1, answer["err"]
    assert answer["out"] == ""
    assert len(answer["err"].splitlines()) == 1, answer["err"]
    assert told(row.names, tmp_path, world.pki) in answer["err"]
