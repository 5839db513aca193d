"""Where we listen: on IPv4 and IPv6 alike, on whichever of them this machine has.

asyncio makes a socket for `::` that IPv6 alone reaches, and two sockets for no host at all, whose
ports differ where any free one is asked for. A cluster may have one family or both, and nobody
should have to say which: so `::` is one socket for both, as in Go's programs.
"""

from __future__ import annotations

import errno
import os
import socket

from aiohttp import web

#: Every address of this machine, of both families.
EVERYWHERE = "::"

#: Every address where there is no IPv6.
EVERY_IPV4 = "0.0.0.0"  # noqa: S104 - a probe comes from outside

#: How a wildcard is reached from here. Loopback has its IPv4 address also where pods have none.
_LOOPBACK = {EVERYWHERE: "127.0.0.1", EVERY_IPV4: "127.0.0.1"}


async def listen(runner: web.BaseRunner, host: str, port: int, *, backlog: int = 128) -> int:
    """Serve on these addresses; the port, which may be any free one if 0 was asked for.

    Raises OSError if the address is taken, or is not one of this machine.
    """
    if host == EVERYWHERE and not socket.has_dualstack_ipv6():
        host = EVERY_IPV4
    if host == EVERYWHERE:
        site: web.BaseSite = web.SockSite(runner, _of_both_families(port), backlog=backlog)
    else:
        site = web.TCPSite(runner, host, port, backlog=backlog)
    await site.start()
    bound: int = runner.addresses[0][1]
    return bound


def _of_both_families(port: int) -> socket.socket:
    return socket.create_server((EVERYWHERE, port), family=socket.AF_INET6, dualstack_ipv6=True)


def shown(host: str, port: int) -> str:
    """Host and port as in an address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str, port: int) -> str:
    """The same, where a wildcard is replaced by an address that answers on this machine."""
    return shown(_LOOPBACK.get(host, host), port)


def reason(error: OSError) -> str:
    """Why it could not be listened there, without the words that libraries add."""
    if isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    # Since Python 3.13 asyncio has no number for a host none of whose addresses is here.
    return os.strerror(errno.EADDRNOTAVAIL if error.errno is None else error.errno)
