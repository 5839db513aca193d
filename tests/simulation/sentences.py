"""The sentences that a status may say, each under its reason, as users read them.

A new sentence is a new row here: then somebody has thought of who reads it.
"""

from __future__ import annotations

import re

from customevents.resource.status import Reason

#: Notes that stand behind the sentence of a finished event.
_NOTES = r"( \(ttlSecondsAfterFinished is ignored: [^)]+\))?"

_AGAIN = "; it is tried again"
_LOOK = r"\. Look at the timeline; if it is not there, resend it"
_NAMES = r"( No workload here is named .+; misspelt\?)?"

_BY_REASON: dict[Reason, tuple[str, ...]] = {
    Reason.PENDING: ("Not tried yet", r"Waiting for the operator .+"),
    Reason.DELIVERED: (
        rf"Delivered (at the first attempt|after \d+ attempts)(; \d+ earlier with an unknown "
        rf"outcome, so (it may be there twice|this or earlier content may be there))?\.{_NAMES}",
    ),
    Reason.SUSPENDED: (r"Not sent( again)?: spec\.suspend is true\. See status\.resolved(\. .+)?",),
    Reason.OPERATOR_PAUSED: (r"Not sent( again)?: the operator is paused by its setting(\. .+)?",),
    Reason.NOT_SENT: (r"Not sent: .+",),
    Reason.NEVER_ARRIVED: (rf"The events API could not be reached \(.+\){_AGAIN}",),
    Reason.REFUSED_FOR_NOW: (rf"The events API asked to come back later \(HTTP \d+\){_AGAIN}",),
    Reason.ENDPOINT_PAUSED: (
        r"The events API does not answer; nothing is sent until it is tried again",
        r"The events API asked for a pause; nothing is sent until that is over",
        r"The events API refused the key \(.+\); it must be a user's API key, not the agent's",
        r"The endpoint does not take events \(.+\); check the settings site and endpoint",
        r"Not sent: .+",
    ),
    Reason.ENDPOINT_LEVEL: (
        r"The events API refused the key \(.+\); it must be a user's API key, not the agent's\. "
        "It is tried again",
        r"The endpoint does not take events \(.+\); check the settings site and endpoint\. "
        "It is tried again",
    ),
    Reason.REFUSED: (
        r"The events API refused this event for good \(HTTP \d+.*\).*; edit it, or resend it",
    ),
    Reason.UNKNOWN_OUTCOME: (
        rf"Nobody can say whether the last attempt arrived \(.+\)({_AGAIN}|{_LOOK})",
    ),
    Reason.DEADLINE_EXCEEDED: (
        r"Not delivered within its deadline; (the last attempt: \w+( \(HTTP \d+\))?"
        r"|what became of the last attempt is not known"
        r"|it was never tried( \(\w+\))?"
        r"|a backup brought it back, and nobody knows whether it was told before)\. "
        r"Edit the event or resend it to tell it still",
    ),
    Reason.INVALID: (r".+ Is the CRD in the cluster the operator's own version\?",),
    Reason.CLUSTER_NAME_UNKNOWN: (r".+",),
    Reason.NO_SERVICES_MATCH: (r".+",),
    Reason.TOO_MANY_SERVICES: (r".+",),
    Reason.SERVICES_UNKNOWN: (r".+",),
    Reason.SCOPE_NOT_ALLOWED: (r".+",),
    Reason.RESTORED_FROM_BACKUP: (r"Held: a backup brought this event back, and its status .+",),
    Reason.INTERNAL_ERROR: (r"The operator could not handle this event .+",),
}

_SENTENCES = {
    reason.value: re.compile(f"({'|'.join(forms)}){_NOTES}", re.DOTALL)
    for reason, forms in _BY_REASON.items()
}


def is_documented(reason: str, message: str) -> bool:
    """Whether a status with this reason may say this."""
    sentence = _SENTENCES.get(reason)
    return sentence is not None and sentence.fullmatch(message) is not None
