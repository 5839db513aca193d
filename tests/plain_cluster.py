"""A local Kubernetes whose authority says of itself that it is one, and nothing more.

So have it older EKS and GKE clusters, microk8s, and many a company: no key usage, no identifiers.
Python 3.13 refuses that by default, where kubectl and curl take it.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from localcluster import Cluster

from authorities import Authority


class PlainCluster(Cluster):
    """All that are shown its certificates, in kubeconfigs and files, are shown the plain ones."""

    def _make_certificates(self) -> None:
        super()._make_certificates()
        its = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        pem = (self.directory / "ca.key").read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        authority = Authority(its.subject, plain=True, key=key)
        serving = authority.issue("127.0.0.1", "localhost", name="kube-apiserver")
        self.ca_file.write_bytes(authority.pem)
        (self.directory / "apiserver.crt").write_bytes(serving.certificate)
        (self.directory / "apiserver.key").write_bytes(serving.key)
