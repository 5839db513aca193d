"""Content hashes and delivery ids as they are for ever.

Changing a value in this file would send every event of everybody once more: each record says under
which hash it was delivered, and an upgraded operator would not find that content again. If content
must be hashed in another way, that is a new version (`v2:`), and records of `v1:` are believed.
"""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import pytest

from customevents.resource.identity import NAMESPACE, content_hash, delivery_id
from customevents.resource.spec import parse_spec

UID = "7d3c9e5a-8f53-4ab0-9a41-0c6b1d2e3f40"


class Golden(NamedTuple):
    """One content, and what it is called at the first sequence of UID."""

    name: str
    spec: dict[str, Any]
    content_hash: str
    delivery_id: str


GOLDEN = [
    Golden(
        "the least",
        {"eventType": "release", "summary": "checkout 1.4.2 is live"},
        "v1:a434ab12a1ac47a4e6d9c77d4d0f1616c53f1506776ba150deee0c658d4e3fd8",
        "3edc17b4-e21a-5887-a620-52d287ec4805",
    ),
    Golden(
        "another severity, an explicit default",
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "severity": "Error",
            "suspend": False,
            "details": {},
        },
        "v1:467cd20bb25ed1f1d703baca722eb39e8939f2f3f01d172b897f2b94077ec89a",
        "4b5bbabd-c39b-5bef-97bc-339dc475406b",
    ),
    Golden(
        "details",
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "details": {"version": "1.4.2", "build": 17, "größe ↑": "mittel"},
        },
        "v1:c8c446039f7f39d0944e738be7716a39071cdda3a9ed3426c908e0422c092ca2",
        "c3ebd665-7d47-5f0e-9216-a616b0158af7",
    ),
    Golden(
        "a moment elsewhere",
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "occurredAt": "2026-05-01T17:30:00.25+05:30",
        },
        "v1:a2828f473486c5ceb08571067bf23f37e5028057d3a4850d7542738d502d1914",
        "a840bc6d-9d3f-554c-93c7-9c08d3ea80de",
    ),
    Golden(
        "the whole account",
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "scope": {"level": "Account"},
        },
        "v1:1dbeeb8f89f8b922d4c4c0b197b113572c785c1e4b26957407ca66a226eb5f39",
        "0cd22679-5988-5c7e-bb57-036db1ac0826",
    ),
    Golden(
        "its own namespace, without discovery",
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "scope": {"level": "Namespace"},
        },
        "v1:6e5f77b88f9660bd386c826f5e079e97af0c5855ba0f5496397b93b69f68b9ae",
        "a8ce7e46-7ec0-5282-8c66-65567716cfdb",
    ),
    Golden(
        "named lists",
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "scope": {
                "clusters": ["prod-us-1", "prod-eu-1"],
                "namespaces": ["shop"],
                "serviceNames": ["checkout", "cart", "checkout"],
            },
        },
        "v1:03002efc16d699c34a2548c830d502952e773dead1884924b74bf93afaa9d367",
        "64467f3d-dac4-51eb-94d9-854b8a5d37db",
    ),
    Golden(
        "a selector",
        {
            "eventType": "release",
            "summary": "checkout 1.4.2 is live",
            "scope": {
                "serviceSelector": {
                    "matchLabels": {"app": "shop", "tier": "web"},
                    "matchExpressions": [
                        {"key": "beta", "operator": "DoesNotExist"},
                        {"key": "arch", "operator": "In", "values": ["b", "a"]},
                    ],
                }
            },
        },
        "v1:2f379e617aba7fde74e384aed06d5c121c97a22f49a663744a2c56ed63b114e6",
        "cbd416d9-546e-5a20-904b-485e5c69545a",
    ),
    Golden(
        "everything",
        {
            "eventType": "migration",
            "summary": 'Zeile 1\nZeile 2: "größer" ↑ 🚀',
            "severity": "warning",
            "details": {"b": -1, "a": "x"},
            "scope": {"level": "Cluster", "namespaces": ["b", "a"]},
            "occurredAt": "1999-12-31T23:59:59.999999Z",
            "onUnknownOutcome": "Hold",
            "deliveryDeadlineSeconds": 60,
            "ttlSecondsAfterFinished": 5,
        },
        "v1:90e06c2b9bed7bee748e3f980900663bef86ebabc9de06f3e9fda82fa2476222",
        "e759883b-eb2b-5deb-881f-acafd6b051d4",
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_a_content_keeps_its_hash(golden: Golden) -> None:
    assert content_hash(parse_spec(golden.spec)) == golden.content_hash


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_a_delivery_keeps_its_id(golden: Golden) -> None:
    assert delivery_id(UID, golden.content_hash, "", 1) == golden.delivery_id


def test_a_resend_keeps_its_id() -> None:
    assert (
        delivery_id(UID, GOLDEN[0].content_hash, "2026-05-01T12:00:00Z", 2)
        == "ce435a7b-ab60-504a-8b7f-5d3fc5bc7986"
    )


def test_the_namespace_of_all_delivery_ids_is_fixed() -> None:
    assert uuid.UUID("982b4d31-c5a6-59ed-909f-bbfeb7333260") == NAMESPACE
