"""Objects in which platforms keep a cluster's name, shaped as they write them."""

from __future__ import annotations

import base64
import json
from typing import Any

Raw = dict[str, Any]

GKE_ISSUER = "https://container.googleapis.com/v1/projects/shop-1/locations/europe-west1/clusters"
UUID = "721ab723-13bc-11e5-aec2-42010af0021e"


def agent(
    namespace: str, cluster: str | None, *, name: str = "komodor-agent", label: str | None = None
) -> Raw:
    """The agent's Deployment, as its chart renders it, but without pods."""
    env = [
        {
            "name": "KOMOKW_API_KEY",
            "valueFrom": {"secretKeyRef": {"name": "komodor-agent-secret", "key": "apiKey"}},
        }
    ]
    named = [] if cluster is None else [{"name": "KOMOKW_CLUSTER_NAME", "value": cluster}]
    labels = {"app.kubernetes.io/name": "komodor-agent", "app.kubernetes.io/instance": name}
    deployment = _workload("Deployment", namespace, name, labels, [*env, *named])
    deployment["spec"]["replicas"] = 0
    if label is not None:
        deployment["metadata"]["labels"]["app.komodor.cluster-name"] = label
    return deployment


def old_agent(namespace: str, cluster: str) -> Raw:
    """The ConfigMap of the agent's old chart."""
    data = {"clusterName": cluster, "komodor-k8s-watcher.yaml": "collectHistory: true\n"}
    return _config_map(namespace, "k8s-watcher-config", data)


def aws_node(cluster: str) -> Raw:
    """The DaemonSet of EKS's network add-on."""
    env: list[Raw] = [
        {"name": "MY_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "CLUSTER_NAME", "value": cluster},
        {"name": "VPC_ID", "value": "vpc-0a18e3337585e7f2d"},
    ]
    return _workload("DaemonSet", "kube-system", "aws-node", {"k8s-app": "aws-node"}, env)


def node(name: str = "worker-1", *, provider_id: str = "", **metadata: Any) -> Raw:
    spec = {"providerID": provider_id} if provider_id else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def cluster_property(value: str, version: str = "v1beta1") -> Raw:
    return {
        "apiVersion": f"about.k8s.io/{version}",
        "kind": "ClusterProperty",
        "metadata": {"name": "cluster.clusterset.k8s.io"},
        "spec": {"value": value},
    }


def cluster_properties(version: str) -> Raw:
    """The CustomResourceDefinition of KEP-2149, in this one version."""
    value = {"type": "string", "maxLength": 128000, "minLength": 1}
    spec = {"type": "object", "required": ["value"], "properties": {"value": value}}
    names = {"kind": "ClusterProperty", "plural": "clusterproperties"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "clusterproperties.about.k8s.io",
            "annotations": {
                "api-approved.kubernetes.io": "https://github.com/kubernetes/enhancements/pull/3084"
            },
        },
        "spec": {
            "group": "about.k8s.io",
            "scope": "Cluster",
            "names": {**names, "singular": "clusterproperty", "listKind": "ClusterPropertyList"},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
                }
            ],
        },
    }


def kubeadm_config(cluster: str) -> Raw:
    """The ConfigMap in which kubeadm keeps what it was told."""
    configuration = (
        "apiServer: {}\napiVersion: kubeadm.k8s.io/v1beta4\n"
        f"certificatesDir: /etc/kubernetes/pki\nclusterName: {cluster}\n"
        "controllerManager: {}\netcd:\n  local:\n    dataDir: /var/lib/etcd\n"
        "kind: ClusterConfiguration\nkubernetesVersion: v1.37.2\n"
    )
    data = {"ClusterConfiguration": configuration}
    return _config_map("kube-system", "kubeadm-config", data)


def token(issuer: str) -> str:
    """A service account's token of this issuer, as far as anybody can tell without its keys."""
    claims = {"iss": issuer, "sub": "system:serviceaccount:customevents:customevents"}
    return ".".join([_part({"alg": "RS256", "typ": "JWT"}), _part(claims), "c2lnbmF0dXJl"])


def _part(content: Raw) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _config_map(namespace: str, name: str, data: dict[str, str]) -> Raw:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _workload(kind: str, namespace: str, name: str, labels: Raw, env: list[Raw]) -> Raw:
    container = {"name": "main", "image": "registry.example/main:1", "env": env}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"namespace": namespace, "name": name, "labels": dict(labels)},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
