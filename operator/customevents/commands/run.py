"""`customevents run`: the operator."""

from __future__ import annotations

import asyncio

from customevents import logs


def command() -> None:
    """Run the operator.

    It watches CustomEvents, delivers them, and writes on each what became of it.

    It is configured by the environment: CUSTOMEVENTS_API_KEY_FILE must name the file that holds the
    API key; docs/settings.md lists the rest. KUBECONFIG names the cluster; in a pod, it is the one
    around it.
    """
    import uvloop

    from customevents.run import run as run_operator
    from customevents.settings import load_settings

    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_operator(settings))
