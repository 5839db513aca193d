"""Names and times as people and scripts give them on the command line."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from customevents.cli import app
from customevents.commands import naming
from customevents.commands.options import seconds
from customevents.resource.errors import InvalidName


@pytest.mark.parametrize(
    "given",
    [
        "checkout-1.4.2",
        "cev/checkout-1.4.2",
        "CEV/checkout-1.4.2",
        "customevent/checkout-1.4.2",
        "customevents/checkout-1.4.2",
        "customevent.customevents.dev/checkout-1.4.2",
        "customevents.v1alpha1.customevents.dev/checkout-1.4.2",
    ],
)
def test_an_event_is_named_as_kubectl_names_it(given: str) -> None:
    assert naming.event_name(given) == "checkout-1.4.2"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "the name is empty: is a variable not set?"),
        ("cev/", "the name is empty: is a variable not set?"),
        ("pod/checkout", '"pod/checkout" names no CustomEvent: give NAME or cev/NAME'),
        ("cev.example.com/a", '"cev.example.com/a" names no CustomEvent: give NAME or cev/NAME'),
        ("shown/status", '"shown/status" names no CustomEvent: give NAME or cev/NAME'),
        ("cev/a/b", '"cev/a/b" names no CustomEvent: give NAME or cev/NAME'),
        ("../../x", '"../../x" names no CustomEvent: give NAME or cev/NAME'),
        ("shown?x=1", 'CustomEvent "shown?x=1" is no name'),
        ("shown%2F", 'CustomEvent "shown%2F" is no name'),
        ("Checkout", 'CustomEvent "Checkout" is no name'),
        ("a\nb", 'CustomEvent "a?b" is no name'),
        ("-f", 'CustomEvent "-f" is no name'),
    ],
)
def test_what_names_no_event_is_refused_in_one_line(given: str, words: str) -> None:
    with pytest.raises(InvalidName, match=f"^{re.escape(words)}$"):
        naming.event_name(given)


@pytest.mark.parametrize("command", ["wait", "resend", "render"])
def test_a_name_that_is_none_is_refused_before_anything_is_asked(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    done = CliRunner().invoke(app, [command, ""])
    assert "the name is empty" in f"{done.output} {done.exception}"


def test_so_is_an_empty_name_of_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    done = CliRunner().invoke(app, ["send", "--type", "t", "--summary", "s", "--name", ""])
    assert (done.exit_code, "the name is empty" in done.output) == (4, True)


def test_made_up_names_differ_and_are_names() -> None:
    made = {naming.letters() for _ in range(50)}
    assert len(made) == 50
    assert all(naming.event_name(f"release-{letters}") for letters in made)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("60", 60.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("60s", 60.0),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("1m0.5s", 60.5),
        ("500ms", 0.5),
        (60.0, 60.0),
    ],
)
def test_a_time_is_given_in_seconds_or_as_kubectl_takes_it(
    given: str | float, expected: float
) -> None:
    assert seconds(given) == expected


@pytest.mark.parametrize("given", ["", "soon", "-1", "1 m", "1d", "s", "1e9", "nan", "inf", "1h30"])
def test_what_is_no_time_is_refused_with_the_forms(given: str) -> None:
    with pytest.raises(typer.BadParameter, match="must be a time such as 60, 60s, 2m or 1h30m"):
        seconds(given)
