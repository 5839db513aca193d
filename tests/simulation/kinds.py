"""The kinds that the simulated API server serves, and how its paths name their objects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

from customevents.resource.event import GROUP, KIND, PLURAL, VERSION


@dataclass(frozen=True)
class ServedKind:
    """One kind, and in what it differs from others."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True
    #: Whether its objects count their generations.
    has_generation: bool = False
    #: Whether a PUT of one that is not there makes it.
    is_made_by_put: bool = False
    #: Whether a PUT without a resourceVersion is taken.
    is_put_blindly: bool = False

    @property
    def api_version(self) -> str:
        """As its objects state it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As most messages name it: `leases.coordination.k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def is_ours(self) -> bool:
        """Whether a CRD makes it; such kinds differ in many small ways."""
        return self.group == GROUP


EVENTS = ServedKind(GROUP, VERSION, PLURAL, KIND, has_generation=True)
LEASES = ServedKind("coordination.k8s.io", "v1", "leases", "Lease", is_made_by_put=True)
NAMESPACES = ServedKind("", "v1", "namespaces", "Namespace", namespaced=False, is_put_blindly=True)
NOTICES = ServedKind("events.k8s.io", "v1", "events", "Event", is_put_blindly=True)

KINDS = (
    EVENTS,
    LEASES,
    NAMESPACES,
    NOTICES,
    ServedKind("", "v1", "configmaps", "ConfigMap", is_put_blindly=True),
    ServedKind("", "v1", "nodes", "Node", namespaced=False, is_put_blindly=True),
    *(
        ServedKind("apps", "v1", f"{name.lower()}s", name, has_generation=True, is_put_blindly=True)
        for name in ("Deployment", "StatefulSet", "DaemonSet")
    ),
)

_BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
_GROUPS = {(kind.group, kind.version) for kind in KINDS}


@dataclass(frozen=True)
class Target:
    """What a path is about; without a name: a collection, without a namespace: of all."""

    kind: ServedKind
    namespace: str
    name: str
    subresource: str
    query: dict[str, str]

    @property
    def key(self) -> str:
        """The object's key in the store."""
        return f"{self.namespace}/{self.name}" if self.kind.namespaced else self.name

    @property
    def prefix(self) -> str:
        """What the keys of the collection begin with."""
        return f"{self.namespace}/" if self.namespace else ""


@dataclass(frozen=True)
class NoTarget:
    """A path that is not served; of a group that is, the server says so in its own form."""

    is_known_group: bool


@lru_cache(maxsize=50_000)
def target(path: str) -> Target | NoTarget:
    """Read a path with its query."""
    path, _, query = path.partition("?")
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return NoTarget(is_known_group=False)
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        _, namespace, *rest = rest
    plural, name, subresource, *_ = *rest, "", "", ""
    kind = _BY_PATH.get((group, version, plural))
    if kind is None:
        return NoTarget(is_known_group=(group, version) in _GROUPS and group != GROUP)
    return Target(
        kind, namespace, name, subresource, dict(parse_qsl(query, keep_blank_values=True))
    )
