"""A real Kubernetes on this machine, for the demo, the tests and the benchmarks.

As a module it gives `Cluster` and `build`; as a command, a cluster that stays until it is taken
down. Only the standard library, as it may run before there is a virtual environment. The modules
beside it are its own; their names begin with an underscore because this folder is on the import
path of those who use it. Never for a real cluster: nothing here is made to last, or to keep out
another user of the machine.
"""

import argparse
import functools
import os
import shlex
import sys
import time
from collections.abc import Sequence

import _processes
from _build import (
    build,
    build_helm3,
    build_krew,
    build_module,
    build_promtool,
    fetch_module,
    fetch_tools,
)
from _cluster import Cluster, stop_detached
from _common import CACHE, HELM, HELM3, HERE, KREW, KUBECTL, PROMTOOL, ClusterError, Log, locked
from _parts import API_SERVER, CONTROLLER_MANAGER, ETCD

__all__ = [
    "HELM",
    "HELM3",
    "KREW",
    "KUBECTL",
    "PROMTOOL",
    "Cluster",
    "ClusterError",
    "build",
    "build_helm3",
    "build_krew",
    "build_module",
    "build_promtool",
    "fetch_module",
    "fetch_tools",
]

RUN = CACHE / "run"
CRDS = sorted((HERE.parent / "crds").glob("*.yaml"))

say: Log = functools.partial(print, flush=True)  # progress, also through a pipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ClusterError as error:
        print(f"localcluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="localcluster.py",
        description="A real Kubernetes control plane on loopback: API server, controllers, etcd.",
        epilog="State, logs and kubeconfigs lie in localcluster/.cache/run while it runs.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build_ = commands.add_parser(
        "build", help="build the control plane, fetch kubectl and helm; minutes the first time"
    )
    build_.set_defaults(run=lambda _: build(say))
    up = commands.add_parser("up", help="build what is missing, start a cluster, and return")
    up.set_defaults(run=lambda _: _up())
    down = commands.add_parser("down", help="stop the cluster that `up` started")
    down.set_defaults(run=lambda _: _down())
    kubectl = commands.add_parser(
        "kubectl",
        help="run kubectl on that cluster",
        add_help=False,
        prefix_chars="\0",  # no argument begins with it, so all of them are kubectl's
    )
    kubectl.add_argument("arguments", nargs=argparse.REMAINDER)
    kubectl.set_defaults(run=lambda options: _kubectl(options.arguments))
    return parser


def _up() -> None:
    with locked(CACHE / "run.lock", lambda: say("Waiting for another start or stop to end.")):
        if set(_processes.running(RUN)) == {ETCD, API_SERVER, CONTROLLER_MANAGER}:
            say("The cluster already runs.")
        else:
            _start()
    say(f"export KUBECONFIG={shlex.quote(str(_cluster().kubeconfig))}")


def _start() -> None:
    build(say)
    if stop_detached(RUN):
        say("A part of the running cluster is gone; starting a new one.")
    begin = time.monotonic()
    cluster = _cluster()
    cluster.start()
    say(f"Kubernetes runs at {cluster.server} after {time.monotonic() - begin:.1f} s.")


def _down() -> None:
    with locked(CACHE / "run.lock", lambda: say("Waiting for another start or stop to end.")):
        stopped = stop_detached(RUN)
    say(f"Stopped {', '.join(stopped)}." if stopped else "No cluster runs.")


def _kubectl(arguments: Sequence[str]) -> None:
    if not _processes.running(RUN):
        raise ClusterError("no cluster runs; start one with `up`")
    os.execve(KUBECTL, ["kubectl", *arguments], _cluster().environment())  # noqa: S606


def _cluster() -> Cluster:
    return Cluster(RUN, crds=CRDS, detached=True)


if __name__ == "__main__":
    sys.exit(main())
