"""P1, P3: a backup that is restored tells nothing again, and what is new is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from integration.conftest import Events
from promises import crowd
from promises.fleet import Fleet

RESTORED = {"velero.io/restore-name": "nightly"}
NAMES = ("labelled", "plain", "seen")
SPEC = {"eventType": "release", "summary": "checkout 1.4.2 is live"}


def restore_status(events: Events, name: str, status: dict[str, Any]) -> None:
    """Give an object the status that the backup has, as its administrator."""
    patch = json.dumps({"status": status})
    events.kubectl("patch", "cev", name, "--subresource=status", "--type=merge", "-p", patch)


def condition(found: dict[str, Any]) -> str:
    reason: str = found["status"]["conditions"][0]["reason"]
    return reason


def told(events: Events) -> list[str]:
    """The objects whose events reached the other end, in this order."""
    found = crowd.posts(events.timeline, namespace=events.namespace)
    return [post.source.partition("/")[2] for post in found]


def test_a_restored_event_is_told_again_only_when_its_content_is_new_or_a_person_asks(
    events: Events, operators: Fleet, figure: Callable[[str], None]
) -> None:
    operators.start()
    for name in NAMES:
        events.apply(name, SPEC)
    backup = {name: events.until(name, "Delivered")["status"] for name in NAMES}
    assert operators.stop() == [0]
    events.kubectl("delete", "cev", "--all")

    # With no operator about, as in a cluster that is built anew.
    events.create("labelled", SPEC, labels=RESTORED)
    restore_status(events, "labelled", backup["labelled"])
    events.create("plain", SPEC)
    restore_status(events, "plain", backup["plain"])
    events.create("blank", SPEC, labels=RESTORED)
    now = datetime.now(UTC).isoformat()
    events.create("dated", {**SPEC, "occurredAt": now}, labels=RESTORED)
    operators.start()
    for name in ("blank", "dated"):
        assert condition(events.until(name, "Held")) == "RestoredFromBackup"

    # And under an operator that sees the object before its status.
    events.create("seen", SPEC, labels=RESTORED)
    assert condition(events.until("seen", "Held")) == "RestoredFromBackup"
    restore_status(events, "seen", backup["seen"])

    events.apply("blank", {**SPEC, "summary": "checkout 1.4.3 is live"}, labels=RESTORED)
    events.until("blank", "Delivered", generation=2)
    assert told(events)[3:] == ["blank"]
    for name, before in backup.items():
        assert events.get(name)["status"]["delivery"] == before["delivery"]

    events.apply("labelled", {**SPEC, "summary": "checkout 1.4.4 is live"}, labels=RESTORED)
    events.until("labelled", "Delivered", generation=2)
    assert told(events)[3:] == ["blank", "labelled"]
    figure(
        "P3 backup restored: 3 objects with their status, 0 POSTs; without, 2 Held; "
        "other content later, 2 POSTs"
    )
