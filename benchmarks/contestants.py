"""Who is measured: the operator, and what it is measured against."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import machine
from world import HERE, World, running

Process = subprocess.Popen[str]


@dataclass(frozen=True)
class Contestant:
    """One that delivers events, on the second core, from a process' start to its end.

    In `command` and `environment`, braces name what the world has: {endpoint}, {key_file},
    {namespace}.
    """

    name: str
    #: What stands in a table's first column.
    what: str
    #: The service account under whose rights it runs.
    account: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    #: What it says when it is ready to be measured; empty: it is measured from its start.
    says: str = ""
    #: Whether it waits for a line on its input then, knowing all beforehand.
    waits: bool = False

    @contextmanager
    def start(self, world: World, namespace: str) -> Iterator[Process]:
        """Have it deliver the events of a namespace, or of all, until the block ends."""
        known = {
            "endpoint": world.sink,
            "key_file": str(world.key_file),
            "namespace": namespace,
            "kubeconfig": str(world.account(self.account)),
        }
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CUSTOMEVENTS_", "KUBE"))}
        given = {name: value.format(**known) for name, value in self.environment.items()}
        environment = {**clean, "KUBECONFIG": known["kubeconfig"], **given}
        command = [part.format(**known) for part in self.command]
        with (
            machine.on(machine.OURS),
            running(command, world.folder, self.says, environment=environment) as process,
        ):
            yield process


def operator(source: Path | None = None, **settings: str) -> Contestant:
    """The operator without a rate limit; `source`: its code of another revision."""
    given = {
        "api_key_file": "{key_file}",
        "endpoint": "{endpoint}",
        "allow_http": "true",
        "cluster_name": "prod-eu-1",
        "delivery_rate": "0",
        "health_host": "127.0.0.1",
        "health_port": "0",
        **settings,
    }
    return Contestant(
        "operator",
        "the operator",
        "customevents",
        [machine.PYTHON, "-m", "customevents", "run"],
        {
            **{f"CUSTOMEVENTS_{name.upper()}": value for name, value in given.items()},
            **({"PYTHONPATH": str(source)} if source else {}),
        },
    )


def naive() -> Contestant:
    """The documented kopf handler."""
    return Contestant(
        "naive",
        "(a) the documented kopf handler",
        "naive",
        [machine.PYTHON, str(HERE / "naive.py")],
        {"NAIVE_ENDPOINT": "{endpoint}", "NAIVE_KEY_FILE": "{key_file}"},
    )


def controller(*, intents: bool, width: int = 16) -> Contestant:
    """The controller as one writes it with controller-runtime."""
    return Contestant(
        "go-intents" if intents else "go",
        "(b) a Go controller, an intent by status PATCH"
        if intents
        else "(c) the same without intents: it loses and doubles",
        "rivals",
        [
            *_rival("controller"),
            *("--width", str(width), f"--intents={str(intents).lower()}"),
        ],
    )


def possible(*, status: Path, http: int, width: int, posts: bool = True) -> Contestant:
    """What knows everything beforehand; no drain can be faster."""
    return Contestant(
        f"possible-{http}",
        f"(d) the possible{'' if posts else ', its PATCHes alone'}, HTTP/{http}, {width} wide",
        "rivals",
        [
            *_rival("possible"),
            *("--status", str(status), "--http", str(http), "--width", str(width)),
            *(() if posts else ("--no-post",)),
        ],
        says="ready",
        waits=True,
    )


def bare() -> Contestant:
    """Watch and POST, and nothing else; nothing can be sooner."""
    return Contestant("bare", "(e) watch and POST alone", "rivals", _rival("bare"), says="ready")


def _rival(command: str) -> list[str]:
    return [
        *(str(machine.RIVALS), command, "--kubeconfig", "{kubeconfig}"),
        *("--namespaces", "{namespace}", "--endpoint", "{endpoint}", "--key-file", "{key_file}"),
    ]
