"""Through what the API server is asked."""

from __future__ import annotations

from kubectl.row import CA, NEAR, NEAR_TLS, TLS, Row, config

PROXY, OTHER = "http://127.0.0.1:3128", "http://127.0.0.1:3129"
DIRECT, DIRECT_TLS = "plain/version", "tls/version, Bearer of-a, named near.example"
THROUGH = "proxy GET http://near.example:8003/version / plain/version"
THROUGH_TLS = f"proxy CONNECT near.example:6443 / {DIRECT_TLS}"
BOTH = {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY}


def at(
    server: str = NEAR, proxy: str | None = None, **cluster: object
) -> dict[str, str | bytes | None]:
    more = {**cluster, **({} if proxy is None else {"proxy-url": proxy})}
    return {"config": config("a", server, cluster=more, user={})}


def secured(
    server: str = NEAR_TLS, proxy: str | None = None, **cluster: object
) -> dict[str, str | bytes | None]:
    more = {**CA, **cluster, **({} if proxy is None else {"proxy-url": proxy})}
    return {"config": config("a", server, cluster=more)}


def spared(no_proxy: str, server: str = NEAR, yes: bool = True) -> Row:
    """A row in which NO_PROXY does, or does not, spare this server the proxy."""
    direct = "plain/version"
    through = f"proxy GET {server}/version / {direct}"
    words = "spares" if yes else "does not spare"
    return Row(
        f"NO_PROXY={no_proxy!r} {words} {server}",
        direct if yes else through,
        at(server),
        {**BOTH, "NO_PROXY": no_proxy},
    )


SOCKS = f"socks near.example:6443 / {DIRECT_TLS}"
SIX = "http://[fd00::1]:8003"
TEN = "http://10.1.2.3:8003"
CORP = "http://api.corp.example:8003"

ROWS = [
    Row("no proxy", DIRECT, at()),
    Row("HTTP_PROXY for http", THROUGH, at(), {"HTTP_PROXY": PROXY}),
    Row("HTTP_PROXY is not for https", DIRECT_TLS, secured(), {"HTTP_PROXY": PROXY}),
    Row("HTTPS_PROXY for https", THROUGH_TLS, secured(), {"HTTPS_PROXY": PROXY}),
    Row("HTTPS_PROXY is not for http", DIRECT, at(), {"HTTPS_PROXY": PROXY}),
    Row("http_proxy", THROUGH, at(), {"http_proxy": PROXY}),
    Row("https_proxy", THROUGH_TLS, secured(), {"https_proxy": PROXY}),
    Row(
        "HTTP_PROXY wins over http_proxy", THROUGH, at(), {"HTTP_PROXY": PROXY, "http_proxy": OTHER}
    ),
    Row(
        "HTTPS_PROXY wins over https_proxy",
        THROUGH_TLS,
        secured(),
        {"HTTPS_PROXY": PROXY, "https_proxy": OTHER},
    ),
    Row(
        "an empty HTTPS_PROXY leaves https_proxy",
        THROUGH_TLS,
        secured(),
        {"HTTPS_PROXY": "", "https_proxy": PROXY},
    ),
    Row("ALL_PROXY is nothing to kubectl", DIRECT, at(), {"ALL_PROXY": PROXY, "all_proxy": PROXY}),
    Row("a proxy without a scheme", THROUGH_TLS, secured(), {"HTTPS_PROXY": "127.0.0.1:3128"}),
    Row(
        "a proxy by its name", THROUGH_TLS, secured(), {"HTTPS_PROXY": "http://proxy.example:3128"}
    ),
    Row("a proxy with a slash at its end", THROUGH_TLS, secured(), {"HTTPS_PROXY": f"{PROXY}/"}),
    Row(
        "a proxy with user and password",
        f"proxy CONNECT near.example:6443, Basic u:p@ss / {DIRECT_TLS}",
        secured(),
        {"HTTPS_PROXY": "http://u:p%40ss@127.0.0.1:3128"},
    ),
    Row(
        "a proxy with user and password, for http",
        "proxy GET http://near.example:8003/version, Basic u:p / plain/version",
        at(),
        {"HTTP_PROXY": "http://u:p@127.0.0.1:3128"},
    ),
    Row(
        "a proxy with a user alone",
        f"proxy CONNECT near.example:6443, Basic u: / {DIRECT_TLS}",
        secured(),
        {"HTTPS_PROXY": "http://u@127.0.0.1:3128"},
    ),
    Row(
        "a proxy that is spoken to by https",
        f"tls-proxy CONNECT near.example:6443 / {DIRECT_TLS}",
        secured(),
        {"HTTPS_PROXY": "https://127.0.0.1:3130"},
    ),
    Row(
        "a proxy that is spoken to by https, for http",
        "",
        at(**CA),
        {"HTTP_PROXY": "https://127.0.0.1:3130"},
        fails=True,
        ours="tls-proxy GET http://near.example:8003/version / plain/version",
        why="the kubeconfig's CA is asked for the proxy whatever the server speaks",
    ),
    Row(
        "a proxy that is spoken to by https, for http, and the system knows it",
        "tls-proxy GET http://near.example:8003/version / plain/version",
        at(),
        {"HTTP_PROXY": "https://127.0.0.1:3130", "SSL_CERT_FILE": "{pki}/ca.crt"},
    ),
    Row(
        "a proxy of https that the system knows, and the cluster's CA does not",
        "",
        {
            "config": config(
                "a",
                "https://near.example:6445",
                cluster={"certificate-authority": "{pki}/stranger.crt"},
            )
        },
        {"HTTPS_PROXY": "https://127.0.0.1:3130", "SSL_CERT_FILE": "{pki}/ca.crt"},
        fails=True,
        names="127.0.0.1:3130",
    ),
    Row(
        "a proxy of https that nobody knows, and insecure-skip-tls-verify",
        f"tls-proxy CONNECT near.example:6443 / {DIRECT_TLS}",
        {"config": config("a", NEAR_TLS, cluster={"insecure-skip-tls-verify": True})},
        {"HTTPS_PROXY": "https://127.0.0.1:3130"},
    ),
    Row(
        "a proxy of https, and tls-server-name",
        "",
        secured("https://near.example:6444", **{"tls-server-name": "kube.hidden.example"}),
        {"HTTPS_PROXY": "https://127.0.0.1:3130"},
        fails=True,
        names="127.0.0.1:3130",
    ),
    Row(
        "a proxy of SOCKS in the environment",
        SOCKS,
        secured(),
        {"HTTPS_PROXY": "socks5://127.0.0.1:1080"},
    ),
    Row(
        "a proxy of socks5h in the environment",
        SOCKS,
        secured(),
        {"HTTPS_PROXY": "socks5h://127.0.0.1:1080"},
    ),
    Row(
        "a proxy of another scheme in the environment is one of http",
        THROUGH_TLS,
        secured(),
        {"HTTPS_PROXY": "ftp://127.0.0.1:3128"},
        ours="",
        why="we do not guess what else it may speak",
        names="HTTPS_PROXY",
    ),
    Row(
        "a proxy in the environment that is no address",
        "",
        secured(),
        {"HTTPS_PROXY": "http://[::1"},
        fails=True,
        names="HTTPS_PROXY",
    ),
    Row(
        "a proxy in the environment that is no address, and NO_PROXY",
        DIRECT_TLS,
        secured(),
        {"HTTPS_PROXY": "http://[::1", "NO_PROXY": "near.example"},
    ),
    Row(
        "a proxy where nobody listens",
        "",
        secured(),
        {"HTTPS_PROXY": "http://127.0.0.1:9"},
        fails=True,
        names="127.0.0.1:9",
    ),
    Row(
        "HTTP_PROXY where a web server runs a program",
        "",
        at(),
        {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"},
        fails=True,
        ours=THROUGH,
        why="we are no CGI program, whatever its name",
    ),
    Row(
        "HTTPS_PROXY where a web server runs a program",
        THROUGH_TLS,
        secured(),
        {"HTTPS_PROXY": PROXY, "REQUEST_METHOD": "GET"},
    ),
    Row("proxy-url", THROUGH, at(proxy=PROXY)),
    Row("proxy-url for https", THROUGH_TLS, secured(proxy=PROXY)),
    Row(
        "proxy-url wins over the environment",
        THROUGH_TLS,
        secured(proxy=PROXY),
        {"HTTPS_PROXY": OTHER},
    ),
    Row(
        "proxy-url is asked whatever NO_PROXY says",
        THROUGH_TLS,
        secured(proxy=PROXY),
        {"NO_PROXY": "*"},
    ),
    Row(
        "proxy-url is asked for loopback too",
        "proxy CONNECT 127.0.0.1:6443 / tls/version, Bearer of-a",
        secured(TLS, proxy=PROXY),
    ),
    Row(
        "proxy-url is empty: the environment's",
        THROUGH_TLS,
        secured(proxy=""),
        {"HTTPS_PROXY": PROXY},
    ),
    Row(
        "proxy-url with user and password",
        f"proxy CONNECT near.example:6443, Basic u:p / {DIRECT_TLS}",
        secured(proxy="http://u:p@127.0.0.1:3128"),
    ),
    Row(
        "proxy-url of https",
        f"tls-proxy CONNECT near.example:6443 / {DIRECT_TLS}",
        secured(proxy="https://127.0.0.1:3130"),
    ),
    Row("proxy-url of socks5", SOCKS, secured(proxy="socks5://127.0.0.1:1080")),
    Row(
        "proxy-url of socks5h",
        "",
        secured(proxy="socks5h://127.0.0.1:1080"),
        fails=True,
        ours=SOCKS,
        why="kubectl takes socks5h from the environment, and so do we from wherever it stands",
    ),
    Row(
        "proxy-url of socks4",
        "",
        secured(proxy="socks4://127.0.0.1:1080"),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "proxy-url without a scheme",
        "",
        secured(proxy="127.0.0.1:3128"),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "proxy-url that is a name without a scheme",
        "",
        secured(proxy="proxy.example:3128"),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "proxy-url that is no address",
        "",
        secured(proxy="http://[::1"),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "proxy-url and a client certificate",
        "proxy CONNECT near.example:6443 / tls/version, certificate jane, named near.example",
        {
            "config": config(
                "a",
                NEAR_TLS,
                cluster={**CA, "proxy-url": PROXY},
                user={"client-certificate": "{pki}/jane.crt", "client-key": "{pki}/jane.key"},
            )
        },
    ),
    Row(
        "proxy-url and tls-server-name",
        "proxy CONNECT near.example:6444 / hidden/version, Bearer of-a, named kube.hidden.example",
        secured(
            "https://near.example:6444", proxy=PROXY, **{"tls-server-name": "kube.hidden.example"}
        ),
    ),
    Row(
        "a proxy, and a server without a port",
        "proxy CONNECT near.example:443 / port-443/version, Bearer of-a, named near.example",
        secured("https://near.example"),
        {"HTTPS_PROXY": PROXY},
    ),
    Row(
        "a proxy, and a server whose name only the proxy knows",
        "proxy CONNECT far.example:6443 / tls/version, Bearer of-a, named near.example",
        {
            "config": config(
                "a", "https://far.example:6443", cluster={**CA, "tls-server-name": "near.example"}
            )
        },
        {"HTTPS_PROXY": PROXY},
    ),
    Row(
        "a proxy, and an IPv6 server",
        "proxy CONNECT [fd00::1]:6443 / tls/version, Bearer of-a",
        secured("https://[fd00::1]:6443"),
        {"HTTPS_PROXY": PROXY},
    ),
    Row("a proxy, and a server without a scheme", THROUGH, at("near.example:8003"), BOTH),
    *(
        Row(f"never a proxy for {server}", DIRECT, at(server), BOTH)
        for server in (
            "http://127.0.0.1:8003",
            "http://localhost:8003",
            "http://127.0.0.2:8003",
            "http://[::1]:8003",
        )
    ),
    Row(
        "localhost in capitals is asked for through the proxy",
        "proxy GET http://LOCALHOST:8003/version / plain/version",
        at("http://LOCALHOST:8003"),
        BOTH,
        ours=DIRECT,
        why="it is loopback in any spelling",
    ),
    Row(
        "localhost with a dot is asked for through the proxy",
        "proxy GET http://localhost.:8003/version / plain/version",
        at("http://localhost.:8003"),
        BOTH,
    ),
    Row("::ffff:127.0.0.1 is loopback", DIRECT, at("http://[::ffff:127.0.0.1]:8003"), BOTH),
    spared("near.example"),
    spared("NEAR.example"),
    spared(".near.example", yes=False),
    spared("example"),
    spared(".example"),
    spared("*.example"),
    spared("ear.example", yes=False),
    spared("*"),
    spared("x,*"),
    spared("*near.example", yes=False),
    spared("near.*", yes=False),
    spared("near.example:8003"),
    spared("near.example:8004", yes=False),
    spared(".example:8003"),
    spared("*.example:8003"),
    spared("near.example.", yes=False),
    spared("http://near.example", yes=False),
    spared("x.example, near.example ,y.example"),
    spared("x.example near.example", yes=False),
    spared("x.example;near.example", yes=False),
    spared("", yes=False),
    spared(",,", yes=False),
    spared("corp.example", CORP),
    spared(".corp.example", CORP),
    spared("*.corp.example", CORP),
    spared("*.corp.example", "http://corp.example:8003", yes=False),
    spared(".corp.example", "http://corp.example:8003", yes=False),
    spared("10.1.2.3", TEN),
    spared("10.1.2.4", TEN, yes=False),
    spared("10.1.2.3:8003", TEN),
    spared("10.1.2.3:8004", TEN, yes=False),
    spared("10.0.0.0/8", TEN),
    spared("10.9.9.9/8", TEN),
    spared("10.1.2.3/32", TEN),
    spared("10.1.3.0/24", TEN, yes=False),
    spared("10.0.0.0/99", TEN, yes=False),
    spared("10.1.2", TEN, yes=False),
    spared(".1.2.3", TEN, yes=False),
    spared("10.*", TEN, yes=False),
    spared("10.0.0.0/8", yes=False),
    spared("10.1.2.3", yes=False),
    spared("::ffff:10.1.2.3", TEN),
    spared("near.example", TEN, yes=False),
    spared("fd00::1", SIX),
    spared("[fd00::1]", SIX, yes=False),
    spared("fd00:0::1", SIX),
    spared("FD00::1", SIX),
    spared("[fd00::1]:8003", SIX),
    spared("[fd00::1]:8004", SIX, yes=False),
    spared("fd00::/8", SIX),
    spared("[fd00::]/8", SIX, yes=False),
    spared("fe80::/10", SIX, yes=False),
    spared("10.0.0.0/8 , fd00::/8", SIX),
    Row("no_proxy", DIRECT, at(), {**BOTH, "no_proxy": "near.example"}),
    Row(
        "NO_PROXY wins over no_proxy",
        THROUGH,
        at(),
        {**BOTH, "NO_PROXY": "x.example", "no_proxy": "near.example"},
    ),
    Row(
        "an empty NO_PROXY leaves no_proxy",
        DIRECT,
        at(),
        {**BOTH, "NO_PROXY": "", "no_proxy": "near.example"},
    ),
    Row(
        "an empty NO_PROXY leaves no_proxy, with a network",
        DIRECT,
        at(TEN),
        {**BOTH, "NO_PROXY": "", "no_proxy": "10.0.0.0/8"},
    ),
    Row("NO_PROXY by name for https", DIRECT_TLS, secured(), {**BOTH, "NO_PROXY": "near.example"}),
    Row(
        "NO_PROXY with the port that https has",
        "port-443/version, Bearer of-a, named near.example",
        secured("https://near.example"),
        {**BOTH, "NO_PROXY": "near.example:443"},
    ),
    Row(
        "NO_PROXY for the address of a pod's API server",
        "plain/version",
        at(TEN),
        {**BOTH, "NO_PROXY": "10.96.0.1,10.0.0.0/8,.svc,.cluster.local"},
    ),
]
