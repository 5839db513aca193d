"""What is shown to somebody else names no other tenant, and holds no password."""

from __future__ import annotations

import json

import pytest

from customevents.commands.masking import ABOUT_OTHERS, Names

NAMES = Names({"shop", "customevents"}, {"cart", "dev", "payroll"}, {"release-7", "checkout.v2"})


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("cart/release-7 is Failed", "(masked)/(masked) is Failed"),
        ("shop/checkout is Failed", "shop/checkout is Failed"),
        (
            "the operator watches shop, cart, payroll",
            "the operator watches shop, (masked), (masked)",
        ),
        ("shop,cart", "shop,(masked)"),
        (
            "payroll: nothing of this namespace is sent",
            "(masked): nothing of this namespace is sent",
        ),
        (
            'customevents.customevents.dev "release-7" is forbidden: in the namespace "cart"',
            'customevents.customevents.dev "(masked)" is forbidden: in the namespace "(masked)"',
        ),
        (
            "/apis/customevents.dev/v1alpha1/namespaces/cart/customevents/checkout.v2",
            "/apis/customevents.dev/v1alpha1/namespaces/(masked)/customevents/(masked)",
        ),
        ("system:serviceaccount:payroll:deployer", "system:serviceaccount:(masked):deployer"),
        ("https://api.example.com/mgmt/v1/events", "https://api.example.com/mgmt/v1/events"),
        ("http://joe:secret@proxy:3128", "http://(masked)@proxy:3128"),
        (
            "cart-2 and a-cart and cart.example are others",
            "cart-2 and a-cart and cart.example are others",
        ),
    ],
)
def test_names_of_others_are_masked_where_they_stand_as_words(line: str, shown: str) -> None:
    assert NAMES.mask(line) == shown


def test_of_data_the_values_are_masked_and_not_the_keys() -> None:
    found = NAMES.mask_data({"cart": ["cart", 3, None, {"dev": "dev"}]})
    assert found == {"cart": ["(masked)", 3, None, {"dev": "(masked)"}]}


def test_a_line_of_a_log_about_others_tells_when_and_from_where_alone() -> None:
    about = {"time": "2026-11-27T09:00:00Z", "level": "INFO", "logger": "customevents.delivery"}
    lines = [
        json.dumps({**about, "message": "cart/a is Delivered: No workload is named secret-launch"}),
        json.dumps({**about, "message": "shop/a is Delivered"}),
        "2026-11-27 09:00:00,123 INFO customevents.delivery: cart/a asks for cluster secret",
        "Traceback of cart",
    ]
    first, second, third, last = NAMES.mask_log("\n".join(lines)).splitlines()
    assert json.loads(first) == {**about, "message": ABOUT_OTHERS}
    assert second == lines[1]
    assert third == f"2026-11-27 09:00:00,123 INFO customevents.delivery: {ABOUT_OTHERS}"
    assert last == ABOUT_OTHERS
