"""Names as people and scripts give them on the command line, looked at before anything is asked."""

from __future__ import annotations

import secrets

from customevents.kube import Cluster
from customevents.resource import names
from customevents.resource.errors import ClusterError, Gone, InvalidName
from customevents.resource.event import GROUP, VERSION

#: What kubectl calls a CustomEvent in TYPE/NAME.
_TYPES = frozenset({"cev", "customevent", "customevents"})
#: And what some other things are called there.
_KINDS = frozenset({"pod", "po", "svc", "service", "deploy", "deployment", "job", "sts", "cm"})
_GROUPS = ("", GROUP, f"{VERSION}.{GROUP}")

#: What the API server makes names of: no vowels, so that they make no words.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"

#: Statuses that say that one may not look.
_MAY_NOT = {401, 403}


def event_name(given: str) -> str:
    """The name of a CustomEvent, from NAME or TYPE/NAME, as kubectl prints it.

    Raises InvalidName.
    """
    kind, slash, name = given.rpartition("/")
    plural, _, group = kind.lower().partition(".")
    if slash and (plural not in _TYPES or group not in _GROUPS):
        raise InvalidName(f"{names.shown(given)} names no CustomEvent: {_meant(kind, name)}")
    if not name:
        raise InvalidName("the name is empty: is a variable not set?")
    if not names.is_object(name):
        made_of = f'lower-case letters, digits, "-" and ".", {names.LONGEST_OBJECT} at most'
        raise InvalidName(f"{names.shown(name)} is no name of a CustomEvent: give {made_of}")
    return name


def _meant(kind: str, name: str) -> str:
    """What to give; of a path such as messages have, its parts."""
    is_path = names.is_namespace(kind) and kind not in _KINDS and names.is_object(name)
    return f"give {name} -n {kind}" if is_path else "give NAME or cev/NAME"


def namespace(given: str | None) -> str | None:
    """The namespace that was asked for, if one was. Raises InvalidName.

    Of an empty variable, kubectl makes the context's namespace; an event would be told of others.
    """
    if given == "":
        raise InvalidName("the namespace is empty: is a variable not set?")
    if given is not None and not names.is_namespace(given):
        made_of = f'lower-case letters, digits and "-", {names.LONGEST_NAMESPACE} at most'
        raise InvalidName(f"{names.shown(given)} is no name of a namespace: give {made_of}")
    return given


def letters() -> str:
    """Five of them, such as the API server puts behind a generateName."""
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


async def is_there(cluster: Cluster, namespace: str) -> bool:
    """Whether a namespace is seen to be there; False: it may not be looked at.

    An API server lists what is in a namespace that is not there: nothing. Raises Gone then.
    """
    try:
        await cluster.get(f"/api/v1/namespaces/{names.namespace(namespace)}")
    except Gone:
        raise Gone(f"there is no namespace {namespace}", 404) from None
    except ClusterError as error:
        if error.status not in _MAY_NOT:
            raise
        return False
    return True
