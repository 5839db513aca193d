"""`make demo`: the whole way of an event, on this machine, with the examples beside this file.

It starts a local Kubernetes (or takes the cluster of a kubeconfig), the sandbox that stands in for
the events API, and the operator; applies the examples; and shows what becomes of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "localcluster"))

from localcluster import KUBECTL, Cluster, ClusterError, build, fetch_tools  # noqa: E402

NAMESPACE = "demo"

#: On what the demo made in somebody's cluster: it removes and replaces nothing else.
OURS = ("customevents.dev/made-by", "demo")

CRD = ROOT / "crds" / "customevents.customevents.dev.yaml"
RIGHTS = ROOT / "tests" / "integration" / "rbac.yaml"
EXAMPLES = sorted((ROOT / "examples").glob("0*.yaml"))

#: Where the page is, if nobody else is there.
PORT = 8090

#: What the sandbox believes to exist, so that its page shows whom an event lands on.
INVENTORY = {
    "demo-cluster": {
        NAMESPACE: ["cart", "checkout", "search"],
        "payments": ["ledger", "payments-api"],
    },
    "another-cluster": {"payments": ["ledger"]},
}

#: Seconds for the examples to be delivered.
PATIENCE = 60.0

#: An operator that is at work renews its Lease every few seconds; clocks may differ.
AT_WORK = timedelta(minutes=5)


class DemoError(Exception):
    """Why the demo cannot go on, in one line."""


#: `--for=condition=` fails on a CRD that has no conditions yet.
ESTABLISHED = """jsonpath={.status.conditions[?(@.type=="Established")].status}=True"""


def main() -> int:
    """Run the demo; 0 when every example is Delivered."""
    options = _parse()
    signal.signal(signal.SIGTERM, _interrupt)
    # A shell lets what it starts behind itself ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            _demo(stack, options)
    except (DemoError, ClusterError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kubeconfig", type=Path, help="your cluster, instead of a local one")
    parser.add_argument(
        "--wait", choices=("yes", "no"), default="yes", help="no: exit once all is delivered"
    )
    return parser.parse_args()


def _demo(stack: ExitStack, options: argparse.Namespace) -> None:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_cache())))
    admin, account = _cluster(stack, folder, options.kubeconfig)
    sandbox = stack.enter_context(_sandbox(folder))
    alone = ALONE if options.kubeconfig else {}
    operator = stack.enter_context(_operator(folder, account, sandbox, alone))
    _say(f"Applying {', '.join(path.name for path in EXAMPLES)} in namespace {NAMESPACE}")
    for example in EXAMPLES:
        _kubectl(admin, "apply", "-n", NAMESPACE, "-f", str(example))
    _follow(admin, operator, folder)
    if options.wait == "yes":
        print(_tour(sandbox, admin, options.kubeconfig), flush=True)
        raise SystemExit(operator.wait())
    if options.kubeconfig:
        print(f"==>{_left(admin)}")


def _tour(sandbox: str, admin: Path, given: Path | None) -> str:
    return TOUR.format(
        page=sandbox,
        kubeconfig=_here(admin),
        programs=f"{_here(KUBECTL.parent)}:{_here(Path(sys.executable).parent)}",
        left=_left(admin) if given else "",
    )


def _left(admin: Path) -> str:
    """What stays in somebody's cluster, and how to remove it."""
    commands = [f"kubectl delete namespace {NAMESPACE}"]
    if _is_ours(admin, "crd", CRD.stem):
        commands.append(f"kubectl delete -f {CRD.relative_to(ROOT)}")
    return CLEANING_UP + "".join(f"\n      {command}" for command in commands)


def _here(path: Path) -> str:
    """As it is typed in the checkout, for a shell."""
    path = path.absolute()
    return (
        f'"$PWD/{path.relative_to(ROOT)}"' if path.is_relative_to(ROOT) else shlex.quote(str(path))
    )


TOUR = """
==> The timeline: {page}/

    Open it in a browser: what arrives appears there at once. A click on an event shows all of it.

    Four things to try, in another terminal, in this folder. Before them, for kubectl:

      export KUBECONFIG={kubeconfig}
      export PATH={programs}:"$PATH"

 1. Apply an event of your own. It appears on top of the timeline.

      sed 's/4-2/4-3/; s/4[.]2/4.3/' examples/01-quickstart.yaml | kubectl apply -n demo -f -

 2. Break the endpoint: on the page by Trouble, Down; or

      curl -X PUT {page}/sandbox/faults -d '{{"status": 503}}'

 3. Apply another, and watch it wait: it is Retrying, and nothing is lost. Ctrl-C ends the watch.

      sed 's/4-2/4-4/; s/4[.]2/4.4/' examples/01-quickstart.yaml | kubectl apply -n demo -f -
      kubectl get cev -n demo --watch

 4. Mend the endpoint: on the page by Mend; or as below. The event arrives within a minute.

      curl -X DELETE {page}/sandbox/faults

==> Ctrl-C stops everything.{left}
"""

CLEANING_UP = " In your cluster stays what the demo made there; to remove it:\n"


def _cluster(stack: ExitStack, folder: Path, given: Path | None) -> tuple[Path, Path]:
    """The kubeconfigs of the administrator and of the operator."""
    if given is not None:
        fetch_tools(_say)
        _prepare(given)
        return given, given
    build(_say)
    _say("Starting a local Kubernetes")
    cluster = stack.enter_context(Cluster(folder / "cluster", crds=[CRD]))
    cluster.kubectl("apply", "-f", str(RIGHTS))
    _create_namespace(cluster.kubeconfig)
    return cluster.kubeconfig, cluster.service_account_kubeconfig("customevents", "customevents")


def _prepare(admin: Path) -> None:
    """Make what the demo needs in somebody's cluster. Raises DemoError before it changes any."""
    _refuse_an_operator(admin)
    if _exists(admin, "namespace", NAMESPACE):
        _remove_the_last_demo(admin)
    if not _exists(admin, "crd", CRD.stem):
        _kubectl(admin, "create", "-f", str(CRD))
        _kubectl(admin, "label", "-f", str(CRD), "=".join(OURS))
    _kubectl(admin, "wait", f"--for={ESTABLISHED}", "-f", str(CRD), "--timeout=30s")
    _create_namespace(admin)


def _refuse_an_operator(admin: Path) -> None:
    found = json.loads(_kubectl(admin, "get", "leases", "-A", "-o", "json"))
    for lease in found["items"]:
        if _is_at_work(lease):
            where = "{namespace}/{name}".format_map(lease["metadata"])
            raise DemoError(
                f"an operator is at work in this cluster (Lease {where}) and would send the "
                "examples to your account: take another cluster, or none for a local one"
            )


def _is_at_work(lease: dict[str, Any]) -> bool:
    spec = lease["spec"]
    if "customevents.dev/in-flight" not in lease["metadata"].get("annotations", {}):
        return False
    if not spec.get("holderIdentity") or "renewTime" not in spec:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(spec["renewTime"]) < AT_WORK


def _remove_the_last_demo(admin: Path) -> None:
    """Its events are delivered: this one's timeline would stay empty."""
    if not _is_ours(admin, "namespace", NAMESPACE):
        raise DemoError(
            f"this cluster has a namespace {NAMESPACE} that is not the demo's, which would change "
            "what is in it: take another cluster, or none for a local one"
        )
    _say("Removing what the last demo left")
    _kubectl(admin, "delete", "namespace", NAMESPACE)


def _exists(admin: Path, kind: str, name: str) -> bool:
    return bool(_kubectl(admin, "get", kind, name, "--ignore-not-found", "-o", "name"))


def _is_ours(admin: Path, kind: str, name: str) -> bool:
    found = _kubectl(admin, "get", kind, "-l", "=".join(OURS), "-o", "name")
    return any(line.endswith(f"/{name}") for line in found.splitlines())


def _create_namespace(admin: Path) -> None:
    metadata = {"name": NAMESPACE, "labels": dict([OURS])}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    _kubectl(admin, "create", "-f", "-", text=json.dumps(manifest))


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    _say("Starting the sandbox, which stands in for the events API")
    inventory = folder / "inventory.json"
    inventory.write_text(json.dumps(INVENTORY))
    command = ["sandbox", "--port", str(_free_port()), "--inventory", str(inventory)]
    with _process(folder, "sandbox", command, {}) as process:
        yield _read(process, folder / "sandbox.log", "listens on ")


def _free_port() -> int:
    """The usual one, or 0 for any."""
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


#: In somebody's cluster: no event of anybody else is touched, and all that is left is in one place.
ALONE = {"CUSTOMEVENTS_WATCH_NAMESPACES": NAMESPACE, "CUSTOMEVENTS_LEASE_NAMESPACE": NAMESPACE}


@contextmanager
def _operator(
    folder: Path, kubeconfig: Path, endpoint: str, more: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    _say("Starting the operator")
    key = folder / "api-key"
    key.write_text("test-key\n")
    settings = {
        "KUBECONFIG": str(kubeconfig),
        "CUSTOMEVENTS_API_KEY_FILE": str(key),
        "CUSTOMEVENTS_ENDPOINT": endpoint,
        "CUSTOMEVENTS_ALLOW_HTTP": "true",
        "CUSTOMEVENTS_CLUSTER_NAME": "demo-cluster",
        "CUSTOMEVENTS_LOG_FORMAT": "text",
        "CUSTOMEVENTS_HEALTH_HOST": "127.0.0.1",
        "CUSTOMEVENTS_HEALTH_PORT": "0",
        **more,
    }
    with _process(folder, "operator", ["run"], settings) as process:
        _read(process, folder / "operator.log", "probes are answered on port ")
        yield process


@contextmanager
def _process(
    folder: Path, name: str, command: list[str], settings: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "customevents", *command],
            env={**os.environ, **settings},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours: the parts end in order
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _read(process: subprocess.Popen[bytes], log: Path, before: str) -> str:
    """What a process says right behind these words."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        said = log.read_text()
        _, found, rest = said.partition(before)
        if found and "\n" in rest:
            return rest.split()[0]
        if process.poll() is not None:
            raise DemoError(said.strip().rpartition("\n")[2])
        time.sleep(0.05)
    raise DemoError(f"{log.stem} did not come up:\n{log.read_text()}")


def _follow(admin: Path, operator: subprocess.Popen[bytes], folder: Path) -> None:
    """Print the table whenever it changes, until every example is delivered."""
    shown = ""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if operator.poll() is not None:
            raise DemoError(f"the operator ended:\n{(folder / 'operator.log').read_text()}")
        states = _states(admin)
        if states != shown:
            shown = states
            print(_kubectl(admin, "get", "cev", "-A"), flush=True)
        if set(states.split()) == {"Delivered"}:
            return
        time.sleep(0.2)
    raise DemoError(f"not every example was delivered:\n{_messages(admin)}")


def _states(admin: Path) -> str:
    path = "jsonpath={.items[*].status.delivery.state}"
    return _kubectl(admin, "get", "cev", "-n", NAMESPACE, "-o", path)


def _messages(admin: Path) -> str:
    found = json.loads(_kubectl(admin, "get", "cev", "-n", NAMESPACE, "-o", "json"))
    return "\n".join(
        f"  {item['metadata']['name']}: {item['status']['conditions'][0]['message']}"
        for item in found["items"]
        if item["status"]["delivery"]["state"] != "Delivered"
    )


def _kubectl(kubeconfig: Path, *args: str, text: str | None = None) -> str:
    done = subprocess.run(
        [str(KUBECTL), "--kubeconfig", str(kubeconfig), *args],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def _cache() -> Path:
    path = ROOT / ".cache"
    path.mkdir(exist_ok=True)
    return path


def _say(words: str) -> None:
    print(f"==> {words}", flush=True)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
