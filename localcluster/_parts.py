"""The parts of a control plane as data: what each is started with, and what answers once it is up.

Pure: a part is described here and run by `_cluster`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ETCD = "etcd"
API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"

# All that work without nodes.
CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
    "resourcequota-controller",
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemonset-controller",
    "job-controller",
    "cronjob-controller",
    "endpointslice-controller",
    "disruption-controller",
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",
)

# Requests of ordinary users only: the control plane talks to itself, and tests look for others.
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, userGroups: [system:masters]}
- {level: None, users: [system:apiserver, system:kube-controller-manager]}
- {level: None, userGroups: ["system:serviceaccounts:kube-system"]}
- {level: Metadata}
"""


@dataclass(frozen=True)
class Part:
    """One process of the control plane; it is up once all of `ready` answer with 200."""

    name: str
    flags: tuple[str, ...]
    ready: tuple[str, ...]


def etcd(directory: Path, port: int) -> Part:
    """The store. Its data survives a killed process, not a killed machine (no fsync)."""
    url = f"http://127.0.0.1:{port}"
    flags = (
        f"--data-dir={directory}/etcd",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        "--listen-peer-urls=http://127.0.0.1:0",
        "--quota-backend-bytes=8589934592",
        "--socket-reuse-port",
    )
    return Part(ETCD, flags, (f"{url}/health",))


def api_server(
    directory: Path, port: int, *, etcd_port: int, controllers: bool, extra: Sequence[str]
) -> Part:
    """The API server; `extra` flags come last, so they win."""
    url = f"https://127.0.0.1:{port}"
    flags = (
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        *_serving(directory),
        f"--client-ca-file={directory}/ca.crt",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={directory}/sa.key",
        f"--service-account-signing-key-file={directory}/sa.key",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged=true",
        "--profiling=false",
        f"--audit-policy-file={directory}/audit-policy.yaml",
        f"--audit-log-path={directory}/audit.log",
        # Without its controller no namespace has a service account for pods to be admitted with.
        *(() if controllers else ("--disable-admission-plugins=ServiceAccount",)),
        *extra,
    )
    return Part(API_SERVER, flags, (f"{url}/readyz", f"{url}/api/v1/namespaces/default"))


def controller_manager(directory: Path, port: int, *, server: str) -> Part:
    """The controllers. Their health says nothing of their work; an account is its first result."""
    flags = (
        f"--kubeconfig={directory}/controller-manager.kubeconfig",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing",
        "--authentication-skip-lookup=true",
        *_serving(directory),
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        f"--service-account-private-key-file={directory}/sa.key",
        f"--root-ca-file={directory}/ca.crt",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        f"--controllers={','.join(CONTROLLERS)}",
    )
    first_result = f"{server}/api/v1/namespaces/default/serviceaccounts/default"
    return Part(CONTROLLER_MANAGER, flags, (f"https://127.0.0.1:{port}/healthz", first_result))


def _serving(directory: Path) -> tuple[str, str]:
    return (
        f"--tls-cert-file={directory}/apiserver.crt",
        f"--tls-private-key-file={directory}/apiserver.key",
    )
