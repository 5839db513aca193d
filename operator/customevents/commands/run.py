"""`customevents run`: the operator."""

from __future__ import annotations

import asyncio

from customevents import logs

#: New objects after which the garbage collector looks at them; by Python's own number it would with
#: each event.
YOUNG = 10_000


def command() -> None:
    """Run the operator.

    It watches CustomEvents, delivers them, and writes on each what became of it.

    It is configured by the environment: CUSTOMEVENTS_API_KEY_FILE must name the file that holds the
    API key; docs/settings.md lists the rest. KUBECONFIG names the cluster; in a pod, it is the one
    around it.
    """
    import gc

    import uvloop

    from customevents.run import run as run_operator
    from customevents.settings import load_settings

    # What was imported stays. To look through it for garbage would take a tenth of the CPU of a
    # drain, and 40 ms at a time, for which every event waits.
    gc.freeze()
    gc.set_threshold(YOUNG)
    settings = load_settings()
    logs.set_up(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_operator(settings))
