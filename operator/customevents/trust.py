"""The one way in which TLS is spoken: to the Kubernetes API, by kopf as well, and the events API.

Python 3.13 refuses certificates that Go, curl and every Python before it accept: those of an
authority without key usage or key identifiers, as many clusters and companies have one
(`ssl.VERIFY_X509_STRICT`). That is not asked for here, on any Python. What has expired, is for
another host, or of an authority that nobody knows is refused.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp


def client_context(
    authorities: str = "", *, server_name: str = "", insecure: bool = False
) -> ssl.SSLContext:
    """What a client speaks TLS with; `authorities` (PEM) to trust, or else those of the system.

    `server_name`: whom the other side must be, whatever address is asked; `insecure`: it may be
    anybody. Raises ssl.SSLError if there are no certificates in `authorities`.
    """
    # And not ssl.create_default_context: it would also write the session's keys to SSLKEYLOGFILE.
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = server_name.rstrip(".")
    # Go, too, takes every certificate that it is told to trust for an authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authorities:
        context.load_verify_locations(cadata=authorities)
    else:
        context.load_default_certs()
    return context


def present(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Show this certificate (PEM), with its key, to whoever asks for one.

    Raises ssl.SSLError if they are none, or do not belong together.
    """
    # A key that takes a password must not make OpenSSL ask for it on the terminal.
    with _as_file(certificate) as chain, _as_file(key) as secret:
        # What does not belong together would take the place of what is shown until now.
        for each in (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), context):
            each.load_cert_chain(chain, secret, password="")
    if isinstance(context, _Context):
        context.times_presented += 1


class ProxyFailed(aiohttp.ClientConnectionError):
    """A SOCKS proxy made no connection; nothing was sent."""


class SentElsewhere(aiohttp.ClientConnectionError):
    """A redirection: the API server makes none, and nobody else is shown its credentials."""


def is_stranger(error: BaseException) -> bool:
    """Whether what answered is not who was asked for: to ask again would not help."""
    return isinstance(error, SentElsewhere) or _refused_certificate(error) is not None


def was_never_asked(error: BaseException | None) -> bool:
    """Whether it was sure to happen before a request was sent."""
    return isinstance(error, aiohttp.ClientConnectorError | ProxyFailed)


def why(error: BaseException, asked: str = "") -> str:
    """What went wrong on the way to an answer, in the words of OpenSSL or the system.

    `asked`: the server, for errors that do not know it.
    """
    at = f"{asked}: " if asked else ""
    if refused := _refused_certificate(error):
        at = f" of {error.host}:{error.port}" if isinstance(error, _Connecting) else ""
        return f"the certificate{at} is refused: {refused.verify_message.rstrip('.')}"
    if isinstance(error, SentElsewhere):
        todo = "does something in between want a login, or is this the server's new address?"
        return f"{asked or 'it'} sends elsewhere ({error}); {todo}"
    if isinstance(error, ProxyFailed):
        return f"the proxy makes no connection ({error})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {_of_the_system(error.os_error)}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    if isinstance(error, TimeoutError):
        return f"{at}not in time"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return f"{at}the connection was dropped"
    return type(error).__name__


_Connecting = aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError


def _refused_certificate(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """OpenSSL's own error, at the bottom of aiohttp's, which call themselves such as well."""
    while isinstance(error, aiohttp.ClientError):
        error = error.__cause__
    return error if isinstance(error, ssl.SSLCertVerificationError) else None


def _of_the_system(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or type(error).__name__).replace("_", " ").lower()
        return f"TLS failed: {reason}"
    if error.errno and error.errno > 0:  # its own words would hold an address that changes
        return os.strerror(error.errno)
    return error.strerror or type(error).__name__


def times_presented(context: ssl.SSLContext) -> int:
    """How often another certificate was shown: connections from before still show the last."""
    return context.times_presented if isinstance(context, _Context) else 0


class _Context(ssl.SSLContext):
    """Asks for a server by one name, wherever it is."""

    server_name = ""
    times_presented = 0

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        name = self.server_name or server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """OpenSSL reads keys from files alone: from one in memory, where the system has such."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "pem").touch(mode=0o600)
        path.write_bytes(content)
        yield str(path)
