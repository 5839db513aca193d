"""Certificates of every kind, made in memory: good ones, and such as strangers have them."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes

    def serving(self, *, clients_of: bytes = b"") -> ssl.SSLContext:
        """The server's side of TLS; `clients_of`: the authority of clients, who may show theirs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            (path := Path(folder) / "pem").write_bytes(self.certificate + self.key)
            context.load_cert_chain(path)
        if clients_of:
            context.load_verify_locations(cadata=clients_of.decode())
            context.verify_mode = ssl.CERT_OPTIONAL
        return context


class Authority:
    """Issues certificates. A `plain` one says of itself that it is one, and nothing more."""

    def __init__(
        self,
        name: str | x509.Name = "an authority",
        *,
        plain: bool = False,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        """With the name and the `key` of another authority, it vouches for what that issued."""
        self._plain = plain
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name) if isinstance(name, str) else name
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        if not plain:
            builder = builder.add_extension(_CERT_SIGN, True)
            builder = builder.add_extension(self._identifier, False)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(
        self, *hosts: str, name: str = "kubernetes", organization: str = "", expired: bool = False
    ) -> Issued:
        """A certificate for these hosts and addresses, or for a client of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        ends = datetime.now(UTC) - DAY if expired else None
        builder = _builder(_name(name, organization), self._name, key.public_key(), ends)
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(host) for host in hosts]), False
            )
        if not self._plain:
            its = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier)
            builder = builder.add_extension(its, False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Issued(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))

    @property
    def _identifier(self) -> x509.SubjectKeyIdentifier:
        return x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())


_CERT_SIGN = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    ends: datetime | None = None,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(ends or now + DAY)
    )


def _name(common: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
