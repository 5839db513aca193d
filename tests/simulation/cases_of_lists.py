"""What is asked of both API servers about lists, their pages, and watches.

Each case is one function, whose name is the sentence that is true of both.
"""

from __future__ import annotations

from simulation.comparing import Asking, Case, Said
from simulation.manifests import ALL_EVENTS, Raw, add, event, events, one, record, status_of

STATE = "status.delivery.state"

#: What the operator asks for.
OPEN = ",".join(f"{STATE}!={state}" for state in ("Delivered", "Failed", "Expired"))


def _fill(asked: Asking, *names: str) -> str:
    """Create these; the version of the last."""
    return [asked.post(events(asked), event(name, labels={"n": name})) for name in names][
        -1
    ].version


def _set_state(asked: Asking, name: str, state: str) -> Said:
    return asked.patch(status_of(asked, name), add("/status", record(state)))


def an_empty_list_is_one(asked: Asking) -> None:
    asked.get(events(asked))
    asked.get(events(asked), limit=50)
    asked.get_metadata(events(asked), limit=50)


def a_list_is_in_the_order_of_names(asked: Asking) -> None:
    _fill(asked, "b", "a.b", "a-b", "ab", "a", "a0", "z")
    asked.get(events(asked))
    asked.get_metadata(events(asked))


def a_list_of_all_is_in_the_order_of_whole_keys(asked: Asking) -> None:
    """`a-b/x` stands before `a/x`."""
    _fill(asked, "x")
    for more in ("-b", "0"):
        asked.post("/api/v1/namespaces", {"metadata": {"name": asked.namespace + more}})
        asked.post(events(asked).replace(asked.namespace, asked.namespace + more), event("x"))
    found = asked.get(ALL_EVENTS)
    asked.answers.pop()  # other cases' are among them
    where = [item["metadata"]["namespace"] for item in found.json["items"]]
    asked.note([each for each in where if each.startswith(asked.namespace)])


def pages_show_what_was_there_when_the_first_was_read(asked: Asking) -> None:
    _fill(asked, "a", "b", "c", "d", "e")
    more = asked.get(events(asked), limit=2).more
    asked.delete(one(asked, "d"))
    asked.post(events(asked), event("c0"))
    asked.merge(one(asked, "c"), {"spec": {"summary": "later"}})
    second = asked.get(events(asked), limit=2, **{"continue": more})
    asked.get(events(asked), limit=2, **{"continue": second.more})
    asked.get(events(asked), limit=2, **{"continue": more})
    asked.get(events(asked), **{"continue": more})
    asked.get(events(asked), limit=2)


def the_last_page_has_no_token(asked: Asking) -> None:
    _fill(asked, "a", "b")
    for limit in (0, 1, 2, 3):
        asked.get(events(asked), limit=limit)
        asked.get_metadata(events(asked), limit=limit)


def a_token_must_be_one_and_stand_alone(asked: Asking) -> None:
    _fill(asked, "a", "b")
    more = asked.get(events(asked), limit=1).more
    asked.get(events(asked), limit=1, **{"continue": "garbage"})
    asked.get(events(asked), limit=1, resourceVersion="1", **{"continue": more})
    asked.get(events(asked), limit="many")


def a_page_of_a_selection_may_be_empty_and_not_the_last(asked: Asking) -> None:
    _fill(asked, "a", "b", "c", "d")
    for name in ("a", "c"):
        _set_state(asked, name, "Failed")
    for limit in (1, 2, 3):
        page = asked.get(events(asked), limit=limit, fieldSelector=f"{STATE}=Failed")
        while page.more:
            again: Raw = {"limit": limit, "fieldSelector": f"{STATE}=Failed"}
            page = asked.get(events(asked), **again, **{"continue": page.more})


def the_state_of_delivery_is_selected(asked: Asking) -> None:
    _fill(asked, "a", "b", "c", "d")
    for name, state in (("a", "Delivered"), ("b", "Retrying"), ("c", "Failed")):
        _set_state(asked, name, state)
    asked.patch(status_of(asked, "d"), add("/status", {}))
    for selector in (
        OPEN,
        f"{STATE}=Retrying",
        f"{STATE}==Retrying",
        f"{STATE}!=Retrying",
        f"{STATE}=",
        f"{STATE}=Nothing",
        f"{STATE}!=Delivered,metadata.name!=c",
        f"metadata.namespace={asked.namespace}",
    ):
        asked.get(events(asked), fieldSelector=selector, limit=50)


def other_fields_are_not_selected(asked: Asking) -> None:
    asked.get(events(asked), fieldSelector="spec.severity=Info")
    asked.get(events(asked), fieldSelector="nothing")


def labels_are_selected(asked: Asking) -> None:
    _fill(asked, "a", "b")
    asked.post(events(asked), event("c"))
    for selector in ("n=a", "n==a", "n!=a", "n", "!n", "n=a,n=b", "n=", "other=a"):
        asked.get(events(asked), labelSelector=selector, limit=50)


def a_watch_shows_each_change_after_its_version(asked: Asking) -> None:
    since = _fill(asked, "a")
    _fill(asked, "b")
    asked.merge(one(asked, "a"), {"metadata": {"labels": {"x": "y"}}})
    between = _set_state(asked, "b", "Held").version
    asked.delete(one(asked, "b"))
    _fill(asked, "b")
    asked.watch(events(asked), since)
    asked.watch(events(asked), between)


def a_watch_of_a_namespace_shows_no_other(asked: Asking) -> None:
    since = _fill(asked, "a")
    other = f"{asked.namespace}-b"
    asked.post("/api/v1/namespaces", {"metadata": {"name": other}})
    asked.post(events(asked).replace(asked.namespace, other), event("x"))
    asked.watch(events(asked), since)
    asked.watch(ALL_EVENTS, since)


def what_leaves_a_selection_is_deleted_for_its_watch(asked: Asking) -> None:
    since = _fill(asked, "a", "b")
    _set_state(asked, "a", "Held")
    _set_state(asked, "a", "Failed")
    _set_state(asked, "a", "Held")
    asked.merge(one(asked, "a"), {"spec": {"summary": "within"}})
    asked.delete(one(asked, "a"))
    asked.delete(one(asked, "b"))
    for selector in (f"{STATE}=Held", f"{STATE}!=Held", f"{STATE}=Pending"):
        asked.watch(events(asked), since, fieldSelector=selector)


CASES: tuple[Case, ...] = (
    an_empty_list_is_one,
    a_list_is_in_the_order_of_names,
    a_list_of_all_is_in_the_order_of_whole_keys,
    pages_show_what_was_there_when_the_first_was_read,
    the_last_page_has_no_token,
    a_token_must_be_one_and_stand_alone,
    a_page_of_a_selection_may_be_empty_and_not_the_last,
    the_state_of_delivery_is_selected,
    other_fields_are_not_selected,
    labels_are_selected,
    a_watch_shows_each_change_after_its_version,
    a_watch_of_a_namespace_shows_no_other,
    what_leaves_a_selection_is_deleted_for_its_watch,
)
