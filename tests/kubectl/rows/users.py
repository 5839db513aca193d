"""As whom the API server is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubectl.row import CA, PLAIN, PROMPTS, TLS, Row, config

PLUGIN = "client.authentication.k8s.io"
OF_A = "a/version, Bearer of-a"


def credential(version: str = "v1", **status: str) -> str:
    """A program that prints an ExecCredential."""
    printed = {"kind": "ExecCredential", "apiVersion": f"{PLUGIN}/{version}", "status": status}
    return f"#!/bin/sh\ncat <<'END'\n{json.dumps(printed)}\nEND\n"


def script(line: str) -> str:
    """A program whose token is what this line of shell says, without double quotes and blanks."""
    return f"""#!/bin/sh
token=$({line})
printf '{{"kind":"ExecCredential","apiVersion":"{PLUGIN}/v1","status":{{"token":"%s"}}}}' "$token"
"""


def by_exec(command: str = "{here}/plugin", version: str = "v1", **more: Any) -> str:
    mode = {"interactiveMode": "Never"} if version == "v1" else {}
    exec_ = {"apiVersion": f"{PLUGIN}/{version}", "command": command, **mode, **more}
    return config(user={"exec": {key: value for key, value in exec_.items() if value is not None}})


def secured(user: Mapping[str, Any]) -> str:
    return config("tls", TLS, user=user, cluster=CA)


def token_file(content: str | None) -> dict[str, str | bytes | None]:
    files: dict[str, str | bytes | None] = {"config": config(user={"tokenFile": "{here}/token"})}
    return files if content is None else {**files, "token": content}


JANE = {"client-certificate": "{pki}/jane.crt", "client-key": "{pki}/jane.key"}
JANE_DATA = {"client-certificate-data": "{pki:jane.crt}", "client-key-data": "{pki:jane.key}"}
JOE_DATA = {"client-certificate-data": "{pki:joe.crt}", "client-key-data": "{pki:joe.key}"}
#: A token as OpenID Connect gives it, which ends in the year 2999.
JWT = "e30.eyJleHAiOjMyNDcyMTQ0MDAwfQ.e30"
PAST, FUTURE = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
SHOW = r"""printf %s "$KUBERNETES_EXEC_INFO" | tr -d ' "' | tr '{},' '\n' | grep . | sort | tr '\n' ' '"""

ROWS = [
    Row(
        "a client certificate in files", "tls/version, certificate jane", {"config": secured(JANE)}
    ),
    Row(
        "a client certificate as data",
        "tls/version, certificate jane",
        {"config": secured(JANE_DATA)},
    ),
    Row(
        "a client certificate as file and as data",
        "",
        {"config": secured({**JANE, **JOE_DATA})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a client certificate in files relative to the kubeconfig",
        "tls/version, certificate jane",
        {
            "there/config": secured({"client-certificate": "my.crt", "client-key": "my.key"}),
            "there/my.crt": "{pki<jane.crt}",
            "there/my.key": "{pki<jane.key}",
        },
        {"KUBECONFIG": "{here}/there/config"},
    ),
    Row(
        "a client certificate without its key",
        "",
        {"config": secured({"client-certificate": "{pki}/jane.crt"})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a client key without its certificate",
        "",
        {"config": secured({"client-key": "{pki}/jane.key"})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a client certificate with the key of another",
        "",
        {"config": secured({**JANE, "client-key": "{pki}/joe.key"})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a client certificate whose file is missing",
        "",
        {"config": secured({**JANE, "client-certificate": "{here}/gone.crt"})},
        fails=True,
        names="{here}/gone.crt",
    ),
    Row(
        "a client certificate that is none",
        "",
        {
            "config": secured({**JANE, "client-certificate": "{here}/bad.crt"}),
            "bad.crt": "no certificate\n",
        },
        fails=True,
        names="{here}/config",
    ),
    Row(
        "client certificate data that is not base64",
        "",
        {"config": secured({**JANE_DATA, "client-certificate-data": "%%%"})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a client certificate on plain http",
        "plain/version",
        {"config": config("plain", PLAIN, user=JANE)},
    ),
    Row(
        "a client certificate and a token",
        "tls/version, Bearer t, certificate jane",
        {"config": secured({**JANE, "token": "t"})},
    ),
    Row("nobody", "", {"config": config(user={})}, fails=True, ours="a/version", why=PROMPTS),
    Row(
        "an empty token",
        "",
        {"config": config(user={"token": ""})},
        fails=True,
        ours="a/version",
        why=PROMPTS,
    ),
    Row("a token", OF_A, {"config": config()}),
    Row(
        "a token with blanks around it",
        "a/version, Bearer  of-a",
        {"config": config(user={"token": " of-a "})},
        ours=OF_A,
        why="a token has no blanks; no server takes one for the other",
    ),
    Row(
        "a token with a newline at its end",
        "",
        {"config": config(user={"token": "of-a\n"})},
        fails=True,
        ours=OF_A,
        why="a token has no blanks, and what was meant is clear",
    ),
    Row("a tokenFile", OF_A, token_file("of-a")),
    Row("a tokenFile that ends in a newline", OF_A, token_file("of-a\n")),
    Row("a tokenFile with blanks around it", OF_A, token_file("\n  of-a \t\r\n")),
    Row("a tokenFile that is empty", "", token_file(""), fails=True, names="{here}/token"),
    Row("a tokenFile of a newline", "", token_file("\n"), fails=True, names="{here}/token"),
    Row("a tokenFile that is missing", "", token_file(None), fails=True, names="{here}/token"),
    Row(
        "a tokenFile of two lines", "", token_file("of-a\nof-b\n"), fails=True, names="{here}/token"
    ),
    Row(
        "a tokenFile relative to the kubeconfig",
        OF_A,
        {
            "there/config": config(user={"tokenFile": "token"}),
            "there/token": "of-a",
            "token": "of-b",
        },
        {"KUBECONFIG": "{here}/there/config"},
    ),
    Row(
        "a tokenFile relative to its own kubeconfig of several",
        OF_A,
        {
            "here/config": config(users=None),
            "there/config": config(user={"tokenFile": "token"}),
            "there/token": "of-a",
            "here/token": "of-b",
        },
        {"KUBECONFIG": "{here}/here/config:{here}/there/config"},
        at="here",
    ),
    Row(
        "a tokenFile relative to a relative KUBECONFIG",
        OF_A,
        {"there/config": config(user={"tokenFile": "../token"}), "token": "of-a"},
        {"KUBECONFIG": "there/config"},
    ),
    Row(
        "a token and a tokenFile: the file",
        "a/version, Bearer of-file",
        {"config": config(user={"token": "of-a", "tokenFile": "{here}/token"}), "token": "of-file"},
    ),
    Row(
        "a token and a tokenFile that is missing: the token",
        OF_A,
        {"config": config(user={"token": "of-a", "tokenFile": "{here}/token"})},
    ),
    Row(
        "a token and a tokenFile that is empty: the token",
        "a/version, Bearer of-a",
        {"config": config(user={"token": "of-a", "tokenFile": "{here}/token"}), "token": ""},
    ),
    Row(
        "a user and a password",
        "a/version, Basic u:p:w",
        {"config": config(user={"username": "u", "password": "p:w"})},
    ),
    Row(
        "a user without a password",
        "a/version, Basic u:",
        {"config": config(user={"username": "u"})},
    ),
    Row(
        "a password without a user",
        "",
        {"config": config(user={"password": "p"})},
        fails=True,
        ours="a/version, Basic :p",
        why="a password is sent as it stands, where kubectl asks for another at the keyboard",
    ),
    Row(
        "a user, a password and a token",
        "",
        {"config": config(user={"username": "u", "password": "p", "token": "t"})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a password and a client certificate",
        "tls/version, Basic u:p, certificate jane",
        {"config": secured({**JANE, "username": "u", "password": "p"})},
    ),
    Row("a plugin", OF_A, {"config": by_exec(), "plugin": credential(token="of-a")}),
    Row(
        "a plugin of v1beta1",
        OF_A,
        {"config": by_exec(version="v1beta1"), "plugin": credential("v1beta1", token="of-a")},
    ),
    Row(
        "a plugin of v1alpha1",
        "",
        {"config": by_exec(version="v1alpha1"), "plugin": credential("v1alpha1", token="of-a")},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a plugin without an apiVersion",
        "",
        {"config": by_exec(apiVersion=None), "plugin": credential(token="of-a")},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a plugin that answers in another apiVersion",
        "",
        {"config": by_exec(), "plugin": credential("v1beta1", token="of-a")},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin that answers another kind",
        "",
        {
            "config": by_exec(),
            "plugin": credential(token="of-a").replace("ExecCredential", "Secret"),
        },
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin that answers YAML",
        OF_A,
        {
            "config": by_exec(),
            "plugin": f"#!/bin/sh\nprintf 'kind: ExecCredential\\napiVersion: {PLUGIN}/v1\\nstatus: {{token: of-a}}\\n'",
        },
        ours="",
        why="a plugin's answer is documented as JSON",
        names="{here}/plugin",
    ),
    Row(
        "a plugin that answers no JSON",
        "",
        {"config": by_exec(), "plugin": "#!/bin/sh\necho please log in\n"},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin that answers nothing",
        "",
        {"config": by_exec(), "plugin": "#!/bin/sh\n"},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin whose answer has no status",
        "",
        {
            "config": by_exec(),
            "plugin": f'#!/bin/sh\necho \'{{"kind":"ExecCredential","apiVersion":"{PLUGIN}/v1"}}\'',
        },
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin whose answer has no token",
        "",
        {"config": by_exec(), "plugin": credential()},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin whose token ends in a newline",
        "",
        {"config": by_exec(), "plugin": credential(token="of-a\n")},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin that fails",
        "",
        {"config": by_exec(), "plugin": "#!/bin/sh\necho you are not logged in >&2\nexit 3\n"},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin that says something on stderr",
        OF_A,
        {"config": by_exec(), "plugin": credential(token="of-a") + "echo fetching >&2\n"},
    ),
    Row(
        "a plugin that is missing",
        "",
        {"config": by_exec("{here}/gone")},
        fails=True,
        names="{here}/gone",
    ),
    Row(
        "a plugin that is missing on PATH, with a hint",
        "",
        {"config": by_exec("no-such-plugin", installHint="install no-such-plugin from the shop")},
        fails=True,
        names="no-such-plugin",
    ),
    Row(
        "a plugin that may not be run",
        "",
        {"config": by_exec(), "plugin": "no script"},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin by its name on PATH",
        OF_A,
        {"config": by_exec("my-login"), "bin/my-login": credential(token="of-a")},
        {"PATH": "{here}/bin:/usr/bin:/bin"},
    ),
    Row(
        "a bare name is not looked for beside the kubeconfig",
        "",
        {"config": by_exec("my-login"), "my-login": credential(token="of-a")},
        fails=True,
        names="my-login",
    ),
    Row(
        "a plugin relative to the kubeconfig's folder",
        OF_A,
        {
            "there/config": by_exec("./plugin"),
            "there/plugin": credential(token="of-a"),
            "plugin": credential(token="of-b"),
        },
        {"KUBECONFIG": "{here}/there/config"},
    ),
    Row(
        "a plugin in a folder below the kubeconfig's",
        OF_A,
        {"there/config": by_exec("bin/plugin"), "there/bin/plugin": credential(token="of-a")},
        {"KUBECONFIG": "{here}/there/config"},
    ),
    Row(
        "a plugin above the kubeconfig's folder",
        OF_A,
        {"there/config": by_exec("../plugin"), "plugin": credential(token="of-a")},
        {"KUBECONFIG": "{here}/there/config"},
    ),
    Row(
        "a plugin with arguments",
        "a/version, Bearer of-x-y",
        {"config": by_exec(args=["x", "y z"]), "plugin": script("printf %s of-$1-${2% z}")},
    ),
    Row(
        "a plugin with environment",
        "a/version, Bearer of-1-kept",
        {
            "config": by_exec(env=[{"name": "MINE", "value": "1"}]),
            "plugin": script("printf %s of-$MINE-$OURS"),
        },
        {"OURS": "kept"},
    ),
    Row(
        "a plugin's environment wins",
        "a/version, Bearer of-1",
        {
            "config": by_exec(env=[{"name": "OURS", "value": "1"}]),
            "plugin": script("printf %s of-$OURS"),
        },
        {"OURS": "2"},
    ),
    Row(
        "a plugin's folder is the current one",
        "a/version, Bearer of-elsewhere",
        {
            "there/config": by_exec("./plugin"),
            "there/plugin": script("basename $(pwd)"),
            "of-elsewhere": None,
        },
        {"KUBECONFIG": "{here}/there/config"},
        at="of-elsewhere",
    ),
    Row(
        "a plugin is told what it is for",
        f"a/version, Bearer apiVersion:{PLUGIN}/v1 interactive:false kind:ExecCredential spec:",
        {"config": by_exec(), "plugin": script(SHOW)},
    ),
    Row(
        "a plugin is told of v1beta1",
        f"a/version, Bearer apiVersion:{PLUGIN}/v1beta1 interactive:false kind:ExecCredential spec:",
        {"config": by_exec(version="v1beta1"), "plugin": script(SHOW).replace('/v1"', '/v1beta1"')},
    ),
    Row(
        "a plugin is told of the cluster",
        f"a/version, Bearer apiVersion:{PLUGIN}/v1 certificate-authority-data:{{pki:ca.crt}} cluster: config:null interactive:false kind:ExecCredential server:https://127.0.0.1:8001 spec:",
        {"config": by_exec(provideClusterInfo=True), "plugin": script(SHOW)},
    ),
    Row(
        "a plugin is told of the cluster's extension",
        f"a/version, Bearer apiVersion:{PLUGIN}/v1 audience:me certificate-authority-data:{{pki:ca.crt}} cluster: config: interactive:false kind:ExecCredential server:https://127.0.0.1:8001 spec:",
        {
            "config": by_exec(provideClusterInfo=True).replace(
                "server:",
                "extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: me}}]\n    server:",
            ),
            "plugin": script(SHOW),
        },
    ),
    Row(
        "a plugin whose token is of the past",
        OF_A,
        {"config": by_exec(), "plugin": credential(token="of-a", expirationTimestamp=PAST)},
    ),
    Row(
        "a plugin whose token is of the future",
        OF_A,
        {"config": by_exec(), "plugin": credential(token="of-a", expirationTimestamp=FUTURE)},
    ),
    Row(
        "a plugin whose time is none",
        "",
        {"config": by_exec(), "plugin": credential(token="of-a", expirationTimestamp="soon")},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin without an interactiveMode",
        "",
        {"config": by_exec(interactiveMode=None), "plugin": credential(token="of-a")},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a plugin that is interactive if it can be",
        OF_A,
        {"config": by_exec(interactiveMode="IfAvailable"), "plugin": credential(token="of-a")},
    ),
    Row(
        "a plugin that is always interactive",
        "",
        {"config": by_exec(interactiveMode="Always"), "plugin": credential(token="of-a")},
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin whose interactiveMode is none",
        "",
        {"config": by_exec(interactiveMode="Sometimes"), "plugin": credential(token="of-a")},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a plugin that answers a certificate",
        "tls/version, certificate jane",
        {
            "config": secured(
                {
                    "exec": {
                        "apiVersion": f"{PLUGIN}/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    }
                }
            ),
            "plugin": credential(
                clientCertificateData="{pki<jane.crt|json}", clientKeyData="{pki<jane.key|json}"
            ),
        },
    ),
    Row(
        "a plugin that answers a certificate and a token",
        "tls/version, Bearer t, certificate jane",
        {
            "config": secured(
                {
                    "exec": {
                        "apiVersion": f"{PLUGIN}/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    }
                }
            ),
            "plugin": credential(
                clientCertificateData="{pki<jane.crt|json}",
                clientKeyData="{pki<jane.key|json}",
                token="t",
            ),
        },
    ),
    Row(
        "a plugin that answers a certificate without its key",
        "",
        {
            "config": secured(
                {
                    "exec": {
                        "apiVersion": f"{PLUGIN}/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    }
                }
            ),
            "plugin": credential(clientCertificateData="{pki<jane.crt|json}"),
        },
        fails=True,
        names="{here}/plugin",
    ),
    Row(
        "a plugin without a command", "", {"config": by_exec("")}, fails=True, names="{here}/config"
    ),
    Row(
        "a plugin and a token: the token",
        "a/version, Bearer t",
        {
            "config": config(
                user={
                    "token": "t",
                    "exec": {
                        "apiVersion": f"{PLUGIN}/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    },
                }
            ),
            "plugin": credential(token="of-a"),
        },
    ),
    Row(
        "a plugin and a client certificate: the certificate",
        "tls/version, certificate jane",
        {
            "config": secured(
                {
                    **JANE,
                    "exec": {
                        "apiVersion": f"{PLUGIN}/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    },
                }
            ),
            "plugin": credential(token="of-a"),
        },
    ),
    Row(
        "a plugin and a password",
        "a/version, Basic u:p",
        {
            "config": config(
                user={
                    "username": "u",
                    "password": "p",
                    "exec": {
                        "apiVersion": f"{PLUGIN}/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    },
                }
            ),
            "plugin": credential(token="of-a"),
        },
    ),
    Row(
        "a plugin of a user that is not the context's is not run",
        OF_A,
        {
            "config": config(
                users=[
                    {"name": "a", "user": {"token": "of-a"}},
                    {"name": "b", "user": {"exec": {"apiVersion": f"{PLUGIN}/v9", "command": ""}}},
                ]
            )
        },
    ),
    Row(
        "an auth-provider",
        "",
        {"config": config(user={"auth-provider": {"name": "gcp", "config": {}}})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "an auth-provider of oidc",
        f"a/version, Bearer {JWT}",
        {
            "config": config(
                user={
                    "auth-provider": {
                        "name": "oidc",
                        "config": {
                            "id-token": JWT,
                            "client-id": "c",
                            "idp-issuer-url": "https://x.example",
                        },
                    }
                }
            )
        },
        ours="",
        why="we know no auth-provider, and say so",
        names="{here}/config",
    ),
    Row(
        "as",
        "a/version, Bearer t, acting as jane",
        {"config": config(user={"token": "t", "as": "jane"})},
    ),
    Row(
        "as with groups",
        "a/version, Bearer t, acting as jane, in group readers, in group all",
        {"config": config(user={"token": "t", "as": "jane", "as-groups": ["readers", "all"]})},
    ),
    Row(
        "as with a uid",
        "a/version, Bearer t, acting as jane, of uid 7",
        {"config": config(user={"token": "t", "as": "jane", "as-uid": "7"})},
    ),
    Row(
        "as with extra",
        "a/version, Bearer t, acting as jane, with scopes view, with team%2fa%20b one, with team%2fa%20b two",
        {
            "config": config(
                user={
                    "token": "t",
                    "as": "jane",
                    "as-user-extra": {"Team/A b": ["one", "two"], "scopes": ["view"]},
                }
            )
        },
    ),
    Row(
        "as of another script",
        "a/version, Bearer t, acting as jäne",
        {"config": config(user={"token": "t", "as": "jäne"})},
    ),
    Row(
        "groups without as",
        "",
        {"config": config(user={"token": "t", "as-groups": ["readers"]})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "a uid without as",
        "",
        {"config": config(user={"token": "t", "as-uid": "7"})},
        fails=True,
        names="{here}/config",
    ),
    Row(
        "extra without as",
        "",
        {"config": config(user={"token": "t", "as-user-extra": {"a": ["b"]}})},
        fails=True,
        names="{here}/config",
    ),
    Row("as is empty", "a/version, Bearer t", {"config": config(user={"token": "t", "as": ""})}),
    Row(
        "as with a client certificate",
        "tls/version, acting as jane, certificate joe",
        {"config": secured({**JOE_DATA, "as": "jane"})},
    ),
    Row(
        "as with a plugin",
        "a/version, Bearer of-a, acting as jane",
        {
            "config": config(
                user={
                    "as": "jane",
                    "exec": {
                        "apiVersion": f"{PLUGIN}/v1",
                        "command": "{here}/plugin",
                        "interactiveMode": "Never",
                    },
                }
            ),
            "plugin": credential(token="of-a"),
        },
    ),
    Row(
        "--as", "a/version, Bearer of-a, acting as jane", {"config": config()}, flags=("--as=jane",)
    ),
    Row(
        "--as and --as-group",
        "a/version, Bearer of-a, acting as jane, in group x, in group y",
        {"config": config()},
        flags=("--as=jane", "--as-group=x", "--as-group=y"),
    ),
    Row(
        "--as wins over as",
        "a/version, Bearer t, acting as joe",
        {"config": config(user={"token": "t", "as": "jane"})},
        flags=("--as=joe",),
    ),
    Row(
        "--as over as with groups: the groups stay",
        "a/version, Bearer t, acting as joe, of uid 7, in group g, with a b",
        {
            "config": config(
                user={
                    "token": "t",
                    "as": "jane",
                    "as-groups": ["g"],
                    "as-uid": "7",
                    "as-user-extra": {"a": ["b"]},
                }
            )
        },
        flags=("--as=joe",),
    ),
    Row(
        "--as-group over as with groups",
        "a/version, Bearer t, acting as jane, of uid 7, in group x",
        {"config": config(user={"token": "t", "as": "jane", "as-groups": ["g"], "as-uid": "7"})},
        flags=("--as-group=x",),
    ),
    Row(
        "--as and --as-group over as with groups",
        "a/version, Bearer t, acting as joe, of uid 7, in group x",
        {"config": config(user={"token": "t", "as": "jane", "as-groups": ["g"], "as-uid": "7"})},
        flags=(
            "--as=joe",
            "--as-group=x",
        ),
    ),
    Row(
        "--as-group without anybody",
        "",
        {"config": config()},
        flags=("--as-group=x",),
        fails=True,
        names="--as-group",
    ),
]
