"""What clusters of companies ask of a chart: keys from elsewhere, proxies, OpenShift, IPv6."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from chart.helm_cli import CHART, CI, MINIMAL, ROOT, Helm, Json, environment, kinds, objects, one
from customevents import proxies

SECRETS_STORE = CHART / "ci" / "secrets-store-values.yaml"
VAULT = CHART / "ci" / "vault-values.yaml"
PROXY = CHART / "ci" / "proxy-values.yaml"
SANDBOX = CHART / "ci" / "sandbox-values.yaml"

KEY_FILE = "CUSTOMEVENTS_API_KEY_FILE"


def operator(found: list[Json]) -> Json:
    """The operator's pod."""
    spec: Json = one(found, "Deployment", "customevents")["spec"]["template"]["spec"]
    return spec


# The key


def test_a_key_of_the_secrets_store_needs_no_secret_and_no_volume_of_ours(helm: Helm) -> None:
    found = helm.template("-f", SECRETS_STORE)
    assert "Secret" not in {kind for kind, _ in kinds(found)}
    assert [volume["name"] for volume in operator(found)["volumes"]] == ["vault"]
    (container,) = operator(found)["containers"]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/mnt/komodor"]
    deployment = one(found, "Deployment", "customevents")
    assert environment(deployment)[KEY_FILE] == "/mnt/komodor/api-key"


def test_a_key_of_vaults_agent_needs_nothing_but_its_path(helm: Helm) -> None:
    found = helm.template("-f", VAULT)
    assert "Secret" not in {kind for kind, _ in kinds(found)}
    assert "volumes" not in operator(found)
    assert "volumeMounts" not in operator(found)["containers"][0]
    deployment = one(found, "Deployment", "customevents")
    assert environment(deployment)[KEY_FILE] == "/vault/secrets/komodor"
    # The agent has a template language of its own, which Helm must leave alone.
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert (
        "{{ .Data.data.apiKey }}"
        in annotations["vault.hashicorp.com/agent-inject-template-komodor"]
    )


def test_the_path_of_the_key_may_come_from_extra_env(helm: Helm) -> None:
    """Also from a ConfigMap, where a value of the chart cannot."""
    given = (f"extraEnv[0].name={KEY_FILE}", "extraEnv[0].value=/vault/secrets/komodor")
    found = helm.template("--set", ",".join(given))
    (container,) = operator(found)["containers"]
    paths = [entry["value"] for entry in container["env"] if entry["name"] == KEY_FILE]
    assert paths == ["/vault/secrets/komodor"]
    assert "volumes" not in operator(found)


# The account


def test_the_account_has_the_annotations_by_which_a_cloud_knows_it(helm: Helm) -> None:
    account = one(helm.template("-f", SECRETS_STORE), "ServiceAccount", "customevents")
    assert account["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/events"
    }


def test_an_account_that_others_made_gets_the_rights(helm: Helm) -> None:
    found = helm.template("-f", PROXY)
    assert "ServiceAccount" not in {kind for kind, _ in kinds(found)}
    name = "customevents-of-the-company"
    assert operator(found)["serviceAccountName"] == name
    assert one(found, "Pod", "customevents-check")["spec"]["serviceAccountName"] == name
    bindings = [o for o in found if o["kind"].endswith("Binding") and "subjects" in o]
    accounts = {s["name"] for o in bindings for s in o["subjects"] if s["kind"] != "Group"}
    assert accounts == {name}


# Proxies


def expanded(found: list[Json], api_server: str) -> dict[str, str]:
    """The container's environment as the kubelet makes it, with the variables of services."""
    service = {"KUBERNETES_SERVICE_HOST": api_server}

    def put_in(value: str) -> str:
        return re.sub(r"\$\((\w+)\)", lambda m: service.get(m[1], m[0]), value)

    given = environment(one(found, "Deployment", "customevents"))
    return {name: put_in(value) for name, value in given.items()}


@pytest.mark.parametrize(
    ("url", "is_proxied"),
    [
        ("https://api.komodor.com", True),
        ("https://10.0.0.1:443", False),
        ("https://[fd00::1]:443", False),
        ("https://kubernetes.default.svc", False),
        ("https://gateway.shop.svc.cluster.local", False),
        ("https://events.corp.example", False),
        ("https://203.0.113.1:443", True),
        ("https://[2001:db8::1]:443", True),
    ],
)
def test_a_proxy_is_asked_for_what_is_outside(helm: Helm, url: str, is_proxied: bool) -> None:
    found = expanded(helm.template("-f", PROXY), "10.96.0.1")
    assert bool(proxies.for_url(url, found)) == is_proxied


BY_VALUE = ("--set", "proxy.httpsProxy=http://proxy.example:3128")
BY_ENV = (
    "--set",
    "extraEnv[0].name=https_proxy,extraEnv[0].value=http://proxy.example:3128",
)


@pytest.mark.parametrize("given", [BY_VALUE, BY_ENV], ids=["by a value", "by extraEnv"])
@pytest.mark.parametrize("host", ["172.20.0.1", "fd12:3456::1"])
def test_the_kubernetes_api_is_never_asked_through_one(
    helm: Helm, host: str, given: tuple[str, ...]
) -> None:
    """Whatever addresses the cluster gives to services."""
    found = expanded(helm.template(*MINIMAL, *given), host)
    bracketed = f"[{host}]" if ":" in host else host
    assert proxies.for_url(f"https://{bracketed}:443", found) == ""
    assert proxies.for_url("https://api.komodor.com", found) == "http://proxy.example:3128"


def test_the_sandbox_is_never_asked_through_one(helm: Helm) -> None:
    proxy = ("--set", "proxy.httpProxy=http://proxy.example:3128")
    found = expanded(helm.template("-f", SANDBOX, *proxy), "10.96.0.1")
    assert proxies.for_url(found["CUSTOMEVENTS_ENDPOINT"], found) == ""


def test_the_events_api_may_have_a_proxy_of_its_own(helm: Helm) -> None:
    given = ("--set", "proxy.eventsApi=http://proxy.example:3128")
    found = environment(one(helm.template(*MINIMAL, *given), "Deployment", "customevents"))
    assert found["CUSTOMEVENTS_PROXY"] == "http://proxy.example:3128"
    assert [name for name in found if name.endswith("_PROXY")] == ["CUSTOMEVENTS_PROXY"]


# OpenShift

#: How somebody may say it who read an older page, or means to be sure.
UNSET: Mapping[str, Json] = {
    "null": {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}},
    "nothing": {},
}


@pytest.mark.parametrize("said", UNSET)
@pytest.mark.parametrize("given_in", ["values.yaml", "-f"])
def test_openshift_chooses_the_user_also_for_a_chart_within_another(
    helm: Helm, tmp_path: Path, said: str, given_in: str
) -> None:
    values = yaml.safe_dump(
        {"customevents-operator": {"sandbox": {"enabled": True}, **UNSET[said]}}
    )
    parent = {"apiVersion": "v2", "name": "platform", "version": "1.0.0"}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(parent))
    (tmp_path / given_in).write_text(values)
    shutil.copytree(CHART, tmp_path / "charts" / "customevents-operator")
    more: list[str | Path] = ["-f", tmp_path / "-f"] if given_in == "-f" else []
    rendered = helm.succeed("template", "customevents", tmp_path, *more)
    assert ("Deployment", "customevents-sandbox") in kinds(objects(rendered))
    assert re.findall(r"runAs(?:User|Group)|fsGroup|null", without_the_crd(rendered)) == []


def without_the_crd(rendered: str) -> str:
    return yaml.safe_dump_all(
        o for o in objects(rendered) if o["kind"] != "CustomResourceDefinition"
    )


def test_elsewhere_the_image_says_who_it_runs_as() -> None:
    """As a number: by a name, the kubelet cannot see that it is not root."""
    assert "\nUSER 65532:65532\n" in (ROOT / "Dockerfile").read_text()


# IPv6


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_nothing_depends_on_ipv4(helm: Helm, values: Path) -> None:
    rendered = helm.succeed("template", "customevents", CHART, "-f", values)
    assert not re.search(r"(?<![\d.])0\.0\.0\.0", rendered)
    services = [o for o in objects(rendered) if o["kind"] == "Service"]
    assert {o["spec"].get("ipFamilyPolicy") for o in services} <= {"PreferDualStack"}


def test_the_sandbox_listens_on_both_families(helm: Helm) -> None:
    pod = one(helm.template("-f", SANDBOX), "Deployment", "customevents-sandbox")
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    assert container["args"][:2] == ["sandbox", "--host=::"]


def test_an_endpoint_may_be_an_ipv6_address(helm: Helm) -> None:
    given = ("--set", "endpoint=https://[fd00::80]:8443")
    found = environment(one(helm.template(*MINIMAL, *given), "Deployment", "customevents"))
    assert found["CUSTOMEVENTS_ENDPOINT"] == "https://[fd00::80]:8443"


# Prometheus


def test_prometheus_leaves_our_label_of_the_namespace_alone(helm: Helm) -> None:
    on = ("--set", "metrics.serviceMonitor.enabled=true,metrics.namespaceLabel=true")
    monitor = one(helm.template(*MINIMAL, *on), "ServiceMonitor", "customevents")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True
