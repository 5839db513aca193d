"""What the chart renders, with both majors of Helm and nothing else."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import yaml

from chart import rights
from chart.helm_cli import CHART, CI, MINIMAL, Helm, Json, environment, kinds, objects, one
from customevents.settings import Settings

CRD = "customevents.customevents.dev"
FULL = CHART / "ci" / "full-values.yaml"
NAMESPACED = CHART / "ci" / "namespaced-values.yaml"
SANDBOX = CHART / "ci" / "sandbox-values.yaml"

#: Settings that the chart decides by itself: where the key is mounted, what the probes ask. The
#: form of the log is for people at a terminal.
THE_CHARTS_OWN = {"health_host", "health_port", "log_format"}


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_each_way_to_install_it_passes_lint_and_renders(helm: Helm, values: Path) -> None:
    helm.succeed("lint", "--strict", CHART, "-f", values)
    assert helm.template("-f", values)


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_no_key_is_written_twice(helm4: Helm, values: Path) -> None:
    """YAML takes the last of them, and no parser of Kubernetes says a word."""

    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader: Strict, node: yaml.MappingNode) -> dict[object, object]:
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    rendered = helm4.succeed("template", "customevents", CHART, "-f", values)
    assert list(yaml.load_all(rendered, Loader=Strict))


@pytest.mark.parametrize("version", ["v1.32.0", "v1.33.1-eks-abc", "v1.33.1-gke.100", "v1.37.2"])
def test_it_renders_for_the_versions_of_the_large_providers(helm: Helm, version: str) -> None:
    assert helm.template(*MINIMAL, "--kube-version", version)


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    told = helm.refusal("template", CHART, *MINIMAL, "--kube-version", "v1.31.9")
    assert "requires kubeVersion: >=1.32.0-0" in told


def test_it_can_be_part_of_another_chart(helm: Helm, tmp_path: Path) -> None:
    """Helm hands down `global`, and `enabled` where the dependency has a condition."""
    parent = {
        "apiVersion": "v2",
        "name": "platform",
        "version": "1.0.0",
        "dependencies": [
            {
                "name": "customevents-operator",
                "version": ">=0-0",
                "condition": "customevents-operator.enabled",
                "repository": f"file://{CHART}",
            }
        ],
    }
    values = {
        "global": {"region": "eu"},
        "customevents-operator": {"enabled": True, "apiKeySecret": {"name": "k"}},
    }
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(parent))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    shutil.copytree(CHART, tmp_path / "charts" / "customevents-operator")
    found = helm.template(chart=tmp_path)
    assert ("Deployment", "customevents") in kinds(found)
    off = helm.succeed("template", tmp_path, "--set", "customevents-operator.enabled=false")
    assert objects(off) == []


def test_the_values_defaults_are_the_settings_defaults(
    helm4: Helm, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = environment(one(helm4.template(*MINIMAL), "Deployment", "customevents"))
    assert read(found, monkeypatch) == read(
        {"CUSTOMEVENTS_API_KEY_FILE": found["CUSTOMEVENTS_API_KEY_FILE"]}, monkeypatch
    )


def test_every_setting_can_be_set_by_a_value(helm4: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The values of ci/full-values.yaml are all others than the defaults, and they all arrive."""
    deployment = one(helm4.template("-f", FULL), "Deployment", "customevents")
    found = read(environment(deployment), monkeypatch)
    default = Settings(api_key_file=found.api_key_file)
    same = {
        name for name in Settings.model_fields if getattr(found, name) == getattr(default, name)
    }
    # In namespaced mode the rest, which ci/full-values.yaml is not.
    assert same - THE_CHARTS_OWN == {
        "api_key_file",
        "lease_name",
        "lease_namespace",
        "watch_namespaces",
    }
    ours = {name for name in environment(deployment) if name.startswith("CUSTOMEVENTS_")}
    set_ = {name.lower().removeprefix("customevents_") for name in ours}
    assert set_ <= set(Settings.model_fields)


def read(found: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of an operator with this environment."""
    with monkeypatch.context() as patched:
        for name in Settings.model_fields:
            patched.delenv(f"CUSTOMEVENTS_{name.upper()}", raising=False)
        for name, value in found.items():
            patched.setenv(name, value)
        return Settings()


def test_nobodys_namespace_may_reach_further_when_the_list_is_empty(
    helm4: Helm, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = helm4.template(*MINIMAL, "--set-json", "scope.wideFrom=[]")
    settings = read(environment(one(found, "Deployment", "customevents")), monkeypatch)
    assert settings.scope_wide_from == ()


@pytest.mark.parametrize("timeout", [30, 12.5])
def test_a_pod_gets_the_time_to_finish_what_it_sends(helm4: Helm, timeout: float) -> None:
    found = helm4.template(*MINIMAL, "--set-json", f"delivery.postTimeout={timeout}")
    pod = one(found, "Deployment", "customevents")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 20 + math.ceil(timeout)


def test_every_object_has_the_labels_of_the_values(helm4: Helm) -> None:
    for found in helm4.template("-f", FULL):
        if not found["metadata"]["name"].endswith("more"):
            assert found["metadata"]["labels"]["team"] == "platform", found["metadata"]


def test_labels_of_the_values_do_not_change_what_selects_the_pods(helm4: Helm) -> None:
    over = ("--set", "commonLabels.app\\.kubernetes\\.io/instance=other")
    for found in helm4.template(*MINIMAL, *over):
        if found["kind"] in ("Deployment", "PodDisruptionBudget"):
            assert found["spec"]["selector"]["matchLabels"]["app.kubernetes.io/instance"] == (
                "customevents"
            )
    template = one(helm4.template(*MINIMAL, *over), "Deployment", "customevents")["spec"][
        "template"
    ]
    assert template["metadata"]["labels"]["app.kubernetes.io/instance"] == "customevents"


def test_the_crd_is_that_of_the_repository_and_stays(helm: Helm) -> None:
    found = one(helm.template(*MINIMAL), "CustomResourceDefinition", CRD)
    metadata = found.pop("metadata")
    assert metadata["annotations"] == {"helm.sh/resource-policy": "keep"}
    source = yaml.safe_load((CHART / "files" / f"{CRD}.yaml").read_text())
    assert source.pop("metadata") == {"name": metadata["name"]}
    assert found == source


def test_the_crd_goes_with_the_release_where_it_is_told_to(helm4: Helm) -> None:
    found = one(
        helm4.template(*MINIMAL, "--set", "crds.keep=false"), *("CustomResourceDefinition", CRD)
    )
    assert "annotations" not in found["metadata"]
    assert ("CustomResourceDefinition", CRD) not in kinds(
        helm4.template(*MINIMAL, "--set", "crds.enabled=false")
    )


@pytest.mark.parametrize(
    "name", ["", "prod-eu-1", 'arn:aws:eks:eu-1:12:cluster/Prod "1"', "it's\\"]
)
def test_the_scope_policy_knows_the_clusters_name(helm: Helm, tmp_path: Path, name: str) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"clusterName": name}))
    found = helm.template(*MINIMAL, "-f", values)
    policy = one(found, "ValidatingAdmissionPolicy", "customevents-scope")
    this = {v["name"]: v["expression"] for v in policy["spec"]["variables"]}["thisCluster"]
    assert yaml.safe_load(this) == name  # a CEL string is one of JSON, which YAML reads
    one(found, "ValidatingAdmissionPolicyBinding", "customevents-scope")
    without = kinds(helm.template(*MINIMAL, "--set", "scopePolicy.enabled=false"))
    assert "customevents-scope" not in {name for _, name in without}


def test_a_release_for_namespaces_has_nothing_of_the_cluster(helm: Helm) -> None:
    found = helm.template("-f", NAMESPACED)
    assert {o["metadata"]["namespace"] for o in found} == {"customevents", "shop", "billing"}
    lease = environment(one(found, "Deployment", "customevents-customevents"))
    assert lease["CUSTOMEVENTS_LEASE_NAME"] == "customevents-customevents"
    assert lease["CUSTOMEVENTS_LEASE_NAMESPACE"] == "customevents"
    assert lease["CUSTOMEVENTS_WATCH_NAMESPACES"] == "shop,billing"


def test_names_stay_within_what_kubernetes_takes(helm4: Helm) -> None:
    longest = "r" * 53  # of a release
    rendered = helm4.succeed(
        "template", longest, CHART, "-f", SANDBOX, "--set", "watchNamespaces={a}"
    )
    services = [o["metadata"]["name"] for o in objects(rendered) if o["kind"] == "Service"]
    assert len(services) == 2
    assert all(len(name) <= 63 for name in services)


def test_a_release_may_be_called_by_a_number(helm: Helm) -> None:
    for found in objects(helm.succeed("template", "42", CHART, *MINIMAL)):
        assert all(isinstance(value, str) for value in found["metadata"]["labels"].values())


def test_an_upgrade_takes_no_pod_away_before_the_next_one_is_ready(helm4: Helm) -> None:
    strategy = one(helm4.template(*MINIMAL), "Deployment", "customevents")["spec"]["strategy"]
    assert strategy == {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def rules(found: list[Json], kind: str, name: str) -> list[Json]:
    role: list[Json] = one(found, kind, name)["rules"]
    return role


def test_with_the_clusters_name_given_there_are_no_rights_to_look_for_it(helm4: Helm) -> None:
    for_it = {"nodes", "configmaps", "clusterproperties"}
    looking = rules(helm4.template(*MINIMAL), "ClusterRole", "customevents")
    told = rules(
        helm4.template(*MINIMAL, "--set", "clusterName=prod-eu-1"), "ClusterRole", "customevents"
    )
    assert for_it <= {resource for rule in looking for resource in rule["resources"]}
    assert not for_it & {resource for rule in told for resource in rule["resources"]}


def test_the_right_to_delete_comes_with_ttl_alone(helm4: Helm) -> None:
    def deletes(*args: str) -> bool:
        found = rules(helm4.template(*MINIMAL, *args), "ClusterRole", "customevents")
        return any("delete" in rule["verbs"] for rule in found)

    assert not deletes()
    assert deletes("--set", "ttl.enabled=true")


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_no_role_reads_secrets_or_writes_a_spec(helm4: Helm, values: Path) -> None:
    users = {"customevents-edit"}
    for role in helm4.template("-f", values):
        for rule in role.get("rules", []) if role["metadata"]["name"] not in users else []:
            assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
            assert "secrets" not in rule["resources"]
            if "customevents" in rule["resources"]:
                assert {"create", "update", "patch"}.isdisjoint(rule["verbs"])


def test_the_sandbox_gets_everything_under_a_key_of_its_own(helm: Helm) -> None:
    found = helm.template("-f", SANDBOX)
    operator = one(found, "Deployment", "customevents")
    service = one(found, "Service", "customevents-sandbox")
    assert environment(operator)["CUSTOMEVENTS_ENDPOINT"] == "http://customevents-sandbox:8090"
    (port,) = service["spec"]["ports"]
    assert port["port"] == 8090
    (mounted,) = operator["spec"]["template"]["spec"]["volumes"]
    assert mounted["secret"]["secretName"] == "customevents-sandbox"
    sandbox = one(found, "Deployment", "customevents-sandbox")["spec"]["template"]
    assert service["spec"]["selector"].items() <= sandbox["metadata"]["labels"].items()


def test_without_a_service_for_metrics_a_service_monitor_brings_it(helm4: Helm) -> None:
    none = ("--set", "metrics.service.enabled=false")
    assert ("Service", "customevents-metrics") not in kinds(helm4.template(*MINIMAL, *none))
    both = helm4.template(*MINIMAL, *none, "--set", "metrics.serviceMonitor.enabled=true")
    service = one(both, "Service", "customevents-metrics")
    monitor = one(both, "ServiceMonitor", "customevents")
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert selected.items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert [port["name"] for port in service["spec"]["ports"]] == [endpoint["port"]]


def test_more_objects_are_rendered_as_templates(helm: Helm) -> None:
    found = helm.template("-f", FULL)
    assert one(found, "ConfigMap", "customevents-more")
    assert one(found, "ConfigMap", "more")["data"]["cluster"].startswith("YXJu")


def test_the_rights_in_the_file_for_whoever_has_no_helm_are_the_charts(helm4: Helm) -> None:
    assert rights.FILE.read_text() == rights.render(helm4), "run `make chart`"
