"""What can be configured, from the environment: `CUSTOMEVENTS_` and the name in capitals.

Each field says its unit, its default, and why that is the default.
"""

from __future__ import annotations

import re
from enum import StrEnum
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from customevents.resource import names, wording
from customevents.resource.errors import SettingsError
from customevents.resource.operator_state import Resolving
from customevents.resource.spec import LONGEST_NAME, UnknownOutcomePolicy, plain

PREFIX = "CUSTOMEVENTS_"

#: In `scope_wide_from`: every namespace, and none.
ANY_NAMESPACE = "*"
NO_NAMESPACE = "-"


class Site(StrEnum):
    """Where an account lives."""

    US = "us"
    EU = "eu"


#: Source: the API's documentation, "EU accounts".
#: Of the API, as `eventsapi` adds it: who pastes the address of its documentation, pastes this too.
EVENTS_PATH = "/mgmt/v1/events"

ENDPOINTS = {Site.US: "https://api.komodor.com", Site.EU: "https://api.eu.komodor.com"}

#: Where the agent's own instructions install it.
AGENT_NAMESPACES = ("komodor", "komodor-agent")

#: Seconds that the rate makes an event wait which has left the inbox, where it is not slower still.
LINE_SECONDS = 15

#: Attempts under way at once where the settings do not say: with a rate limit, and without.
IN_FLIGHT, IN_FLIGHT_UNLIMITED = 16, 64

_PROXY = re.compile(r"http://[^/@?#\s]+/?")


class Settings(BaseSettings):
    """The operator's settings; immutable for the life of the process."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    api_key_file: Path = Field(
        description="File that holds the API key of a user (not the agent's key). No default: "
        "the key is a mounted Secret, and never a value of the environment."
    )
    site: Site = Field(
        Site.US, description="Where the account lives, `us` or `eu`. Default us, as the API's own."
    )
    endpoint: str = Field(
        "", description="The events API's base address, instead of `site`. Empty: as `site` says."
    )
    allow_http: bool = Field(
        False,
        description="Whether `endpoint` may be plain http, for the sandbox. Default false: over "
        "http anyone on the way reads the key.",
    )
    proxy: str = Field(
        "",
        description="An http proxy to the events API, such as `http://proxy.example:3128`. Empty: "
        "as HTTPS_PROXY and NO_PROXY say, by which the Kubernetes API is reached as well; it is "
        "never asked through this one.",
    )
    ca_file: Path | None = Field(
        None,
        description="File with certificates (PEM) of authorities to trust about the endpoint, "
        "besides the public ones. Empty: none; it is read at the start.",
    )
    cluster_name: str = Field(
        "",
        max_length=LONGEST_NAME,
        description="The name under which the account knows this cluster. Empty: it is looked for "
        "in the cluster, and events that need it are held until it is found.",
    )
    discovery_agent_namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Namespaces in which a Komodor agent is believed about the cluster's name, "
        "separated by commas. Empty: komodor, komodor-agent and the operator's own; elsewhere "
        "anybody could plant one.",
    )
    watch_namespaces: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Namespaces to watch, separated by commas. Empty: all of them."
    )
    scope_wide_from: Annotated[tuple[str, ...], NoDecode] = Field(
        (ANY_NAMESPACE,),
        description="Namespaces whose events may reach beyond their own namespace and this "
        "cluster, separated by commas; `-` for none. Default `*`, all: the cluster's own access "
        "rules say who may write what.",
    )
    discovery_release: bool = Field(
        True,
        description="Whether an event that names nothing is about the workloads released with it, "
        "where there are any. Default true; false: about its whole namespace.",
    )
    discovery_settle_seconds: float = Field(
        3.0,
        ge=0,
        le=60,
        description="Seconds after the last change of an event until the workloads released with "
        "it are looked for. Default 3: what is applied together is there by then.",
    )
    provenance_enabled: bool = Field(
        True,
        description="Whether the details of a sent event say which object it comes from. Default "
        "true: it makes a duplicate visible, and cannot be forged.",
    )
    delivery_in_flight: int = Field(
        0,
        ge=0,
        le=100,
        description="Attempts under way at once; fewer by a slow rate. A crash puts at most these "
        "in doubt. Default 0: 16, and 64 where there is no rate limit, as one write of the journal "
        "then serves 30 events instead of 8.",
    )
    delivery_post_timeout: float = Field(
        30.0,
        ge=1,
        le=300,
        description="Seconds until an attempt counts as unanswered. Default 30: far above any "
        "answer of a healthy endpoint.",
    )
    delivery_deadline: int = Field(
        86400,
        ge=60,
        le=604800,
        description="Seconds after which an undelivered event is no news any more, where the event "
        "does not say. Default 86400: a day's outage loses nothing.",
    )
    delivery_on_unknown_outcome: UnknownOutcomePolicy = Field(
        UnknownOutcomePolicy.RETRY,
        description="`Retry` or `Hold` when an answer was lost and the event does not say. Default "
        "Retry: an event twice is better than none.",
    )
    delivery_rate: float = Field(
        10.0,
        ge=0,
        description="Attempts a second, at most; 0 = no limit. Default 10: the remote limit is not "
        "documented.",
    )
    delivery_burst: int = Field(
        20, ge=1, description="Attempts at once after a quiet time. Default 20."
    )
    delivery_paused: bool = Field(
        False,
        description="Resolve and show everything, send nothing: for migrations. Default false.",
    )
    ttl_enabled: bool = Field(
        False,
        description="Whether `ttlSecondsAfterFinished` deletes objects. Default false: it takes "
        "the right to delete CustomEvents.",
    )
    events_delivered: bool = Field(
        False,
        description="Whether a delivery is also told as a Kubernetes Event. Default false: only "
        "what needs a person is.",
    )
    lease_name: str = Field(
        "customevents",
        description="The Lease that elects the leader and lists attempts in flight. Default "
        "customevents: one operator a cluster.",
    )
    lease_namespace: str = Field(
        "customevents",
        description="The operator's own namespace, where its Lease is. Default customevents.",
    )
    lease_duration: float = Field(
        15.0,
        ge=1,
        le=60,
        description="Seconds until another process takes over from one that is silent. Default 15, "
        "as elected controllers have it. At most 60, so that nobody believes more of a Lease that "
        "was edited by hand.",
    )
    health_host: str = Field(
        "::",
        description="Address of the probes and the metrics. Default `::`, all of them, of IPv4 as "
        "well: the kubelet asks from outside, by the family that the cluster has.",
    )
    health_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="Port of the probes and the metrics; 0 = any free one. Default 8080.",
    )
    metrics_namespace_label: bool = Field(
        False,
        description="Whether the metrics count attempts and events by namespace. Default false: "
        "the names of namespaces are the tenants' own, and each one multiplies the series.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Default INFO: a line for each change of an event's state."
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="`json` or `text`. Default json: clusters collect logs by machine."
    )

    @field_validator("cluster_name")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        return plain(value)

    @field_validator(
        "watch_namespaces", "discovery_agent_namespaces", "scope_wide_from", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("watch_namespaces", "discovery_agent_namespaces")
    @classmethod
    def _are_namespaces(cls, namespaces: tuple[str, ...]) -> tuple[str, ...]:
        for name in namespaces:
            if not names.is_namespace(name):
                raise ValueError(f"must name namespaces, separated by commas, and {name!r} is none")
        return namespaces

    @field_validator("scope_wide_from")
    @classmethod
    def _none_at_all(cls, namespaces: tuple[str, ...]) -> tuple[str, ...]:
        # An empty variable counts as absent, so "none" needs a word; no namespace is called "-".
        if NO_NAMESPACE not in namespaces and namespaces:
            return namespaces
        if namespaces != (NO_NAMESPACE,):
            raise ValueError(f"must name namespaces, or be {NO_NAMESPACE} alone for none")
        return ()

    @field_validator("proxy")
    @classmethod
    def _is_proxy(cls, value: str) -> str:
        # A password would stand in the environment, for all to read who may see the pod.
        if value and not _PROXY.fullmatch(value):
            raise ValueError("must be an http address without user or path, as http://host:3128")
        return value

    @model_validator(mode="after")
    def _check_endpoint(self) -> Settings:
        if not self.endpoint:
            return self
        parts = urlsplit(self.endpoint)
        try:
            parts.port  # noqa: B018 - reading it checks it
        except ValueError:
            raise ValueError(
                "endpoint must have a port from 1 to 65535, or none; an IPv6 address is written in "
                "brackets, such as https://[fd00::1]:8443"
            ) from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("endpoint must be an https address, such as https://host.example")
        if parts.scheme == "http" and not self.allow_http:
            raise ValueError(
                f"endpoint must be https; for the sandbox, set {PREFIX}ALLOW_HTTP=true"
            )
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("endpoint must hold no user, query or fragment")
        if parts.path.rstrip("/").endswith(EVENTS_PATH):
            raise ValueError(f"endpoint must be the base address, without {EVENTS_PATH}")
        return self

    @property
    def agent_namespaces(self) -> tuple[str, ...]:
        """Where a Komodor agent is believed."""
        default = (*AGENT_NAMESPACES, self.lease_namespace)
        return tuple(dict.fromkeys(self.discovery_agent_namespaces or default))

    @property
    def resolving(self) -> Resolving:
        """What decides how an event is resolved, as the operator says it for everybody to read."""
        told = self.model_dump(include=set(Resolving.model_fields))
        return Resolving(**{**told, "agent_namespaces": self.agent_namespaces})

    @property
    def couriers(self) -> int:
        """How many events are handled at once.

        By a slow rate most of them would only stand in line for it, first come, first served; those
        that wait in the inbox are served fairly.
        """
        if self.delivery_rate == 0:
            return self.delivery_in_flight or IN_FLIGHT_UNLIMITED
        return ceil(
            min(self.delivery_in_flight or IN_FLIGHT, 1 + self.delivery_rate * LINE_SECONDS)
        )

    @property
    def longest_turn(self) -> float:
        """Seconds that the last of them waits for its turn by the rate."""
        return self.couriers / self.delivery_rate if self.delivery_rate else 0.0

    @property
    def base_url(self) -> str:
        """The events API's base address, without a slash at its end."""
        return (self.endpoint or ENDPOINTS[self.site]).rstrip("/")


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError, one line that names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else PREFIX + "ENDPOINT"
        raise SettingsError(f"{name}: {wording.of_a_setting(first)}") from None
