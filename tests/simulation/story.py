"""How a story says what is done and what goes wrong, for a person who reads it."""

from __future__ import annotations

from simulation import fates
from simulation.plan import Deed

#: Deeds by their names; `whom` and `much` are the deed's own.
DEEDS = {
    "create": "create {whom}",
    "edit": "edit {whom}, which says v{much:g} now",
    "suspend": "suspend {whom}",
    "unsuspend": "end the suspension of {whom}",
    "hold": "set onUnknownOutcome: Hold on {whom}",
    "set ttl": "set a ttl of 3 s on {whom}",
    "resend": "ask to resend {whom} (r{much:g})",
    "label": "label {whom}",
    "delete": "delete {whom}",
    "delete, held": "delete {whom}, which a finalizer holds for {much:.1f} s",
    "re-create": "delete {whom} and create it anew",
    "restore": "restore {whom} from a backup of now, in {much:.1f} s, with its status",
    "deploy": "deploy checkout in {whom}, or remove it",
    "remove the CRD": "remove the CRD for {much:.1f} s",
    "apply an older CRD": "apply an older CRD for {much:.1f} s",
    "edit beyond the schema": "give {whom} a severity that the schema has not, for {much:.1f} s",
    "terminate namespace": "delete namespace {whom}; it is there again in {much:.1f} s",
    "refuse statuses": "refuse all statuses in {whom} for {much:.1f} s",
    "refuse one status": "refuse the status of {whom} for {much:.1f} s",
    "plant counts": "write the highest counts into the status of {whom}",
    "mount a wrong key": "mount a wrong key for {much:.1f} s",
    "unmount the key": "unmount the key for {much:.1f} s",
    "remote weather": "let each POST meet this for {much:.1f} s: {whom}",
    "pause the operator": "pause all delivery for {much:.1f} s, by a restart",
    "hold by setting": "set onUnknownOutcome: Hold for all for {much:.1f} s, by a restart",
    "delete the lease": "delete the Lease",
    "spoil the lease": "spoil the list on the Lease",
    "clear the holder": "clear the Lease's holder",
    "api server down": "take the API server down for {much:.1f} s",
    "compact": "compact etcd",
    "cut watches": "cut all watches",
    "deafen": "show {whom} no change for {much:.1f} s",
    "rewrite by another version": "let another version write the status of {whom}",
    "try a newer version": "let a newer version write the status of {whom}, for {much:.1f} s",
    "kill": "kill {whom}",
    "term": "ask {whom} to stop",
    "stop": "stop {whom} for {much:.1f} s",
    "go on": "let all that are stopped go on",
    "part from kubernetes": "cut {whom} off from Kubernetes for {much:.1f} s",
    "part from kubernetes, there": "lose what {whom} asks of Kubernetes for {much:.1f} s",
    "part from kubernetes, back": "lose what Kubernetes answers {whom} for {much:.1f} s",
    "part from the remote side": "cut {whom} off from the events API for {much:.1f} s",
    "part from the remote side, back": "lose what the events API answers {whom} for {much:.1f} s",
    "set the clock": "set the clock of {whom} forward by {much:.0f} s",
}

#: The same where `much` is 0 and that says something else.
OTHERWISE = {
    "resend": "take back that {whom} is to be resent",
    "restore": "restore {whom} from a backup of now, in 4 s, without its status",
}

#: What becomes of an answer, where what was asked for was done.
LOST = {
    "reset after": ", but the connection breaks before the answer",
    "hang after": ", but the answer never comes",
    "500 after": ", but 500 is answered",
    "504 after": ", but 504 is answered",
}

#: What becomes of a request that is not done; all others are answers.
NEVER_ARRIVED = {
    "reset before": "the connection breaks before it arrives",
    "hang before": "it never arrives, and nobody says so",
    "unreachable": "no connection",
    "certificate": "the certificate is somebody else's",
    "404 page": "404, from something in between",
    "422 for a field": "422, by a policy that refuses what it says",
}


def of_a_deed(deed: Deed) -> str:
    """What is done."""
    said = OTHERWISE.get(deed.do) if not deed.much else None
    return (said or DEEDS[deed.do]).format(whom=deed.whom, much=deed.much)


def of_a_request(status: int, fate: str) -> str:
    """What becomes of a request that would be answered with this status."""
    if not fate:
        return str(status)
    if fates.is_done(fate):
        return f"{status}{LOST.get(fate, f', but {fate} is answered')}"
    return NEVER_ARRIVED.get(fate, f"{fate.replace(' in ', ', Retry-After ')} (a fault)")
