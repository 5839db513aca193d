"""`customevents completion`: what makes a shell complete its commands, flags and names."""

from __future__ import annotations

from typing import Annotated

import typer

from customevents.commands import options

#: The program that a shell asks, and the variable by which it asks.
PROGRAM, VARIABLE = "customevents", "_CUSTOMEVENTS_COMPLETE"


SHELLS = ("bash", "zsh", "fish")


def command(
    shell: Annotated[
        str,
        typer.Argument(
            metavar="bash|zsh|fish",
            parser=options.one_of(*SHELLS),
            help="Which shell asks.",
            autocompletion=lambda: list(SHELLS),
        ),
    ],
) -> None:
    """Print what makes a shell complete commands, flags and names.

    bash, in ~/.bashrc: source <(customevents completion bash). zsh, in ~/.zshrc behind compinit:
    source <(customevents completion zsh). fish: customevents completion fish | source.
    """
    from typer import completion

    script = completion.get_completion_script  # type: ignore[attr-defined]
    typer.echo(script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell))
