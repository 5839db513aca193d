"""Which server is asked, and whether it is the one that is meant; and in a pod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl.row import CA, NO_SERVER, PLAIN, SENT, TLS, A, B, Row, config

DATA = {"certificate-authority-data": "{pki:ca.crt}"}
INSECURE: dict[str, Any] = {"insecure-skip-tls-verify": True}
OF_TLS = "tls/version, Bearer of-tls"
OF_A = "a{}, Bearer of-a"


def secured(server: str = TLS, **cluster: Any) -> dict[str, str | bytes | None]:
    return {"config": config("tls", server, cluster={**CA, **cluster})}


def without_ca(server: str = TLS, **cluster: Any) -> dict[str, str | bytes | None]:
    return {"config": config("tls", server, cluster=cluster)}


def at(server: str) -> dict[str, str | bytes | None]:
    return {"config": config("a", server)}


def plain(server: str, cluster: Mapping[str, Any] | None = None) -> dict[str, str | bytes | None]:
    return {"config": config("plain", server, user={}, cluster=cluster or {})}


POD = {
    "run/secrets/kubernetes.io/serviceaccount/token": "of-pod\n",
    "run/secrets/kubernetes.io/serviceaccount/ca.crt": "{pki<ca.crt}",
    "run/secrets/kubernetes.io/serviceaccount/namespace": "mine",
}
TOKEN, CA_FILE = list(POD)[:2]


def without(*names: str) -> dict[str, str | bytes | None]:
    return {name: text for name, text in POD.items() if name not in names}


def service(
    host: str | None = "127.0.0.1", port: str | None = "6443", **more: str | None
) -> dict[str, str | None]:
    return {
        "KUBECONFIG": None,
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        **more,
    }


OF_POD = "tls/version, Bearer of-pod"

ROWS = [
    Row("a CA in a file", OF_TLS, secured()),
    Row("a CA as data", OF_TLS, without_ca(**DATA)),
    Row(
        "a CA in a file relative to the kubeconfig",
        OF_TLS,
        {
            "there/config": config("tls", TLS, cluster={"certificate-authority": "my/ca.pem"}),
            "there/my/ca.pem": "{pki<ca.crt}",
        },
        {"KUBECONFIG": "{here}/there/config"},
    ),
    Row(
        "a CA as file and as data", "", without_ca(**DATA, **CA), fails=True, names="{here}/config"
    ),
    Row(
        "a CA as data, and a file that is missing",
        "",
        without_ca(**DATA, **{"certificate-authority": "{here}/gone.crt"}),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a bundle of several CAs",
        OF_TLS,
        {
            **secured(**{"certificate-authority": "{here}/all.crt"}),
            "all.crt": "{pki<stranger.crt}\n# and\n{pki<ca.crt}",
        },
    ),
    Row(
        "a CA whose file is missing",
        "",
        secured(**{"certificate-authority": "{here}/gone.crt"}),
        fails=True,
        names="{here}/gone.crt",
    ),
    Row(
        "a CA that is none",
        "",
        {**secured(**{"certificate-authority": "{here}/bad.crt"}), "bad.crt": "no certificate\n"},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a CA whose file is empty",
        "",
        {**secured(**{"certificate-authority": "{here}/bad.crt"}), "bad.crt": ""},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a CA as data that is not base64",
        "",
        without_ca(**{"certificate-authority-data": "%%"}),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a CA as data that is no certificate",
        "",
        without_ca(**{"certificate-authority-data": "aGVsbG8="}),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a CA that is empty: the system's",
        "",
        without_ca(**{"certificate-authority": ""}),
        fails=True,
        names="certificate",
    ),
    Row(
        "no CA: the system's, by which the server is known",
        OF_TLS,
        without_ca(),
        {"SSL_CERT_FILE": "{pki}/ca.crt"},
    ),
    Row(
        "no CA: the system's, by which it is not",
        "",
        without_ca(),
        fails=True,
        names="127.0.0.1:6443",
    ),
    Row(
        "a CA counts alone: the system's does not help",
        "",
        secured(**{"certificate-authority": "{pki}/stranger.crt"}),
        {"SSL_CERT_FILE": "{pki}/ca.crt"},
        fails=True,
        names="127.0.0.1:6443",
    ),
    Row("a CA on plain http", "plain/version", {"config": config("plain", PLAIN, user={})}),
    Row("insecure-skip-tls-verify", OF_TLS, without_ca(**INSECURE)),
    Row(
        "insecure-skip-tls-verify of a stranger",
        "unknown/version, Bearer of-tls",
        without_ca("https://127.0.0.1:6445", **INSECURE),
    ),
    Row(
        "insecure-skip-tls-verify and a CA",
        "",
        secured(**INSECURE),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "insecure-skip-tls-verify and a CA as data",
        "",
        without_ca(**DATA, **INSECURE),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "insecure-skip-tls-verify and a client certificate",
        "tls/version, certificate jane",
        {
            "config": config(
                "tls",
                TLS,
                cluster=INSECURE,
                user={"client-certificate": "{pki}/jane.crt", "client-key": "{pki}/jane.key"},
            )
        },
    ),
    Row(
        "insecure-skip-tls-verify is a word",
        "",
        without_ca(**{"insecure-skip-tls-verify": "true"}),
        fails=True,
        names="{here}/config",
    ),
    Row(
        "the name of a server is asked for",
        "tls/version, Bearer of-tls, named near.example",
        secured("https://near.example:6443"),
    ),
    Row(
        "tls-server-name",
        "hidden/version, Bearer of-tls, named kube.hidden.example",
        secured("https://127.0.0.1:6444", **{"tls-server-name": "kube.hidden.example"}),
    ),
    Row(
        "tls-server-name wins over the server's name",
        "hidden/version, Bearer of-tls, named kube.hidden.example",
        secured("https://near.example:6444", **{"tls-server-name": "kube.hidden.example"}),
    ),
    Row(
        "tls-server-name of another server",
        "",
        secured(**{"tls-server-name": "kube.hidden.example"}),
        fails=True,
        names="kube.hidden.example",
    ),
    Row(
        "tls-server-name that is an address",
        OF_TLS,
        secured("https://near.example:6443", **{"tls-server-name": "10.1.2.3"}),
    ),
    Row(
        "tls-server-name with insecure-skip-tls-verify",
        "hidden/version, Bearer of-tls, named elsewhere.example",
        without_ca(
            "https://127.0.0.1:6444", **INSECURE, **{"tls-server-name": "elsewhere.example"}
        ),
    ),
    Row(
        "a server of another name",
        "",
        secured("https://127.0.0.1:6444"),
        fails=True,
        names="127.0.0.1:6444",
    ),
    Row(
        "a server of an unknown CA",
        "",
        secured("https://127.0.0.1:6445"),
        fails=True,
        names="127.0.0.1:6445",
    ),
    Row(
        "a server whose certificate has expired",
        "",
        secured("https://127.0.0.1:6446"),
        fails=True,
        names="127.0.0.1:6446",
    ),
    Row(
        "https to a server that speaks http",
        "",
        secured("https://127.0.0.1:8003"),
        fails=True,
        names="127.0.0.1:8003",
    ),
    Row(
        "http to a server that speaks https",
        "",
        at("http://127.0.0.1:6443"),
        fails=True,
        names="127.0.0.1:6443",
    ),
    Row("nobody listens", "", at("http://127.0.0.1:9"), fails=True, names="127.0.0.1:9"),
    Row(
        "a name that nobody knows",
        "",
        at("http://nowhere.example:8001"),
        fails=True,
        names="nowhere.example",
    ),
    Row(
        "a path before the API's",
        OF_A.format("/k8s/clusters/c-x/version"),
        at(f"{A}/k8s/clusters/c-x"),
    ),
    Row(
        "a path that ends in a slash",
        OF_A.format("/k8s/clusters/c-x/version"),
        at(f"{A}/k8s/clusters/c-x/"),
    ),
    Row("a path with two slashes at its end", OF_A.format("/k8s/version"), at(f"{A}/k8s//")),
    Row("a path with something to escape", OF_A.format("/k8s%20x/version"), at(f"{A}/k8s x")),
    Row(
        "a path that is escaped",
        OF_A.format("/k8s/x/version"),
        at(f"{A}/k8s%2Fx"),
        ours="a/k8s%2Fx/version, Bearer of-a",
        why="what is escaped stays so",
    ),
    Row("a server that ends in a slash", OF_A.format("/version"), at(f"{A}/")),
    Row("a server with a query", OF_A.format("/version"), at(f"{A}/?x=1")),
    Row(
        "a server with a user in its address",
        "a/version, Basic u:p",
        at("https://u:p@127.0.0.1:8001"),
        ours="",
        why="a password does not belong into an address, and we say where it does",
        names="{here}/config",
    ),
    Row(
        "a user in the server's address, and no other",
        "",
        {"config": config("a", "https://u:p@127.0.0.1:8001", user={})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a user in the server's address, on plain http",
        "plain/version, Basic u:p",
        plain("http://u:p@127.0.0.1:8003"),
        ours="",
        why="a password does not belong into an address, and we say where it does",
        names="{here}/config",
    ),
    Row("a server without a scheme", "plain/version", plain("127.0.0.1:8003")),
    Row("a name without a scheme", "plain/version", plain("near.example:8003")),
    Row("localhost without a scheme", "plain/version", plain("localhost:8003")),
    Row(
        "a server without a scheme is http, with a CA too",
        "plain/version",
        plain("127.0.0.1:8003", cluster=CA),
    ),
    Row(
        "a server without a scheme is http, insecure too",
        "plain/version",
        plain("127.0.0.1:8003", cluster=INSECURE),
    ),
    Row(
        "a server without a scheme that speaks https",
        "",
        secured("127.0.0.1:6443"),
        fails=True,
        names="127.0.0.1:6443",
    ),
    Row(
        "a server without a scheme, with a path",
        "",
        plain("127.0.0.1:8003/k8s"),
        fails=True,
        ours="plain/k8s/version",
        why="what is meant is clear",
    ),
    Row("a server without a scheme and a port", "port-80/version", plain("127.0.0.1")),
    Row("a scheme in capitals", "plain/version", plain("HTTP://127.0.0.1:8003")),
    Row("https in capitals", OF_A.format("/version"), at("HTTPS://127.0.0.1:8001")),
    Row(
        "a token on plain http",
        "plain/version",
        {"config": config("plain", PLAIN)},
        ours="plain/version, Bearer of-plain",
        why=SENT,
    ),
    Row(
        "a tokenFile on plain http",
        "plain/version",
        {"config": config("plain", PLAIN, user={"tokenFile": "{here}/token"}), "token": "of-file"},
        ours="plain/version, Bearer of-file",
        why=SENT,
    ),
    Row(
        "a password on plain http",
        "plain/version",
        {"config": config("plain", PLAIN, user={"username": "u", "password": "p"})},
        ours="plain/version, Basic u:p",
        why=SENT,
    ),
    Row(
        "a plugin on plain http",
        "plain/version",
        {
            "config": config(
                "plain",
                PLAIN,
                user={
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    }
                },
            ),
            "plugin": '#!/bin/sh\necho \'{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"of-plugin"}}\'',
        },
        ours="plain/version, Bearer of-plugin",
        why=SENT,
    ),
    Row(
        "as on plain http",
        "plain/version, acting as jane",
        {"config": config("plain", PLAIN, user={"as": "jane"})},
    ),
    Row(
        "a token on plain http through a proxy",
        "proxy GET http://near.example:8003/version / plain/version",
        {"config": config("plain", "http://near.example:8003")},
        {"HTTP_PROXY": "http://127.0.0.1:3128"},
        ours="proxy GET http://near.example:8003/version / plain/version, Bearer of-plain",
        why=SENT,
    ),
    Row("another scheme", "", at("ftp://127.0.0.1:8001"), fails=True, names="ftp://127.0.0.1:8001"),
    Row("http without a port", "port-80/version", plain("http://127.0.0.1")),
    Row("https without a port", "port-443/version, Bearer of-tls", secured("https://127.0.0.1")),
    Row(
        "a port that is none",
        "",
        at("http://127.0.0.1:https"),
        fails=True,
        names="http://127.0.0.1:https",
    ),
    Row("a server with blanks around it", "", at(f" {A} "), fails=True, names="{here}/config"),
    Row("an IPv6 address", OF_A.format("/version"), at("https://[::1]:8001")),
    Row("an IPv6 address with a path", OF_A.format("/x/version"), at("https://[fd00::1]:8001/x")),
    Row("an IPv6 address by https", OF_TLS, secured("https://[::1]:6443")),
    Row("an IPv6 address without a scheme", "plain/version", plain("[::1]:8003")),
    Row(
        "an IPv6 address without brackets",
        "",
        at("http://::1:8001"),
        fails=True,
        names="http://::1:8001",
    ),
    Row("a name of IPv6 alone", "plain/version", plain("http://six.example:8003")),
    Row(
        "a name in capitals",
        "tls/version, Bearer of-tls, named near.example",
        secured("https://NEAR.example:6443"),
    ),
    Row(
        "a name with a dot at its end",
        "a/version, Bearer of-a, named near.example",
        at("https://near.example.:8001"),
    ),
    Row("in a pod", OF_POD, POD, service(), in_pod=True),
    Row("in a pod of IPv6", OF_POD, POD, service("::1"), in_pod=True),
    Row(
        "in a pod whose host is a name",
        f"{OF_POD}, named near.example",
        POD,
        service("near.example"),
        in_pod=True,
    ),
    Row("in a pod that knows no DNS", OF_POD, POD, service("10.1.2.3"), in_pod=True),
    Row(
        "in a pod, without the port",
        "default/version",
        POD,
        service(port=None),
        in_pod=True,
        ours="",
        why=NO_SERVER,
        names="KUBERNETES_SERVICE_PORT",
    ),
    Row(
        "in a pod, without the token",
        "default/version",
        without(TOKEN),
        service(),
        in_pod=True,
        ours="",
        why=NO_SERVER,
        names="/var/run/secrets/kubernetes.io/serviceaccount/token",
    ),
    Row(
        "in a pod, with an empty token",
        "",
        {**POD, TOKEN: ""},
        service(),
        in_pod=True,
        fails=True,
        names="serviceaccount/token",
    ),
    Row(
        "in a pod, without the CA",
        "",
        without(CA_FILE),
        service(),
        in_pod=True,
        fails=True,
        names="ca.crt",
    ),
    Row(
        "in a pod, with a CA that is none",
        "",
        {**POD, CA_FILE: "nothing"},
        service(),
        in_pod=True,
        fails=True,
        names="ca.crt",
    ),
    Row(
        "in a pod, with KUBECONFIG",
        "b/version, Bearer of-b",
        {**POD, "kb": config("b", B)},
        service(KUBECONFIG="{here}/kb"),
        in_pod=True,
    ),
    Row(
        "in a pod, with the default kubeconfig",
        "b/version, Bearer of-b",
        {**POD, "home/.kube/config": config("b", B)},
        service(),
        in_pod=True,
    ),
    Row(
        "in a pod, with KUBECONFIG of a missing file",
        OF_POD,
        POD,
        service(KUBECONFIG="{here}/gone"),
        in_pod=True,
    ),
    Row(
        "in a pod, with KUBECONFIG of an empty file",
        OF_POD,
        {**POD, "kb": ""},
        service(KUBECONFIG="{here}/kb"),
        in_pod=True,
    ),
    Row(
        "in a pod, with KUBECONFIG that says no context",
        OF_POD,
        {**POD, "kb": config("b", B, current_context=None)},
        service(KUBECONFIG="{here}/kb"),
        in_pod=True,
    ),
    Row(
        "in a pod, with KUBECONFIG that is broken",
        "",
        {**POD, "kb": "{"},
        service(KUBECONFIG="{here}/kb"),
        in_pod=True,
        fails=True,
        names="{here}/kb",
    ),
    Row(
        "in a pod, with --kubeconfig",
        "b/version, Bearer of-b",
        {**POD, "kb": config("b", B)},
        service(),
        in_pod=True,
        flags=("--kubeconfig={here}/kb",),
    ),
    Row(
        "in a pod, with --context",
        "",
        POD,
        service(),
        in_pod=True,
        flags=("--context=x",),
        fails=True,
        names="x",
    ),
    Row(
        "in a pod, with --as",
        "default/version, acting as jane",
        POD,
        service(),
        in_pod=True,
        flags=("--as=jane",),
        ours=f"{OF_POD}, acting as jane",
        why="kubectl forgets the pod for a flag, and asks localhost:8080",
    ),
    Row(
        "in a pod, through the environment's proxy",
        f"proxy CONNECT near.example:6443 / {OF_POD}, named near.example",
        POD,
        service("near.example", HTTPS_PROXY="http://127.0.0.1:3128"),
        in_pod=True,
    ),
    Row(
        "a pod's environment without its files",
        "default/version",
        {},
        service(),
        ours="",
        why=NO_SERVER,
        names="/var/run/secrets/kubernetes.io/serviceaccount/token",
    ),
    Row(
        "a pod's files without its environment",
        "default/version",
        POD,
        service(None, None),
        in_pod=True,
        ours="",
        why=NO_SERVER,
        names="KUBECONFIG",
    ),
]
