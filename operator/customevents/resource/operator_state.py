"""What the operator says about itself, for everybody: `check` and `render` read it.

So the command line needs neither the API key nor a way to the operator's pod. It names no event and
no tenant, and nothing of the key but whether it works.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from customevents.resource.status import Time

#: The key of the ConfigMap under which it stands.
STATE = "state.json"


class Key(StrEnum):
    """What is known of the API key."""

    UNKNOWN = "unknown"
    OK = "ok"
    REFUSED = "refused"
    MISSING = "missing"


class BreakerState(StrEnum):
    """Whether the endpoint is believed to work."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Resolving(BaseModel):
    """The settings that decide how an event is resolved and shown, by their names and defaults."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    cluster_name: str = ""
    watch_namespaces: tuple[str, ...] = ()
    agent_namespaces: tuple[str, ...] = ()
    delivery_paused: bool = False
    discovery_release: bool = True
    scope_wide_from: tuple[str, ...] = ("*",)
    provenance_enabled: bool = True
    ttl_enabled: bool = False


class OperatorState(BaseModel):
    """The state of the operator that leads, as JSON with camelCase names."""

    model_config = ConfigDict(
        alias_generator=to_camel, frozen=True, extra="ignore", validate_by_name=True
    )

    version: str = ""
    #: The pod that leads, and when it last said so: at least every minute.
    leader: str = ""
    renewed: Time = None
    endpoint: str = ""
    #: Whether the events API takes the key.
    key: Key = Key.UNKNOWN
    cluster_name: str = ""
    cluster_name_source: str = ""
    #: namespace/name of Komodor agents that are not believed about the name.
    agents_elsewhere: tuple[str, ...] = ()
    #: Whether the account knows a cluster of this name; None: it was not asked yet.
    cluster_known: bool | None = None
    #: Why the endpoint is paused.
    paused: str = ""
    #: Until when the endpoint asked to be left alone (Retry-After).
    rests_until: Time = None
    #: Why nothing is sent until the operator is restarted.
    halted: str = ""
    breaker: BreakerState = BreakerState.HALF_OPEN
    #: Undelivered events in the queue, and when the oldest that shall be sent was written.
    waiting: int = 0
    oldest: Time = None
    #: Seconds by which the operator's clock is ahead of the API server's.
    clock_skew: float | None = None
    #: How many of the namespaces (or of all, 1) are not watched.
    unwatched: int = 0
    settings: Resolving = Resolving()

    def to_json(self) -> str:
        """As the ConfigMap holds it."""
        return self.model_dump_json(by_alias=True)


def read_operator_state(config_map: dict[str, Any]) -> OperatorState | None:
    """What stands in a ConfigMap; None if that says nothing, or cannot be read."""
    data = config_map.get("data")
    text = data.get(STATE) if isinstance(data, dict) else None
    if not isinstance(text, str):
        return None
    try:
        return OperatorState.model_validate_json(text)
    except ValidationError:
        return None
