"""The list of mutations stays true while the code changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.mutate import Mutation, all_mutations, mutated

TESTS = Path(__file__).parents[1]
README = Path(__file__).with_name("README.md")
TEETH = TESTS / "simulation" / "TEETH.md"


@pytest.mark.parametrize("mutation", all_mutations(), ids=lambda mutation: mutation.name)
def test_a_mutation_finds_its_place_leaves_a_program_and_names_tests(mutation: Mutation) -> None:
    compile(mutated(mutation), mutation.file, "exec")
    assert all((TESTS / test.split()[0]).is_file() for test in mutation.tests)
    assert f"`{mutation.name}`" in README.read_text()


@pytest.mark.parametrize("mutation", all_mutations(), ids=lambda mutation: mutation.name)
def test_a_mutation_is_seen_by_the_simulation_or_says_why_not(mutation: Mutation) -> None:
    assert bool(mutation.seen) != bool(mutation.unseen)
    assert "|" not in mutation.breaks + mutation.seen + mutation.unseen


@pytest.mark.parametrize("mutation", all_mutations(), ids=lambda mutation: mutation.name)
def test_the_page_of_the_teeth_says_of_a_mutation_what_the_list_says(mutation: Mutation) -> None:
    row = f"| `{mutation.name}` | {mutation.breaks} | {mutation.unseen or ''}"
    assert row in TEETH.read_text(), "make teeth MUTATION=... prints its row"


def test_no_two_mutations_share_a_name() -> None:
    names = [mutation.name for mutation in all_mutations()]
    assert len(set(names)) == len(names)
