"""The one tree of errors.

    CustomEventsError
    ├── InvalidSpec          a resource that the schema should have refused
    ├── UnreadableEvent      an object of the cluster that this version cannot read
    ├── InvalidBody          JSON that is no body of the events API
    ├── SettingsError        the operator is configured in a way that cannot work
    ├── KeyFileError         the mounted API key cannot be used
    ├── InvalidName          what was given as a name can be none
    ├── NoWay                nothing says how to reach the Kubernetes API, or wrongly
    ├── ClusterError         the Kubernetes API refused a request, or could not be reached
    │   ├── Gone             the object is not there: a 404 that names it
    │   ├── NoSuchKind       the API server has no such kind, or not this version of it
    │   ├── NotTheApi        something else answers in its place
    │   ├── Conflict         it changed since it was read (409, or a failed `test` of a JSON Patch)
    │   └── StatusRefused    a status that the cluster takes from nobody: a defect, or too large
    ├── SchemaTooOld         the CRD in the cluster drops what the operator writes
    ├── WatchFailed          an answer that no watch comes of
    ├── LeadershipLost       another process leads now
    └── PartFailed           a part that runs for the operator's life ended before it

Each message is one line that says what to do. None ever holds the API key.
"""


class CustomEventsError(Exception):
    """Anything this project raises on purpose."""


class InvalidSpec(CustomEventsError):
    """A spec that the schema should have refused: the CRD in the cluster is older or was edited."""


class UnreadableEvent(CustomEventsError):
    """An object whose status a newer version wrote, or a person by hand; the message names it."""


class InvalidBody(CustomEventsError):
    """What was given to `send --curl` is no body that the events API documents."""


class SettingsError(CustomEventsError):
    """A setting that is missing, or cannot work."""


class KeyFileError(CustomEventsError):
    """The API key's file is missing, empty, or not a key; the message names the file alone."""


class InvalidName(CustomEventsError):
    """A name of a namespace or an object that can be none, and is never put into a path."""


class NoWay(CustomEventsError):
    """A kubeconfig, or what else says how to reach the Kubernetes API, cannot be used."""


class ClusterError(CustomEventsError):
    """A request that the Kubernetes API refused (status: the HTTP code) or never answered (0).

    `retry_after`: seconds before which it should not be tried again. `reason`: the API server's
    one word for it; empty if something else spoke. `causes`: what it says of which field.
    """

    def __init__(
        self,
        message: str,
        status: int = 0,
        *,
        retry_after: float = 0.0,
        reason: str = "",
        causes: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.reason = reason
        self.causes = causes


class Gone(ClusterError):
    """The object is not there any more: the API server says so of this very object."""


class NoSuchKind(ClusterError):
    """The API server does not serve this kind: its definition is not installed."""


class NotTheApi(ClusterError):
    """What answers is no API server (a login page), or cannot show that it is the one asked."""


class Conflict(ClusterError):
    """The object changed since it was last read."""


class StatusRefused(ClusterError):
    """The schema, a policy or the store of the cluster refuses a status that the operator wrote."""


class SchemaTooOld(CustomEventsError):
    """The CRD in the cluster silently drops what the operator writes."""


class WatchFailed(CustomEventsError):
    """An answer that no watch comes of; kopf itself would go on with it, or wait for ever."""


class LeadershipLost(CustomEventsError):
    """Another process holds the Lease."""


class PartFailed(CustomEventsError):
    """A part of the operator ended although nobody asked it to."""
