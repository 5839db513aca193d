"""The connection to the API server, before it is used; tests/kubectl asks kubectl the same."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from authorities import Authority
from customevents import kube, kubeconfig, way
from customevents.chosen import Chosen
from customevents.resource.errors import NoWay
from kubeconfigs import write


@pytest.fixture(autouse=True)
def _no_cluster_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.asyncio
async def test_certificates_and_keys_of_a_kubeconfig_stay_in_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority()
    me = authority.issue(name="me")
    user = {"client-certificate-data": coded(me.certificate), "client-key-data": coded(me.key)}
    about = {"server": "https://localhost:1", "certificate-authority-data": coded(authority.pem)}
    kubeconfig = write(tmp_path, about, user)
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for memory in (True, False):  # not every system has files in memory
        if not memory:
            monkeypatch.delattr(os, "memfd_create")
        descriptors = set(os.listdir("/proc/self/fd"))
        async with kube.connect(chosen=Chosen(str(kubeconfig))):
            assert list(temporary.iterdir()) == []
        assert set(os.listdir("/proc/self/fd")) == descriptors


PLAIN = {"server": "http://localhost:1"}

WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no server": ({}, {}, "cluster 'there': server must be the address of the API server"),
    "no address": (
        {"server": "https://a:port"},
        {},
        "server must be an address such as https://host:6443, and not 'https://a:port'",
    ),
    "a number": (
        {"server": 6443},
        {},
        "cluster 'there': server must be a string: put numbers, true and false into quotes",
    ),
    "a missing authority": (
        {"server": "https://a", "certificate-authority": "ca.pem"},
        {},
        "ca.pem cannot be read: No such file or directory",
    ),
    "a folder for an authority": (
        {"server": "https://a", "certificate-authority": "."},
        {},
        "is no file",
    ),
    "an authority that is none": (
        {"server": "https://a", "certificate-authority-data": coded(b"no certificate")},
        {},
        "certificate-authority holds no certificates (PEM)",
    ),
    "data that is none": (
        {"server": "https://a", "certificate-authority-data": "%"},
        {},
        "certificate-authority-data must be base64",
    ),
    "an authority and none": (
        {"server": "https://a", "certificate-authority": "a", "insecure-skip-tls-verify": True},
        {},
        "certificate-authority and insecure-skip-tls-verify: give one of them",
    ),
    "an odd proxy": (
        {**PLAIN, "proxy-url": "ftp://user:secret@a"},
        {},
        "cluster 'there': proxy-url: a proxy must be one of http, https, socks5, socks5h, and not "
        "'ftp'",
    ),
    "half a certificate": (
        PLAIN,
        {"client-certificate-data": coded(b"x")},
        "user 'me': client-certificate and client-key go together: one of them is missing",
    ),
    "a certificate that is none": (
        PLAIN,
        {"client-certificate-data": coded(b"x"), "client-key-data": coded(b"x")},
        "user 'me': client-certificate is no certificate (PEM) that fits client-key, or that takes "
        "a password",
    ),
    "a missing token": (
        PLAIN,
        {"tokenFile": "token"},
        "token cannot be read: No such file or directory",
    ),
    "a token of two lines": (
        PLAIN,
        {"token": "a\nb"},
        "user 'me': token holds no token: it must be one line of plain characters",
    ),
    "two ways to be somebody": (
        PLAIN,
        {"token": "a", "username": "b"},
        "user 'me': a token, and a username with a password: give one of them",
    ),
    "groups without a user": (
        PLAIN,
        {"as-groups": ["a"]},
        "user 'me': groups, a uid or extras to act as take a user to act as as well",
    ),
    "a provider of before": (
        PLAIN,
        {"auth-provider": {"name": "gcp"}},
        "user 'me': auth-provider gcp is not spoken: use a plugin (exec), or a token",
    ),
}


@pytest.mark.asyncio
@pytest.mark.parametrize(("cluster", "user", "words"), WRONG.values(), ids=WRONG)
async def test_a_kubeconfig_that_cannot_be_used_is_one_line_that_names_it(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], words: str
) -> None:
    kubeconfig = write(tmp_path, cluster, user)
    with pytest.raises(NoWay) as refused:
        async with kube.connect(chosen=Chosen(str(kubeconfig))):
            pass
    said = str(refused.value)
    assert said.startswith(f"{kubeconfig}: ")
    assert said.endswith(words)
    assert "\n" not in said
    assert "secret" not in said


ODD = {
    "a list": ("[]", None),
    "a list of something": ("[1]", "it must be an object of kind Config, version v1"),
    "another kind": ("kind: Pod", "it must be an object of kind Config, version v1"),
    "no YAML": ("token: a\n\tb: [", "it is no YAML (line 2)"),
    "binary": ("\0\1", "it is no YAML"),
    "no list": ("contexts: {}", "contexts must be a list"),
    "a text for a list": ("clusters: x", "clusters must be a list"),
    "twice": (
        "users: [{name: a, user: {}}, {name: a, user: {}}]",
        "two of its users are called 'a': rename one",
    ),
    "nameless": ("users: [a]", "each of users must have a name and a user"),
    "a current one that is not there": (
        "current-context: x\ncontexts: [{name: a, context: {}}]",
        "current-context: there is no context 'x' (there are: a)",
    ),
    "none chosen": ("contexts: [{name: a, context: {}}]", None),
}


@pytest.mark.parametrize(("content", "words"), ODD.values(), ids=ODD)
def test_a_file_that_is_no_kubeconfig_is_one_line_without_what_stands_in_it(
    tmp_path: Path, content: str, words: str | None
) -> None:
    (path := tmp_path / "odd").write_text(content)
    with pytest.raises(NoWay) as refused:
        way.find(Chosen(), {"KUBECONFIG": str(path)})
    expected = f"{path}" if words else f"no way to the Kubernetes API: {path} says none"
    assert str(refused.value).startswith(expected)
    assert words is None or str(refused.value).endswith(words)
    assert "\n" not in str(refused.value)


def test_secrets_stand_in_no_representation(tmp_path: Path) -> None:
    plugin = {"command": "true", "apiVersion": "client.authentication.k8s.io/v1beta1"}
    secret = "a-secret"
    user = {
        "password": secret,
        "client-key-data": secret,
        "exec": {**plugin, "env": [{"name": "A", "value": secret}]},
    }
    cluster = {**PLAIN, "proxy-url": f"http://me:{secret}@127.0.0.1:1"}
    path = write(tmp_path, cluster, user)
    selected = kubeconfig.select([path], "", must_exist=True)
    assert selected is not None
    assert selected.user.password == secret
    user.pop("client-key-data")
    found = way.find(Chosen(str(write(tmp_path, cluster, user))), {})
    assert secret in found.proxy
    assert secret not in f"{selected!r} {found!r}"


def test_what_is_chosen_by_a_flag_stands_alone_and_must_be_there(tmp_path: Path) -> None:
    kubeconfig = write(tmp_path, PLAIN)
    missing = str(tmp_path / "missing")
    with pytest.raises(NoWay, match=f"^{missing}: there is no such kubeconfig$"):
        way.find(Chosen(missing), {"KUBECONFIG": str(kubeconfig)})
    with pytest.raises(NoWay, match=r"^--context: there is no context 'x' \(there are: here\)$"):
        way.find(Chosen(context="x"), {"KUBECONFIG": str(kubeconfig)})


def test_without_any_kubeconfig_it_is_said_what_to_set(tmp_path: Path) -> None:
    words = "^no way to the Kubernetes API: .*/home/.kube/config says none: set KUBECONFIG"
    with pytest.raises(NoWay, match=words):
        way.find(Chosen(), {"HOME": str(tmp_path / "home")})
    with pytest.raises(NoWay, match=r"^no way to the Kubernetes API: KUBECONFIG says none"):
        way.find(Chosen(), {})
