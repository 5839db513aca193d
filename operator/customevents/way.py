"""The way to the API server, decided once, as kubectl decides it: for our requests and for kopf's.

A kubeconfig that says anything counts, else the service account of the pod around us.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from customevents import kubeconfig, proxies, trust
from customevents.chosen import Chosen
from customevents.credentials import CertificateFiles, Fixed, Given, Source, TokenFile, bearer
from customevents.kubeconfig import ClusterFields, Selected, UserFields
from customevents.plugins import FromPlugin
from customevents.resource.errors import NoWay

#: What a pod is given of its service account.
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

#: The extension of a cluster that a plugin is told.
EXTENSION = "client.authentication.k8s.io/exec"


@dataclass(frozen=True)
class Way:
    """How the API server is reached."""

    #: Its address, without a slash at its end; it may have a path.
    server: str
    #: Who is asked, for messages.
    origin: str
    #: Where nobody says otherwise.
    namespace: str
    tls: ssl.SSLContext
    #: An address, in which a password may stand, or empty.
    proxy: str = field(repr=False)
    #: The headers that name whom we act as.
    impersonation: tuple[tuple[str, str], ...]
    credentials: Source

    def present(self, certificate: bytes, key: bytes) -> None:
        """Show another certificate from now on. Raises NoWay."""
        _present(self.tls, Given("", certificate, key), f"{self.origin}: the given certificate")


def find(chosen: Chosen, environment: Mapping[str, str]) -> Way:
    """The way that these choices and this environment say. Raises NoWay."""
    paths = kubeconfig.files(environment, chosen.kubeconfig)
    selected = kubeconfig.select(paths, chosen.context, must_exist=bool(chosen.kubeconfig))
    if selected is not None:
        return _of_kubeconfig(selected, chosen, environment)
    if chosen.kubeconfig or not _in_a_pod(environment):
        named = ", ".join(map(str, paths)) or "KUBECONFIG"
        words = "set KUBECONFIG to a kubeconfig with a current-context, or give --context"
        lack = _lack_of_a_pod(environment)
        raise NoWay(f"no way to the Kubernetes API: {named} says none{lack}: {words}")
    return _of_the_pod(chosen, environment)


def _of_kubeconfig(selected: Selected, chosen: Chosen, environment: Mapping[str, str]) -> Way:
    cluster, user = selected.cluster, selected.user
    authorities = _authorities(selected)
    server = _server(selected)
    tls = _context(
        authorities,
        f"{selected.cluster_at}: certificate-authority",
        server_name=cluster.tls_server_name,
        insecure=cluster.insecure_skip_tls_verify,
    )
    own = _certificate(selected)
    if own.certificate:
        _present(tls, own, f"{selected.user_at}: client-certificate")
    return Way(
        server=server,
        origin=selected.context,
        namespace=selected.namespace,
        tls=tls,
        proxy=_proxy(server, cluster.proxy_url, selected.cluster_at, environment),
        impersonation=_impersonation(user, chosen, selected.user_at),
        credentials=_renewed(selected, _credentials(selected, server, authorities, own)),
    )


def _of_the_pod(chosen: Chosen, environment: Mapping[str, str]) -> Way:
    host = environment["KUBERNETES_SERVICE_HOST"].strip("[]")
    port = environment["KUBERNETES_SERVICE_PORT"]
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    at = "the service account of this pod"
    authority = SERVICE_ACCOUNT / "ca.crt"
    authorities = _pem(kubeconfig.read_file(authority, at))
    return Way(
        server=server,
        origin="this pod",
        namespace=_own_namespace(at),
        tls=_context(authorities, f"{at}: {authority}"),
        proxy=_proxy(server, "", at, environment),
        impersonation=_impersonation(UserFields(), chosen, "--as"),
        credentials=TokenFile(SERVICE_ACCOUNT / "token", f"{at}:"),
    )


def _own_namespace(at: str) -> str:
    path = SERVICE_ACCOUNT / "namespace"
    if not path.is_file():
        return "default"
    return kubeconfig.read_file(path, at).decode(errors="replace").strip()


def _in_a_pod(environment: Mapping[str, str]) -> bool:
    variables = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
    return all(map(environment.get, variables)) and (SERVICE_ACCOUNT / "token").is_file()


def _lack_of_a_pod(environment: Mapping[str, str]) -> str:
    """What an environment that looks like a pod's would need to be one."""
    if not environment.get("KUBERNETES_SERVICE_HOST"):
        return ""
    if not environment.get("KUBERNETES_SERVICE_PORT"):
        return ", nor does this pod: KUBERNETES_SERVICE_PORT is not set"
    return f", nor does this pod: {SERVICE_ACCOUNT / 'token'} is not there"


def _server(selected: Selected) -> str:
    """The address; one without a scheme is one of http, to kubectl."""
    named, at = selected.cluster.server, f"{selected.cluster_at}: server"
    if not named:
        raise NoWay(f"{at} must be the address of the API server")
    try:
        parts = urlsplit(named if "://" in named else f"http://{named}")
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise NoWay(f"{at} must be an address such as https://host:6443, and not {named!r}")
    if parts.username is not None:
        raise NoWay(f"{at} must hold no user: a user's name and password stand with the user")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _authorities(selected: Selected) -> str:
    """Whom to trust (PEM); empty: whom the system trusts."""
    cluster, at = selected.cluster, f"{selected.cluster_at}: certificate-authority"
    given = cluster.certificate_authority or cluster.certificate_authority_data
    if cluster.certificate_authority and cluster.certificate_authority_data:
        raise NoWay(f"{at} and certificate-authority-data: give one of them")
    if given and cluster.insecure_skip_tls_verify:
        raise NoWay(f"{at} and insecure-skip-tls-verify: give one of them")
    content = kubeconfig.content(
        cluster.certificate_authority_data,
        cluster.certificate_authority,
        selected.cluster_folder,
        at,
    )
    if given and not content.strip():
        raise NoWay(f"{at} holds no certificates")
    return _pem(content)


def _pem(content: bytes) -> str:
    """What PEM is written in; between certificates, anything may stand."""
    return content.decode("ascii", errors="ignore")


def _context(authorities: str, at: str, **more: Any) -> ssl.SSLContext:
    try:
        return trust.client_context(authorities, **more)
    except ssl.SSLError:
        raise NoWay(f"{at} holds no certificates (PEM)") from None


def _certificate(selected: Selected) -> Given:
    user, at = selected.user, selected.user_at
    if user.client_certificate and user.client_certificate_data:
        raise NoWay(f"{at}: client-certificate and client-certificate-data: give one of them")
    if user.client_key and user.client_key_data:
        raise NoWay(f"{at}: client-key and client-key-data: give one of them")
    certificate, key = (
        kubeconfig.content(data, name, selected.user_folder, f"{at}: {what}")
        for data, name, what in (
            (user.client_certificate_data, user.client_certificate, "client-certificate"),
            (user.client_key_data, user.client_key, "client-key"),
        )
    )
    if bool(certificate) != bool(key):
        raise NoWay(f"{at}: client-certificate and client-key go together: one of them is missing")
    return Given("", certificate, key)


def _present(tls: ssl.SSLContext, given: Given, at: str) -> None:
    try:
        trust.present(tls, given.certificate, given.key)
    except ssl.SSLError:
        words = "is no certificate (PEM) that fits client-key, or that takes a password"
        raise NoWay(f"{at} {words}") from None


def _credentials(selected: Selected, server: str, authorities: str, own: Given) -> Source:
    user, at = selected.user, selected.user_at
    if user.auth_provider:
        name = user.auth_provider.get("name", "")
        raise NoWay(f"{at}: auth-provider {name} is not spoken: use a plugin (exec), or a token")
    if (user.token or user.token_file) and (user.username or user.password):
        raise NoWay(f"{at}: a token, and a username with a password: give one of them")
    if user.token_file:
        path = selected.user_folder / user.token_file
        return TokenFile(path, f"{at}: tokenFile", own, instead=user.token)
    if user.token:
        return Fixed(bearer(user.token.strip(), f"{at}: token", own))
    if user.username or user.password:
        pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        return Fixed(Given(f"Basic {pair}", own.certificate, own.key))
    if user.plugin and not own.certificate:
        told = _for_a_plugin(selected.cluster, server, authorities)
        cluster = told if user.plugin.provides_cluster else None
        return FromPlugin(user.plugin, selected.user_folder, f"{at}: exec", cluster, own)
    return Fixed(own)


def _renewed(selected: Selected, shown: Source) -> Source:
    """With a certificate as it stands in its files now."""
    user = selected.user
    names = filter(None, (user.client_certificate, user.client_key))
    paths = [selected.user_folder / name for name in names]
    return CertificateFiles(paths, lambda: _certificate(selected), shown) if paths else shown


def _for_a_plugin(cluster: ClusterFields, server: str, authorities: str) -> dict[str, Any]:
    extensions = (each for each in cluster.extensions if each.get("name") == EXTENSION)
    data = base64.b64encode(authorities.encode()).decode()
    told = {
        "server": server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
        "certificate-authority-data": data,
        "proxy-url": cluster.proxy_url,
    }
    config = next((each.get("extension") for each in extensions), None)
    return {**{name: value for name, value in told.items() if value}, "config": config}


def _proxy(server: str, own: str, at: str, environment: Mapping[str, str]) -> str:
    try:
        return proxies.spoken(own) if own else proxies.for_url(server, environment)
    except ValueError as error:
        raise NoWay(f"{at}: proxy-url: {error}" if own else str(error)) from None


def _impersonation(user: UserFields, chosen: Chosen, at: str) -> tuple[tuple[str, str], ...]:
    name = chosen.as_user or user.as_user
    groups = chosen.as_groups or tuple(user.as_groups)
    if not name:
        at = "--as-group" if chosen.as_groups else at
        if groups or user.as_uid or user.as_user_extra:
            raise NoWay(f"{at}: groups, a uid or extras to act as take a user to act as as well")
        return ()
    headers = [("Impersonate-User", name)]
    headers += [("Impersonate-Uid", user.as_uid)] if user.as_uid else []
    headers += [("Impersonate-Group", group) for group in groups]
    for key, values in user.as_user_extra.items():
        headers += [(f"Impersonate-Extra-{quote(key.lower(), safe='')}", value) for value in values]
    if not all(value.isprintable() for _, value in headers):
        raise NoWay(f"{at}: names to act as must be on one line")
    return tuple(headers)
