"""What all tests of this folder together have run of the page's module."""

from __future__ import annotations

from collections.abc import Callable

from ui.coverage import Coverage


def test_every_part_of_the_module_has_run(
    coverage: Coverage, figure: Callable[[str], None]
) -> None:
    figure(f"page, its module by Chromium's own coverage: {coverage.share:.1%}")
    assert coverage.share >= 0.95, "\n".join(coverage.lines_that_did_not_run())
