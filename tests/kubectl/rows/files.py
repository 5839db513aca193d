"""Which files are read, and what comes of them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubectl.row import CA, NO_SERVER, PROMPTS, A, B, Row, config

TWO = {"ka": config("a"), "kb": config("b", B)}
BOTH = {"KUBECONFIG": "{here}/ka:{here}/kb"}
NULLS = "apiVersion: v1\nkind: Config\nclusters: null\ncontexts: null\nusers: null\n"
OF_A, OF_B = "a/version, Bearer of-a", "b/version, Bearer of-b"


def entry(kind: str, name: str, **fields: str) -> dict[str, object]:
    return {"name": name, kind: fields}


def part(**top: Any) -> str:
    """Some of a kubeconfig, and nothing else."""
    nothing = dict.fromkeys(("current_context", "clusters", "users", "contexts"))
    return config(**{**nothing, **top})


USER_A, USER_B = entry("user", "a", token="of-a"), entry("user", "b", token="of-b")
CLUSTER_A, CLUSTER_B = entry("cluster", "a", server=A, **CA), entry("cluster", "b", server=B, **CA)
CONTEXT_A = entry("context", "a", cluster="a", user="a")

ROWS = [
    Row("one file", OF_A, {"config": config()}),
    Row("of two files the first current-context holds", OF_A, TWO, BOTH),
    Row("the same two, the other way round", OF_B, TWO, {"KUBECONFIG": "{here}/kb:{here}/ka"}),
    Row("a context of the second file, by --context", OF_B, TWO, BOTH, flags=("--context=b",)),
    Row(
        "a context that is in no file, by --context",
        "",
        TWO,
        BOTH,
        flags=("--context=c",),
        fails=True,
        names="c",
    ),
    Row(
        "--kubeconfig counts and KUBECONFIG does not",
        OF_B,
        TWO,
        {"KUBECONFIG": "{here}/ka"},
        flags=("--kubeconfig={here}/kb",),
    ),
    Row(
        "--kubeconfig counts although KUBECONFIG's file is broken",
        OF_B,
        {**TWO, "ka": "{"},
        {"KUBECONFIG": "{here}/ka"},
        flags=("--kubeconfig={here}/kb",),
    ),
    Row(
        "--kubeconfig is relative to the current folder",
        OF_B,
        {"there/kb": config("b", B), "ka": config()},
        {"KUBECONFIG": "{here}/ka"},
        at="there",
        flags=("--kubeconfig=kb",),
    ),
    Row(
        "--kubeconfig names a file that is missing",
        "",
        TWO,
        {"KUBECONFIG": "{here}/ka"},
        flags=("--kubeconfig={here}/kc",),
        fails=True,
        names="{here}/kc",
    ),
    Row(
        "--kubeconfig is one file, whatever colons it has",
        "",
        TWO,
        {"KUBECONFIG": "{here}/ka"},
        flags=("--kubeconfig={here}/ka:{here}/kb",),
        fails=True,
        names="{here}/ka:{here}/kb",
    ),
    Row(
        "--kubeconfig and --context",
        OF_B,
        {
            "all": config(
                contexts=[CONTEXT_A, entry("context", "b", cluster="b", user="b")],
                clusters=[CLUSTER_A, CLUSTER_B],
                users=[USER_A, USER_B],
            )
        },
        {"KUBECONFIG": None},
        flags=("--kubeconfig={here}/all", "--context=b"),
    ),
    Row(
        "--kubeconfig wins over a pod's environment",
        OF_B,
        {"kb": config("b", B)},
        {
            "KUBECONFIG": None,
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": "6443",
        },
        flags=("--kubeconfig={here}/kb",),
    ),
    Row(
        "an empty file first", OF_A, {**TWO, "empty": ""}, {"KUBECONFIG": "{here}/empty:{here}/ka"}
    ),
    Row(
        "a file of comments first",
        OF_A,
        {**TWO, "empty": "# nothing\n---\n"},
        {"KUBECONFIG": "{here}/empty:{here}/ka"},
    ),
    Row("a missing file first", OF_A, TWO, {"KUBECONFIG": "{here}/missing:{here}/ka"}),
    Row("a missing file last", OF_A, TWO, {"KUBECONFIG": "{here}/ka:{here}/missing"}),
    Row("a file in a missing folder", OF_A, TWO, {"KUBECONFIG": "{here}/no/such/file:{here}/ka"}),
    Row(
        "contexts, clusters and users are null in the first file",
        OF_A,
        {**TWO, "nulls": NULLS},
        {"KUBECONFIG": "{here}/nulls:{here}/ka"},
    ),
    Row("KUBECONFIG has empty parts", OF_A, TWO, {"KUBECONFIG": ":{here}/ka::{here}/kb:"}),
    Row("a file is named twice", OF_A, TWO, {"KUBECONFIG": "{here}/ka:{here}/ka:{here}/kb"}),
    Row(
        "KUBECONFIG has relative paths",
        OF_A,
        {"there/ka": config(), "kb": config("b", B)},
        {"KUBECONFIG": "ka:../kb"},
        at="there",
    ),
    Row(
        "nobody but a shell knows ~",
        "default/version",
        {"home/ka": config()},
        {"KUBECONFIG": "~/ka"},
        ours="",
        why=NO_SERVER,
        names="~/ka",
    ),
    Row(
        "KUBECONFIG is empty: the default file",
        OF_A,
        {"home/.kube/config": config()},
        {"KUBECONFIG": ""},
    ),
    Row(
        "KUBECONFIG is not set: the default file",
        OF_A,
        {"home/.kube/config": config()},
        {"KUBECONFIG": None},
    ),
    Row(
        "KUBECONFIG is one colon",
        "default/version",
        {"home/.kube/config": config()},
        {"KUBECONFIG": ":"},
        ours="",
        why=NO_SERVER,
        names="KUBECONFIG",
    ),
    Row(
        "KUBECONFIG has a blank at its end",
        "default/version",
        {"ka": config()},
        {"KUBECONFIG": "{here}/ka "},
        ours="",
        why=NO_SERVER,
        names="{here}/ka",
    ),
    Row(
        "with KUBECONFIG the default file counts for nothing",
        OF_B,
        {
            "home/.kube/config": config(),
            "kb": part(
                clusters=[CLUSTER_B],
                users=[USER_B],
                contexts=[entry("context", "b", cluster="b", user="b")],
                current_context="b",
            ),
        },
        {"KUBECONFIG": "{here}/kb"},
    ),
    Row(
        "only missing files",
        "default/version",
        {},
        {"KUBECONFIG": "{here}/x:{here}/y"},
        ours="",
        why=NO_SERVER,
        names="{here}/x",
    ),
    Row(
        "no kubeconfig at all",
        "default/version",
        {},
        {"KUBECONFIG": None},
        ours="",
        why=NO_SERVER,
        names=".kube/config",
    ),
    Row(
        "HOME is not set",
        "default/version",
        {},
        {"KUBECONFIG": None, "HOME": None},
        ours="",
        why=NO_SERVER,
        names="KUBECONFIG",
    ),
    Row(
        "current-context is missing, and there is one context",
        "default/version",
        {"config": config(current_context=None)},
        ours="",
        why=NO_SERVER,
        names="{here}/config",
    ),
    Row(
        "current-context is empty in the first file and set in the second",
        OF_B,
        {"ka": config(current_context=""), "kb": config("b", B)},
        BOTH,
    ),
    Row(
        "current-context is null in the first file and set in the second",
        OF_B,
        {
            "ka": config().replace("current-context: a", "current-context: null"),
            "kb": config("b", B),
        },
        BOTH,
    ),
    Row(
        "current-context names nothing",
        "",
        {"config": config(current_context="x")},
        fails=True,
        names="x",
    ),
    Row(
        "the first file's current-context is a context of the second",
        OF_B,
        {"ka": config(current_context="b"), "kb": config("b", B, current_context=None)},
        BOTH,
    ),
    Row(
        "a context, its cluster and its user in three files",
        OF_A,
        {
            "k1": part(contexts=[CONTEXT_A]),
            "k2": part(clusters=[CLUSTER_A], current_context="a"),
            "k3": part(users=[USER_A]),
        },
        {"KUBECONFIG": "{here}/k1:{here}/k2:{here}/k3"},
    ),
    Row(
        "the same cluster in two files: the first holds",
        OF_A,
        {"ka": config(), "kb": part(clusters=[entry("cluster", "a", server=B, **CA)])},
        BOTH,
    ),
    Row(
        "the same cluster in two files: fields are not mixed",
        OF_A,
        {
            "ka": config(),
            "kb": part(
                clusters=[entry("cluster", "a", server=B, **{"proxy-url": "http://127.0.0.1:3128"})]
            ),
        },
        BOTH,
    ),
    Row(
        "the same user in two files: the first holds, whole",
        "a/version, Basic u:p",
        {"ka": config(user={"username": "u", "password": "p"}), "kb": part(users=[USER_A])},
        BOTH,
    ),
    Row(
        "the same context in two files: the first holds",
        OF_A,
        {
            "ka": config(),
            "kb": part(
                clusters=[CLUSTER_B], contexts=[entry("context", "a", cluster="b", user="a")]
            ),
        },
        BOTH,
    ),
    Row(
        "an empty context in the first file, whole in the second: the first",
        "default/version",
        {"ka": part(contexts=[{"name": "a", "context": None}]), "kb": config()},
        BOTH,
        ours="",
        why=NO_SERVER,
        names="{here}/ka",
    ),
    Row(
        "an empty user in the first file, whole in the second: the first",
        "",
        {"ka": part(users=[{"name": "a", "user": {}}]), "kb": config()},
        BOTH,
        fails=True,
        ours="a/version",
        why=PROMPTS,
    ),
    Row(
        "a null user in the first file, whole in the second: the first",
        "",
        {"ka": part(users=[{"name": "a", "user": None}]), "kb": config()},
        BOTH,
        fails=True,
        ours="a/version",
        why=PROMPTS,
    ),
    Row(
        "an empty server in the first file, whole in the second: the first",
        "default/version",
        {"ka": part(clusters=[entry("cluster", "a", server="")]), "kb": config()},
        BOTH,
        ours="",
        why=NO_SERVER,
        names="{here}/ka",
    ),
    Row(
        "the same cluster twice in one file",
        "",
        {
            "config": config(
                clusters=[
                    entry("cluster", "a", server=A, **CA),
                    entry("cluster", "a", server=B, **CA),
                ]
            )
        },
        fails=True,
        names="{here}/config",
    ),
    Row(
        "the same user twice in one file",
        "",
        {"config": config(users=[USER_A, entry("user", "a", token="of-b")])},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "the same context twice in one file",
        "",
        {
            "config": config(
                clusters=[CLUSTER_A, CLUSTER_B],
                contexts=[CONTEXT_A, entry("context", "a", cluster="b", user="a")],
            )
        },
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a context whose cluster is nowhere",
        "default/version",
        {"config": config(clusters=[])},
        ours="",
        why=NO_SERVER,
        names="{here}/config",
    ),
    Row(
        "a context whose user is nowhere",
        "",
        {"config": config(users=[])},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a context without a user",
        "",
        {"config": config(contexts=[entry("context", "a", cluster="a")], users=None)},
        fails=True,
        ours="a/version",
        why=PROMPTS,
    ),
    Row(
        "a context without a cluster",
        "default/version",
        {"config": config(contexts=[entry("context", "a", user="a")])},
        ours="",
        why=NO_SERVER,
        names="{here}/config",
    ),
    Row(
        "a cluster without a server",
        "default/version",
        {"config": config(clusters=[entry("cluster", "a")])},
        ours="",
        why=NO_SERVER,
        names="{here}/config",
    ),
    Row(
        "an entry without a name",
        OF_A,
        {"config": config(clusters=[{"cluster": {"server": B}}, CLUSTER_A])},
    ),
    Row(
        "a kubeconfig in JSON",
        OF_A,
        {
            "config": '{"apiVersion": "v1", "kind": "Config", "current-context": "a", "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:8001", "certificate-authority": "{pki}/ca.crt"}}], "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "users": [{"name": "a", "user": {"token": "of-a"}}]}'
        },
    ),
    Row("no apiVersion and no kind", OF_A, {"config": config(apiVersion=None, kind=None)}),
    Row(
        "another apiVersion",
        "",
        {"config": config(apiVersion="v2")},
        fails=True,
        names="{here}/config",
    ),
    Row("another kind", "", {"config": config(kind="Secret")}, fails=True, names="{here}/config"),
    Row(
        "fields that nobody knows",
        OF_A,
        {
            "config": config(
                colour="red",
                extensions=[{"name": "x", "extension": {"y": 1}}],
                cluster={**CA, "color": "red"},
            )
        },
    ),
    Row(
        "preferences and extensions, as minikube writes them",
        OF_A,
        {
            "config": config(
                preferences={},
                cluster={
                    **CA,
                    "extensions": [
                        {"name": "cluster_info", "extension": {"provider": "minikube.sigs.k8s.io"}}
                    ],
                },
            )
        },
    ),
    Row("a folder", "", {"config": None}, fails=True, names="{here}/config"),
    Row(
        "a folder beside a good file",
        "",
        {**TWO, "folder": None},
        {"KUBECONFIG": "{here}/folder:{here}/ka"},
        fails=True,
        names="{here}/folder",
    ),
    Row(
        "a link to another file",
        OF_A,
        {
            "there/config": config(user={"tokenFile": "token"}),
            "token": "of-a",
            "config": Path("there/config"),
        },
    ),
    Row(
        "a file that cannot be read: a link to itself",
        "",
        {"config": Path("config")},
        fails=True,
        names="{here}/config",
    ),
    Row("no YAML", "", {"config": "{ this: [is"}, fails=True, names="{here}/config"),
    Row(
        "no YAML in the second file",
        "",
        {**TWO, "kb": "{ this: [is"},
        BOTH,
        fails=True,
        names="{here}/kb",
    ),
    Row("a list", "", {"config": "- a\n- b\n"}, fails=True, names="{here}/config"),
    Row("a word", "", {"config": "hello\n"}, fails=True, names="{here}/config"),
    Row(
        "bytes that are no text",
        "",
        {"config": b"\x00\x01\xfe\xff"},
        fails=True,
        names="{here}/config",
    ),
    Row("a byte order mark", OF_A, {"config": "\ufeff" + config()}),
    Row("lines end as on Windows", OF_A, {"config": config().replace("\n", "\r\n")}),
    Row(
        "a key twice: the last",
        OF_B,
        {
            "config": config("b", B).replace("current-context: b", "current-context: a")
            + "current-context: b\n"
        },
    ),
    Row("two documents", OF_A, {"config": config() + "---\n" + config("b", B)}),
    Row(
        "a name that is a number",
        "",
        {"config": config("1", A).replace("'1'", "1")},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a name that is true in YAML 1.1",
        "",
        {"config": config("y", A)},
        fails=True,
        ours="a/version, Bearer of-y",
        why="what is meant is clear, and our reader of YAML reads it so",
    ),
    Row(
        "a name that is true in YAML 1.1, quoted",
        "a/version, Bearer of-y",
        {"config": config("y", A).replace(": y\n", ": 'y'\n")},
    ),
    Row(
        "a token of digits, quoted",
        "a/version, Bearer 0123",
        {"config": config(user={"token": "0123"})},
    ),
    Row(
        "a token that is a number",
        "",
        {"config": config(user={"token": 123})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "clusters is a mapping",
        "",
        {"config": config(clusters={"a": {"server": A}})},
        fails=True,
        names="{here}/config",
    ),
    Row("users is a word", "", {"config": config(users="a")}, fails=True, names="{here}/config"),
    Row(
        "keys in capitals are unknown ones",
        "default/version",
        {"config": config().replace("server:", "Server:")},
        ours="",
        why=NO_SERVER,
        names="{here}/config",
    ),
    Row(
        "anchors and aliases",
        OF_A,
        {
            "config": config().replace(
                "token: of-a", "token: &t of-a\n    tokenFile: ''\n    extra: *t"
            )
        },
    ),
]
