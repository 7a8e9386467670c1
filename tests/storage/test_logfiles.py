"""The pair of files: what goes where, and that it goes to both or to neither."""

from __future__ import annotations

from datetime import date

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.levels import DEBUG, ERROR, FATAL, INFO, WARN
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.logfiles import NOTHING, LogFiles
from tests.storage.failing_disk import FailingDisk

DAY = date(2026, 11, 22)
APPLICATION = "application-2026-11-22.log"
ERRORS = "errors-2026-11-22.log"
ALL = [(DEBUG, b"debug"), (INFO, b"info"), (WARN, b"warn"), (ERROR, b"error"), (FATAL, b"fatal")]


@pytest.fixture
def disk():
    return FailingDisk()


@pytest.fixture
def pair(tmp_path, disk):
    made = LogFiles(tmp_path, LogSettings(), disk.open)
    yield made
    made.close()


def contents(pair):
    return {path.name: path.read_bytes() for path in sorted(pair.folder.iterdir())}


def test_application_is_from_info_and_errors_from_error(pair):
    pair.write(ALL, DAY)
    assert contents(pair) == {APPLICATION: b"info\nwarn\nerror\nfatal\n", ERRORS: b"error\nfatal\n"}
    assert pair.live == (APPLICATION, ERRORS)


def test_a_file_without_lines_is_not_made(pair):
    pair.write([(INFO, b"info")], DAY)
    assert contents(pair) == {APPLICATION: b"info\n"}
    pair.write([(DEBUG, b"debug")], DAY)
    assert contents(pair) == {APPLICATION: b"info\n"}


def test_changed_levels_take_effect_with_the_next_write(pair):
    pair.configure(LogSettings(file_level="error", error_level="warn"))
    assert pair.floor == WARN
    pair.write(ALL, DAY)
    assert contents(pair) == {APPLICATION: b"error\nfatal\n", ERRORS: b"warn\nerror\nfatal\n"}


def test_a_changed_size_takes_effect_with_the_next_write(pair):
    pair.write([(INFO, b"x" * 900)], DAY)
    pair.configure(LogSettings(max_file_bytes=1_000))
    pair.write([(INFO, b"y" * 900)], DAY)
    assert contents(pair) == {APPLICATION: b"x" * 900 + b"\n", APPLICATION + ".1": b"y" * 900 + b"\n"}


def test_off_writes_nothing_and_closes_the_files(pair):
    pair.write(ALL, DAY)
    before = contents(pair)
    pair.configure(LogSettings(files=False))
    assert pair.live == ("", "")
    assert pair.floor == NOTHING
    pair.write(ALL, DAY)
    assert contents(pair) == before
    pair.configure(LogSettings())
    pair.write([(INFO, b"on")], DAY)
    assert contents(pair)[APPLICATION] == before[APPLICATION] + b"on\n"


@pytest.mark.parametrize("room", range(34))
def test_a_write_that_fails_in_either_file_leaves_nothing_in_both(pair, disk, room):
    """34 bytes are what the five lines take in both files together, so it fails at each of them in turn."""
    disk.room = room
    with pytest.raises(OSError, match="No space left"):
        pair.write(ALL, DAY)
    assert contents(pair) == {}
    disk.room = None
    pair.write(ALL, DAY)
    assert contents(pair) == {APPLICATION: b"info\nwarn\nerror\nfatal\n", ERRORS: b"error\nfatal\n"}


def test_a_probe_fails_as_a_write_would(pair, disk):
    disk.room = 99
    with pytest.raises(OSError, match="No space left"):
        pair.probe(100, DAY)
    assert contents(pair) == {}


def test_a_probe_leaves_no_trace(pair, disk):
    pair.probe(10_000_000_000, DAY)
    assert contents(pair) == {}
    pair.write(ALL, DAY)
    before = contents(pair)
    pair.probe(0, DAY)
    assert contents(pair) == before


def test_a_probe_with_files_off_touches_nothing(pair, disk):
    pair.configure(LogSettings(files=False))
    disk.room = 0
    pair.probe(100, DAY)
    assert contents(pair) == {}


def test_positions_are_where_the_next_write_begins(pair):
    assert pair.positions(DAY) == {"application": (APPLICATION, 0), "errors": ("errors-2026-11-22.log", 0)}
    pair.write([(INFO, b"info")], DAY)
    assert pair.reached == {"application": (APPLICATION, 5)}
    assert pair.positions(DAY) == {"application": (APPLICATION, 5), "errors": (ERRORS, 0)}
    pair.close()
    assert pair.reached == {}
    assert pair.positions(DAY) == {"application": (APPLICATION, 5), "errors": (ERRORS, 0)}
    (pair.folder / APPLICATION).rename(pair.folder / f"{APPLICATION}.gz")
    assert pair.positions(DAY)["application"] == (f"{APPLICATION}.1", 0)


def test_a_write_can_be_taken_back(pair):
    pair.write(ALL[:2], DAY)
    before = contents(pair)
    pair.write(ALL, DAY)
    pair.undo()
    assert contents(pair) == before


def test_cutting_back_takes_away_what_came_after_the_marks(pair):
    pair.configure(LogSettings(max_file_bytes=1_000))
    pair.write([(INFO, b"x" * 899)], DAY)
    marks = pair.positions(DAY)
    before = contents(pair)
    pair.write([(ERROR, b"y" * 99)] * 12, DAY)
    pair.close()
    assert len(contents(pair)) == 5
    assert pair.cut_back(marks) == 2_400
    assert contents(pair) == before
    assert pair.cut_back(marks) == 0


def test_files_of_other_days_and_other_series_are_not_cut(pair):
    marks = pair.positions(DAY)
    (pair.folder / "application-2036-11-22.log").write_bytes(b"later\n")
    (pair.folder / "audit-2026-11-22.log").write_bytes(b"other\n")
    (pair.folder / f"{APPLICATION}.1.gz").write_bytes(b"packed")
    before = contents(pair)
    assert pair.cut_back(marks) == 0
    assert pair.cut_back({"application": ("no name of ours", 0)}) == 0
    assert contents(pair) == before


def test_more_than_a_group_can_be_is_not_cut(pair):
    marks = pair.positions(DAY)
    with open(pair.folder / APPLICATION, "wb") as file:
        file.truncate(64_000_001)
    with pytest.raises(StorageError, match="64,000,001 bytes that the history knows nothing of"):
        pair.cut_back(marks)
    assert (pair.folder / APPLICATION).stat().st_size == 64_000_001
