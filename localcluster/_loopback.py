"""Ports of this machine, and whether something answers on them."""

import socket
import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit


def reserve_port() -> socket.socket:
    """A free port of loopback, kept by an open socket that only binds it.

    Nobody else gets the port, not even while the part that listens on it is away; that part does,
    as it too allows sharing.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation


def answers(url: str, tls: ssl.SSLContext) -> bool:
    """Whether a GET of this URL is answered with 200.

    Not by urllib: it would ask the environment's proxy for what is on loopback.
    """
    scheme, host, path, *_ = urlsplit(url)
    connection = (
        HTTPSConnection(host, timeout=5, context=tls)
        if scheme == "https"
        else HTTPConnection(host, timeout=5)
    )
    with closing(connection):
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
