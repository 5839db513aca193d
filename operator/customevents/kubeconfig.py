"""Kubeconfigs, merged and read as kubectl does it: which cluster is asked, and as whom.

Sources: Kubernetes' documentation, "Organizing Cluster Access Using kubeconfig Files" and
"client-go credential plugins"; and kubectl itself, which a test asks the same.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from customevents.resource.errors import NoWay


def _to_kebab(name: str) -> str:
    return name.replace("_", "-")


class _Fields(BaseModel):
    model_config = ConfigDict(alias_generator=_to_kebab, frozen=True, extra="ignore")


class ClusterFields(_Fields):
    """Where the API server is, and how it is known to be the right one."""

    server: StrictStr = ""
    certificate_authority: StrictStr = ""
    certificate_authority_data: StrictStr = ""
    insecure_skip_tls_verify: StrictBool = False
    tls_server_name: StrictStr = ""
    proxy_url: Annotated[StrictStr, Field(repr=False)] = ""
    extensions: list[dict[str, Any]] = Field(default_factory=list)


class Variable(_Fields):
    """A variable of a plugin's environment."""

    name: StrictStr
    value: Annotated[StrictStr, Field(repr=False)] = ""


class Plugin(_Fields):
    """A program that gives credentials."""

    model_config = ConfigDict(alias_generator=None, frozen=True, extra="ignore")

    command: StrictStr = ""
    args: list[StrictStr] = Field(default_factory=list)
    env: list[Variable] = Field(default_factory=list)
    api_version: Annotated[StrictStr, Field(alias="apiVersion")] = ""
    install_hint: Annotated[StrictStr, Field(alias="installHint")] = ""
    provides_cluster: Annotated[StrictBool, Field(alias="provideClusterInfo")] = False
    interactive: Annotated[
        Literal["", "Never", "IfAvailable", "Always"], Field(alias="interactiveMode")
    ] = ""


class UserFields(_Fields):
    """Who asks."""

    client_certificate: StrictStr = ""
    client_certificate_data: StrictStr = ""
    client_key: StrictStr = ""
    client_key_data: Annotated[StrictStr, Field(repr=False)] = ""
    token: Annotated[StrictStr, Field(repr=False)] = ""
    token_file: Annotated[StrictStr, Field(alias="tokenFile")] = ""
    username: StrictStr = ""
    password: Annotated[StrictStr, Field(repr=False)] = ""
    as_user: Annotated[StrictStr, Field(alias="as")] = ""
    as_uid: StrictStr = ""
    as_groups: list[StrictStr] = Field(default_factory=list)
    as_user_extra: dict[str, list[StrictStr]] = Field(default_factory=dict)
    auth_provider: dict[str, Any] = Field(default_factory=dict)
    plugin: Annotated[Plugin | None, Field(alias="exec")] = None


class ContextFields(_Fields):
    """Which of the clusters, as which of the users."""

    cluster: StrictStr = ""
    user: StrictStr = ""
    namespace: StrictStr = ""


@dataclass(frozen=True)
class Selected:
    """What a kubeconfig says of its chosen context."""

    cluster: ClusterFields
    user: UserFields
    namespace: str
    #: For messages: which context of which file.
    context: str
    #: The folders of the files in which the two stand: names of files are relative to them.
    cluster_folder: Path
    user_folder: Path
    cluster_at: str
    user_at: str


#: What a kubeconfig may say of itself.
_KIND = {"apiVersion": "v1", "kind": "Config"}


@dataclass(frozen=True)
class _Named:
    fields: dict[str, Any]
    file: Path


@dataclass
class _Merged:
    """All files; what stands first counts."""

    current: str = ""
    current_in: Path = field(default_factory=Path)
    clusters: dict[str, _Named] = field(default_factory=dict)
    contexts: dict[str, _Named] = field(default_factory=dict)
    users: dict[str, _Named] = field(default_factory=dict)


def files(environment: Mapping[str, str], chosen: str) -> list[Path]:
    """The kubeconfigs to read, one behind the other; `chosen` by a flag stands alone."""
    if chosen:
        return [Path(chosen)]
    if named := environment.get("KUBECONFIG"):
        return [Path(name) for name in dict.fromkeys(named.split(":")) if name]
    home = environment.get("HOME")
    return [Path(home, ".kube", "config")] if home else []


def select(paths: list[Path], context: str, *, must_exist: bool) -> Selected | None:
    """What these files say of a context, or else of their current one; None: they have none.

    `must_exist`: a file that is missing is an error. Raises NoWay.
    """
    merged = _merge(paths, must_exist=must_exist)
    wanted = context or merged.current
    if not wanted:
        return None
    source = "--context" if context else f"{merged.current_in}: current-context"
    if wanted not in merged.contexts:
        raise NoWay(f"{source}: there is no context {wanted!r}{_of(merged.contexts)}")
    return _selected(merged, wanted)


def _selected(merged: _Merged, wanted: str) -> Selected:
    about = merged.contexts[wanted]
    chosen = _parse(ContextFields, about, f"context {wanted!r}")
    at = f"{about.file}: context {wanted!r}"
    if chosen.cluster not in merged.clusters:
        raise NoWay(f"{at}: there is no cluster {chosen.cluster!r}{_of(merged.clusters)}")
    if chosen.user and chosen.user not in merged.users:
        raise NoWay(f"{at}: there is no user {chosen.user!r}{_of(merged.users)}")
    cluster = merged.clusters[chosen.cluster]
    user = merged.users.get(chosen.user, _Named({}, about.file))
    return Selected(
        cluster=_parse(ClusterFields, cluster, f"cluster {chosen.cluster!r}"),
        user=_parse(UserFields, user, f"user {chosen.user!r}"),
        namespace=chosen.namespace or "default",
        context=at,
        cluster_folder=cluster.file.absolute().parent,
        user_folder=user.file.absolute().parent,
        cluster_at=f"{cluster.file}: cluster {chosen.cluster!r}",
        user_at=f"{user.file}: user {chosen.user!r}",
    )


def content(data: str, name: str, folder: Path, at: str) -> bytes:
    """What stands in a field of data (base64), or else in the file that is named; or nothing.

    Raises NoWay.
    """
    if data:
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            raise NoWay(f"{at}-data must be base64") from None
    return read_file(folder / name, at) if name else b""


def read_file(path: Path, at: str) -> bytes:
    """The content of a file that a kubeconfig names. Raises NoWay."""
    try:
        if path.exists() and not path.is_file():
            raise NoWay(f"{at}: {path} is no file")
        return path.read_bytes()
    except OSError as error:
        raise NoWay(f"{at}: {path} cannot be read: {error.strerror}") from None


def _merge(paths: list[Path], *, must_exist: bool) -> _Merged:
    merged = _Merged()
    for path in paths:
        content = _load(path, must_exist=must_exist)
        if content is None:
            continue
        current = content.get("current-context", "")
        if not isinstance(current, str):
            raise NoWay(f"{path}: current-context must be a string")
        if current and not merged.current:
            merged.current, merged.current_in = current, path
        for plural, singular in (
            ("clusters", "cluster"),
            ("contexts", "context"),
            ("users", "user"),
        ):
            into: dict[str, _Named] = getattr(merged, plural)
            for name, named in _named(content, plural, singular, path).items():
                into.setdefault(name, named)
    return merged


def _load(path: Path, *, must_exist: bool) -> dict[str, Any] | None:
    """A file as it stands; None: there is nothing in it, or there is none."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        if must_exist:
            raise NoWay(f"{path}: there is no such kubeconfig") from None
        return None
    except OSError as error:
        raise NoWay(f"the kubeconfig {path} cannot be read: {error.strerror}") from None
    try:
        found = _without_nulls(next(yaml.safe_load_all(text), None))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NoWay(f"{path} is no kubeconfig: it is no YAML{_place(error)}") from None
    if not found:
        return None
    if not isinstance(found, dict) or any(found.get(k, v) != v for k, v in _KIND.items()):
        raise NoWay(f"{path} is no kubeconfig: it must be an object of kind Config, version v1")
    return found


def _place(error: Exception) -> str:
    """Where; the error's own words repeat what stands there, and that may be a token."""
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark else ""


def _named(content: dict[str, Any], plural: str, singular: str, path: Path) -> dict[str, _Named]:
    entries = content.get(plural, [])
    if not isinstance(entries, list):
        raise NoWay(f"{path}: {plural} must be a list")
    found: dict[str, _Named] = {}
    for entry in entries:
        fields = entry.get(singular, {}) if isinstance(entry, dict) else None
        name = entry.get("name", "") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(fields, dict):
            raise NoWay(f"{path}: each of {plural} must have a name and a {singular}")
        if name in found:
            raise NoWay(f"{path}: two of its {plural} are called {name!r}: rename one")
        found[name] = _Named(fields, path)
    return found


_Model = TypeVar("_Model", bound=_Fields)


def _parse(model: type[_Model], named: _Named, what: str) -> _Model:
    try:
        return model.model_validate(named.fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        kind = _KINDS.get(first["type"], "something else")
        raise NoWay(f"{named.file}: {what}: {where} must be {kind}") from None


#: What pydantic found missing, by its type of error.
_KINDS = {
    "string_type": "a string: put numbers, true and false into quotes",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "missing": "given",
    "literal_error": "Never, IfAvailable or Always",
}


def _without_nulls(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_nulls(value) for key, value in part.items() if value is not None}
    return [_without_nulls(item) for item in part] if isinstance(part, list) else part


def _of(names: Mapping[str, object]) -> str:
    return f" (there are: {', '.join(names)})" if names else ""
