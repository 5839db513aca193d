"""What Helm, Argo CD and Flux leave on an object says which release it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from customevents.resource.release import releases_of
from unit.builders import event
from unit.released import ARGO_CD, FLUX_HELM, FLUX_KUSTOMIZE, HELM, INSTANCE


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"labels": {INSTANCE: "checkout"}}, "label app.kubernetes.io/instance=checkout"),
        ({"annotations": {HELM: "checkout"}}, "annotation meta.helm.sh/release-name=checkout"),
        (
            {"annotations": {ARGO_CD: "shop:customevents.dev/CustomEvent:shop/checkout"}},
            "annotation argocd.argoproj.io/tracking-id=shop",
        ),
        (
            {"annotations": {ARGO_CD: "argocd_shop:apps/Deployment:shop/checkout"}},
            "annotation argocd.argoproj.io/tracking-id=argocd_shop",
        ),
        ({"annotations": {ARGO_CD: "shop"}}, "annotation argocd.argoproj.io/tracking-id=shop"),
        ({"labels": {FLUX_HELM: "shop"}}, "label helm.toolkit.fluxcd.io/name=shop"),
        ({"labels": {FLUX_KUSTOMIZE: "apps"}}, "label kustomize.toolkit.fluxcd.io/name=apps"),
    ],
    ids=str,
)
def test_a_mark_is_read_from_where_the_tool_puts_it(metadata: dict[str, Any], words: str) -> None:
    (release,) = releases_of(metadata)
    assert str(release) == words


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": None, "annotations": None},
        {"labels": {INSTANCE: ""}},
        {"annotations": {ARGO_CD: ":apps/Deployment:shop/checkout"}},
        {"annotations": {HELM: "x" * 513}},
        {"annotations": {INSTANCE: "checkout"}, "labels": {HELM: "checkout"}},
        {"labels": {"app.kubernetes.io/name": "checkout", "app": "checkout"}},
        {"annotations": {"meta.helm.sh/release-namespace": "shop"}},
    ],
    ids=lambda metadata: str(metadata)[:60],
)
def test_an_object_without_a_usable_mark_belongs_to_no_release(metadata: dict[str, Any]) -> None:
    assert releases_of(metadata) == ()


def test_the_first_mark_counts_and_all_are_kept_in_this_order() -> None:
    marks = releases_of(
        {
            "labels": {FLUX_KUSTOMIZE: "e", FLUX_HELM: "d", INSTANCE: "a"},
            "annotations": {ARGO_CD: "c:x", HELM: "b"},
        }
    )
    assert [mark.value for mark in marks] == ["a", "b", "c", "d", "e"]
    assert [mark.where for mark in marks] == ["label", *["annotation"] * 2, *["label"] * 2]


def test_an_event_keeps_the_first_of_its_marks_and_no_other_label() -> None:
    read = event(labels={INSTANCE: "a", "app": "x"}, annotations={HELM: "b", "note": "y"})
    assert str(read.release) == "label app.kubernetes.io/instance=a"
    assert event().release is None
