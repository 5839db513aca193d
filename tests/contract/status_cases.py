"""Which status the schema takes, as the operator may write it: a table like that of cases.py."""

from typing import Any

from contract.cases import Json, names, out_of_bounds, too_long, too_many, unsupported, wrong_type

FULL_STATUS: Json = {
    "conditions": [
        {
            "type": "Delivered",
            "status": "True",
            "reason": "Delivered",
            "message": "Delivered at the first attempt.",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-31T12:00:00.000000Z",
        }
    ],
    "delivery": {
        "state": "Delivered",
        "id": "5e0c1d0a-3b52-5d5c-9a55-6f0f5b0a9f10",
        "sequence": 1,
        "contentHash": f"v1:{'0' * 64}",
        "resend": "",
        "resendTime": "2026-01-31T12:00:00Z",
        "attempts": 1,
        "unknownOutcomes": 0,
        "lastAttemptTime": "2026-01-31T12:00:00Z",
        "nextAttemptTime": "2026-01-31T12:00:00Z",
        "finishedTime": "2026-01-31T12:00:00Z",
        "lastOutcome": {"class": "Success", "code": 201},
    },
    "resolved": {
        "endpoint": "api.komodor.com",
        "severity": "information",
        "clusters": ["prod-eu-1"],
        "namespaces": ["shop"],
        "serviceNames": ["checkout"],
        "reach": "service checkout, namespace shop, cluster prod-eu-1",
        "sources": {
            "clusters": "Deployment komodor/komodor-agent",
            "namespaces": "metadata.namespace",
            "serviceNames": "label app.kubernetes.io/instance=checkout",
        },
        "matchingServices": 1,
    },
}

STATES = ["Pending", "Delivered", "Retrying", "Failed", "Expired", "Held", "Suspended"]
OUTCOMES = [
    "NotSent",
    "NeverArrived",
    "RefusedForNow",
    "EndpointLevel",
    "Refused",
    "Unknown",
    "Success",
]


def condition(**fields: Any) -> Json:
    return {"conditions": [{"type": "Delivered", "status": "False"} | fields]}


def delivery(**fields: Any) -> Json:
    return {"delivery": fields}


def resolved(**fields: Any) -> Json:
    return {"resolved": fields}


ACCEPTED_STATUS: dict[str, Json] = {
    "a whole status": FULL_STATUS,
    "an empty status": {},
    "a condition without a time or a generation": condition(),
    "a message of 4096 characters": condition(reason="Refused", message="ä" * 4096),
    **{f"the state {state}": delivery(state=state) for state in STATES},
    **{f"the outcome {name}": delivery(lastOutcome={"class": name}) for name in OUTCOMES},
    "the most that a scope may resolve to": resolved(
        clusters=names(50, 253), namespaces=names(50, 63), serviceNames=names(200, 253)
    ),
}

REFUSED_STATUS: dict[str, tuple[Json, str]] = {
    "an unknown state": (
        delivery(state="Sending"),
        unsupported(
            "status.delivery.state", "Sending", ", ".join(f'"{state}"' for state in STATES)
        ),
    ),
    "an unknown class of outcome": (
        delivery(lastOutcome={"class": "success"}),
        unsupported(
            "status.delivery.lastOutcome.class",
            "success",
            ", ".join(f'"{outcome}"' for outcome in OUTCOMES),
        ),
    ),
    "an HTTP status of two digits": (
        delivery(lastOutcome={"code": 99}),
        out_of_bounds("status.delivery.lastOutcome.code", 99, "greater than or equal to 100"),
    ),
    "an unknown status of a condition": (
        condition(status="true"),
        unsupported("status.conditions[0].status", "true", '"True", "False", "Unknown"'),
    ),
    "a message of 4097 characters": (
        condition(message="x" * 4097),
        too_long("status.conditions[0].message", 4096),
    ),
    "nine conditions": (
        {"conditions": [{"type": name, "status": "True"} for name in names(9)]},
        too_many("status.conditions", 9, 8),
    ),
    "the same condition twice": (
        {"conditions": condition()["conditions"] * 2},
        'status.conditions[1]: Duplicate value: {"type":"Delivered"}',
    ),
    **{
        f"a negative {counter}": (
            delivery(**{counter: -1}),
            out_of_bounds(f"status.delivery.{counter}", -1, "greater than or equal to 0"),
        )
        for counter in ("sequence", "attempts", "unknownOutcomes")
    },
    **{
        f"a {counter} beyond all counting": (
            delivery(**{counter: 2**63 - 1}),
            out_of_bounds(
                f"status.delivery.{counter}", 2**63 - 1, "less than or equal to 2147483647"
            ),
        )
        for counter in ("sequence", "attempts", "unknownOutcomes")
    },
    **{
        f"a {field} that is too long": (
            delivery(**{field: "x" * (most + 1)}),
            too_long(f"status.delivery.{field}", most),
        )
        for field, most in (("id", 64), ("contentHash", 128), ("resend", 1024))
    },
    **{
        f"a {field} that is no time": (
            delivery(**{field: "soon"}),
            wrong_type(f"status.delivery.{field}", "soon", "date-time"),
        )
        for field in ("lastAttemptTime", "nextAttemptTime", "finishedTime", "resendTime")
    },
    **{
        f"too many resolved {field}": (
            resolved(**{field: names(most + 1)}),
            too_many(f"status.resolved.{field}", most + 1, most),
        )
        for field, most in (("clusters", 50), ("namespaces", 50), ("serviceNames", 200))
    },
    "a reach that is too long": (
        resolved(reach="x" * 1025),
        too_long("status.resolved.reach", 1024),
    ),
    "a source that is too long": (
        resolved(sources={"clusters": "x" * 1025}),
        too_long("status.resolved.sources.clusters", 1024),
    ),
}
