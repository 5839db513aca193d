"""What is typed wrong is answered by one line, which says what to do; never by a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from customevents import cli

TYPE = ("send", "--type", "release", "--as-resource")
SEND = (*TYPE, "--summary", "it is live")
CURL = ("send", "--as-resource", "--curl")

#: What is typed, the exit code, and the line without `customevents: `. FOLDER is the test's own.
WRONG: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("lst",), 2, "there is no command 'lst': did you mean 'list'? (see customevents --help)"),
    (("frobnicate",), 2, "there is no command 'frobnicate' (see customevents --help)"),
    (
        ("--verbose",),
        2,
        "there is no flag --verbose: did you mean --version? (see customevents --help)",
    ),
    (
        ("list", "mine"),
        2,
        "list: it takes no more arguments, and not (mine) (see customevents list --help)",
    ),
    (
        ("list", "--namespce", "shop"),
        2,
        "list: there is no flag --namespce: did you mean --all-namespaces or --namespace? "
        "(see customevents list --help)",
    ),
    (
        ("list", "-o", "wide"),
        2,
        "list: --output: 'wide' must be table, json or yaml (see customevents list --help)",
    ),
    (("list", "-n", ""), 1, "the namespace is empty: is a variable not set?"),
    (
        ("list", "-n", "Shop"),
        1,
        '"Shop" is no name of a namespace: give lower-case letters, digits and "-", 63 at most',
    ),
    (("list", "-n"), 2, "the flag '-n' requires an argument (see customevents --help)"),
    (
        ("list", "--kubeconfig", "FOLDER/none"),
        1,
        "FOLDER/none: there is no such kubeconfig",
    ),
    (
        ("list", "--kubeconfig", "FOLDER/broken"),
        1,
        "FOLDER/broken is no kubeconfig: it is no YAML (line 1)",
    ),
    (
        ("list", "--context", "prod"),
        1,
        "--context: there is no context 'prod'",
    ),
    (("wait",), 2, "wait: NAME must be given (see customevents wait --help)"),
    (("wait", ""), 4, "the name is empty: is a variable not set?"),
    (("wait", "pod/x"), 4, '"pod/x" names no CustomEvent: give NAME or cev/NAME'),
    (
        ("wait", "shop/checkout"),
        4,
        '"shop/checkout" names no CustomEvent: give checkout -n shop',
    ),
    (
        ("wait", "Checkout"),
        4,
        '"Checkout" is no name of a CustomEvent: give lower-case letters, digits, "-" and ".", '
        "253 at most",
    ),
    (
        ("wait", "a", "b"),
        2,
        "wait: it takes no more arguments, and not (b) (see customevents wait --help)",
    ),
    (
        ("wait", "a", "--timeout", "soon"),
        2,
        "wait: --timeout: 'soon' must be a time such as 60, 60s, 2m or 1h30m "
        "(see customevents wait --help)",
    ),
    (
        ("wait", "a", "--timeout=-1"),
        2,
        "wait: --timeout: '-1' must be a time such as 60, 60s, 2m or 1h30m "
        "(see customevents wait --help)",
    ),
    (
        ("wait", "a", "--timeout", "5d"),
        2,
        "wait: --timeout: '5d' must be a time such as 60, 60s, 2m or 1h30m "
        "(see customevents wait --help)",
    ),
    (("resend",), 2, "resend: give names, or --failed (see customevents resend --help)"),
    (
        ("resend", "a", "--failed"),
        2,
        "resend: give names, or --failed (see customevents resend --help)",
    ),
    (("resend", ""), 1, "the name is empty: is a variable not set?"),
    (("explain",), 2, "explain: NAME must be given (see customevents explain --help)"),
    (("explain", "svc/a"), 1, '"svc/a" names no CustomEvent: give NAME or cev/NAME'),
    (
        ("explain", "a", "-o", "wide"),
        2,
        "explain: --output: 'wide' must be table, json or yaml (see customevents explain --help)",
    ),
    (("render",), 2, "render: give a name, or --file (see customevents render --help)"),
    (
        ("render", "a", "-f", "b"),
        2,
        "render: give a name, or --file (see customevents render --help)",
    ),
    (("render", "-f", "FOLDER/none"), 1, "cannot read FOLDER/none: No such file or directory"),
    (("render", "-f", "FOLDER"), 1, "cannot read FOLDER: Is a directory"),
    (("send",), 2, "send: give --type and --summary, or --curl (see customevents send --help)"),
    (TYPE, 2, "send: give --type and --summary, or --curl (see customevents send --help)"),
    (
        (*TYPE, "--summary", ""),
        2,
        "send: --type or --summary is empty: is a variable not set? (see customevents send --help)",
    ),
    (
        (*SEND, "--severity", "bad"),
        4,
        "spec.severity must be Info, Warning, Error, info, information, warning or error",
    ),
    (
        (*SEND, "--detail", "version"),
        2,
        "send: --detail: 'version' must be KEY=VALUE (see customevents send --help)",
    ),
    (
        (*SEND, "--detail", "a=1", "--detail", "a=2"),
        2,
        "send: --detail: 'a' is given twice (see customevents send --help)",
    ),
    ((*SEND, "--detail", "=1"), 4, "spec.details must have no empty names"),
    (
        (*SEND, "--detail", "customevents.dev/id=1"),
        4,
        "spec.details must not name customevents.dev/id: the operator writes it itself",
    ),
    ((*SEND, "--level", "all"), 4, "spec.scope.level must be Namespace, Cluster or Account"),
    (
        (*SEND, "--occurred-at", "yesterday"),
        4,
        "spec.occurredAt must be a time with its zone, such as 2026-01-31T12:00:00Z",
    ),
    (
        (*SEND, "--occurred-at", "2026-01-31 12:00"),
        4,
        "spec.occurredAt must be a time with its zone, such as 2026-01-31T12:00:00Z",
    ),
    (
        (*SEND, "--service", "check out"),
        4,
        "spec.scope.serviceNames[0] must be the name of one workload: lower-case letters, digits, "
        "'-' and '.'",
    ),
    (
        (*SEND, "--name", "A release"),
        4,
        '"A release" is no name of a CustomEvent: give lower-case letters, digits, "-" and ".", '
        "253 at most",
    ),
    (
        ("send", "--type", "x" * 61, "--summary", "it is live", "--as-resource"),
        4,
        "spec.eventType must have at most 60 characters",
    ),
    ((*TYPE, "--summary", "x" * 4097), 4, "spec.summary must have at most 4096 characters"),
    (
        (*SEND, "--curl", "{}"),
        2,
        "send: --curl stands alone: the body says what the flags would say "
        "(see customevents send --help)",
    ),
    (
        (*CURL, "{"),
        4,
        "the body is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 "
        "(char 1)",
    ),
    ((*CURL, "[]"), 4, "the body must be a JSON object"),
    ((*CURL, "{}"), 4, "spec.eventType must be given; spec.summary must be given"),
    ((*CURL, "@FOLDER/none"), 4, "cannot read FOLDER/none: No such file or directory"),
    (
        (*CURL, '{"eventType": "a", "summary": "b", "serverity": "error"}'),
        4,
        "the body must not have 'serverity': it knows eventType, summary, scope, severity, details",
    ),
    (
        ("check", "shop"),
        2,
        "check: it takes no more arguments, and not (shop) (see customevents check --help)",
    ),
    (
        ("probe", "--timeout", "x"),
        2,
        "probe: --timeout: 'x' must be a time such as 60, 60s, 2m or 1h30m "
        "(see customevents probe --help)",
    ),
    (
        ("completion", "ksh"),
        2,
        "completion: 'ksh' must be bash, zsh or fish (see customevents completion --help)",
    ),
    (
        ("completion",),
        2,
        "completion: bash|zsh|fish must be given (see customevents completion --help)",
    ),
    (
        ("sandbox", "--port", "99999"),
        2,
        "sandbox: --port: '99999' must be a number from 0 to 65535 "
        "(see customevents sandbox --help)",
    ),
    (
        ("sandbox", "--port", "http"),
        2,
        "sandbox: --port: 'http' must be a number from 0 to 65535 "
        "(see customevents sandbox --help)",
    ),
    (
        ("sandbox", "--behaviour", "speed=slow"),
        1,
        "--behaviour: 'speed' is none of eventType, unknownKeys, details, emptyLists, "
        "unknownNames, errorShape, longestBody",
    ),
    (
        ("sandbox", "--behaviour", "eventType=31"),
        1,
        "--behaviour: eventType must be 60 or 30 or 30 cut, and not '31'",
    ),
    (
        ("sandbox", "--inventory", "FOLDER/none"),
        1,
        "cannot read FOLDER/none: No such file or directory",
    ),
    (
        ("sandbox", "--key-file", "FOLDER/none"),
        1,
        "cannot read the API key file FOLDER/none: No such file or directory",
    ),
    (("run",), 1, "CUSTOMEVENTS_API_KEY_FILE: must be set"),
)


@pytest.mark.parametrize(("typed", "code", "line"), WRONG, ids=lambda v: str(v)[:40])
def test_what_is_typed_wrong_is_one_line(
    typed: tuple[str, ...],
    code: int,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "broken").write_text("{")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("CUSTOMEVENTS_API_KEY_FILE", raising=False)
    words = [word.replace("FOLDER", str(tmp_path)) for word in typed]
    monkeypatch.setattr(sys, "argv", ["customevents", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capfd.readouterr()
    assert said.err.replace(str(tmp_path), "FOLDER") == f"customevents: {line}\n"
    assert said.out == ""
    assert ended.value.code == code


def test_a_plugin_of_kubectl_says_how_it_is_typed_there(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/kubectl-customevents", "lst"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "(see kubectl customevents --help)" in capfd.readouterr().err


def test_a_command_without_words_shows_its_help_and_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["customevents"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "explain" in capfd.readouterr().err


def test_no_line_of_the_help_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["customevents", "--help"])
    with pytest.raises(SystemExit):
        cli.main()
    commands = capfd.readouterr().out.partition("Commands:")[2]
    assert "explain" in commands
    assert "..." not in commands
