"""The table that a run of the tests ends in."""

from __future__ import annotations

from figures import table


def test_figures_are_rows_of_one_table_in_the_order_of_the_promises() -> None:
    assert table(
        [
            "GET by 4 clients: 900/s direct",
            "P11 drain of 600: 1.03 status writes",
            "P2 stopped, then resumed: 0 POSTs; 600 events: 0 lost",
            "no colon",
        ]
    ) == [
        "promise  what                   figure",
        "P2       stopped, then resumed  0 POSTs; 600 events: 0 lost",
        "P11      drain of 600           1.03 status writes",
        "         GET by 4 clients       900/s direct",
        "         no colon",
    ]
