"""Each place that may tell the cluster's name is read as its platform writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customevents.scope.cluster_links import Agents, chain, issuer
from customevents.scope.cluster_name import Ambiguous, ClusterName, Silent, Told, ask
from platforms import (
    GKE_ISSUER,
    UUID,
    Raw,
    agent,
    aws_node,
    cluster_property,
    kubeadm_config,
    node,
    old_agent,
    token,
)
from unit.instant import at_once
from unit.places import FORBIDDEN, Places, links

CAPI = "cluster.x-k8s.io/cluster-name"
EKSCTL = "alpha.eksctl.io/cluster-name"
MINIKUBE = "minikube.k8s.io/name"


def told(link: str, *objects: Raw, own_token: str = "") -> Told:
    """What one link answers about a cluster that holds these objects."""
    return at_once(ask(links()[link], Places(objects, own_token)))


def why(answer: Told) -> str:
    assert isinstance(answer, Silent), answer
    return answer.why


def test_the_links_stand_in_their_order() -> None:
    assert list(links()) == [
        "setting",
        "Komodor agent",
        "ClusterProperty",
        "Cluster API",
        "GKE",
        "eksctl",
        "EKS",
        "kubeadm",
        "kind",
        "minikube",
        "k3d",
    ]


def test_each_link_says_what_it_reads() -> None:
    assert all(link.reads for link in links().values())
    assert "komodor, komodor-agent, customevents" in links()["Komodor agent"].reads


TELLING = [
    # link, what holds the name, where it is said to come from
    ("Komodor agent", agent("komodor", "prod"), "Deployment komodor/komodor-agent"),
    (
        "Komodor agent",
        agent("customevents", None, label="prod"),
        "Deployment customevents/komodor-agent",
    ),
    ("Komodor agent", old_agent("komodor", "prod"), "ConfigMap komodor/k8s-watcher-config"),
    (
        "ClusterProperty",
        cluster_property("prod"),
        "ClusterProperty cluster.clusterset.k8s.io",
    ),
    (
        "ClusterProperty",
        cluster_property("prod", "v1alpha1"),
        "ClusterProperty cluster.clusterset.k8s.io",
    ),
    ("Cluster API", node(annotations={CAPI: "prod"}), f"node annotation {CAPI}"),
    ("eksctl", node(labels={EKSCTL: "prod"}), f"node label {EKSCTL}"),
    ("EKS", aws_node("prod"), "DaemonSet kube-system/aws-node"),
    ("kubeadm", kubeadm_config("prod"), "ConfigMap kube-system/kubeadm-config"),
    ("kind", node(provider_id="kind://docker/prod/prod-control-plane"), "node providerID"),
    ("kind", node(provider_id="kind://podman/prod/prod-worker2"), "node providerID"),
    ("minikube", node("minikube", labels={MINIKUBE: "prod"}), f"node label {MINIKUBE}"),
    ("k3d", node("k3d-prod-server-0"), "node k3d-prod-server-0"),
    ("k3d", node("k3d-prod-agent-12"), "node k3d-prod-agent-12"),
]


@pytest.mark.parametrize(("link", "holder", "source"), TELLING, ids=[t[0] for t in TELLING])
def test_a_place_that_holds_the_name_tells_it_and_says_where_it_stands(
    link: str, holder: Raw, source: str
) -> None:
    assert told(link, holder) == ClusterName("prod", source)


@pytest.mark.parametrize(
    "region",
    ["locations/europe-west1", "locations/europe-west1-b", "zones/europe-west1-b"],
)
def test_gke_names_the_cluster_in_the_issuer_of_its_tokens(region: str) -> None:
    of = f"https://container.googleapis.com/v1/projects/shop-1/{region}/clusters/prod"
    assert told("GKE", own_token=token(of)) == ClusterName(
        "prod", "issuer of the service account token"
    )


def test_the_setting_is_exact_and_the_only_one_that_asks_nothing() -> None:
    cluster = Places()
    setting = ClusterName("prod", "setting clusterName")
    assert at_once(ask(links("prod")["setting"], cluster)) == setting
    assert at_once(ask(links()["setting"], cluster)) == Silent("it is not set")
    assert cluster.asked == []


# --- What tells nothing


NOTHING = [
    ("Komodor agent", agent("komodor", None)),  # as its admission controller is labelled
    ("Komodor agent", agent("komodor", "")),
    ("ClusterProperty", cluster_property(UUID)),
    ("ClusterProperty", cluster_property(UUID.upper())),
    ("Cluster API", node(annotations={"cluster.x-k8s.io/machine": "prod"})),
    ("eksctl", node()),
    ("kubeadm", kubeadm_config("kubernetes")),
    ("kubeadm", kubeadm_config("mk")),  # minikube's, whatever the profile is called
    ("kubeadm", kubeadm_config("cluster.local")),  # Kubespray's, the DNS domain
    ("kubeadm", kubeadm_config("")),
    ("kind", node(provider_id="aws:///eu-west-1a/i-008eeb529825fa431")),
    ("kind", node()),
    ("minikube", node()),
    ("k3d", node("worker-1")),
    ("k3d", node("k3d-server-0")),
]


@pytest.mark.parametrize(("link", "holder"), NOTHING, ids=[n[0] for n in NOTHING])
def test_a_place_that_holds_no_name_tells_none_and_says_why(link: str, holder: Raw) -> None:
    assert why(told(link, holder))


@pytest.mark.parametrize("link", [name for name in links() if name != "setting"])
def test_in_an_empty_cluster_nothing_tells_a_name(link: str) -> None:
    assert why(told(link))


UNUSABLE = ["a,b", "*", " prod", "prod\n", "p" * 254]


@pytest.mark.parametrize("name", UNUSABLE, ids=repr)
def test_what_cannot_be_a_name_is_no_answer(name: str) -> None:
    places = (
        ("Komodor agent", agent("komodor", name), "Deployment komodor/komodor-agent"),
        ("ClusterProperty", cluster_property(name), "ClusterProperty cluster.clusterset.k8s.io"),
        ("Cluster API", node(annotations={CAPI: name}), "node worker-1"),
        ("EKS", aws_node(name), "DaemonSet kube-system/aws-node"),
    )
    for link, holder, where in places:
        assert told(link, holder) == Silent(f"{where} says what cannot be a name")


#: To Go a string like any other; to PyYAML a date, and none.
NO_DATE = "clusterName: 2024-13-45"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "a: b: c",
        "- a list",
        "clusterName: [a, b]",
        "clusterName: 7",
        "clusterName: null",
        NO_DATE,
    ],
    ids=repr,
)
def test_a_kubeadm_config_that_is_none_is_no_answer(content: str) -> None:
    config = kubeadm_config("prod")
    config["data"]["ClusterConfiguration"] = content
    assert why(told("kubeadm", config))
    del config["data"]
    assert why(told("kubeadm", config))


@pytest.mark.parametrize(
    "of",
    [
        "",
        "ya29.a0AfB_by-an-access-token-of-google",
        "a.b.c",
        "....",
        token("https://kubernetes.default.svc.cluster.local"),
        token("https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"),
        token(f"{GKE_ISSUER}/"),
        token(f"{GKE_ISSUER}/prod/more"),
        token("http://evil.example/v1/projects/p/locations/l/clusters/prod"),
    ],
)
def test_a_token_of_another_issuer_or_none_is_no_answer(of: str) -> None:
    assert why(told("GKE", own_token=of)) == "the issuer of the token is not GKE"


@given(st.text())
def test_the_issuer_of_whatever_is_no_token_is_empty(text: str) -> None:
    assert issuer(text) == ""


# --- Whom to believe


def test_agents_with_one_name_are_one_answer() -> None:
    found = told("Komodor agent", agent("komodor", "prod"), agent("customevents", "prod"))
    assert found == ClusterName("prod", "Deployment komodor/komodor-agent")


@pytest.mark.parametrize("other", [agent("customevents", "test"), old_agent("komodor", "test")])
def test_agents_with_different_names_are_ambiguous_and_both_are_named(other: Raw) -> None:
    found = told("Komodor agent", other, agent("komodor", "prod"))
    assert isinstance(found, Ambiguous)
    assert found.said[0] == ("Deployment komodor/komodor-agent", "prod")
    assert found.said[1][1] == "test"


def test_nodes_with_different_names_are_ambiguous() -> None:
    one, other = (node(name, labels={EKSCTL: name}) for name in ("prod", "test"))
    assert told("eksctl", one, other) == Ambiguous((("node prod", "prod"), ("node test", "test")))


def test_an_agent_in_another_namespace_is_never_believed_but_remembered() -> None:
    agents = Agents(("komodor",))
    planted = Places([agent("shop", "evil"), agent("komodor-agent", "evil"), old_agent("x", "y")])
    believed = chain("", agents)[1]
    assert why(at_once(ask(believed, planted))) == "there is no agent in komodor"
    assert list(agents.elsewhere) == ["shop/komodor-agent", "komodor-agent/komodor-agent"]

    assert isinstance(at_once(ask(believed, Places([agent("komodor", "prod")]))), ClusterName)
    assert list(agents.elsewhere) == []


def test_agents_elsewhere_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    agents = Agents(("komodor",))
    for _ in range(3):
        at_once(agents.ask(Places([agent("shop", "evil")])))
    (record,) = caplog.records
    assert "shop/komodor-agent" in record.getMessage()
    assert "CUSTOMEVENTS_DISCOVERY_AGENT_NAMESPACES" in record.getMessage()


def test_the_name_does_not_depend_on_the_right_to_look_elsewhere() -> None:
    agents = Agents(("komodor",))
    cluster = Places([agent("komodor", "prod")], failures={"/v1/deployments": FORBIDDEN})
    assert isinstance(at_once(ask(chain("", agents)[1], cluster)), ClusterName)
    assert agents.elsewhere == ()


# --- What is read


def test_nothing_reads_secrets_nor_the_agents_configuration() -> None:
    cluster = Places()
    for link in links().values():
        at_once(ask(link, cluster))
    assert len(cluster.asked) > 10
    assert not [path for path in cluster.asked if "secret" in path or "agent-config" in path]


def test_a_place_that_may_not_be_read_tells_nothing_and_says_so() -> None:
    cluster = Places(failures={"/nodes": FORBIDDEN})
    for link in ("Cluster API", "eksctl", "kind", "minikube", "k3d"):
        assert why(at_once(ask(links()[link], cluster))) == (
            "it may not be read: the Kubernetes API answered 403: nodes is forbidden"
        )
