"""Lines of the files brought to salvaged rows, against what was there before the damage."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.records import Record
from desktop_logs.storage.daylines import DayLine
from desktop_logs.storage.lineup import COLUMNS, Lineup, values_of


@st.composite
def histories(draw):
    """Records in order; of each whether its row was salvaged, and whether it has a line. Few ids and messages."""
    history = []
    seq = draw(st.integers(1, 20))
    for time_ns in range(draw(st.integers(0, 25))):
        seq += draw(st.sampled_from([1, 1, 1, 4]))
        has_line = draw(st.sampled_from([True, True, False]))
        record = Record(
            seq, time_ns * 1_000_000, 9 if has_line else 5, "info", "",
            draw(st.sampled_from("ab")), "", draw(st.sampled_from(["", "x", "y"])),
        )  # fmt: skip
        history.append((record, draw(st.booleans()), has_line))
    return history


def line_of(record):
    written = Record(0, *values_of(record)[:-1], record.id)
    return DayLine(written, None if record.given_id else record.seq)


def merged(rows, lines, siblings=(), first=1, end=2**62):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"CREATE TABLE rows (seq INTEGER PRIMARY KEY, {COLUMNS}, page)")
        connection.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)", [(row.seq, *values_of(row)) for row in rows]
        )
        lineup = Lineup(connection, lambda: (first, end), lambda: siblings)
        lineup.merge([lines])
        lineup.merge([lines[::2]])  # the errors, which have their lines twice
        found = connection.execute(f"SELECT seq, {COLUMNS} FROM rows ORDER BY seq").fetchall()
    return [Record(*row) for row in found]


@given(histories())
def test_every_row_and_every_line_is_there_once_and_in_order(history):
    rows = [record for record, salvaged, _ in history if salvaged]
    with_line = [record for record, _, has_line in history if has_line]
    found = merged(rows, [line_of(record) for record in with_line])

    kept = [record for record, salvaged, has_line in history if salvaged or has_line]
    # Times tell the records apart, and are in the order of the numbers.
    assert sorted(record.time_ns for record in found) == [record.time_ns for record in kept]
    place = {record.time_ns: record for record in found}
    for record in kept:
        if record in rows or not record.given_id:
            assert place[record.time_ns] == record
        else:
            # Never beyond its own number, and so never one that is given later.
            assert place[record.time_ns].seq <= record.seq
            assert values_of(place[record.time_ns]) == values_of(record)
    in_order = [place[record.time_ns].seq for record in with_line]
    assert in_order == sorted(in_order)


@given(histories(), st.integers(0, 25), st.integers(0, 25))
def test_lines_of_the_segments_before_and_after_are_left_to_them(history, one, other):
    """All have ids here, and everything of those segments is known."""
    begin, stop = sorted((one, other))
    before, ours, after = history[:begin], history[begin:stop], history[stop:]
    siblings = [[(record.given_id, record.time_ns) for record, _, _ in (*before, *after)]]
    lines = [line_of(record) for record, _, has_line in history if has_line]
    rows = [record for record, salvaged, _ in ours if salvaged]
    first = before[-1][0].seq + 1 if before else 1
    end = after[0][0].seq if after else 2**62
    found = merged(rows, lines, siblings, first, end)
    kept = [record.time_ns for record, salvaged, has_line in ours if salvaged or has_line]
    assert sorted(record.time_ns for record in found) == kept


def test_of_two_lines_with_one_number_the_second_keeps_its_text():
    record = Record(5, 0, 9, "info", "", "a", "", "")
    twin = DayLine(Record(0, 0, 9, "info", "", "b", "", record.id), 5)
    found = merged([], [line_of(record), twin])
    assert [(made.seq, made.message, made.given_id) for made in found] == [(5, "a", ""), (6, "b", record.id)]
