"""The pair of files: what goes where, and that it goes to both or to neither."""

from __future__ import annotations

from datetime import date

import pytest

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
