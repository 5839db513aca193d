"""The options of the command line that several commands share, or that would hide a command."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer

from customevents.chosen import Chosen
from customevents.commands import complete, usage
from customevents.resource.errors import CustomEventsError


class Form(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|m|s))+")


def seconds(text: str | float) -> float:
    """A time as kubectl takes it (60s, 2m, 1h30m), or in seconds. Raises BadParameter."""
    written = str(text).strip()
    if re.fullmatch(r"\d+(\.\d+)?", written):
        return float(written)
    if not _DURATION.fullmatch(written):
        raise typer.BadParameter(f"{written!r} must be a time such as 60, 60s, 2m or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|m|s)", written)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def one_of(*words: str) -> Callable[[str], str]:
    """What reads one of these words; it raises BadParameter on any other."""

    def read(text: str) -> str:
        if text not in words:
            raise typer.BadParameter(f"{text!r} must be {', '.join(words[:-1])} or {words[-1]}")
        return text

    return read


def form(text: str) -> Form:
    """How a list is written, by its name. Raises BadParameter."""
    return Form(one_of(*Form)(text))


def number(least: int, most: int) -> Callable[[str | int], int]:
    """What reads a whole number within these bounds; it raises BadParameter on anything else."""

    def read(text: str | int) -> int:
        written = str(text).strip()
        if not written.isdecimal() or not least <= int(written) <= most:
            raise typer.BadParameter(f"{written!r} must be a number from {least} to {most}")
        return int(written)

    return read


Output = Annotated[
    Form,
    typer.Option(
        "--output",
        "-o",
        parser=form,
        metavar="table|json|yaml",
        help="For people, or for programs.",
        autocompletion=lambda: list(Form),
    ),
]
EventName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="The CustomEvent's name.", autocompletion=complete.events),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAMESPACE",
        help="Default: that of the kubeconfig's current context.",
        autocompletion=complete.namespaces,
    ),
]
LongPatience = Annotated[
    float,
    typer.Option(
        "--timeout", parser=seconds, metavar="TIME", help="60, 60s, 2m.", show_default="120s"
    ),
]
# In the operator's own pod, its settings say where it is.
OperatorNamespace = Annotated[
    str,
    typer.Option(
        metavar="NAMESPACE",
        help="Where the operator runs.",
        envvar="CUSTOMEVENTS_LEASE_NAMESPACE",
        show_envvar=False,
    ),
]
OperatorName = Annotated[
    str,
    typer.Option(
        "--operator-name",
        "--lease",
        metavar="NAME",
        help="The name of its Lease and its ConfigMap.",
        envvar="CUSTOMEVENTS_LEASE_NAME",
        show_envvar=False,
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        "--timeout", parser=seconds, metavar="TIME", help="60, 60s, 2m.", show_default="60s"
    ),
]

DataOutput = Annotated[
    Form,
    typer.Option(
        "--output",
        "-o",
        parser=lambda text: Form(one_of(Form.JSON, Form.YAML)(text)),
        metavar="json|yaml",
        help="How it is written.",
        autocompletion=lambda: [Form.JSON, Form.YAML],
    ),
]
NameOrFile = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="Of the cluster.", autocompletion=complete.events),
]
File = Annotated[
    str | None,
    typer.Option("--file", "-f", metavar="FILE", help="Manifests instead; - for standard input."),
]

# What `sandbox` listens on.
Port = Annotated[
    int,
    typer.Option(
        parser=number(0, 65535), metavar="PORT", help="Port to listen on; 0 = any free one."
    ),
]

# What `send` writes into the event.
EventType = Annotated[
    str | None,
    typer.Option("--type", metavar="WORDS", help="What kind of event it is: release, migration."),
]
Summary = Annotated[str | None, typer.Option("--summary", metavar="WORDS", help="What happened.")]
Severity = Annotated[
    str | None, typer.Option("--severity", metavar="Info|Warning|Error", help="Default: Info.")
]
Details = Annotated[
    list[str] | None, typer.Option("--detail", metavar="KEY=VALUE", help="Repeat it.")
]
OccurredAt = Annotated[
    str | None,
    typer.Option(
        "--occurred-at", metavar="TIME", help="When it happened, if not now: 2026-01-31T12:00:00Z."
    ),
]
Services = Annotated[
    list[str] | None,
    typer.Option("--service", metavar="NAME", help="A workload it is about. Repeat it."),
]
Namespaces = Annotated[
    list[str] | None,
    typer.Option("--namespace-scope", metavar="NAME", help="A namespace it is about. Repeat it."),
]
Clusters = Annotated[
    list[str] | None,
    typer.Option("--cluster", metavar="NAME", help="A cluster it is about. Repeat it."),
]
Level = Annotated[
    str | None,
    typer.Option(
        "--level", metavar="Namespace|Cluster|Account", help="How wide what is not named is."
    ),
]
Curl = Annotated[
    str | None,
    typer.Option(
        "--curl",
        metavar="BODY",
        help="Instead of all of these: the body of a request to the events API, as curl's -d "
        "takes it: the JSON itself, @FILE, or @- for standard input.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="NAME", help="Of the CustomEvent. Default: the type, and letters."
    ),
]
AsResource = Annotated[
    bool, typer.Option("--as-resource", help="Print the CustomEvent, and create nothing.")
]


# Which cluster is asked, and as whom: as kubectl has it.
Kubeconfig = Annotated[
    str, typer.Option(metavar="FILE", help="The kubeconfig, instead of KUBECONFIG's.")
]
Context = Annotated[
    str, typer.Option(metavar="NAME", help="Of the kubeconfig, instead of its current context.")
]
As = Annotated[str, typer.Option("--as", metavar="USER", help="Whom to act as.")]
AsGroup = Annotated[
    list[str] | None, typer.Option(metavar="GROUP", help="A group to act as. Repeat it.")
]


def says_all() -> bool:
    """Whether standard output can say every character; else JSON and YAML must escape some."""
    return (getattr(sys.stdout, "encoding", "") or "").lower().startswith("utf")


def on_a_cluster(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command kubectl's flags that say which cluster is asked; they become its `chosen`."""

    def with_flags(
        *,
        kubeconfig: Kubeconfig = "",
        context: Context = "",
        as_user: As = "",
        as_group: AsGroup = None,
        **others: Any,
    ) -> None:
        command(**others, chosen=Chosen(kubeconfig, context, as_user, tuple(as_group or ())))

    its = [p for p in _parameters(command) if p.name != "chosen"]
    flags = [p for p in _parameters(with_flags) if p.kind is not p.VAR_KEYWORD]
    all_of_them = [p.replace(kind=p.KEYWORD_ONLY) for p in (*its, *flags)]
    with_flags.__signature__ = inspect.Signature(all_of_them)  # type: ignore[attr-defined]
    with_flags.__annotations__ = {p.name: p.annotation for p in all_of_them}
    with_flags.__name__, with_flags.__doc__ = command.__name__, command.__doc__
    return with_flags


def _parameters(function: Callable[..., None]) -> list[inspect.Parameter]:
    return list(inspect.signature(function, eval_str=True).parameters.values())


@contextmanager
def errors_end_with(code: int) -> Iterator[None]:
    """End the command with this exit code and one line, where an error of ours ends the block."""
    try:
        yield
    except CustomEventsError as error:
        typer.echo(f"customevents: {usage.printable(str(error))}", err=True)
        raise typer.Exit(code) from None
