"""Whether a request goes through a proxy that the environment names: by Go's rules, as kubectl.

HTTPS_PROXY and HTTP_PROXY, in capitals or not, say which; NO_PROXY says for whom none is asked: it
knows names and what ends in them, `*.`, addresses, networks (CIDR) and ports, and `*` for all.
Loopback is never reached through one. Source: golang.org/x/net/http/httpproxy. Pure.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

#: What our clients speak to a proxy.
SPOKEN = ("http", "https", "socks5", "socks5h")

_PORTS = {"http": 80, "https": 443}
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):([^:]*)")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def for_url(url: str, environment: Mapping[str, str]) -> str:
    """The proxy through which this address is reached; empty: none is asked.

    Raises ValueError, in words, if it is one that we do not speak to.
    """
    target = urlsplit(url)
    variable = f"{target.scheme}_proxy"
    named = _either(environment, variable)
    if target.scheme not in _PORTS or not named or not target.hostname:
        return ""
    port = target.port or _PORTS[target.scheme]
    if not _is_proxied(target.hostname, port, _either(environment, "no_proxy")):
        return ""
    try:
        return spoken(named if "://" in named else f"http://{named}")
    except ValueError as error:
        raise ValueError(f"{variable.upper()}: {error}") from None


def spoken(proxy: str) -> str:
    """The proxy itself. Raises ValueError, in words, if it is none that we can ask.

    A password may stand in it: the words repeat nothing of it but its scheme.
    """
    try:
        parts = urlsplit(proxy)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if parts.scheme and parts.scheme not in SPOKEN:
        kinds = ", ".join(SPOKEN)
        raise ValueError(f"a proxy must be one of {kinds}, and not {parts.scheme!r}")
    if not usable or not parts.scheme:
        raise ValueError("a proxy must be an address such as http://proxy.example:3128")
    # Names are resolved behind SOCKS by either, as Go does it; the library knows the one.
    return f"socks5{proxy[len(parts.scheme) :]}" if parts.scheme == "socks5h" else proxy


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _is_proxied(host: str, port: int, no_proxy: str) -> bool:
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return False
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    if "*" in entries:
        return False
    return not any(_names(entry, host.lower(), port, address) for entry in entries if entry)


def _names(entry: str, host: str, port: int, address: _Address | None) -> bool:
    """Whether an entry of NO_PROXY is about this host."""
    network = _network(entry)
    if network is not None:
        return address is not None and address in network
    named, wanted = entry, ""
    if found := _HOST_AND_PORT.fullmatch(entry):
        named, wanted = found[1].strip("[]"), found[2]
    if not named or wanted not in ("", str(port)):
        return False
    if (its_address := _address(named)) is not None:
        return its_address == address
    if address is not None:
        return False  # an address ends in nothing
    ending = named[1:] if named.startswith("*.") else named
    if not ending.startswith("."):
        return host == ending or host.endswith(f".{ending}")
    return host.endswith(ending)


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not re.fullmatch(r"[^/]+/\d+", text):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
