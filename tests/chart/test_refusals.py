"""The likeliest mistakes are refused before anything is installed, in words that name the key."""

from __future__ import annotations

import pytest

from chart.helm_cli import CHART, MINIMAL, Helm

#: What is set, and what the refusal must say.
MISTAKES = {
    "a wrong type": ("replicaCount=two", "replicaCount", "integer"),
    "a wrong type in a list": ("watchNamespaces=shop", "watchNamespaces", "array"),
    "yes for true": ("ttl.enabled=yes", "ttl", "boolean"),
    "a number for a label": ("commonLabels.build=5", "commonLabels", "string"),
    "the agent's form of the Secret": ("apiKeySecret=my-secret", "apiKeySecret", "object"),
    "an unknown key": ("replicas=2", "replicas"),
    "a misspelt key": ("clustername=prod-eu-1", "clustername"),
    "a misspelt key of a section": ("apiKeySecret.nmae=k", "apiKeySecret", "nmae"),
    "a section taken away": ("delivery=null", "delivery"),
    "both forms of the key": ("apiKey=test-key", "apiKey and apiKeySecret.name: set one of them"),
    "no key": ("apiKeySecret.name=", "an API key is missing: set apiKeySecret.name", "apiKeyFile"),
    "a Secret beside a file": ("apiKeyFile=/mnt/key", "apiKeySecret.name and apiKeyFile: set one"),
    "a Secret beside a file of extraEnv": (
        "extraEnv[0].name=CUSTOMEVENTS_API_KEY_FILE",
        "apiKeySecret.name and CUSTOMEVENTS_API_KEY_FILE of extraEnv: set one",
    ),
    "a file without a folder": (
        "apiKeySecret.name=,apiKeyFile=komodor-api-key",
        'apiKeyFile: "komodor-api-key" must be the path of a file in the container',
    ),
    "a volume of the chart's name": (
        "extraVolumes[0].name=key",
        'extraVolumes: "key" is the name of a volume of the chart',
    ),
    "an account of nobody": ("serviceAccount.create=false", "serviceAccount.name must be set"),
    "a DNS policy of our own": ("dnsPolicy=Cluster", "dnsPolicy", "ClusterFirst"),
    "the sandbox with a key": ("sandbox.enabled=true", "apiKeySecret.name and sandbox.enabled"),
    "an unknown site": ("site=de", "site", "us", "eu"),
    "http": ("endpoint=http://events.example", "endpoint", "must be https", "allowHttp"),
    "no address": ("endpoint=events.example", "endpoint", "such as https://api.komodor.com"),
    "the API's path in the address": (
        "endpoint=https://api.komodor.com/mgmt/v1/events",
        "endpoint",
        "must be the base address",
    ),
    "a key in the address": ("endpoint=https://a.example/?k=1", "endpoint", "without user, query"),
    "an IPv6 address without brackets": ("endpoint=https://fd00::1", "endpoint", "in brackets"),
    "a proxy as a string": ("proxy=http://a.example:3128", "proxy", "object"),
    "a proxy with a password": (
        "proxy.eventsApi=http://u:p@a.example",
        "proxy.eventsApi",
        "without user or path",
    ),
    "a proxy of everything with a password": (
        "proxy.httpsProxy=http://u:p@a.example",
        "proxy.httpsProxy",
        "one with a password goes into extraEnv, from a Secret",
    ),
    "no proxy to make exceptions of": ("proxy.noProxy=a.example", "proxy.noProxy does nothing"),
    "blanks between exceptions": (
        "proxy.httpProxy=http://a.example,proxy.noProxy=a b",
        "proxy.noProxy",
        "no blanks",
    ),
    "exceptions twice": (
        "proxy.httpProxy=http://a.example,extraEnv[0].name=no_proxy",
        "extraEnv: no_proxy is set by the chart",
        "use proxy.noProxy",
    ),
    "namespaces without a name": ("watchNamespaces={shop}", "clusterName must be set with watch"),
    "a list of clusters": ("clusterName=a\\,b", "clusterName", "must be a plain name"),
    "a blank around the name": ("clusterName= a", "clusterName", "must be a plain name"),
    "a name of no namespace": ("scope.wideFrom={Shop}", "scope.wideFrom", '"Shop" is not the name'),
    "a negative rate": ("delivery.rate=-1", "delivery", "rate", "0"),
    "a timeout without end": ("delivery.postTimeout=301", "postTimeout", "300"),
    "a policy in small letters": ("delivery.onUnknownOutcome=retry", "onUnknownOutcome", "Retry"),
    "a setting twice": ("extraEnv[0].name=CUSTOMEVENTS_SITE", "extraEnv: CUSTOMEVENTS_SITE is set"),
    "off as a chart": ("enabled=false", "enabled"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_in_words(helm: Helm, mistake: str) -> None:
    given, *words = MISTAKES[mistake]
    told = helm.refusal("template", CHART, *MINIMAL, "--set", given)
    assert [word for word in words if word not in told] == [], told
    assert "nil pointer" not in told


#: Values without which the templates break, or say something else than the default does.
NEEDED = [
    "clusterName",
    "proxy",
    "serviceAccount.create",
    "advisories.enabled",
    "watchNamespaces",
    "scope.wideFrom",
    "scopePolicy.enabled",
    "discovery.settleSeconds",
    "delivery.rate",
    "delivery.burst",
    "delivery.inFlight",
    "delivery.postTimeout",
    "delivery.deadline",
    "lease.duration",
    "sandbox.enabled",
    "crds.keep",
]


@pytest.mark.parametrize("key", NEEDED)
def test_a_value_that_is_left_empty_is_named(helm: Helm, key: str) -> None:
    """As in a file of values, with nothing behind the colon: that takes the default away."""
    told = helm.refusal("template", CHART, *MINIMAL, "--set", f"{key}=null")
    last = key.rpartition(".")[2]
    assert f"missing property '{last}'" in told or f"{last} is required" in told  # Helm 4, Helm 3


def test_the_old_name_of_who_may_read_the_state_is_refused_with_the_new_one(helm: Helm) -> None:
    told = helm.refusal("template", CHART, *MINIMAL, "--set", "userRoles.leaseReaders={team}")
    assert "leaseReaders" in told
    assert "stateReaders" in told


#: Those that may be left empty.
OPTIONAL = [
    *("apiKey", "apiKeyFile", "endpoint", "extraVolumes", "extraVolumeMounts", "extraEnv"),
    *("proxy.httpsProxy", "proxy.httpProxy", "proxy.noProxy", "proxy.eventsApi"),
    *("serviceAccount.name", "serviceAccount.annotations", "podAnnotations"),
    *("podSecurityContext", "dnsConfig", "hostAliases", "runtimeClassName", "imagePullSecrets"),
]


@pytest.mark.parametrize("key", OPTIONAL)
def test_the_others_may_be_left_empty(helm: Helm, key: str) -> None:
    assert helm.template(*MINIMAL, "--set", f"{key}=null")


@pytest.mark.parametrize("way", ["endpoint=https://a.example", "proxy.eventsApi=http://a.example"])
def test_another_way_than_to_the_sandbox_is_refused_with_it(helm: Helm, way: str) -> None:
    told = helm.refusal("template", CHART, "--set", f"sandbox.enabled=true,{way}")
    assert f"{way.partition('=')[0]}: leave it empty with sandbox.enabled" in told
