"""What a story says is what was done."""

from __future__ import annotations

import pytest

from simulation import deeds, fates, story
from simulation.plan import Deed


@pytest.mark.parametrize("do", deeds.ALL)
def test_each_deed_has_its_words(do: str) -> None:
    for much in (0.0, 3.0):
        assert "{" not in story.of_a_deed(Deed(1.0, do, "shop/e0", much))


def test_no_words_are_left_of_a_deed_that_is_gone() -> None:
    assert set(story.DEEDS) == set(deeds.ALL)
    assert set(story.OTHERWISE) <= set(deeds.ALL)


@pytest.mark.parametrize("fate", sorted({*fates.OF_KUBERNETES, *fates.OF_THE_REMOTE_SIDE}))
def test_what_is_done_and_what_is_not_differ_in_a_story(fate: str) -> None:
    said = story.of_a_request(201, fate)
    assert said.startswith("201, but ") == fates.is_done(fate), said
    assert said != fate, "a name that means nothing to a reader"
