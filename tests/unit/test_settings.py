"""Settings come from the environment; a bad one is told in one line that names its variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from customevents.resource.errors import SettingsError
from customevents.resource.spec import UnknownOutcomePolicy
from customevents.settings import Settings, Site, load_settings

KEY_FILE = "/etc/customevents/api-key"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing but the one variable that has no default."""
    for field in Settings.model_fields:
        monkeypatch.delenv(f"CUSTOMEVENTS_{field.upper()}", raising=False)
    monkeypatch.setenv("CUSTOMEVENTS_API_KEY_FILE", KEY_FILE)
    return monkeypatch


def with_(environment: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        environment.setenv(f"CUSTOMEVENTS_{name}", value)
    return load_settings()


def refusal(environment: pytest.MonkeyPatch, **variables: str) -> str:
    with pytest.raises(SettingsError) as caught:
        with_(environment, **variables)
    return str(caught.value)


def test_the_defaults_are_the_documented_ones() -> None:
    settings = load_settings()
    assert settings.model_dump() == {
        "api_key_file": Path(KEY_FILE),
        "site": Site.US,
        "endpoint": "",
        "allow_http": False,
        "proxy": "",
        "ca_file": None,
        "cluster_name": "",
        "discovery_agent_namespaces": (),
        "watch_namespaces": (),
        "scope_wide_from": ("*",),
        "discovery_release": True,
        "discovery_settle_seconds": 3.0,
        "provenance_enabled": True,
        "delivery_in_flight": 0,
        "delivery_post_timeout": 30.0,
        "delivery_deadline": 86400,
        "delivery_on_unknown_outcome": UnknownOutcomePolicy.RETRY,
        "delivery_rate": 10.0,
        "delivery_burst": 20,
        "delivery_paused": False,
        "ttl_enabled": False,
        "events_delivered": False,
        "lease_name": "customevents",
        "lease_namespace": "customevents",
        "lease_duration": 15.0,
        "health_host": "::",
        "health_port": 8080,
        "metrics_namespace_label": False,
        "log_level": "INFO",
        "log_format": "json",
    }


@pytest.mark.parametrize(
    ("rate", "couriers"),
    [("0", 64), ("inf", 16), ("10", 16), ("1", 16), ("0.5", 9), ("0.1", 3), ("0.001", 2)],
)
def test_a_slow_rate_has_no_more_events_stand_in_line_than_it_serves_soon(
    environment: pytest.MonkeyPatch, rate: str, couriers: int
) -> None:
    assert with_(environment, DELIVERY_RATE=rate).couriers == couriers


@pytest.mark.parametrize("rate", ["0", "10"])
def test_as_many_are_under_way_as_the_settings_say(
    environment: pytest.MonkeyPatch, rate: str
) -> None:
    assert with_(environment, DELIVERY_RATE=rate, DELIVERY_IN_FLIGHT="5").couriers == 5


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://api.komodor.com"),
        ({"SITE": "us"}, "https://api.komodor.com"),
        ({"SITE": "eu"}, "https://api.eu.komodor.com"),
        ({"ENDPOINT": "https://gateway.example"}, "https://gateway.example"),
        ({"ENDPOINT": "https://gateway.example/"}, "https://gateway.example"),
        (
            {"ENDPOINT": "https://gateway.example:8443/komodor/"},
            "https://gateway.example:8443/komodor",
        ),
        ({"ENDPOINT": "https://gateway.example", "SITE": "eu"}, "https://gateway.example"),
        ({"ENDPOINT": "http://127.0.0.1:8090", "ALLOW_HTTP": "true"}, "http://127.0.0.1:8090"),
        ({"ENDPOINT": "https://[::1]:8090"}, "https://[::1]:8090"),
    ],
    ids=str,
)
def test_the_site_or_the_endpoint_says_where_events_go(
    environment: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    assert with_(environment, **variables).base_url == url


@pytest.mark.parametrize(
    ("value", "namespaces"),
    [
        ("", ()),
        ("shop", ("shop",)),
        ("shop,billing", ("shop", "billing")),
        (" shop , billing ,", ("shop", "billing")),
        (",", ()),
    ],
    ids=repr,
)
def test_namespaces_are_separated_by_commas(
    environment: pytest.MonkeyPatch, value: str, namespaces: tuple[str, ...]
) -> None:
    assert with_(environment, WATCH_NAMESPACES=value).watch_namespaces == namespaces


@pytest.mark.parametrize("variable", ["WATCH_NAMESPACES", "DISCOVERY_AGENT_NAMESPACES"])
@pytest.mark.parametrize("name", ["../shop", "a/b", "Shop", "shop?x=1"])
def test_what_can_be_no_namespace_is_named(
    environment: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    assert refusal(environment, **{variable: f"shop,{name}"}) == (
        f"CUSTOMEVENTS_{variable}: must name namespaces, separated by commas, and {name!r} is none"
    )


def test_an_agent_is_believed_where_it_is_installed_by_default_or_in_the_operators_own_namespace(
    environment: pytest.MonkeyPatch,
) -> None:
    assert load_settings().agent_namespaces == ("komodor", "komodor-agent", "customevents")
    own = with_(environment, LEASE_NAMESPACE="komodor")
    assert own.agent_namespaces == ("komodor", "komodor-agent")


def test_namespaces_of_agents_that_are_given_are_the_only_ones(
    environment: pytest.MonkeyPatch,
) -> None:
    given = with_(environment, DISCOVERY_AGENT_NAMESPACES="monitoring, agents")
    assert given.agent_namespaces == ("monitoring", "agents")


@pytest.mark.parametrize(
    ("value", "namespaces"),
    [
        ("*", ("*",)),
        ("", ("*",)),
        ("platform", ("platform",)),
        (" platform , ops ,", ("platform", "ops")),
        ("-", ()),
        (" - ", ()),
    ],
    ids=repr,
)
def test_who_may_reach_wide_is_everybody_some_or_nobody(
    environment: pytest.MonkeyPatch, value: str, namespaces: tuple[str, ...]
) -> None:
    assert with_(environment, SCOPE_WIDE_FROM=value).scope_wide_from == namespaces


@pytest.mark.parametrize("value", [",", "-,shop", "shop,-"])
def test_nobody_is_said_by_a_dash_alone(environment: pytest.MonkeyPatch, value: str) -> None:
    assert refusal(environment, SCOPE_WIDE_FROM=value) == (
        "CUSTOMEVENTS_SCOPE_WIDE_FROM: must name namespaces, or be - alone for none"
    )


def test_an_empty_variable_is_as_good_as_none(environment: pytest.MonkeyPatch) -> None:
    """A chart renders empty values."""
    empty = {"SITE": "", "ENDPOINT": "", "DELIVERY_IN_FLIGHT": "", "DELIVERY_PAUSED": ""}
    assert with_(environment, **empty) == load_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SITE", "asia"),
        ("SITE", "EU"),
        ("ENDPOINT", "gateway.example"),
        ("ENDPOINT", "ftp://gateway.example"),
        ("ENDPOINT", "https://"),
        ("ENDPOINT", "https://user:canary@gateway.example"),
        ("ENDPOINT", "https://canary@gateway.example"),
        ("ENDPOINT", "https://@gateway.example"),
        ("ENDPOINT", "https://gateway.example/?key=canary"),
        ("ENDPOINT", "https://gateway.example/#canary"),
        ("ENDPOINT", "https://[::1"),
        ("ENDPOINT", "https://gateway.example:99999"),
        ("ENDPOINT", "https://gateway.example:canary"),
        ("ENDPOINT", "https://fd00::1"),
        ("ALLOW_HTTP", "perhaps"),
        ("PROXY", "proxy.example:3128"),
        ("PROXY", "https://proxy.example"),
        ("PROXY", "http://user:canary@proxy.example"),
        ("PROXY", "http://proxy.example/canary"),
        ("CLUSTER_NAME", "c" * 254),
        ("CLUSTER_NAME", "prod-eu-1,prod-eu-2"),
        ("CLUSTER_NAME", " prod-eu-1"),
        ("DISCOVERY_RELEASE", "perhaps"),
        ("DISCOVERY_SETTLE_SECONDS", "-1"),
        ("DISCOVERY_SETTLE_SECONDS", "61"),
        ("PROVENANCE_ENABLED", "perhaps"),
        ("DELIVERY_IN_FLIGHT", "-1"),
        ("DELIVERY_IN_FLIGHT", "101"),
        ("DELIVERY_IN_FLIGHT", "many"),
        ("DELIVERY_POST_TIMEOUT", "0.5"),
        ("DELIVERY_POST_TIMEOUT", "301"),
        ("DELIVERY_POST_TIMEOUT", "nan"),
        ("DELIVERY_DEADLINE", "59"),
        ("DELIVERY_DEADLINE", "604801"),
        ("DELIVERY_DEADLINE", "24h"),
        ("DELIVERY_ON_UNKNOWN_OUTCOME", "Guess"),
        ("DELIVERY_PAUSED", "perhaps"),
        ("LEASE_DURATION", "0.5"),
        ("LEASE_DURATION", "61"),
        ("HEALTH_PORT", "-1"),
        ("HEALTH_PORT", "65536"),
        ("LOG_LEVEL", "CHATTY"),
    ],
)
def test_a_bad_value_is_one_line_that_names_its_variable(
    environment: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    words = refusal(environment, **{variable: value})
    assert words.startswith(f"CUSTOMEVENTS_{variable}: ")
    assert "\n" not in words
    assert "canary" not in words
    assert "Value error" not in words


def test_plain_http_is_refused_with_the_way_to_allow_it(environment: pytest.MonkeyPatch) -> None:
    assert refusal(environment, ENDPOINT="http://127.0.0.1:8090") == (
        "CUSTOMEVENTS_ENDPOINT: endpoint must be https; for the sandbox, "
        "set CUSTOMEVENTS_ALLOW_HTTP=true"
    )


def test_an_ipv6_endpoint_without_brackets_is_told_to_take_them(
    environment: pytest.MonkeyPatch,
) -> None:
    assert "in brackets, such as https://[fd00::1]" in refusal(
        environment, ENDPOINT="https://fd00::1"
    )


def test_an_endpoint_pasted_with_the_apis_own_path_is_refused(
    environment: pytest.MonkeyPatch,
) -> None:
    assert refusal(environment, ENDPOINT="https://api.komodor.com/mgmt/v1/events/") == (
        "CUSTOMEVENTS_ENDPOINT: endpoint must be the base address, without /mgmt/v1/events"
    )


@pytest.mark.parametrize("value", [None, ""], ids=["absent", "empty"])
def test_the_key_file_must_be_named(environment: pytest.MonkeyPatch, value: str | None) -> None:
    environment.delenv("CUSTOMEVENTS_API_KEY_FILE")
    if value is not None:
        environment.setenv("CUSTOMEVENTS_API_KEY_FILE", value)
    assert refusal(environment) == "CUSTOMEVENTS_API_KEY_FILE: must be set"


def test_every_setting_says_what_it_is_for_and_what_its_default_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert any(word in field.description for word in ("Default", "default", "Empty")), name


def test_settings_do_not_change_while_the_operator_runs() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.site = Site.EU  # type: ignore[misc]
