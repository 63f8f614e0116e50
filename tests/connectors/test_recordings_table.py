"""The table of the recordings: read from what their tests say, with a difference that is not explained called one."""

from tests.connectors.recordings_table import Row, as_table, rows_in, unexplained

SAID = """\
page 5                | expected  50 | stored  50
listing: a, b | expected 147 | stored 142 | shown as deleted 5
a line of a log
context | expected 3 | obtained 2
"""


def test_each_line_of_a_recording_is_a_row_and_other_lines_are_not() -> None:
    assert rows_in("reddit", SAID) == [
        Row("reddit", "page 5", 50, 50),
        Row("reddit", "listing: a, b", 147, 142, "shown as deleted 5"),
        Row("reddit", "context", 3, 2),
    ]


def test_a_difference_without_a_reason_is_found() -> None:
    assert unexplained(rows_in("reddit", SAID)) == [Row("reddit", "context", 3, 2)]


def test_the_table_has_each_row_once_and_their_sums() -> None:
    rows = rows_in("x", SAID)
    assert as_table([*rows, rows[0]]).splitlines()[2:] == [
        "| x | context | 3 | 2 |  |",
        "| x | listing: a, b | 147 | 142 | shown as deleted 5 |",
        "| x | page 5 | 50 | 50 |  |",
        "| all | 3 | 200 | 194 | |",
    ]
