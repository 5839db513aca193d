"""Lines that are shown to somebody else name no other tenant."""

from __future__ import annotations

import pytest

from customevents.commands.masking import masked

KEEP = {"shop", "customevents"}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("cart/release-7 is Failed", "(masked)/(masked) is Failed"),
        ("shop/release-7 is Failed", "shop/release-7 is Failed"),
        ("nothing of namespace cart is sent", "nothing of namespace (masked) is sent"),
        ("nothing of this namespace is sent", "nothing of this namespace is sent"),
        (
            'customevents.customevents.dev "release-7" is forbidden: in the namespace "cart"',
            'customevents.customevents.dev "(masked)" is forbidden: in the namespace "(masked)"',
        ),
        (
            "GET /apis/customevents.dev/v1alpha1/namespaces/cart/customevents/release-7",
            "GET /apis/customevents.dev/v1alpha1/namespaces/(masked)/customevents/(masked)",
        ),
        ("https://api.example.com/mgmt/v1/events", "https://api.example.com/mgmt/v1/events"),
        ("it leads (ConfigMap customevents/events)", "it leads (ConfigMap customevents/events)"),
    ],
)
def test_what_looks_like_a_name_of_another_namespace_is_masked(line: str, shown: str) -> None:
    assert masked(line, KEEP) == shown


def test_what_is_known_is_masked_wherever_it_stands() -> None:
    known = {"cart", "release-7", "a"}
    line = "watches shop,cart,a; release-7 waits, and a-b, cart-2 do not"
    shown = "watches shop,(masked),(masked); (masked) waits, and a-b, cart-2 do not"
    assert masked(line, KEEP, known) == shown


def test_of_two_names_the_longer_one_is_masked_as_a_whole() -> None:
    assert masked("x release-7.b y", KEEP, {"release-7", "release-7.b"}) == "x (masked) y"
