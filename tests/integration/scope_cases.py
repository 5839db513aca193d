"""Who asks for which scope, and what the API server answers: tables for new events.

The users' rights are in tenants.yaml. A row's last entry is the whole refusal, or `accepted`.
"""

from typing import Any

from integration.tenants import (
    ACCEPTED,
    CLUSTER,
    HOME,
    OTHER,
    OTHER_TAKES_CREATE,
    clusters_refused,
    level_refused,
    takes_create,
)

Scope = dict[str, Any]

SELECTOR = {"matchLabels": {"app": "checkout"}}
EVERYBODY = ("own", "two", "wide", "admin")
NARROW: dict[str, Scope] = {
    "no scope": {},
    "services": {"serviceNames": ["checkout", OTHER]},
    "a selector": {"serviceSelector": SELECTOR},
    "a selector in the event's own namespace": {"serviceSelector": SELECTOR, "namespaces": [HOME]},
    "level Namespace": {"level": "Namespace"},
    "the event's own namespace": {"namespaces": [HOME]},
    "the event's own namespace, twice": {"namespaces": [HOME, HOME]},
    "this cluster": {"clusters": [CLUSTER]},
    "this cluster and namespace": {"clusters": [CLUSTER], "namespaces": [HOME]},
}

WIDE: dict[str, tuple[str, Scope, str]] = {
    # another namespace
    "own: another namespace": ("own", {"namespaces": [OTHER]}, OTHER_TAKES_CREATE),
    "own: another namespace behind the own": (
        "own",
        {"namespaces": [HOME, OTHER]},
        OTHER_TAKES_CREATE,
    ),
    "own: another namespace, narrowed to a service": (
        "own",
        {"namespaces": [OTHER], "serviceNames": ["checkout"]},
        OTHER_TAKES_CREATE,
    ),
    "own: another namespace by a selector": (
        "own",
        {"namespaces": [OTHER], "serviceSelector": SELECTOR},
        OTHER_TAKES_CREATE,
    ),
    "own: another namespace with the level said": (
        "own",
        {"namespaces": [OTHER], "level": "Namespace"},
        OTHER_TAKES_CREATE,
    ),
    "own: another namespace of this cluster": (
        "own",
        {"namespaces": [OTHER], "clusters": [CLUSTER]},
        OTHER_TAKES_CREATE,
    ),
    "own: a namespace that does not exist": (
        "own",
        {"namespaces": ["nowhere"]},
        takes_create("nowhere"),
    ),
    "own: a namespace whose name begins as the own": (
        "own",
        {"namespaces": [f"{HOME}-2"]},
        takes_create(f"{HOME}-2"),
    ),
    "two: another namespace with the right there": ("two", {"namespaces": [OTHER]}, ACCEPTED),
    "two: both": ("two", {"namespaces": [HOME, OTHER]}, ACCEPTED),
    "two: a third": ("two", {"namespaces": [OTHER, "default"]}, takes_create("default")),
    "wide: broadcast is not the right in another namespace": (
        "wide",
        {"namespaces": [OTHER]},
        OTHER_TAKES_CREATE,
    ),
    "admin: another namespace": ("admin", {"namespaces": [OTHER]}, OTHER_TAKES_CREATE),
    "all-verbs: another namespace": ("all-verbs", {"namespaces": [OTHER]}, OTHER_TAKES_CREATE),
    "everywhere: any namespaces": (
        "everywhere",
        {"namespaces": [OTHER, "default", "nowhere"]},
        ACCEPTED,
    ),
    "own: eleven namespaces": (
        "own",
        {"namespaces": [f"n{number}" for number in range(11)]},
        "spec.scope.namespaces names 11 other namespaces: more than 10 take the right to create "
        "CustomEvents in all namespaces; name fewer, or write several events",
    ),
    "everywhere: as many namespaces as there may be": (
        "everywhere",
        {"namespaces": [f"n{number}".ljust(63, "x") for number in range(50)]},
        ACCEPTED,
    ),
    # another cluster
    "own: another cluster": ("own", {"clusters": ["staging"]}, clusters_refused("staging")),
    "own: another cluster behind this one": (
        "own",
        {"clusters": [CLUSTER, "staging", "test"]},
        clusters_refused("staging, test"),
    ),
    "own: the own namespace of another cluster": (
        "own",
        {"clusters": ["staging"], "namespaces": [HOME]},
        clusters_refused("staging"),
    ),
    "own: a service of another cluster": (
        "own",
        {"clusters": ["staging"], "serviceNames": ["checkout"]},
        clusters_refused("staging"),
    ),
    "own: this cluster in another case": (
        "own",
        {"clusters": ["Prod-EU-1"]},
        clusters_refused("Prod-EU-1"),
    ),
    "own: this cluster with a dot behind it": (
        "own",
        {"clusters": [f"{CLUSTER}."]},
        clusters_refused(f"{CLUSTER}."),
    ),
    "own: this cluster with a Cyrillic o": (
        "own",
        {"clusters": ["pr\N{CYRILLIC SMALL LETTER O}d-eu-1"]},
        clusters_refused("pr\N{CYRILLIC SMALL LETTER O}d-eu-1"),
    ),
    "own: this cluster with a joiner in it": (
        "own",
        {"clusters": ["prod\N{ZERO WIDTH JOINER}-eu-1"]},
        clusters_refused("prod\N{ZERO WIDTH JOINER}-eu-1"),
    ),
    "own: more clusters than a message holds": (
        "own",
        {"clusters": [f"{number}".rjust(253, "c") for number in range(50)]},
        "spec.scope.clusters names many clusters: creating, editing or resending such an event "
        "takes the verb broadcast on customevents in the event's namespace",
    ),
    "two: broadcast in another namespace is none here": (
        "two",
        {"clusters": ["staging"]},
        clusters_refused("staging"),
    ),
    "admin: another cluster": ("admin", {"clusters": ["staging"]}, clusters_refused("staging")),
    "everywhere: another cluster": (
        "everywhere",
        {"clusters": ["staging"]},
        clusters_refused("staging"),
    ),
    "wide: other clusters": ("wide", {"clusters": ["staging", "test"]}, ACCEPTED),
    "wide: the own namespace of another cluster": (
        "wide",
        {"clusters": ["staging"], "namespaces": [HOME]},
        ACCEPTED,
    ),
    "wide: another namespace of another cluster": (
        "wide",
        {"clusters": ["staging"], "namespaces": [OTHER]},
        OTHER_TAKES_CREATE,
    ),
    "all-verbs: a role of all verbs includes broadcast": (
        "all-verbs",
        {"clusters": ["staging"]},
        ACCEPTED,
    ),
    # a level
    **{
        f"{user}: level {level}": (user, {"level": level}, level_refused(level))
        for user in ("own", "two", "admin", "everywhere")
        for level in ("Cluster", "Account")
    },
    **{
        f"{user}: level {level}": (user, {"level": level}, ACCEPTED)
        for user in ("wide", "all-verbs")
        for level in ("Cluster", "Account")
    },
    "own: level Account, narrowed to the own namespace": (
        "own",
        {"level": "Account", "namespaces": [HOME], "clusters": [CLUSTER]},
        level_refused("Account"),
    ),
    "own: level Cluster, narrowed to a service": (
        "own",
        {"level": "Cluster", "serviceNames": ["checkout"]},
        level_refused("Cluster"),
    ),
}

SCHEMA: dict[str, tuple[Scope, str]] = {
    "the own namespace in another case": ({"namespaces": ["Policy-Home"]}, "must be the name of"),
    "another namespace in another case": ({"namespaces": ["POLICY-OTHER"]}, "must be the name of"),
    "a namespace with a dot behind it": ({"namespaces": [f"{OTHER}."]}, "must be the name of"),
    "a namespace with a Cyrillic o": (
        {"namespaces": ["p\N{CYRILLIC SMALL LETTER O}licy-other"]},
        "must be the name of",
    ),
    "two namespaces in one word": ({"namespaces": [f"{HOME},{OTHER}"]}, "must be the name of"),
    "a blank before a namespace": ({"namespaces": [f" {OTHER}"]}, "must be the name of"),
    "all namespaces by a wildcard": ({"namespaces": ["*"]}, "there are no wildcards"),
    "all clusters by a wildcard": ({"clusters": ["*"]}, "there are no wildcards"),
    "two clusters in one word": ({"clusters": [f"{CLUSTER},staging"]}, "must be the name of"),
    "a blank behind this cluster": ({"clusters": [f"{CLUSTER} "]}, "must be a plain name"),
    "no namespaces": ({"namespaces": []}, "should have at least 1 items"),
    "no clusters": ({"clusters": []}, "should have at least 1 items"),
    "an empty namespace": ({"namespaces": [""]}, "should be at least 1 chars long"),
    "an empty cluster": ({"clusters": [""]}, "should be at least 1 chars long"),
    "a level in lower case": ({"level": "account"}, "Unsupported value"),
    "an empty level": ({"level": ""}, "Unsupported value"),
    "nulls": ({"level": None, "namespaces": None}, "must name at least one of"),
    "a selector with the other level": (
        {"serviceSelector": SELECTOR, "level": "Account"},
        "must not be used together with",
    ),
    "a misspelt list": ({"namespace": [HOME]}, "unknown field"),
}
