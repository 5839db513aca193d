"""Names and times as people and scripts give them on the command line."""

from __future__ import annotations

import re

import pytest
import typer

from customevents.cli import main
from customevents.commands import arguments
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
    assert arguments.event_name(given) == "checkout-1.4.2"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "the name is empty: is a variable not set?"),
        ("cev/", "the name is empty: is a variable not set?"),
        ("pod/checkout", '"pod/checkout" names no CustomEvent: give NAME or cev/NAME'),
        ("cev.example.com/a", '"cev.example.com/a" names no CustomEvent: give NAME or cev/NAME'),
        ("shown/status", '"shown/status" names no CustomEvent: give status -n shown'),
        ("pod/status", '"pod/status" names no CustomEvent: give NAME or cev/NAME'),
        ("cev/a/b", '"cev/a/b" names no CustomEvent: give NAME or cev/NAME'),
        ("../../x", '"../../x" names no CustomEvent: give NAME or cev/NAME'),
        ("shown?x=1", '"shown?x=1" is no name of a CustomEvent: give lower-case letters, '),
        ("shown%2F", '"shown%2F" is no name of a CustomEvent: give lower-case letters, '),
        ("Checkout", '"Checkout" is no name of a CustomEvent: give lower-case letters, '),
        ("a\nb", '"a?b" is no name of a CustomEvent: give lower-case letters, '),
        ("-f", '"-f" is no name of a CustomEvent: give lower-case letters, '),
    ],
)
def test_what_names_no_event_is_refused_in_one_line(given: str, words: str) -> None:
    with pytest.raises(InvalidName, match=f"^{re.escape(words)}"):
        arguments.event_name(given)


COMMANDS: dict[tuple[str, ...], int] = {
    ("wait",): 4,
    ("resend",): 1,
    ("render",): 1,
    ("send", "--type", "t", "--summary", "s", "--name"): 4,
    ("wait", "checkout", "-n"): 4,
    ("send", "--type", "t", "--summary", "s", "-n"): 4,
    ("send", "--as-resource", "--type", "t", "--summary", "s", "-n"): 4,
    ("resend", "checkout", "-n"): 1,
    ("render", "checkout", "-n"): 1,
    ("list", "-n"): 1,
    ("check", "-n"): 1,
    ("probe", "--yes", "-n"): 4,
}


@pytest.mark.parametrize(("command", "code"), COMMANDS.items(), ids=map(" ".join, COMMANDS))
@pytest.mark.parametrize(
    ("given", "words"), [("", "is empty: is a variable not set?"), ("A b", '"A b" is no name of a')]
)
def test_a_name_that_is_none_is_one_line_before_anything_is_asked(
    command: tuple[str, ...],
    code: int,
    given: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    monkeypatch.setattr("sys.argv", ["customevents", *command, given])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (code, 1)
    assert words in said


def test_made_up_names_differ_and_are_names() -> None:
    made = {arguments.letters() for _ in range(50)}
    assert len(made) == 50
    assert all(arguments.event_name(f"release-{letters}") for letters in made)


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
