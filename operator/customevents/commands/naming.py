"""Names as people and scripts give them on the command line, looked at before anything is asked."""

from __future__ import annotations

import secrets
import string

from customevents.kube import Cluster
from customevents.resource import names
from customevents.resource.errors import ClusterError, Gone, InvalidName
from customevents.resource.event import GROUP, KIND, VERSION

#: What kubectl calls a CustomEvent in TYPE/NAME.
_TYPES = frozenset({"cev", "customevent", "customevents"})
_GROUPS = ("", GROUP, f"{VERSION}.{GROUP}")


def event_name(given: str) -> str:
    """The name of a CustomEvent, from NAME or TYPE/NAME, as kubectl prints it.

    Raises InvalidName.
    """
    kind, slash, name = given.rpartition("/")
    plural, _, group = kind.lower().partition(".")
    if slash and (plural not in _TYPES or group not in _GROUPS):
        raise InvalidName(f"{names.shown(given)} names no CustomEvent: give NAME or cev/NAME")
    if not name:
        raise InvalidName("the name is empty: is a variable not set?")
    return names.of_object(KIND, name)


def letters() -> str:
    """Five letters and digits, such as the API server puts behind a generateName."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(5))


async def is_there(cluster: Cluster, namespace: str) -> bool:
    """Whether a namespace is seen to be there; False: it may not be looked at.

    An API server lists what is in a namespace that is not there: nothing. Raises Gone then.
    """
    try:
        await cluster.get(f"/api/v1/namespaces/{names.namespace(namespace)}")
    except Gone:
        raise Gone(f"there is no namespace {namespace}", 404) from None
    except ClusterError:
        return False
    return True
