"""What the schema says to which CustomEvent: a table, for the tests to send to a real API server.

Each refused object comes with the whole answer, as `field: message`. One table, in one file, so
that a change of the schema is seen beside all that it allows and refuses.
"""

from typing import Any

Json = dict[str, Any]


def spec(**fields: Any) -> Json:
    """A good spec, with some fields replaced, added, or (with `...`) left out."""
    merged = {"eventType": "release", "summary": "checkout 1.4.2 is live"} | fields
    return {name: value for name, value in merged.items() if value is not ...}


def scope(**fields: Any) -> Json:
    return spec(scope=fields)


def selector(*expressions: Json, **labels: str) -> Json:
    """A scope that selects by labels; `_` in their keys stands for itself."""
    return scope(serviceSelector=label_selector(*expressions, **labels))


def label_selector(*expressions: Json, **labels: str) -> Json:
    parts = {"matchLabels": labels, "matchExpressions": list(expressions)}
    return {name: part for name, part in parts.items() if part}


def requirement(operator: str, *values: str, key: str = "tier") -> Json:
    return {"key": key, "operator": operator} | ({"values": list(values)} if values else {})


def names(count: int, length: int = 1) -> list[str]:
    """So many different names, each of that length (or of three digits)."""
    return [f"{number:03}".ljust(length, "x") for number in range(count)]


SEVERITIES = ["Info", "Warning", "Error", "info", "information", "warning", "error"]

ACCEPTED: dict[str, Json] = {
    "an eventType and a summary are all it needs": spec(),
    "an eventType of 60 characters, whatever their bytes": spec(eventType="ä" * 60),
    "an eventType of several words": spec(eventType="feature flag"),
    "a summary of 4096 characters": spec(summary="ä" * 4096),
    "a summary of several lines": spec(summary="checkout 1.4.2\n\n\t- faster 🚀"),
    **{f"severity {severity}": spec(severity=severity) for severity in SEVERITIES},
    "no details in a map that is there": spec(details={}),
    "details with the longest names and values, as many as there may be": spec(
        details=dict.fromkeys(names(64, 128), "v" * 1024)
    ),
    "details that look like numbers, in quotes": spec(
        details={"commit": "72225e2", "build": "0123456", "version": "1.0", "hotfix": "true"}
    ),
    "details named as links and keys are": spec(details={"Pull request": "#1", "a.b/c": "x"}),
    "reserved names of details in another spelling": spec(details={"source": "ci", "id": "7"}),
    **{f"level {level} alone": scope(level=level) for level in ("Namespace", "Cluster", "Account")},
    "clusters named as clouds name them": scope(
        clusters=["prod-eu-1", "gke_shop_europe-west1_Prod", "arn:aws:eks:eu-1:12:cluster/Prod 1"]
    ),
    "50 clusters with the longest names": scope(clusters=names(50, 253)),
    "50 namespaces with the longest names": scope(namespaces=names(50, 63)),
    "200 services with the longest names": scope(serviceNames=names(200, 253)),
    "all lists together, with a level": scope(
        level="Account", clusters=["a"], namespaces=["c"], serviceNames=["checkout", "cart.v2"]
    ),
    "a selector of labels": selector(app="checkout", tier="backend"),
    "a selector of every operator": selector(
        requirement("In", "web", "api"),
        requirement("NotIn", "batch", key="example.com/kind"),
        requirement("Exists"),
        requirement("DoesNotExist", key="legacy"),
    ),
    "a selector as large as it may be": selector(
        *[requirement("In", *names(50, 63), key=key) for key in names(20)],
        **dict.fromkeys(names(20, 63), "v" * 63),
    ),
    "a selector in one other namespace": scope(
        serviceSelector=label_selector(app="checkout"), namespaces=["other"], level="Namespace"
    ),
    "a null is a field left out": scope(level="Cluster", clusters=None),
    "occurredAt in UTC": spec(occurredAt="2026-01-31T12:00:00Z"),
    "occurredAt with a fraction and an offset": spec(occurredAt="2026-01-31T12:00:00.25+14:00"),
    "occurredAt in the future": spec(occurredAt="2199-12-31T00:00:00Z"),
    "suspend": spec(suspend=True),
    "onUnknownOutcome Retry": spec(onUnknownOutcome="Retry"),
    "onUnknownOutcome Hold": spec(onUnknownOutcome="Hold"),
    "the shortest deadline": spec(deliveryDeadlineSeconds=60),
    "the longest deadline": spec(deliveryDeadlineSeconds=604800),
    "a ttl of 0": spec(ttlSecondsAfterFinished=0),
    "the longest ttl": spec(ttlSecondsAfterFinished=2**31 - 1),
}

TOO_SHORT = "in body should be at least 1 chars long"
NO_ITEM = "in body should have at least 1 items"
CONTROL = (
    "must be one line of plain text: remove its line breaks, tabs and other control characters"
)
SEVERITY = ", ".join(f'"{severity}"' for severity in SEVERITIES)
LEVELS = '"Namespace", "Cluster", "Account"'
OPERATORS = '"In", "NotIn", "Exists", "DoesNotExist"'
LONG_NAME = "must have names of at most 128 characters: move long texts to the value"
RESERVED = (
    "spec.details: Invalid value: must not name customevents.dev/source, customevents.dev/id or "
    "customevents.dev/occurredAt: the operator writes these itself, to show where an event came "
    "from; choose other names"
)
EMPTY_SCOPE = (
    "spec.scope: Invalid value: must name at least one of level, clusters, namespaces, "
    "serviceNames and serviceSelector, since a misspelt field may have been dropped: leave scope "
    "out altogether for the default"
)
ONE_CLUSTER = "must be the name of one cluster: write each name as an item of its own"
PLAIN_CLUSTER = (
    "must be a plain name: remove the blanks around it, its line breaks and other control "
    "characters"
)
ONE_NAMESPACE = (
    "must be the name of one namespace (lower-case letters, digits and '-'): write each name as "
    "an item of its own, without commas or blanks"
)
ONE_WORKLOAD = (
    "must be the name of one workload (lower-case letters, digits, '-' and '.'): write each name "
    "as an item of its own, without commas or blanks"
)
EMPTY_SELECTOR = (
    "spec.scope.serviceSelector: Invalid value: must select by at least one label, since an empty "
    "selector would mean every workload of the namespace: name one in matchLabels, or leave "
    "serviceSelector out and set level: Namespace if all are meant"
)
LABEL_KEYS = (
    "spec.scope.serviceSelector.matchLabels: Invalid value: must have label keys, such as app or "
    "app.kubernetes.io/name"
)
LABEL_VALUE = (
    "must be a label's value: letters, digits, '-', '_' and '.', with a letter or digit at both "
    "ends"
)
OPERATOR_VALUES = (
    "spec.scope.serviceSelector.matchExpressions[0].values: Invalid value: must hold at least one "
    "value with the operators In and NotIn, and must be left out with Exists and DoesNotExist"
)
TIME_RANGE = "must be a time of the years 1970 to 9998, such as 2026-01-31T12:00:00Z"


def in_message(field: str) -> str:
    """Name the field as the message does: status is judged on its own."""
    return field.removeprefix("status.")


def invalid(field: str, value: str, message: str) -> str:
    """The answer about a string; what the schema itself says names the field once more."""
    if message.startswith("in body"):
        message = f"{in_message(field)} {message}"
    return f'{field}: Invalid value: "{value}": {message}'


def wrong_type(field: str, value: str, expected: str) -> str:
    return invalid(field, value, f'in body must be of type {expected}: "{value}"')


def out_of_bounds(field: str, value: int, bound: str) -> str:
    return f"{field}: Invalid value: {value}: {in_message(field)} in body should be {bound}"


def too_many(field: str, count: int, most: int) -> str:
    return f"{field}: Too many: {count}: must have at most {most} items"


def too_long(field: str, most: int) -> str:
    return f"{field}: Too long: may not be more than {most} bytes"


def unsupported(field: str, value: str, supported: str) -> str:
    return f'{field}: Unsupported value: "{value}": supported values: {supported}'


def forbidden_selector(rest: str) -> str:
    return f"spec.scope.serviceSelector: Forbidden: must not be used together with {rest}"


REFUSED_TEXTS: dict[str, tuple[Json, str]] = {
    "no eventType": (spec(eventType=...), "spec.eventType: Required value"),
    "an empty eventType": (spec(eventType=""), invalid("spec.eventType", "", TOO_SHORT)),
    "an eventType of 61 characters": (spec(eventType="x" * 61), too_long("spec.eventType", 60)),
    "an eventType of two lines": (
        spec(eventType="a\nb"),
        invalid("spec.eventType", "a\\nb", CONTROL),
    ),
    "an eventType with a tab": (
        spec(eventType="a\tb"),
        invalid("spec.eventType", "a\\tb", CONTROL),
    ),
    "an eventType with a control character beyond ASCII": (
        spec(eventType="a\x85b"),
        invalid("spec.eventType", "a\\u0085b", CONTROL),
    ),
    "an eventType that is a number": (
        spec(eventType=5),
        wrong_type("spec.eventType", "integer", "string"),
    ),
    "no summary": (spec(summary=...), "spec.summary: Required value"),
    "an empty summary": (spec(summary=""), invalid("spec.summary", "", TOO_SHORT)),
    "a summary of 4097 characters": (spec(summary="x" * 4097), too_long("spec.summary", 4096)),
    "a summary of 300 kB": (spec(summary="x" * 300_000), too_long("spec.summary", 4096)),
    "an unknown severity": (
        spec(severity="Critical"),
        unsupported("spec.severity", "Critical", SEVERITY),
    ),
    "an empty severity": (spec(severity=""), unsupported("spec.severity", "", SEVERITY)),
}

REFUSED_DETAILS: dict[str, tuple[Json, str]] = {
    "65 details": (spec(details=dict.fromkeys(names(65), "1")), too_many("spec.details", 65, 64)),
    "a detail's name of 129 characters": (
        spec(details={"n" * 129: "x"}),
        f"spec.details: Invalid value: {LONG_NAME}",
    ),
    "a detail's empty name": (
        spec(details={"": "x"}),
        "spec.details: Invalid value: must have no empty names: write each entry as name: value",
    ),
    "a detail of 1025 characters": (
        spec(details={"log": "x" * 1025}),
        too_long("spec.details.log", 1024),
    ),
    "an empty detail": (spec(details={"log": ""}), invalid("spec.details.log", "", TOO_SHORT)),
    "a detail that is an integer": (
        spec(details={"replicas": 3}),
        wrong_type("spec.details.replicas", "integer", "string"),
    ),
    "a detail that is a boolean": (
        spec(details={"hotfix": True}),
        wrong_type("spec.details.hotfix", "boolean", "string"),
    ),
    "a detail that is a fraction": (
        spec(details={"ratio": 1.5}),
        wrong_type("spec.details.ratio", "number", "string"),
    ),
    "a detail that is a list": (
        spec(details={"teams": ["a", "b"]}),
        wrong_type("spec.details.teams", "array", "string"),
    ),
    "details that are a list": (spec(details=["a"]), wrong_type("spec.details", "array", "object")),
    **{
        f"a detail named {key}": (spec(details={f"customevents.dev/{key}": "x"}), RESERVED)
        for key in ("source", "id", "occurredAt")
    },
}

REFUSED_SCOPES: dict[str, tuple[Json, str]] = {
    "an empty scope": (scope(), EMPTY_SCOPE),
    "a scope of nulls": (scope(clusters=None, level=None), EMPTY_SCOPE),
    "a scope that is a list": (spec(scope=[]), wrong_type("spec.scope", "array", "object")),
    "a scope that is a word": (spec(scope="shop"), wrong_type("spec.scope", "string", "object")),
    "an unknown level": (
        scope(level="Galaxy"),
        unsupported("spec.scope.level", "Galaxy", LEVELS),
    ),
    "a level in lower case": (
        scope(level="account"),
        unsupported("spec.scope.level", "account", LEVELS),
    ),
    "an empty level": (scope(level=""), unsupported("spec.scope.level", "", LEVELS)),
    **{
        f"no item in {field}": (
            scope(**{field: []}),
            f"spec.scope.{field}: Invalid value: 0: spec.scope.{field} {NO_ITEM}",
        )
        for field in ("clusters", "namespaces", "serviceNames")
    },
    **{
        f"an empty name in {field}": (
            scope(**{field: ["a", ""]}),
            invalid(f"spec.scope.{field}[1]", "", TOO_SHORT),
        )
        for field in ("clusters", "namespaces", "serviceNames")
    },
    **{
        f"{field} that are one word": (
            scope(**{field: "checkout"}),
            wrong_type(f"spec.scope.{field}", "string", "array"),
        )
        for field in ("clusters", "namespaces", "serviceNames")
    },
    **{
        f"a name of {most + 1} characters in {field}": (
            scope(**{field: ["a" * (most + 1)]}),
            too_long(f"spec.scope.{field}[0]", most),
        )
        for field, most in (("clusters", 253), ("namespaces", 63), ("serviceNames", 253))
    },
    **{
        f"{most + 1} {field}": (
            scope(**{field: names(most + 1)}),
            too_many(f"spec.scope.{field}", most + 1, most),
        )
        for field, most in (("clusters", 50), ("namespaces", 50), ("serviceNames", 200))
    },
    "a wildcard in clusters": (
        scope(clusters=["*"]),
        invalid(
            "spec.scope.clusters[0]",
            "*",
            "must be the name of one cluster, there are no wildcards: for all clusters leave "
            "clusters out and set level: Account",
        ),
    ),
    "a wildcard in namespaces": (
        scope(namespaces=["shop", "shop-*"]),
        invalid(
            "spec.scope.namespaces[1]",
            "shop-*",
            "must be the name of one namespace, there are no wildcards: for all namespaces leave "
            "namespaces out and set level: Cluster or Account",
        ),
    ),
    "a wildcard in serviceNames": (
        scope(serviceNames=["*"]),
        invalid(
            "spec.scope.serviceNames[0]",
            "*",
            "must be the name of one workload, there are no wildcards: for all services leave "
            "serviceNames out and set level; for some, use serviceSelector",
        ),
    ),
    "a comma in clusters": (
        scope(clusters=["a,b"]),
        invalid("spec.scope.clusters[0]", "a,b", ONE_CLUSTER),
    ),
    **{
        f"a cluster's name {where}": (
            scope(clusters=[name]),
            invalid("spec.scope.clusters[0]", shown, PLAIN_CLUSTER),
        )
        for where, name, shown in (
            ("with a blank before it", " prod", " prod"),
            ("with a blank after it", "prod ", "prod "),
            ("of a blank", " ", " "),
            ("with a line break in it", "pr\nod", "pr\\nod"),
        )
    },
    **{
        f"a namespace's name like {name!r}": (
            scope(namespaces=[name]),
            invalid("spec.scope.namespaces[0]", name, ONE_NAMESPACE),
        )
        for name in ("shop,cart", " shop", "shop ", "Shop", "shop.", "-shop", "shop/cart")
    },
    **{
        f"a workload's name like {name!r}": (
            scope(serviceNames=[name]),
            invalid("spec.scope.serviceNames[0]", name, ONE_WORKLOAD),
        )
        for name in (
            "checkout,cart",
            " checkout",
            "checkout ",
            "Checkout",
            "checkout.",
            "shop/cart",
        )
    },
}

REFUSED_SELECTORS: dict[str, tuple[Json, str]] = {
    "an empty selector": (selector(), EMPTY_SELECTOR),
    "a selector of nothing in its parts": (
        scope(serviceSelector={"matchLabels": {}, "matchExpressions": []}),
        EMPTY_SELECTOR,
    ),
    "a selector with serviceNames": (
        scope(serviceSelector=label_selector(app="a"), serviceNames=["b"]),
        forbidden_selector("serviceNames: keep one of the two"),
    ),
    "a selector with clusters": (
        scope(serviceSelector=label_selector(app="a"), clusters=["prod"]),
        forbidden_selector(
            "clusters, since labels are looked up in this cluster only: leave clusters out, or "
            "write serviceNames instead"
        ),
    ),
    "a selector with two namespaces": (
        scope(serviceSelector=label_selector(app="a"), namespaces=["b", "c"]),
        forbidden_selector(
            "more than one namespace, since a name found in one would reach its namesakes in the "
            "others: write one CustomEvent per namespace"
        ),
    ),
    **{
        f"a selector with the level {level}": (
            scope(serviceSelector=label_selector(app="a"), level=level),
            forbidden_selector(
                "a level other than Namespace, since labels are looked up in one namespace only: "
                "leave level out, or write serviceNames instead"
            ),
        )
        for level in ("Cluster", "Account")
    },
    "a selector's empty label": (selector(**{"": "a"}), LABEL_KEYS),
    "a selector's label with a blank": (selector(**{"my app": "a"}), LABEL_KEYS),
    "a selector's label longer than labels are": (selector(**{"a" * 64: "a"}), LABEL_KEYS),
    "a selector's empty value": (
        selector(app=""),
        invalid("spec.scope.serviceSelector.matchLabels.app", "", TOO_SHORT),
    ),
    "a selector's value with a blank": (
        selector(app="my app"),
        invalid("spec.scope.serviceSelector.matchLabels[app]", "my app", LABEL_VALUE),
    ),
    "a selector's value of 64 characters": (
        selector(app="a" * 64),
        too_long("spec.scope.serviceSelector.matchLabels.app", 63),
    ),
    "a selector of 21 labels": (
        selector(**dict.fromkeys(names(21), "a")),
        too_many("spec.scope.serviceSelector.matchLabels", 21, 20),
    ),
    "a selector of 21 expressions": (
        selector(*[requirement("Exists", key=key) for key in names(21)]),
        too_many("spec.scope.serviceSelector.matchExpressions", 21, 20),
    ),
    "an expression of 51 values": (
        selector(requirement("In", *names(51))),
        too_many("spec.scope.serviceSelector.matchExpressions[0].values", 51, 50),
    ),
    "an expression without a key": (
        selector({"operator": "Exists"}),
        "spec.scope.serviceSelector.matchExpressions[0].key: Required value",
    ),
    "an expression without an operator": (
        selector({"key": "tier"}),
        "spec.scope.serviceSelector.matchExpressions[0].operator: Required value",
    ),
    "an expression with an unknown operator": (
        selector(requirement("in", "a")),
        unsupported("spec.scope.serviceSelector.matchExpressions[0].operator", "in", OPERATORS),
    ),
    "an expression with an empty key": (
        selector(requirement("Exists", key="")),
        invalid("spec.scope.serviceSelector.matchExpressions[0].key", "", TOO_SHORT),
    ),
    "an expression with a key that no label has": (
        selector(requirement("Exists", key="a b")),
        invalid(
            "spec.scope.serviceSelector.matchExpressions[0].key",
            "a b",
            "must be a label's key, such as app or app.kubernetes.io/name",
        ),
    ),
    "an expression with an empty value": (
        selector(requirement("In", "")),
        invalid("spec.scope.serviceSelector.matchExpressions[0].values[0]", "", TOO_SHORT),
    ),
    "an expression with a value that no label has": (
        selector(requirement("In", "a b")),
        invalid("spec.scope.serviceSelector.matchExpressions[0].values[0]", "a b", LABEL_VALUE),
    ),
    **{
        f"{operator} without values": (selector(requirement(operator)), OPERATOR_VALUES)
        for operator in ("In", "NotIn")
    },
    **{
        f"{operator} with values": (selector(requirement(operator, "a")), OPERATOR_VALUES)
        for operator in ("Exists", "DoesNotExist")
    },
}

REFUSED_SETTINGS: dict[str, tuple[Json, str]] = {
    **{
        f"occurredAt {value!r}": (
            spec(occurredAt=value),
            wrong_type("spec.occurredAt", value, "date-time"),
        )
        for value in ("", "yesterday", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z")
    },
    **{
        f"occurredAt {value!r}": (
            spec(occurredAt=value),
            invalid("spec.occurredAt", value, TIME_RANGE),
        )
        for value in ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00")
    },
    "suspend with a word": (spec(suspend="yes"), wrong_type("spec.suspend", "string", "boolean")),
    "an unknown onUnknownOutcome": (
        spec(onUnknownOutcome="retry"),
        unsupported("spec.onUnknownOutcome", "retry", '"Retry", "Hold"'),
    ),
    "a deadline of 59 seconds": (
        spec(deliveryDeadlineSeconds=59),
        out_of_bounds("spec.deliveryDeadlineSeconds", 59, "greater than or equal to 60"),
    ),
    "a deadline of 604801 seconds": (
        spec(deliveryDeadlineSeconds=604801),
        out_of_bounds("spec.deliveryDeadlineSeconds", 604801, "less than or equal to 604800"),
    ),
    "a deadline that is a text": (
        spec(deliveryDeadlineSeconds="24h"),
        wrong_type("spec.deliveryDeadlineSeconds", "string", "integer"),
    ),
    "a ttl of -1": (
        spec(ttlSecondsAfterFinished=-1),
        out_of_bounds("spec.ttlSecondsAfterFinished", -1, "greater than or equal to 0"),
    ),
    "a ttl longer than 68 years": (
        spec(ttlSecondsAfterFinished=2**31),
        out_of_bounds("spec.ttlSecondsAfterFinished", 2**31, "less than or equal to 2147483647"),
    ),
}

REFUSED = REFUSED_TEXTS | REFUSED_DETAILS | REFUSED_SCOPES | REFUSED_SELECTORS | REFUSED_SETTINGS

UNKNOWN_FIELDS: dict[str, tuple[Json, str]] = {
    "a misspelt field of the spec": (spec(sumary="x"), "spec.sumary"),
    "the API's own spelling of serviceNames": (
        scope(servicesNames=["checkout"]),
        "spec.scope.servicesNames",
    ),
    "a misspelt field beside a good one": (
        scope(level="Account", serviceName=["checkout"]),
        "spec.scope.serviceName",
    ),
    "a scope that is a list of scopes": (
        spec(scope=[{"level": "Account"}]),
        "spec.scope[0].level",
    ),
    "a misspelt field of a selector": (
        scope(serviceSelector={"matchLabel": {"app": "checkout"}}),
        "spec.scope.serviceSelector.matchLabel",
    ),
    "a detail that is a map": (spec(details={"a": {"b": 1}}), "spec.details.a.b"),
}
