"""A segment made anew: which records it has, under which numbers, and what is left in the folder."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from desktop_logs.core.records import Record
from desktop_logs.storage import rebuild as rebuilding
from desktop_logs.storage import schema
from desktop_logs.storage.check import Stopped, check
from desktop_logs.storage.rebuild import Rebuilt, rebuild
from desktop_logs.storage.repair import set_aside
from desktop_logs.storage.segments import SegmentName
from tests.storage.damage import DAY, NAME, START_NS, records_from, records_in, write_logs, write_segment


def record(seq, message="", given_id="", severity=9, **fields):
    values = {"time_ns": START_NS + seq * 1_000_000, "level": "info", "source": "", "context": "", **fields}
    return Record(seq=seq, severity=severity, message=message or f"message {seq}", given_id=given_id, **values)


@dataclass
class House:
    """A data folder whose segment NAME holds what was salvaged, and is made anew."""

    folder: Path

    @property
    def history(self):
        return self.folder / "history"

    def rebuilt(self, salvaged, lines, is_stopped=lambda: False):
        write_segment(self.history, NAME, salvaged)
        aside = set_aside(self.history, NAME)
        write_logs(self.folder / "logs", DAY, lines)
        return rebuild(self.history, NAME, aside, self.folder / "logs", is_stopped)

    def records(self):
        return records_in(self.history / str(NAME))


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_lines_alone_give_back_the_numbers_in_their_ids(house):
    records = [record(seq) for seq in (3, 4, 9)]
    assert house.rebuilt([], records) == Rebuilt(3, 0, 3, 3)
    assert house.records() == records


def test_salvaged_records_without_a_line_stay(house):
    records = [record(seq, severity=5, level="debug") for seq in range(1, 50)]
    assert house.rebuilt(records, []) == Rebuilt(49, 49, 0, 49)
    assert house.records() == records


def test_the_line_is_right_where_both_have_a_record(house):
    house.rebuilt(
        [record(1, "dXmaged"), record(2, "dXmaged", "id-2")], [record(1, "whole"), record(2, "whole", "id-2")]
    )
    assert house.records() == [record(1, "whole"), record(2, "whole", "id-2")]


def test_an_id_or_a_time_that_was_damaged_does_not_double_a_record(house):
    lines = [record(1, "a", "id-1"), record(2, "b", "id-2")]
    house.rebuilt([record(1, "a", "id-1", time_ns=5), record(2, "b", "iX-2")], lines)
    assert house.records() == lines


def test_equal_ids_are_paired_in_their_order(house):
    records = [record(seq, "same", "id", time_ns=START_NS) for seq in range(1, 6)]
    house.rebuilt(records, records)
    assert house.records() == records


def test_a_lost_record_with_an_id_of_its_own_has_the_lowest_free_number_between_its_neighbours(house):
    lines = [record(10), record(13, "lost", "x"), record(14, "lost too", "y"), record(20)]
    house.rebuilt([record(10), record(11, severity=5, level="debug"), record(20)], lines)
    assert [(found.seq, found.message) for found in house.records()] == [
        (10, "message 10"), (11, "message 11"), (12, "lost"), (13, "lost too"), (20, "message 20"),
    ]  # fmt: skip


def test_an_id_that_a_hub_before_this_one_made_is_no_number_here(house):
    first = record(7, "sent on")
    lines = [record(1), record(2, "sent on", first.id, time_ns=first.time_ns), record(3)]
    house.rebuilt(lines, lines)
    assert house.records() == lines


def test_lines_of_another_segment_of_the_day_are_left_out(house):
    before = [record(1), record(2, "b", "id-2"), record(3, "same", "id")]
    after = [record(30, "same", "id"), record(31), record(32, "c", "id-32")]
    ours = [record(10, "o", "id-10"), record(11), record(12, "same", "id"), record(13, "lost", "id-13")]
    write_segment(house.history, SegmentName(11, DAY), before)
    write_segment(house.history, SegmentName(13, DAY), after)
    house.rebuilt(ours[:3], before + ours + after)
    assert house.records() == ours


def test_what_the_writer_puts_into_another_segment_meanwhile_is_left_out(house, monkeypatch):
    ours, later = [record(10), record(11, "o", "id-11")], [record(20), record(21, "n", "id-21")]
    lines_of = rebuilding.lines_of

    def written_meanwhile(*of_what):
        if not (house.history / str(SegmentName(13, DAY))).exists():
            write_segment(house.history, SegmentName(13, DAY), later)
        return lines_of(*of_what)

    monkeypatch.setattr(rebuilding, "lines_of", written_meanwhile)
    house.rebuilt(ours[:1], ours + later)
    assert house.records() == ours


def test_lines_that_are_not_committed_yet_are_waited_for(house):
    ours, later = [record(10), record(11, "o", "id-11")], [record(20), record(21, "n", "id-21")]
    path = write_segment(house.history, SegmentName(13, DAY), [])
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        schema.insert_records(writer, later)
        committing = threading.Timer(0.3, writer.execute, ["COMMIT"])
        committing.start()
        house.rebuilt(ours[:1], ours + later)
        committing.join()
    assert house.records() == ours


def test_numbers_stay_between_those_of_the_segments_around(house):
    write_segment(house.history, SegmentName(11, DAY - timedelta(days=1)), [record(5)])
    write_segment(house.history, SegmentName(13, DAY + timedelta(days=1)), [record(20)])
    house.rebuilt([record(3), record(10), record(20), record(21)], [record(4), record(11), record(22)])
    assert [found.seq for found in house.records()] == [10, 11]


def test_what_only_the_errors_file_has_is_taken_from_there(house):
    records = [record(seq, severity=17, level="error") for seq in range(1, 9)]
    write_logs(house.folder / "logs", DAY, records)
    (house.folder / "logs" / f"application-{DAY}.log.gz").write_bytes(b"\x1f\x8b damaged")
    write_segment(house.history, NAME, records[:4])
    rebuild(house.history, NAME, set_aside(house.history, NAME), house.folder / "logs", lambda: False)
    assert house.records() == records


def test_it_is_told_how_many_are_lost(house):
    records = records_from(1, 2_000, given=0)
    path = write_segment(house.history, NAME, records)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    result = rebuild(house.history, NAME, set_aside(house.history, NAME), house.folder / "logs", lambda: False)
    assert result.records == result.salvaged < result.expected <= 2_000


def test_it_is_sound_searchable_private_and_alone(house):
    house.rebuilt(records_from(1, 500), [])
    path = house.history / str(NAME)
    assert sorted(entry.name for entry in house.history.iterdir()) == [path.name, f"{NAME}.damaged"]
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
    assert check(path) == ""
    with closing(sqlite3.connect(path)) as connection:
        assert schema.fact(connection, "indexed_below") == (500 >> 4) + 1
        groups = {row[0] for row in connection.execute("SELECT rowid FROM words WHERE words MATCH 'w29'")}
        assert connection.execute("SELECT sum(records), min(first_ns) > 0 FROM blocks").fetchone() == (500, 1)
    assert groups == {found.seq >> 4 for found in house.records() if "w29" in schema.document([found])}


def test_ended_in_the_middle_it_leaves_nothing(house):
    with pytest.raises(Stopped):
        house.rebuilt(records_from(1, 2_000), records_from(1, 2_000), lambda: True)
    assert [path.name for path in house.history.iterdir()] == [f"{NAME}.damaged"]


def test_a_segment_that_is_there_is_never_written_over(house):
    write_segment(house.history, NAME, [record(1)])
    aside = set_aside(house.history, NAME)
    write_segment(house.history, NAME, [record(2)])
    with pytest.raises(FileExistsError):
        rebuild(house.history, NAME, aside, house.folder / "logs", lambda: False)
    assert house.records() == [record(2)]


def test_a_full_disk_leaves_nothing(house, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rebuilding.os, "fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        house.rebuilt([record(1)], [])
    assert [path.name for path in house.history.iterdir()] == [f"{NAME}.damaged"]
