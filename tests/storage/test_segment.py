"""A segment opened for writing: what a transaction leaves, what closing takes back, and how a new one goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date

import pytest

from desktop_logs.core.records import Record
from desktop_logs.storage.schema import fact
from desktop_logs.storage.segment import Segment, count_records, create_segment, read_newest
from desktop_logs.storage.segments import SegmentName
from tests.storage.history_support import numbered

MARKS = {"application": ("application-2026-11-22.log", 7)}


@pytest.fixture
def path(tmp_path):
    made = tmp_path / str(SegmentName(1, date(2026, 11, 22)))
    create_segment(made, epoch="e", producers={"b": ((0, 5),), "a": ((1, 2), (4, 9))}, marks=MARKS, first_seq=100)
    return made


def add(path, *groups):
    segment = Segment(path)
    for records in groups:
        segment.begin()
        segment.add(records, {})
        segment.commit()
    segment.close()


def test_a_new_segment_goes_on_where_the_older_ended(path):
    segment = Segment(path)
    assert (segment.epoch, segment.last_seq, segment.marks()) == ("e", 0, MARKS)
    assert list(segment.producers().items()) == [("b", ((0, 5),)), ("a", ((1, 2), (4, 9)))]
    segment.close()
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_what_an_interrupted_making_left_is_no_hindrance(path):
    path.with_name(f"{path.name}.part").write_bytes(b"half")
    path.with_name(f"{path.name}.part-wal").write_bytes(b"half")
    path.unlink()
    create_segment(path, epoch="f", producers={}, marks={}, first_seq=1)
    assert count_records(path) == 0


def test_a_segment_that_is_gone_is_not_made_again(path):
    path.unlink()
    with pytest.raises(sqlite3.OperationalError):
        Segment(path)
    assert not path.exists()


def test_closing_takes_back_what_was_not_committed(path):
    add(path, numbered(100, 120))
    segment = Segment(path)
    segment.begin()
    segment.add(numbered(121, 300), {"c": ((0, 1),)}, ["a"])
    segment.mark({"application": ("other", 9)})
    segment.close()
    segment = Segment(path)
    assert (segment.last_seq, segment.marks(), list(segment.producers())) == (120, MARKS, ["b", "a"])
    segment.close()


@pytest.mark.parametrize("sizes", [[1] * 70, [16, 16], [15, 1, 17], [1, 1_024, 5], [3_000]])
def test_blocks_and_index_hold_every_complete_group_however_it_came(path, sizes):
    groups, seq = [], 100
    for size in sizes:
        groups.append(numbered(seq, seq + size - 1))
        seq += size
    add(path, *groups)
    assert read_newest(path, 10_000) == numbered(100, seq - 1)[::-1]
    assert count_records(path) == sum(sizes)
    with closing(sqlite3.connect(path)) as connection:
        below = fact(connection, "indexed_below")
        found = [row for (row,) in connection.execute("SELECT rowid FROM words WHERE words MATCH 'tes' ORDER BY rowid")]
        blocks = connection.execute("SELECT id, records, first_ns, last_ns, bands FROM blocks").fetchall()
    assert below == seq >> 4
    assert found == list(range(100 >> 4, below))
    parts = [range(max(100, block << 10), min(seq, (block + 1) << 10)) for block in range((seq >> 10) + 1)]
    expected = [(block, len(part), part[0], part[-1], 1 << 2) for block, part in enumerate(parts) if part]
    assert blocks == expected


def test_numbers_that_are_left_out_complete_a_group(path):
    add(path, numbered(100, 103), numbered(2**45, 2**45 + 3))
    with closing(sqlite3.connect(path)) as connection:
        assert fact(connection, "indexed_below") == 2**45 >> 4
        assert connection.execute("SELECT rowid FROM words WHERE words MATCH 'tes'").fetchall() == [(100 >> 4,)]
        assert connection.execute("SELECT count(*) FROM blocks").fetchone() == (2,)


def test_records_are_read_as_they_were_written(path):
    records = [
        Record(100, -5, 24, "fätal", "søurce", "a\x1b\u202eb", '{"k":"v"}', "given"),
        Record(101, 0, 1, "", "", ""),
    ]
    add(path, records)
    assert read_newest(path, 5) == records[::-1]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT is_ascii FROM records ORDER BY seq").fetchall() == [(0,), (1,)]
