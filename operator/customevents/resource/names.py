"""Names of Kubernetes: what can be one, for all that goes into the path of a request.

A name that was written by hand, into a Lease, a kubeconfig or a command line, may hold `../`, `?`
or `%2F`: put into a path it would be a request for another thing.
"""

from __future__ import annotations

import re

from customevents.resource.errors import InvalidName

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_OBJECT = re.compile(rf"{_LABEL}(\.{_LABEL})*")

_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

#: Characters of a namespace's name, and of an object's.
LONGEST_NAMESPACE, LONGEST_OBJECT = 63, 253

#: A path as the API server has them. The names of some objects (Roles, CRDs) hold more than a DNS
#: name does, but never `%` or `/`.
_PATH = re.compile(r"(/[A-Za-z0-9_.:~@$!*'(),;=&+-]+)+")


def is_namespace(name: object) -> bool:
    """Whether a namespace can be called so: a DNS label (RFC 1123)."""
    return _is(_NAMESPACE, name, LONGEST_NAMESPACE)


def is_object(name: object) -> bool:
    """Whether a CustomEvent or a Lease can be called so: a DNS subdomain (RFC 1123)."""
    return _is(_OBJECT, name, LONGEST_OBJECT)


def is_label_key(key: object) -> bool:
    """Whether a label or an annotation can be called so: a name, after a DNS subdomain and `/`."""
    if not isinstance(key, str):
        return False
    prefix, slash, name = key.rpartition("/")
    return _is(_QUALIFIED, name, LONGEST_NAMESPACE) and (not slash or is_object(prefix))


def is_label_value(value: object) -> bool:
    """Whether a label can have this value."""
    return value == "" or _is(_QUALIFIED, value, LONGEST_NAMESPACE)


def is_path(path: str) -> bool:
    """Whether a path, without its query, holds nothing that makes another path of it."""
    return _PATH.fullmatch(path) is not None and not {".", ".."} & set(path.split("/"))


def namespace(name: str) -> str:
    """The name of a namespace, as it was given. Raises InvalidName."""
    if not is_namespace(name):
        raise InvalidName(f"namespace {shown(name)} is no name")
    return name


def of_object(kind: str, name: str) -> str:
    """The name of an object of this kind, as it was given. Raises InvalidName."""
    if not is_object(name):
        raise InvalidName(f"{kind} {shown(name)} is no name")
    return name


def _is(pattern: re.Pattern[str], name: object, longest: int) -> bool:
    return isinstance(name, str) and len(name) <= longest and pattern.fullmatch(name) is not None


def shown(name: str) -> str:
    """In quotes, on one line, and short."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)
    return f'"{plain[:100]}"'
