"""Rows out of slabs know which records they are no sooner than somebody asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.core.records import Record
from desktop_logs.core.rows import Chosen, Rows
from desktop_logs.core.slab import Slab

ERROR, INFO = BANDS.index("error"), BANDS.index("info")


@pytest.fixture
def slab() -> Slab:
    """Info at rows 0, 2 and 4, error at 1 and 3."""
    levels = [("info", 9), ("error", 17)] * 2 + [("info", 9)]
    return Slab([Record(seq, seq, severity, name, "", "") for seq, (name, severity) in enumerate(levels, 1)])


def never() -> bytes:
    raise AssertionError("nobody needs to know")


def test_a_part_that_takes_a_slab_whole_asks_nothing_of_it(slab: Slab) -> None:
    """A million selected rows are handed to an export in no time."""
    part = Rows([Chosen(slab, 2, never), Chosen(slab, 3, [0, 2, 4])], []).part([(0, 3)])
    assert len(part) == 4
    assert [record.seq for record in part[2:]] == [1, 3]


@pytest.mark.parametrize("rows", [[0, 1, 4], lambda: b"\1\1\0\0\1"])
def test_levels_of_the_rows_are_told_however_the_rows_are_known(slab: Slab, rows: object) -> None:
    chosen = Chosen(slab, 3, rows)  # type: ignore[arg-type]  # either kind
    assert chosen.flags(frozenset({ERROR})) == b"\0\1\0"
    assert chosen.flags(frozenset({INFO})) == b"\1\0\1"
    assert chosen.flags(ALL_BANDS) == b"\1\1\1"
    assert list(chosen.rows) == [0, 1, 4]


def test_a_level_that_no_row_has_is_told_by_nothing(slab: Slab) -> None:
    assert not any(Chosen(slab, 3, lambda: b"\1\0\1\0\1").flags(frozenset({ERROR})))
    assert Chosen(slab, 5, range(5)).flags(frozenset({ERROR})) == b"\0\1\0\1\0"


@given(st.integers(1, 300), st.integers(0, 40), st.integers(1, 50), st.lists(st.integers(-5, 5), max_size=300))
def test_around_a_record_is_what_is_near_in_time_and_of_much_the_nearest_by_number(
    seq: int, span_ns: int, limit: int, shifts: list[int]
) -> None:
    records = [Record(at, at + shift, 9, "info", "", "m") for at, shift in enumerate(shifts, 1)]
    slabs = [Slab(records[at : at + 50]) for at in range(0, len(records) // 2, 50)]
    parts = [Chosen(slab, len(slab), range(len(slab))) for slab in slabs]
    rows = Rows(parts, records[50 * len(slabs) :])
    record = Record(seq, seq, 9, "info", "", "m")
    near = [one for one in records if abs(one.time_ns - seq) <= span_ns]
    found = rows.around(record, span_ns, limit)
    assert len(found) == min(len(near), limit)
    assert set(found) <= set(near)
    assert [one.seq for one in found] == sorted(one.seq for one in found)
    missing = [abs(one.seq - seq) for one in near if one not in found]
    assert not missing or max(abs(one.seq - seq) for one in found) <= min(missing)
