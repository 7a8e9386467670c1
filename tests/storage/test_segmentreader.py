"""What is read of one segment, step by step, and what stays beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from desktop_logs.core.query import parse
from desktop_logs.core.query_sql import Where, where
from desktop_logs.core.query_words import Bounds, bounds, needed
from desktop_logs.core.records import Record
from desktop_logs.storage.segmentreader import SegmentReader, Unreadable, Wanted
from tests.support.segments import write_segment

RECORDS = 9_000
LAST_SEQ = 10**9


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of nine thousand: every thousandth with a needle, all of them within nine seconds."""
    made = (
        Record(seq, seq * 10**6, 17 if seq > 8_000 else 9, "info", "", "needle" if seq % 1_000 == 0 else f"hay {seq}")
        for seq in range(1, RECORDS + 1)
    )
    return write_segment(tmp_path_factory.mktemp("history"), 1, made)


def reading(path: Path, *, may_grow: bool = False) -> SegmentReader:
    return SegmentReader(path, lambda: 0, may_grow=may_grow)


def wanted(text: str, *, words: bool = True) -> Wanted:
    tree = parse(text).tree
    return Wanted(where(tree), bounds(tree), needed(tree) if words else "")


def found(path: Path, what: Wanted, limit: int = 200, last_seq: int = LAST_SEQ) -> list[int]:
    with reading(path) as segment:
        return [record.seq for step in segment.newest(what, last_seq, limit) for record in step.records]


@pytest.mark.parametrize("words", [True, False])
def test_the_index_finds_what_a_look_at_every_record_does(path: Path, words: bool) -> None:
    assert found(path, wanted("needle", words=words)) == list(range(9_000, 0, -1_000))
    assert found(path, wanted("needle level<error", words=words)) == list(range(8_000, 0, -1_000))
    assert found(path, wanted("needle", words=words), last_seq=4_999) == [4_000, 3_000, 2_000, 1_000]
    assert found(path, wanted("needle before:1970-01-01T00:00:02Z", words=words)) == [1_000]


def test_a_word_is_looked_for_in_few_records(path: Path) -> None:
    asked: list[int] = []
    with reading(path) as segment:
        segment._connection.create_function("seen", 1, lambda seq: asked.append(seq) or 1)
        only = wanted("needle")
        counting = Where(f"(seen(seq) AND {only.where.sql})", only.where.parameters)
        counted = Wanted(counting, only.bounds, only.words)
        assert sum(len(step.records) for step in segment.newest(counted, LAST_SEQ, 200)) == 9
    assert len(asked) <= 2_000  # nine groups, and the part that is not indexed


def test_blocks_that_cannot_match_are_left_out(path: Path) -> None:
    with reading(path) as segment:
        assert list(segment.newest(wanted("level:x level>=fatal"), LAST_SEQ, 200)) == []
        assert list(segment.newest(wanted("after:2000-01-01T00:00:00Z"), LAST_SEQ, 200)) == []


def test_steps_grow_and_end_at_the_whole(path: Path) -> None:
    with reading(path) as segment:
        steps = list(segment.newest(wanted("~/nowhere/"), LAST_SEQ, 200))
    assert len(steps) == 2
    assert steps[-1].done == 1.0


def test_a_step_has_no_more_than_the_limit(path: Path) -> None:
    with reading(path) as segment:
        assert len(next(segment.newest(wanted("hay"), LAST_SEQ, 7)).records) == 7
        assert len(next(segment.newest(wanted(""), LAST_SEQ, 7)).records) == 7


def test_what_is_after_and_near_a_number(path: Path) -> None:
    with reading(path) as segment:
        assert segment.first_seq == 1
        assert [record.seq for record in segment.after(8_998, 9)] == [8_999, 9_000]
        near = segment.near(5_000, Bounds.within(0, 10**12), 2)
    assert [record.seq for record in near] == [4_999, 4_998, 5_000, 5_001]


def test_a_segment_that_may_grow_is_shared_with_its_writer(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("INSERT INTO records VALUES (9001, 0, 9, '', '', '', '', '', 1)")
        with reading(path, may_grow=True) as segment:
            assert [record.seq for record in segment.after(9_000, 9)] == [9_001]
            writer.execute("DELETE FROM records WHERE seq = 9001")
            assert segment.after(9_000, 9) == []


def test_a_closed_segment_is_read_without_a_file_beside_it(path: Path) -> None:
    with reading(path) as segment:
        assert segment.is_indexed
        assert [beside.name for beside in path.parent.iterdir()] == [path.name]


def test_the_handler_ends_a_statement(path: Path) -> None:
    with SegmentReader(path, lambda: 1, may_grow=False) as segment, pytest.raises(Unreadable):
        list(segment.newest(wanted("~/nowhere/"), LAST_SEQ, 200))


def test_a_segment_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="it was deleted meanwhile"):
        reading(tmp_path / "segment-000001-2026-11-01.db")
