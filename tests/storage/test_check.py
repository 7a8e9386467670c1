"""Telling a sound segment from a damaged one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from desktop_logs.storage.check import CHECKED, Checked, Stopped, check
from tests.storage.damage import NAME, records_from, records_in, write_segment


@pytest.fixture
def segment(tmp_path):
    return write_segment(tmp_path, NAME, records_from(1, 2_000))


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_a_sound_segment_is_sound_and_left_as_it_is(segment):
    before = segment.read_bytes(), segment.stat().st_mtime_ns
    assert check(segment, is_live=True) == ""
    assert check(segment) == ""
    assert (segment.read_bytes(), segment.stat().st_mtime_ns) == before
    assert [path.name for path in segment.parent.iterdir()] == [segment.name]


def test_a_broken_page_is_found(segment):
    page = segment.read_bytes().index(b"\x0d\x00\x00\x00", 8_192) // 4_096
    overwrite(segment, page * 4_096 + 3, b"\xff" * 30)
    assert check(segment) != ""
    assert check(segment, is_live=True) != ""


def test_what_is_no_database_is_found(segment):
    overwrite(segment, 0, b"nothing")
    assert "not a database" in check(segment)


def test_an_empty_file_has_no_format(tmp_path):
    (tmp_path / str(NAME)).touch()
    assert check(tmp_path / str(NAME)) == "no such table: facts"


def test_a_text_that_is_none_is_found(segment):
    with closing(sqlite3.connect(segment)) as connection, connection:
        connection.execute("UPDATE records SET message = CAST(x'ff41' AS TEXT) WHERE seq = 1000")
    assert "UTF-8" in check(segment)


def test_damage_in_the_index_alone_is_found(segment):
    with closing(sqlite3.connect(segment)) as connection, connection:
        connection.execute("UPDATE words_data SET block = zeroblob(length(block)) WHERE id > 100")
    assert check(segment) != ""


def test_a_damaged_frame_is_found_before_sqlite_forgets_what_stands_behind(tmp_path):
    path = write_segment(tmp_path, NAME, records_from(1, 2_000), leave_wal=True)
    overwrite(Path(f"{path}-wal"), 32 + 4_120 * 50 + 100, b"\0\1\2\3")
    size = Path(f"{path}-wal").stat().st_size
    assert check(path) == "frame 51 of its -wal is damaged"
    assert Path(f"{path}-wal").stat().st_size == size


def test_one_that_was_not_closed_is_sound(tmp_path):
    records = records_from(1, 2_000)
    path = write_segment(tmp_path, NAME, records, leave_wal=True)
    assert check(path) == ""
    assert records_in(path) == records


def test_a_check_can_be_stopped(segment):
    with pytest.raises(Stopped):
        check(segment, lambda: True)


def test_a_segment_that_is_gone_is_not_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        check(tmp_path / str(NAME))


def test_a_segment_in_use_is_not_damaged(segment):
    with closing(sqlite3.connect(segment, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert check(segment, is_live=True) == ""


def test_what_was_found_sound_is_known_at_the_next_start(segment):
    checked = Checked(segment.parent)
    assert not checked.knows(segment.name)
    checked.note(segment.name, checked.mark_of(segment.name))
    assert Checked(segment.parent).knows(segment.name)


def test_one_that_was_touched_is_not_known(segment):
    checked = Checked(segment.parent)
    checked.note(segment.name, checked.mark_of(segment.name))
    os.utime(segment, ns=(0, segment.stat().st_mtime_ns + 1))
    assert not checked.knows(segment.name)


def test_one_that_changed_while_it_was_checked_is_not_noted(segment):
    checked = Checked(segment.parent)
    mark = checked.mark_of(segment.name)
    os.utime(segment, ns=(0, segment.stat().st_mtime_ns + 1))
    checked.note(segment.name, mark)
    assert not Checked(segment.parent).knows(segment.name)


def test_one_with_a_wal_is_not_known(segment):
    checked = Checked(segment.parent)
    checked.note(segment.name, checked.mark_of(segment.name))
    Path(f"{segment}-wal").write_bytes(b"x")
    assert not checked.knows(segment.name)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": [1]}'])
def test_a_broken_list_of_what_was_checked_knows_nothing(segment, text):
    (segment.parent / CHECKED).write_text(text)
    assert not Checked(segment.parent).knows(segment.name)
