"""What a client needs to know of a cluster: kubeconfigs, and an environment for kubectl and helm.

Pure: texts and paths only.
"""

import json
import os
import re
from base64 import b64decode, b64encode
from pathlib import Path


def with_token(server: str, authority: bytes, namespace: str, user: str, token: str) -> str:
    """A kubeconfig for a service account; `authority` is the certificate that signed the server's.

    JSON, which every reader of YAML takes.
    """
    cluster = {"server": server, "certificate-authority-data": b64encode(authority).decode()}
    context = {"cluster": "local", "user": user, "namespace": namespace}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "local", "context": context}],
        "current-context": "local",
    }
    return json.dumps(content, indent=2)


def client_certificate(kubeconfig: str) -> str:
    """Certificate and key out of a kubeconfig, as PEM, which is what Python's TLS takes."""
    user = json.loads(kubeconfig)["users"][0]["user"]
    data = (user["client-certificate-data"], user["client-key-data"])
    return "".join(b64decode(each).decode() for each in data)


def file_name(*words: str) -> str:
    """A file name for a kubeconfig; without colons, which separate files in KUBECONFIG."""
    return re.sub(r"[^\w.@-]", "-", ".".join([*words, "kubeconfig"]))


def environment(kubeconfig: Path, remembered: Path) -> dict[str, str]:
    """An environment for kubectl and helm that knows one cluster and nothing of the user's.

    What they remember goes into a folder that ends with the cluster: by default kubectl keeps it
    by address, and a later cluster may get the same.
    """
    return {
        **os.environ,
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(remembered / "kubectl"),
        "KUBERC": "off",
        "HELM_CACHE_HOME": str(remembered / "helm-cache"),
        "HELM_CONFIG_HOME": str(remembered / "helm-config"),
        "HELM_DATA_HOME": str(remembered / "helm-data"),
    }
