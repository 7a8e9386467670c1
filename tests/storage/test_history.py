"""The history as it is written: what is acknowledged is in it and in the files, and the next run goes on from there."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from desktop_logs.core.levels import DEBUG, ERROR
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage import history as history_module
from desktop_logs.storage.numbers import BLOCK, FILE_NAME
from tests.storage.history_support import numbered
from tests.storage.support import WAIT_S, until

FIRST = "segment-000001-2026-11-22.db"


def test_a_new_folder_begins_with_nothing(data):
    disk, restored = data.run()
    assert (restored.head, list(restored.newest), dict(restored.producers)) == (0, [], {})
    assert restored.epoch
    assert disk.last_number == BLOCK
    assert data.segments() == []


def test_what_is_acknowledged_is_in_history_and_files(data):
    disk, _ = data.run()
    disk.write(numbered(1, 3)).result(WAIT_S)
    disk.write(numbered(4, 4, ERROR) + numbered(5, 5, DEBUG)).result(WAIT_S)
    assert data.rows() == ["1", "2", "3", "4", "5"]
    assert data.lines() == ["1", "2", "3", "4"]
    assert data.lines("errors") == ["4"]
    assert (disk.stored, disk.failed, disk.history_records, disk.problem) == (5, 0, 5, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_all_of_it_is_its_owners_alone(data):
    disk, _ = data.run()
    disk.write(numbered(1, 3)).result(WAIT_S)
    assert data.history.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in data.history.iterdir()} == {0o600}


def test_the_next_run_goes_on(data):
    disk, first = data.run()
    disk.write(numbered(1, 40), Numbers("a", ((0, 40),))).result(WAIT_S)
    assert disk.close(WAIT_S)
    disk, restored = data.run()
    assert restored.head == 40
    assert list(restored.newest) == numbered(1, 40)
    assert dict(restored.producers) == {"a": ((0, 40),)}
    assert restored.epoch == first.epoch
    disk.write(numbered(41, 50)).result(WAIT_S)
    assert data.segments() == [FIRST]
    assert disk.history_records == 50
    assert data.rows() == data.lines() == [str(seq) for seq in range(1, 51)]


def test_after_an_unclean_end_no_number_is_given_again(data):
    disk, first = data.run()
    disk.write(numbered(1, 3)).result(WAIT_S)
    _, restored = data.run()  # while the other has not closed: what a kill leaves
    assert restored.head == BLOCK
    assert restored.epoch == first.epoch


def test_numbers_are_reserved_anew_when_half_of_them_are_given(data):
    disk, _ = data.run()
    disk.write(numbered(BLOCK // 2 + 1, BLOCK // 2 + 2)).result(WAIT_S)
    until(lambda: disk.last_number == BLOCK // 2 + 2 + BLOCK)


@pytest.mark.parametrize("text", [None, b"", b"damaged"])
def test_a_lost_numbers_file_is_made_up_for(data, text):
    disk, first = data.run()
    disk.write(numbered(1, 3)).result(WAIT_S)
    assert disk.close(WAIT_S)
    (data.history / FILE_NAME).unlink() if text is None else (data.history / FILE_NAME).write_bytes(text)
    disk, restored = data.run()
    assert restored.head == 3 + BLOCK
    assert restored.epoch == first.epoch
    assert disk.problem == ""


def test_history_that_is_gone_has_another_epoch(data):
    disk, first = data.run()
    disk.write(numbered(1, 3)).result(WAIT_S)
    assert disk.close(WAIT_S)
    for path in data.history.iterdir():
        path.unlink()
    _, restored = data.run()
    assert restored.head == 0
    assert restored.epoch != first.epoch


def test_only_the_newest_are_read_back_over_segments(data, monkeypatch):
    monkeypatch.setattr(history_module, "RESTORED_RECORDS", 25)
    disk, _ = data.run()
    for first in range(1, 41, 10):
        disk.write(numbered(first, first + 9)).result(WAIT_S)
        data.day += timedelta(days=1)
    assert disk.close(WAIT_S)
    assert list(data.run()[1].newest) == numbered(16, 40)


def test_complete_groups_are_indexed_and_the_rest_waits_for_the_next_run(data):
    disk, _ = data.run()
    disk.write(numbered(1, 20)).result(WAIT_S)
    assert data.rows("SELECT value FROM facts WHERE name = 'indexed_below'") == [1]
    assert disk.close(WAIT_S)
    disk, _ = data.run()
    disk.write(numbered(21, 31)).result(WAIT_S)
    assert data.rows("SELECT value FROM facts WHERE name = 'indexed_below'") == [2]
    assert disk.close(WAIT_S)
    with closing(sqlite3.connect(data.history / FIRST)) as connection:
        found = connection.execute("SELECT rowid FROM words WHERE words MATCH 'tes' ORDER BY rowid").fetchall()
    assert found == [(0,), (1,)]


def test_a_new_day_is_a_new_segment_that_knows_all_producers(data):
    disk, _ = data.run()
    disk.write(numbered(1, 2), Numbers("a", ((0, 2),))).result(WAIT_S)
    disk.write(numbered(3, 4), Numbers("b", ((0, 2),))).result(WAIT_S)
    data.day += timedelta(days=1)
    disk.write(numbered(5, 6), Numbers("c", ((7, 9),))).result(WAIT_S)
    disk.write(numbered(7, 8), Numbers("a", ((2, 4),))).result(WAIT_S)
    assert data.segments() == [FIRST, "segment-000002-2026-11-23.db"]
    assert disk.close(WAIT_S)
    assert list(data.run()[1].producers.items()) == [("b", ((0, 2),)), ("c", ((7, 9),)), ("a", ((0, 4),))]


def test_200_midnights_back_and_forth_keep_the_order(data):
    disk, _ = data.run(LogSettings(max_age_days=36_500, history_max_age_days=36_500))
    steps = [1, 1, -1, 1, -2, 1, 3650, -3650]
    for seq in range(1, 201):
        disk.write(numbered(seq, seq)).result(WAIT_S)
        data.day += timedelta(days=steps[seq % len(steps)])
    assert [int(message) for message in data.rows()] == list(range(1, 201))
    assert len(data.segments()) == 200
    assert sorted(map(int, data.lines())) == list(range(1, 201))
    assert disk.close(WAIT_S)
    assert list(data.run()[1].newest) == numbered(1, 200)


def test_only_the_producers_heard_of_last_are_kept(data, monkeypatch):
    monkeypatch.setattr(history_module, "_KNOWN_PRODUCERS", 3)
    disk, _ = data.run()
    for seq, name in enumerate("abcad", 1):
        disk.write(numbered(seq, seq), Numbers(name, ((seq, seq + 1),))).result(WAIT_S)
    assert disk.close(WAIT_S)
    restored = data.run()[1]
    assert list(restored.producers.items()) == [("c", ((3, 4),)), ("a", ((1, 2), (4, 5))), ("d", ((5, 6),))]


def test_numbers_of_refused_entries_are_stored_without_records(data):
    disk, _ = data.run()
    disk.write([], Numbers("a", ((0, 7),))).result(WAIT_S)
    assert disk.close(WAIT_S)
    assert dict(data.run()[1].producers) == {"a": ((0, 7),)}


def test_history_without_files(data):
    disk, _ = data.run(LogSettings(files=False))
    disk.write(numbered(1, 2)).result(WAIT_S)
    assert data.rows() == ["1", "2"]
    assert data.lines() == []


def test_switched_off_and_on_it_follows_in_order_and_cuts_nothing(data):
    disk, _ = data.run()
    disk.write(numbered(1, 2))
    disk.configure(LogSettings(history=False))
    disk.write(numbered(3, 4))
    last = disk.write(numbered(5, 5))
    last.result(WAIT_S)
    assert data.rows("SELECT series FROM marks") == []
    disk.configure(LogSettings())
    disk.write(numbered(6, 7)).result(WAIT_S)
    disk.configure(LogSettings(history=False))
    disk.write(numbered(8, 9)).result(WAIT_S)
    _, restored = data.run()
    assert data.rows() == ["1", "2", "6", "7"]
    assert data.lines() == [str(seq) for seq in range(1, 10)]
    assert [record.seq for record in restored.newest] == [1, 2, 6, 7]


def test_switched_off_at_the_start_numbers_go_on_and_nothing_is_cut(data):
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    assert disk.close(WAIT_S)
    disk, restored = data.run(LogSettings(history=False))
    assert (restored.head, list(restored.newest)) == (2, [])
    disk.write(numbered(3, 4)).result(WAIT_S)
    data.run()
    assert data.lines() == ["1", "2", "3", "4"]
    assert data.rows() == ["1", "2"]


def test_a_history_somebody_took_away_is_begun_anew(data):
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    (data.history / FIRST).rename(data.path / "away")
    disk.write(numbered(3, 4)).result(WAIT_S)
    assert data.rows() == ["3", "4"]
    assert data.segments() == ["segment-000002-2026-11-22.db"]


def test_without_a_history_nothing_is_made(data):
    disk, restored = data.run(history=None)
    disk.write(numbered(1, 2)).result(WAIT_S)
    assert (restored.head, disk.history_records, disk.history_bytes) == (0, 0, 0)
    assert not data.history.exists()
    assert disk.last_number >= 2**53 - 1


def test_bytes_and_records_of_all_segments_are_counted(data):
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    data.day += timedelta(days=1)
    disk.write(numbered(3, 5)).result(WAIT_S)
    assert disk.close(WAIT_S)
    disk = data.disk()
    disk.open()
    assert disk.history_records == 5
    assert disk.history_bytes == sum(path.stat().st_size for path in data.history.iterdir() if ".db" in path.name)


def test_a_day_larger_than_an_eighth_of_the_limit_has_several_segments(data):
    disk, _ = data.run(LogSettings(history_max_bytes=1_000_000))
    disk.write(numbered(1, 1)).result(WAIT_S)
    large = [Record(seq, seq, 9, "info", "test", f"{seq} {'x' * 1_000}") for seq in range(2, 400)]
    disk.write(large).result(WAIT_S)
    until(lambda: disk.history_bytes > 125_000)
    disk.write(numbered(400, 400)).result(WAIT_S)
    assert data.segments() == [FIRST, "segment-000002-2026-11-22.db"]
    assert len(data.rows()) == 400
