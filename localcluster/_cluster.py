"""Starts the parts of a control plane in order, keeps hold of them, and stops them.

A cluster lives in one folder: state, keys, kubeconfigs, logs, and a record of its processes.
"""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import _kubeconfig
import _loopback
import _parts
import _processes
from _common import CONTROLPLANE, HELM, KUBECTL, ClusterError, run
from _parts import API_SERVER, CONTROLLER_MANAGER, ETCD, Part

PATIENCE_TO_START = 120.0  # seconds; it takes 5, but tests may keep every core busy
PATIENCE_TO_STOP = 2.0  # seconds to SIGKILL; the API server would wait a minute for open watches
BETWEEN_POLLS = 0.05  # seconds


class Cluster:
    """A Kubernetes control plane on loopback; as a context manager, started and stopped.

    Its parts end with the process that started them, even if that is killed, unless the cluster
    is `detached`: then they stay until `stop_detached`. All of its state is in `directory`, which
    is emptied at the start and kept after the end. The `api_server_flags` follow, and so override,
    the launcher's own. The `crds` are applied, and waited for, before the controller manager
    starts: it looks for new kinds only twice a minute, and its garbage collection ignores others.

    The methods raise ClusterError.
    """

    def __init__(
        self,
        directory: Path,
        *,
        api_server_flags: Sequence[str] = (),
        crds: Sequence[Path] = (),
        controllers: bool = True,
        detached: bool = False,
    ) -> None:
        self.directory = directory.resolve()
        self.kubeconfig = self.directory / "admin.kubeconfig"
        self.ca_file = self.directory / "ca.crt"
        self.audit_log = self.directory / "audit.log"
        self.server = ""
        self._api_server_flags = tuple(api_server_flags)
        self._crds = tuple(crds)
        self._controllers = controllers
        self._detached = detached
        self._ports: list[socket.socket] = []
        self._parts: dict[str, Part] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start from an empty store, and return once the API server and controllers work."""
        self._empty_directory()
        try:
            self._describe_parts()
            self._write_files()
            self._launch(ETCD)
            self._launch(API_SERVER)
            self._install_crds()
            if self._controllers:
                self._launch(CONTROLLER_MANAGER)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what runs, in the reverse order, so that nothing writes to a store that is gone."""
        for name in reversed(self._parts):
            if name in self._running:
                self._end(name)
        self._parts.clear()
        while self._ports:
            self._ports.pop().close()

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the processes that run."""
        return tuple(process.pid for process in self._running.values())

    def kill(self, part: str) -> None:
        """End one part with SIGKILL: "kube-apiserver", "kube-controller-manager" or "etcd"."""
        if part not in self._running:
            raise ClusterError(
                f"{part} does not run; what does: {', '.join(self._running) or 'none'}"
            )
        self._running[part].kill()
        self._end(part)

    def restart(self, part: str, extra_flags: Sequence[str] = ()) -> None:
        """Start one part again, with the same port and state, and wait until it works.

        It is stopped in order first if it runs. The extra flags are for this run of it.
        """
        if part not in self._parts:
            raise ClusterError(f"{part} is no part; the parts: {', '.join(self._parts) or 'none'}")
        if part in self._running:
            self._end(part)
        self._launch(part, extra_flags)

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - subprocess.run calls it so
        check: bool = True,
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl to its end, as the administrator unless another kubeconfig is given."""
        return run([KUBECTL, *args], text=input, check=check, env=self.environment(kubeconfig))

    def helm(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - subprocess.run calls it so
        check: bool = True,
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run helm to its end, as the administrator unless another kubeconfig is given."""
        return run([HELM, *args], text=input, check=check, env=self.environment(kubeconfig))

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """The environment in which kubectl and helm run, for a program that calls them itself."""
        return _kubeconfig.environment(kubeconfig or self.kubeconfig, self.directory / "clients")

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a token, good for a day, of a service account that exists."""
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", "--duration=24h")
        content = _kubeconfig.with_token(
            self.server, self.ca_file.read_bytes(), namespace, name, token.stdout.strip()
        )
        file = _kubeconfig.file_name("serviceaccount", namespace, name)
        return self._write_private(file, content)

    def user_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a certificate of a user who is in these groups."""
        return self._client(_kubeconfig.file_name("user", user), user, groups)

    def _empty_directory(self) -> None:
        if runs := _processes.running(self.directory):
            raise ClusterError(f"{self.directory} is in use by {', '.join(runs)}")
        if self.directory.exists():
            if any(self.directory.iterdir()) and not _processes.is_state_folder(self.directory):
                raise ClusterError(f"{self.directory} holds files that are not a cluster's")
            shutil.rmtree(self.directory)
        self.directory.mkdir(mode=0o700, parents=True)
        _processes.save(self.directory, {})

    def _describe_parts(self) -> None:
        self._ports = [_loopback.reserve_port() for _ in range(3)]
        etcd_port, api_port, manager_port = (port.getsockname()[1] for port in self._ports)
        self.server = f"https://127.0.0.1:{api_port}"
        parts = [
            _parts.etcd(self.directory, etcd_port),
            _parts.api_server(
                self.directory,
                api_port,
                etcd_port=etcd_port,
                controllers=self._controllers,
                extra=self._api_server_flags,
            ),
        ]
        if self._controllers:
            parts.append(
                _parts.controller_manager(self.directory, manager_port, server=self.server)
            )
        self._parts = {part.name: part for part in parts}

    def _write_files(self) -> None:
        self._make_certificates()
        self._client(self.kubeconfig.name, "admin", ["system:masters"])
        self._client("controller-manager.kubeconfig", "system:kube-controller-manager")
        (self.directory / "audit-policy.yaml").write_text(_parts.AUDIT_POLICY)
        pem = _kubeconfig.client_certificate(self.kubeconfig.read_text())
        self._tls = ssl.create_default_context(cafile=self.ca_file)
        self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # kubectl's view on every Python
        self._tls.load_cert_chain(self._write_private("admin.pem", pem))

    def _make_certificates(self) -> None:
        """Fill the folder with ca, apiserver (.crt, .key) and sa.key."""
        run([CONTROLPLANE, "pki", self.directory])

    def _client(self, file: str, user: str, groups: Sequence[str] = ()) -> Path:
        made = run([CONTROLPLANE, "kubeconfig", self.directory, self.server, user, *groups])
        return self._write_private(file, made.stdout)

    def _write_private(self, name: str, content: str) -> Path:
        path = self.directory / name
        path.touch(mode=0o600)
        path.write_text(content)
        return path

    def _install_crds(self) -> None:
        if self._crds:
            files = [f"--filename={path}" for path in self._crds]
            self.kubectl("apply", *files)
            for crd in self.kubectl("get", "--output=name", *files).stdout.split():
                self._wait_until_served(crd.rpartition("/")[2])

    def _wait_until_served(self, resource: str) -> None:
        # The condition Established comes first, by some tenths of a second; and waiting for it
        # fails on a CRD that has no conditions yet.
        deadline = time.monotonic() + PATIENCE_TO_START
        while self.kubectl("get", resource, "--all-namespaces", check=False).returncode:
            if time.monotonic() > deadline:
                raise ClusterError(f"{resource} is applied, but not served")
            time.sleep(BETWEEN_POLLS)

    def _launch(self, name: str, extra_flags: Sequence[str] = ()) -> None:
        leash = () if self._detached else ("--until-stdin-closes",)
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [CONTROLPLANE, *leash, name, *self._parts[name].flags, *extra_flags],
                stdin=subprocess.DEVNULL if self._detached else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the terminal's Ctrl-C is for the launcher, which stops it
            )
        self._record()
        self._wait_until_ready(name)

    def _wait_until_ready(self, name: str) -> None:
        deadline = time.monotonic() + PATIENCE_TO_START
        for url in self._parts[name].ready:
            while not _loopback.answers(url, self._tls):
                if self._running[name].poll() is not None or time.monotonic() > deadline:
                    raise ClusterError(f"{name} did not come up; {_end_of(self._log(name))}")
                time.sleep(BETWEEN_POLLS)

    def _end(self, name: str) -> None:
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(PATIENCE_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin:
            process.stdin.close()
        self._record()

    def _record(self) -> None:
        processes = {}
        for name in self._parts:  # in the order of the start, also after a restart
            child = self._running.get(name)
            if child and child.poll() is None:  # once waited for, its pid may be another's
                processes[name] = _processes.process(child.pid)
        _processes.save(self.directory, processes)

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"


def stop_detached(directory: Path) -> list[str]:
    """Stop the parts of a detached cluster that still run, and return their names."""
    running = _processes.running(directory)
    for name in reversed(running):
        running[name].stop(PATIENCE_TO_STOP)
    return list(reversed(running))


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join([f"the end of {log}:", *lines[-20:]])
