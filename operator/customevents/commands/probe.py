"""`customevents probe`: learn how an account's API behaves where its documents are silent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from customevents.chosen import Chosen
from customevents.commands import options

if TYPE_CHECKING:
    from customevents.commands.questions import Reaction


@options.on_a_cluster
def command(
    namespace: options.Namespace = None,
    timeout: options.LongPatience = 120.0,
    form: options.Output = options.Form.TABLE,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it: the events stay on the account's timeline.")
    ] = False,
    *,
    chosen: Chosen,
) -> None:
    """Learn what your account's API makes of what is not documented.

    It sends 14 events, which stay on the timeline.

    Exit code 1: the plain event was not delivered, so nothing is known. 2: --yes is missing, and
    nothing was done. 3: some questions got no answer. 4: the command itself failed.
    """
    from customevents.commands import arguments, findings

    run = arguments.letters()
    if not yes:
        _announce(run)
        raise typer.Exit(2)
    with options.errors_end_with(4):
        reactions, removed = asyncio.run(
            _probe(arguments.namespace(namespace), run, timeout, chosen)
        )
    _print(reactions, run, form)
    raise typer.Exit(4 if not removed else findings.exit_code(reactions))


def _announce(run: str) -> None:
    from customevents.commands.questions import questions

    asked = questions(run)
    for question in asked:
        typer.echo(f"  {question.asks}", err=True)
    words = f"these {len(asked)} events would be on the account's timeline, and stay there"
    typer.echo(f"customevents: {words}; nothing was created: give --yes to send them", err=True)


async def _probe(
    namespace: str | None, run: str, seconds: float, chosen: Chosen
) -> tuple[list[Reaction], bool]:
    """What came of it, and whether all that was created is deleted again."""
    from customevents.commands import patient, probing
    from customevents.commands.questions import LABEL

    async with patient.connect(chosen, seconds) as cluster:
        asking = probing.Probing(cluster, namespace or cluster.namespace, run)
        typer.echo(f"customevents: its events have the label {LABEL}={run}", err=True)
        left: list[str] = []
        try:
            reactions = await asking.ask()
        finally:  # also where Ctrl-C ends it
            if left := await asking.remove():
                typer.echo(_left(left, asking.namespace), err=True)
        return reactions, not left


def _left(names: list[str], namespace: str) -> str:
    delete = f"kubectl delete cev -n {namespace} {' '.join(names)}"
    return f"customevents: not deleted, so delete them: {delete}"


def _print(reactions: list[Reaction], run: str, form: options.Form) -> None:
    from customevents.commands import findings, output

    if form is not options.Form.TABLE:
        typer.echo(output.for_programs(findings.flat(reactions, run), form))
        return
    rows = ((output.text(a.question.asks), output.text(a.words)) for a in reactions)
    output.print_table(["ASKED", "ANSWER"], rows)
    typer.echo()
    for line in findings.lines(reactions):
        typer.echo(line)
