"""How each part is built from the settings, for `run.py`, where they meet."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable

from customevents import proxies
from customevents.clocks import ClusterClock, uptime
from customevents.delivery.drafts import Drafts
from customevents.delivery.journal import Journal
from customevents.delivery.lease import Terms
from customevents.delivery.lifecycle import Policy
from customevents.delivery.notices import Notices, Regarding
from customevents.delivery.pacing import Pace, TokenBucket
from customevents.eventsapi.client import EventsClient
from customevents.eventsapi.key import KeyFile
from customevents.kube import Cluster, Lease
from customevents.resource.errors import SettingsError
from customevents.scope.cluster_name import ClusterName, Nameless
from customevents.scope.discovery import Discovery
from customevents.scope.resolve import Rules
from customevents.settings import Settings


def events_client(settings: Settings) -> EventsClient:
    """The way to the events API, with the mounted key; it must be closed."""
    return EventsClient(
        settings.base_url,
        KeyFile(settings.api_key_file),
        timeout=settings.delivery_post_timeout,
        proxy=settings.proxy or _proxy_of_the_environment(settings.base_url),
        ca_file=settings.ca_file,
    )


def _proxy_of_the_environment(endpoint: str) -> str:
    try:
        proxy = proxies.for_url(endpoint, os.environ)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if proxy.startswith("socks"):
        words = "events are not sent through a SOCKS proxy: set CUSTOMEVENTS_PROXY to an http one"
        raise SettingsError(f"HTTPS_PROXY: {words}, or name the endpoint in NO_PROXY")
    return proxy


def pace(settings: Settings) -> Pace:
    """How fast attempts may be made."""
    return Pace(TokenBucket(settings.delivery_rate, settings.delivery_burst))


def journal(
    settings: Settings, cluster: Cluster, clock: ClusterClock, state: Callable[[], str]
) -> Journal:
    """The Lease under this pod's name; `state` is what the operator says about itself."""
    lease = Lease(cluster, settings.lease_namespace, settings.lease_name)
    terms = Terms(
        identity=f"{pod_name()}_{secrets.token_hex(4)}",
        duration=settings.lease_duration,
        post_timeout=settings.delivery_post_timeout,
    )
    return Journal(lease, terms, uptime=uptime, wall=clock.now, state=state)


def notices(settings: Settings, cluster: Cluster, clock: ClusterClock, journal: Journal) -> Notices:
    """Kubernetes Events; those about the operator itself stand on its Lease."""
    namespace, name = settings.lease_namespace, settings.lease_name

    def lease() -> Regarding:
        return Regarding("coordination.k8s.io/v1", "Lease", namespace, name, journal.lease_uid)

    return Notices(
        cluster,
        lease,
        reporter=pod_name(),
        of_deliveries=settings.events_delivered,
        clock=clock.now,
    )


def drafts(
    settings: Settings,
    cluster: Cluster,
    clock: ClusterClock,
    cluster_name: Callable[[], ClusterName | Nameless],
) -> Drafts:
    """What fills in scopes and words bodies."""
    return Drafts(
        endpoint=settings.base_url,
        cluster_name=cluster_name,
        with_provenance=settings.provenance_enabled,
        rules=Rules(settings.discovery_release, settings.scope_wide_from),
        discovery=Discovery(cluster, clock.now, settle=settings.discovery_settle_seconds),
    )


def policy(settings: Settings) -> Policy:
    """What the settings decide where an event does not say."""
    return Policy(
        deadline_seconds=settings.delivery_deadline,
        on_unknown_outcome=settings.delivery_on_unknown_outcome,
        paused=settings.delivery_paused,
        ttl=settings.ttl_enabled,
    )


def pod_name() -> str:
    """The name by which people find this process."""
    return os.environ.get("POD_NAME") or socket.gethostname()
