"""What is asked of both API servers about CustomEvents as their authors write them.

Each case is one function, whose name is the sentence that is true of both.
"""

from __future__ import annotations

from simulation.comparing import JSON_PATCH, MERGE_PATCH, Asking, Case, Said
from simulation.manifests import OPERATOR, Raw, add, event, events, must_be, one, status_of


def what_is_created_gets_defaults_and_one_version(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.get(one(asked))


def a_status_that_is_given_at_creation_is_not_taken(asked: Asking) -> None:
    asked.post(events(asked), {**event(), "status": {"delivery": {"state": "Delivered"}}})


def a_name_is_there_once(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.post(events(asked), event())
    asked.post(events(asked), event(spec={"severity": "wrong"}))


def a_name_that_is_generated_has_five_letters_more(asked: Asking) -> None:
    manifest = event()
    manifest["metadata"] = {"generateName": "made-"}
    name = asked.post(events(asked), manifest).metadata["name"]
    asked.note(len(name))
    manifest["metadata"] = {"generateName": "m" * 70 + "-"}
    asked.note(len(asked.post(events(asked), manifest).metadata["name"]) == 63)
    asked.answers.pop()  # its name is chance


def a_name_must_be_given_and_be_one(asked: Asking) -> None:
    for metadata in ({}, {"name": "UPPER"}, {"name": "a..b"}, {"name": "a" * 254}):
        asked.post(events(asked), {**event(), "metadata": metadata})


def nothing_is_created_in_a_namespace_that_is_not_there(asked: Asking) -> None:
    path = events(asked).replace(asked.namespace, "nowhere")
    asked.post(path, event())
    asked.get(path)
    asked.get(f"{path}/e")


def what_is_sent_must_be_what_its_path_says(asked: Asking) -> None:
    asked.post(events(asked), event(namespace="elsewhere"))
    asked.post(events(asked), event(namespace=asked.namespace))
    asked.post(events(asked), {**event("f"), "kind": "Other"})
    asked.post(events(asked), {**event("f"), "apiVersion": "v1"})
    asked.post(events(asked), event("f", resourceVersion="5"))
    asked.put(one(asked, "f"), event("g"))


def fields_that_nobody_knows_are_dropped_or_refused(asked: Asking) -> None:
    manifest = {**event(spec={"unknown": 1, "scope": {"level": "Account", "x": 1}}), "extra": 1}
    asked.post(events(asked), manifest, fieldValidation="Strict")
    asked.post(events(asked), event(unknown=1), fieldValidation="Strict")
    asked.post(events(asked), manifest)


def what_is_null_counts_as_left_out(asked: Asking) -> None:
    asked.post(events(asked), event(spec={"severity": None, "suspend": None, "scope": None}))
    asked.post(events(asked), event("f", spec={"summary": None}))
    asked.post(events(asked), event("g", spec={"details": {"a": None}}))
    asked.post(events(asked), {**event("h"), "spec": None})


def a_spec_that_breaks_the_schema_is_refused_with_each_cause(asked: Asking) -> None:
    for spec in (
        {"severity": "worst", "summary": "", "suspend": 3, "details": {"a": ""}},
        {"eventType": "e" * 61, "ttlSecondsAfterFinished": -1},
        {"deliveryDeadlineSeconds": 59, "onUnknownOutcome": "Guess"},
        {"deliveryDeadlineSeconds": "60", "occurredAt": "yesterday"},
        {"deliveryDeadlineSeconds": 2**40, "ttlSecondsAfterFinished": 2**40},
        {"scope": {"level": "Account", "clusters": [], "serviceNames": ["", 5]}},
        {"scope": {"serviceSelector": {"matchExpressions": [{"operator": "Like"}]}}},
        {"details": {f"name {i}": "x" for i in range(65)}},
        {"details": ["a"]},
    ):
        asked.post(events(asked), event(spec=spec))


def a_dry_run_creates_and_changes_nothing(asked: Asking) -> None:
    asked.post(events(asked), event(), dryRun="All")
    asked.get(one(asked))
    asked.post(events(asked), event())
    asked.merge(one(asked), {"spec": {"summary": "other"}}, dryRun="All")
    asked.delete(one(asked), dryRun="All")
    asked.get(one(asked))


def labels_and_annotations_are_texts(asked: Asking) -> None:
    asked.post(events(asked), event(labels={"a": 1}))
    asked.post(events(asked), event(labels={"a": "b c"}))
    asked.post(events(asked), event(labels={}, annotations={"a": "b c"}))
    asked.merge(one(asked), {"metadata": {"labels": {"a": 5}}})
    asked.merge(one(asked), {"metadata": {"annotations": {"big": "x" * 262144}}})


def a_merge_patch_changes_what_it_names(asked: Asking) -> None:
    asked.post(events(asked), event(labels={"a": "1", "b": "2"}))
    asked.merge(one(asked), {"metadata": {"labels": {"a": None, "c": "3"}}})
    asked.merge(one(asked), {"metadata": {"annotations": {"x": "y"}}})
    asked.merge(one(asked), {"metadata": {"annotations": {"x": None}}})
    asked.merge(one(asked), {"spec": {"details": {"k": "v"}, "suspend": True}})
    asked.merge(one(asked), {"spec": {"details": None}})


def a_patch_that_changes_nothing_makes_a_version_only_the_first_time(asked: Asking) -> None:
    """The status that the schema gives is stored with the first write after the creation."""
    since = asked.post(events(asked), event(labels={"a": "1"})).version
    asked.merge(one(asked), {"metadata": {"labels": {"a": "1"}}})
    asked.merge(one(asked), {"spec": {"summary": "it is live"}})
    asked.merge(one(asked), {})
    asked.watch(events(asked), since)
    asked.post(events(asked), event("f"))
    asked.patch(status_of(asked, "f"))
    asked.patch(status_of(asked, "f"))


def the_generation_counts_the_spec_alone(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.merge(one(asked), {"metadata": {"labels": {"a": "1"}}})
    asked.patch(status_of(asked), add("/status", {}))
    asked.merge(one(asked), {"spec": {"summary": "other"}})
    asked.merge(one(asked), {"metadata": {"generation": 77}})


def a_patch_of_the_object_leaves_its_status(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.merge(one(asked), {"status": {"delivery": {"state": "Held"}}})
    asked.merge(one(asked), {"status": {"delivery": {"state": "Wrong", "attempts": "x"}}})
    asked.merge(one(asked), {"spec": {"summary": "n"}, "status": None})


def what_must_stay_cannot_be_patched(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.merge(one(asked), {"metadata": {"uid": "x"}})
    asked.merge(one(asked), {"metadata": {"name": "x"}})
    asked.merge(one(asked), {"metadata": {"namespace": "x"}})
    asked.merge(one(asked), {"metadata": {"resourceVersion": "1"}})
    asked.merge(one(asked), {"spec": {"summary": None}})
    asked.merge(one(asked), {"spec": None})
    asked.merge(one(asked), {"metadata": {"creationTimestamp": None}})


def a_patch_must_be_one(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.ask("PATCH", one(asked), [], {}, content_type=MERGE_PATCH)
    asked.ask("PATCH", one(asked), {}, {}, content_type=JSON_PATCH)
    asked.ask("PATCH", one(asked), {}, {}, content_type="text/plain")
    asked.patch(one(asked), {"op": "other", "path": "/spec"})
    asked.patch(one(asked), must_be("/spec/summary", "something else"))
    asked.patch(one(asked), add("/spec/summary", "new"), add("/metadata/labels", {"a": "b"}))
    asked.merge(one(asked, "gone"), {})


def a_put_is_a_compare_and_swap(asked: Asking) -> None:
    first = asked.post(events(asked), event()).version
    asked.put(one(asked), event())
    second = asked.put(one(asked), event(resourceVersion=first, labels={"a": "b"})).version
    asked.put(one(asked), event(resourceVersion=first))
    asked.put(one(asked), event(resourceVersion=second, uid="x"))
    asked.put(one(asked), event(resourceVersion=second, labels={"a": "b"}))
    asked.put(one(asked), event(resourceVersion=second, spec={"unknown": 1}), dryRun="All")
    status = {"status": {"unknown": 1}}
    strict = {"dryRun": "All", "fieldValidation": "Strict"}
    asked.put(one(asked), {**event(resourceVersion=second), **status}, **strict)
    asked.put(one(asked), event(resourceVersion=second, spec={"unknown": 1}), **strict)


def a_put_makes_no_event(asked: Asking) -> None:
    asked.put(one(asked), event())
    asked.put(one(asked), event(resourceVersion="1"))


def each_writer_owns_what_it_has_written(asked: Asking) -> None:
    asked.post(events(asked), event(labels={"a": "1"}), fieldManager="first")
    asked.merge(one(asked), {"metadata": {"labels": {"a": "2"}}}, fieldManager="second")
    asked.merge(one(asked), {"spec": {"suspend": True}}, fieldManager="third")
    asked.patch(status_of(asked), add("/status", {}), **OPERATOR)
    asked.patch(status_of(asked), add("/status/delivery", {"state": "Held"}), **OPERATOR)
    asked.merge(one(asked), {"spec": {"suspend": None}}, fieldManager="second")
    whole = {"eventType": "e", "summary": "s", "severity": "error"}
    asked.merge(one(asked), {"spec": whole}, fieldManager="second")
    asked.patch(status_of(asked), add("/status/delivery/state", "Failed"), fieldManager="third")
    asked.patch(status_of(asked), add("/status", {}), **OPERATOR)


def a_time_moves_only_where_something_is_set_anew(asked: Asking) -> None:
    """The delivery deadline counts from the newest time."""
    asked.post(events(asked), event(annotations={"a": "1"}, labels={"b": "1"}), **OPERATOR)
    for change in (
        {"metadata": {"annotations": {"a": "2"}}},
        {"metadata": {"annotations": {"a": "2"}}},
        {"metadata": {"labels": {"b": None}}},
        {"spec": {"suspend": True}},
        {"spec": {"suspend": None}},
    ):
        _note_whether_time_moves(asked, change)


def _note_whether_time_moves(asked: Asking, change: Raw) -> None:
    before = _newest(asked.get(one(asked)))
    asked.server.tick()
    asked.note((change, _newest(asked.merge(one(asked), change, **OPERATOR)) > before))


def _newest(answer: Said) -> str:
    return max(str(entry["time"]) for entry in answer.metadata["managedFields"])


def a_deletion_is_one_of_this_very_object_and_version(asked: Asking) -> None:
    first = asked.post(events(asked), event())
    then = asked.merge(one(asked), {"spec": {"summary": "n"}})
    uid = first.metadata["uid"]
    for wanted in (
        {"uid": "another"},
        {"resourceVersion": first.version},
        {"uid": uid, "resourceVersion": first.version},
        {"uid": uid, "resourceVersion": then.version},
        {"uid": uid, "resourceVersion": then.version},
    ):
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": wanted}
        asked.delete(one(asked), options)


def what_is_created_again_is_another_object(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.delete(one(asked))
    asked.delete(one(asked))
    asked.post(events(asked), event())


def a_finalizer_holds_what_is_deleted(asked: Asking) -> None:
    since = asked.post(events(asked), event(finalizers=["a/b", "c/d"])).version
    asked.delete(one(asked))
    asked.delete(one(asked))
    asked.merge(one(asked), {"metadata": {"finalizers": ["c/d", "e/f"]}})
    asked.merge(one(asked), {"spec": {"summary": "still edited"}})
    asked.patch(status_of(asked), add("/status", {}))
    asked.merge(one(asked), {"metadata": {"finalizers": ["c/d"]}})
    asked.post(events(asked), event())
    asked.merge(one(asked), {"metadata": {"finalizers": None}})
    asked.get(one(asked))
    asked.watch(events(asked), since)


def a_namespace_that_terminates_takes_nothing_new(asked: Asking) -> None:
    asked.post(events(asked), event())
    asked.delete(f"/api/v1/namespaces/{asked.namespace}")
    asked.post(events(asked), event())
    asked.post(events(asked), event("new"))
    asked.merge(one(asked), {"spec": {"summary": "edited"}})
    asked.patch(status_of(asked), add("/status", {}))
    asked.delete(one(asked))
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{asked.namespace}/leases"
    asked.post(leases, {"metadata": {"name": "l"}})
    asked.put(f"{leases}/l", {"metadata": {"name": "l"}})
    notices = f"/apis/events.k8s.io/v1/namespaces/{asked.namespace}/events"
    asked.post(notices, {"metadata": {"generateName": "x-"}})


def all_of_a_namespace_are_deleted_at_once(asked: Asking) -> None:
    for name in ("a", "b"):
        since = asked.post(events(asked), event(name)).version
    asked.post(events(asked), event("c", labels={"keep": "no"}))
    asked.post(events(asked), event("d", finalizers=["a/b"]))
    asked.delete(events(asked), labelSelector="keep=no")
    asked.delete(events(asked))
    asked.get(events(asked))
    asked.watch(events(asked), since)
    asked.merge(one(asked, "d"), {"metadata": {"finalizers": None}})


CASES: tuple[Case, ...] = (
    what_is_created_gets_defaults_and_one_version,
    a_status_that_is_given_at_creation_is_not_taken,
    a_name_is_there_once,
    a_name_that_is_generated_has_five_letters_more,
    a_name_must_be_given_and_be_one,
    nothing_is_created_in_a_namespace_that_is_not_there,
    what_is_sent_must_be_what_its_path_says,
    fields_that_nobody_knows_are_dropped_or_refused,
    what_is_null_counts_as_left_out,
    a_spec_that_breaks_the_schema_is_refused_with_each_cause,
    a_dry_run_creates_and_changes_nothing,
    labels_and_annotations_are_texts,
    a_merge_patch_changes_what_it_names,
    a_patch_that_changes_nothing_makes_a_version_only_the_first_time,
    the_generation_counts_the_spec_alone,
    a_patch_of_the_object_leaves_its_status,
    what_must_stay_cannot_be_patched,
    a_patch_must_be_one,
    a_put_is_a_compare_and_swap,
    a_put_makes_no_event,
    each_writer_owns_what_it_has_written,
    a_time_moves_only_where_something_is_set_anew,
    a_deletion_is_one_of_this_very_object_and_version,
    what_is_created_again_is_another_object,
    a_finalizer_holds_what_is_deleted,
    a_namespace_that_terminates_takes_nothing_new,
    all_of_a_namespace_are_deleted_at_once,
)
