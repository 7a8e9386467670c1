"""What a cell says is safe text, whatever the record holds."""

from __future__ import annotations

from desktop_logs.core.gaps import gap_record
from desktop_logs.ui.cells import LEVEL, MESSAGE, SOURCE, TIME, accessible_text, cell_text, first_line, tooltip_text
from tests.ui.fakes import make_record


def test_tooltip_obeys_no_markup_of_a_record() -> None:
    record = make_record(1, "<img src='file:///etc/passwd'> & <b>bold</b>\x07\nsecond")
    text = tooltip_text(record, MESSAGE)
    assert "<img" not in text
    assert "&lt;b&gt;bold&lt;/b&gt;⟨BEL⟩\nsecond" in text
    assert len(tooltip_text(make_record(1, "x" * 100_000), MESSAGE)) < 1_100


def test_a_row_says_the_first_line_and_how_many_follow() -> None:
    record = make_record(1, "first\nsecond\nthird", context='{"stack":"a\\nb"}')
    assert cell_text(record, MESSAGE) == "first"
    assert first_line(record) == ("first", 4)
    assert accessible_text(record, MESSAGE) == "first, 4 more lines"


def test_of_a_long_message_a_row_takes_the_beginning() -> None:
    assert first_line(make_record(1, "x" * 300_000 + "\nend")) == ("x" * 2_000, 1)


def test_where_records_are_missing_no_cell_claims_a_level_or_a_source() -> None:
    """To a screen reader each cell of the line says so, but the time, which is that of the gap."""
    gap = gap_record(1, 1_795_344_151_560_000_000, "slow", 1, 3)
    assert (cell_text(gap, LEVEL), cell_text(gap, SOURCE), cell_text(gap, MESSAGE)) == ("", "", gap.message)
    assert [accessible_text(gap, column) for column in (LEVEL, SOURCE, MESSAGE)] == [gap.message] * 3
    assert accessible_text(gap, TIME) == cell_text(gap, TIME)
    assert gap.message in tooltip_text(gap, TIME)
