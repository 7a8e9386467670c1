"""The disk thread at its limits: the floor of free space, bytes, and a clock in doubt."""

from __future__ import annotations

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage import disk as disk_module
from desktop_logs.storage.clockwatch import DAY_S, ClockWatch
from desktop_logs.storage.space import FreeSpace
from tests.storage.support import APPLICATION, WAIT_S, lines, record, until


@pytest.fixture
def free():
    """What the disk has free, in bytes; a test changes it."""
    return [10**12]


@pytest.fixture
def disk(make_disk, tmp_path, free, monkeypatch):
    monkeypatch.setattr(disk_module, "_PROBE_S", 0.05)
    seconds = iter(range(10**9))  # every look at this clock is a second after the last: no answer is an old one
    made = make_disk(space=FreeSpace(tmp_path / "logs", lambda: next(seconds), lambda _: free[0]))
    made.start()
    return made


def test_below_the_floor_nothing_is_stored_and_it_is_told(disk, tmp_path, free):
    disk.write([record("one")]).result(WAIT_S)
    free[0] = 480_000_000
    with pytest.raises(StorageError, match="Only 480 MB are free") as refused:
        disk.write([record("lost")]).result(WAIT_S)
    assert disk.problem == str(refused.value)
    assert lines(tmp_path) == ["one"]
    assert (disk.stored, disk.failed) == (1, 1)


def test_the_problem_lasts_as_long_as_the_disk_is_full_and_ends_by_itself(disk, tmp_path, free):
    free[0] = 480_000_000
    told = []
    for _ in range(3):
        with pytest.raises(StorageError):
            disk.write([record("lost")]).result(WAIT_S)
        told.append(disk.problem)
    assert all(told)
    free[0] = 600_000_000
    until(lambda: not disk.problem)
    disk.write([record("two")]).result(WAIT_S)
    assert lines(tmp_path) == ["two"]


def test_a_lower_limit_in_the_settings_ends_it_too(disk, tmp_path, free):
    free[0] = 480_000_000
    with pytest.raises(StorageError):
        disk.write([record("lost")]).result(WAIT_S)
    disk.configure(LogSettings(min_free_bytes=400_000_000))
    until(lambda: not disk.problem)
    disk.write([record("two")]).result(WAIT_S)
    assert lines(tmp_path) == ["two"]


def test_when_space_runs_out_what_is_over_the_limits_goes_at_once(disk, tmp_path, free):
    disk.write([record("one")]).result(WAIT_S)
    disk.configure(LogSettings(max_total_bytes=1_000))
    disk.write([record("two")]).result(WAIT_S)
    until(lambda: disk._housekeeping._thread is None)
    old = tmp_path / "logs" / "application-2026-11-21.log.gz"
    old.write_bytes(bytes(1_000))
    free[0] = 480_000_000
    with pytest.raises(StorageError):
        disk.write([record("lost")]).result(WAIT_S)
    until(lambda: not old.exists())
    assert lines(tmp_path) == ["one", "two"]


def test_a_changed_limit_on_the_bytes_is_followed_at_once(disk, tmp_path):
    disk.write([record("one")]).result(WAIT_S)
    old = tmp_path / "logs" / "errors-2026-11-21.log.gz"
    old.write_bytes(bytes(2_000))
    disk.configure(LogSettings(max_total_bytes=1_999))
    until(lambda: not old.exists())
    assert (tmp_path / "logs" / APPLICATION).exists()


def test_files_that_grow_are_held_to_the_bytes_without_being_asked(make_disk, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "_TIDY_AGAIN_S", 0.05)
    disk = make_disk(LogSettings(max_total_bytes=5_000))
    disk.start()
    disk.write([record("one")]).result(WAIT_S)
    old = tmp_path / "logs" / "errors-2026-11-21.log.gz"
    old.write_bytes(bytes(6_000))
    until(lambda: not old.exists())


def test_a_first_record_by_a_wrong_clock_costs_no_old_file(make_disk, tmp_path):
    """What waits at the start is written at once, perhaps before housekeeping has looked."""
    (tmp_path / "logs").mkdir()
    old = tmp_path / "logs" / "application-2016-11-22.log.gz"
    old.write_bytes(b"")
    disk = make_disk()
    first = disk.write([record("one")])
    disk.start()
    first.result(WAIT_S)
    until(lambda: disk._housekeeping.is_after_pause)
    assert disk.notice == ""
    assert old.exists()


def test_while_the_clock_is_in_doubt_a_notice_tells_why_nothing_goes(make_disk, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "_TIDY_AGAIN_S", 0.05)
    wall_s = [1_800_000_000.0]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / APPLICATION).write_bytes(b"1\n")
    disk = make_disk(watch=ClockWatch(lambda: wall_s[0], lambda: 0.0))
    disk.start()
    disk.write([record("one")]).result(WAIT_S)
    until(lambda: disk._housekeeping._thread is None)
    wall_s[0] += 3_650 * DAY_S
    until(lambda: "forward by 3,650 days" in disk.notice)
    assert disk.problem == ""
    wall_s[0] -= 3_650 * DAY_S
    until(lambda: not disk.notice)
