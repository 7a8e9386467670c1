"""The written history in trouble: every failure is told, undone in files and history alike, and ends by itself."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.producers import Numbers
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage import disk as disk_module
from desktop_logs.storage import segment as segment_module
from desktop_logs.storage.numbers import BLOCK, FILE_NAME
from tests.storage.failing_disk import FailingDisk
from tests.storage.history_support import numbered
from tests.storage.support import APPLICATION, WAIT_S, until

FIRST = "segment-000001-2026-11-22.db"
SECOND = "segment-000002-2026-11-22.db"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(disk_module, "_PROBE_S", 0.05)
    monkeypatch.setattr(segment_module, "_BUSY_MS", 50)


def grow_no_more(monkeypatch):
    """As a full disk: databases may not grow from the next time that one is opened. Returns how it is ended."""
    real = segment_module._connect

    def connect(path):
        connection = real(path)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        return connection

    monkeypatch.setattr(segment_module, "_connect", connect)
    return lambda: monkeypatch.setattr(segment_module, "_connect", real)


def test_a_full_disk_under_the_files_takes_the_history_back(data):
    full = FailingDisk(room=4)
    disk, _ = data.run(opener=full.open)
    disk.write(numbered(1, 2), Numbers("a", ((0, 2),))).result(WAIT_S)
    with pytest.raises(StorageError, match="No space left on device"):
        disk.write(numbered(3, 4), Numbers("a", ((2, 4),))).result(WAIT_S)
    assert data.rows() == data.lines() == ["1", "2"]
    full.room = None
    until(lambda: not disk.problem)
    disk.write(numbered(5, 6), Numbers("a", ((3, 5),))).result(WAIT_S)
    assert data.rows() == data.lines() == ["1", "2", "5", "6"]
    assert (disk.stored, disk.failed) == (4, 2)
    assert disk.close(WAIT_S)
    assert dict(data.run()[1].producers) == {"a": ((0, 2), (3, 5))}


def test_a_full_disk_under_the_history_takes_the_files_back(data, monkeypatch):
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    assert disk.close(WAIT_S)
    end = grow_no_more(monkeypatch)
    disk, _ = data.run()
    sentence = (
        f"Cannot store records in {data.history}: No space left on device. "
        "Free some space or choose another folder with --data-dir."
    )
    with pytest.raises(StorageError) as refused:
        disk.write(numbered(3, 2_000)).result(WAIT_S)
    assert str(refused.value) == disk.problem == sentence
    assert data.rows() == data.lines() == ["1", "2"]
    end()
    until(lambda: not disk.problem)
    disk.write(numbered(2_001, 2_002)).result(WAIT_S)
    assert data.rows() == data.lines() == ["1", "2", "2001", "2002"]
    assert (disk.stored, disk.failed) == (2, 1_998)


def test_a_history_that_another_program_locks_is_told_and_ends_by_itself(data):
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    with closing(sqlite3.connect(data.history / FIRST, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match="is locked by another program"):
            disk.write(numbered(3, 4)).result(WAIT_S)
        assert "is locked by another program" in disk.problem
        assert data.lines() == ["1", "2"]
        other.execute("ROLLBACK")
    until(lambda: not disk.problem)
    disk.write(numbered(5, 6)).result(WAIT_S)
    assert data.rows() == data.lines() == ["1", "2", "5", "6"]


def test_locked_at_the_start_numbers_are_given_and_nothing_is_stored_until_it_ends(data):
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    assert disk.close(WAIT_S)
    with closing(sqlite3.connect(data.history / FIRST, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        other.execute("BEGIN EXCLUSIVE")
        disk, restored = data.run()
        assert restored.head == 2
        assert "is locked by another program" in disk.problem
        with pytest.raises(StorageError):
            disk.write(numbered(3, 4)).result(WAIT_S)
    until(lambda: not disk.problem)
    disk.write(numbered(5, 6)).result(WAIT_S)
    assert data.rows() == data.lines() == ["1", "2", "5", "6"]


def test_a_folder_that_cannot_be_made_gives_numbers_that_none_had(data):
    data.history.write_bytes(b"")
    disk, restored = data.run(clock_ns=lambda: 1_800_000_000_000_000_000)
    assert restored.head == 1_800_000_000_000_000
    assert disk.last_number > restored.head + BLOCK
    assert "a file stands where a folder should be" in disk.problem
    head = restored.head
    with pytest.raises(StorageError):
        disk.write(numbered(head + 1, head + 2)).result(WAIT_S)
    assert data.lines() == []
    data.history.unlink()
    until(lambda: not disk.problem)
    disk.write(numbered(head + 3, head + 4)).result(WAIT_S)
    assert data.rows() == data.lines() == [str(head + 3), str(head + 4)]
    assert disk.last_number == head + 2 + BLOCK
    assert disk.close(WAIT_S)
    after = data.run()[1]
    assert (after.head, after.epoch) == (head + 4, restored.epoch)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs a folder that is read-only to its owner")
def test_a_read_only_history_is_told_and_ends_by_itself(data, monkeypatch):
    """The superuser may write everywhere, so SQLite is told not to."""
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    assert disk.close(WAIT_S)
    real = segment_module._connect

    def connect(path):
        connection = real(path)
        connection.execute("PRAGMA query_only = 1").fetchall()
        return connection

    monkeypatch.setattr(segment_module, "_connect", connect)
    disk, _ = data.run()
    with pytest.raises(StorageError, match="it cannot be written. Make it writable"):
        disk.write(numbered(3, 4)).result(WAIT_S)
    monkeypatch.setattr(segment_module, "_connect", real)
    until(lambda: not disk.problem)
    disk.write(numbered(5, 6)).result(WAIT_S)
    assert data.rows() == data.lines() == ["1", "2", "5", "6"]


def test_history_switched_off_while_it_cannot_forget_its_marks_writes_nothing(data):
    """Else the next start would cut lines that were acknowledged."""
    disk, _ = data.run()
    disk.write(numbered(1, 2)).result(WAIT_S)
    with closing(sqlite3.connect(data.history / FIRST, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        disk.configure(LogSettings(history=False))
        with pytest.raises(StorageError, match="is locked by another program"):
            disk.write(numbered(3, 4)).result(WAIT_S)
        assert data.lines() == ["1", "2"]
        other.execute("ROLLBACK")
    disk.write(numbered(5, 6)).result(WAIT_S)
    assert data.lines() == ["1", "2", "5", "6"]


def damage(path, start=100):
    """Make all pages of the database unreadable, its header not among them."""
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (size - start))


@pytest.mark.parametrize("start", [0, 100])
def test_a_segment_damaged_before_the_start_is_set_aside(data, start):
    disk, _ = data.run()
    disk.write(numbered(1, 500), Numbers("a", ((0, 500),))).result(WAIT_S)
    data.day = data.day.replace(day=23)
    disk.write(numbered(501, 900), Numbers("b", ((0, 400),))).result(WAIT_S)
    assert disk.close(WAIT_S)
    damage(data.history / "segment-000002-2026-11-23.db", start)
    disk, restored = data.run()
    assert [str(name) for name in data.damaged] == ["segment-000002-2026-11-23.db"]
    assert disk.problem == ""
    assert restored.head == 900
    assert [record.seq for record in restored.newest] == list(range(1, 501))
    assert dict(restored.producers) == {"a": ((0, 500),)}
    disk.write(numbered(901, 902)).result(WAIT_S)
    assert data.segments() == [FIRST, "segment-000003-2026-11-23.db"]
    assert data.lines() == [str(seq) for seq in range(1, 903)]


def test_a_segment_found_damaged_while_writing_is_followed_by_another(data):
    disk, _ = data.run()
    disk.write(numbered(1, 500), Numbers("a", ((0, 500),))).result(WAIT_S)
    disk.configure(LogSettings(history=False))
    disk.write(numbered(501, 501)).result(WAIT_S)
    damage(data.history / FIRST)
    disk.configure(LogSettings())
    disk.write(numbered(502, 503), Numbers("a", ((500, 502),))).result(WAIT_S)
    assert [str(name) for name in data.damaged] == [FIRST]
    assert data.segments() == [SECOND]
    assert data.rows() == ["502", "503"]
    assert disk.close(WAIT_S)
    restored = data.run()[1]
    assert dict(restored.producers) == {"a": ((0, 502),)}
    assert restored.head == 503


def test_a_damaged_segment_without_the_numbers_file_gives_numbers_that_none_had(data):
    disk, _ = data.run()
    disk.write(numbered(1, 500)).result(WAIT_S)
    assert disk.close(WAIT_S)
    damage(data.history / FIRST)
    (data.history / FILE_NAME).unlink()
    assert data.run(clock_ns=lambda: 1_800_000_000_000_000_000)[1].head == 1_800_000_000_000_000


def test_lines_that_no_history_knows_are_cut_from_the_files(data):
    """What a kill leaves between the files and the commit, over a change of file."""
    disk, _ = data.run(LogSettings(max_file_bytes=1_000))
    disk.write(numbered(1, 300)).result(WAIT_S)
    known = data.lines()
    assert not (data.logs / f"{APPLICATION}.2").exists()
    with open(data.logs / f"{APPLICATION}.1", "r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"301\n302\n")
    (data.logs / f"{APPLICATION}.2").write_bytes(b"303\n")
    (data.logs / "errors-2026-11-22.log").write_bytes(b"301\n")
    disk, _ = data.run()
    assert data.lines() == known == data.rows()
    assert data.lines("errors") == []


def test_files_that_hold_far_more_than_the_history_knows_are_left_and_told(data):
    disk, _ = data.run()
    disk.write(numbered(1, 3)).result(WAIT_S)
    with open(data.logs / APPLICATION, "ab") as file:
        file.truncate(65_000_000)
    disk, _ = data.run()
    assert "nothing of. They are left as they are" in disk.problem
    assert (data.logs / APPLICATION).stat().st_size == 65_000_000


def test_files_that_were_compressed_or_deleted_meanwhile_are_left_alone(data):
    disk, _ = data.run(LogSettings(error_level="info"))
    disk.write(numbered(1, 3)).result(WAIT_S)
    assert disk.close(WAIT_S)
    (data.logs / APPLICATION).rename(data.logs / f"{APPLICATION}.gz")
    (data.logs / "errors-2026-11-22.log").unlink()
    disk, _ = data.run()
    assert disk.problem == ""
    assert (data.logs / f"{APPLICATION}.gz").exists()


_WRITER = """
import pathlib, sys
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.disk import DiskThread
folder = pathlib.Path(sys.argv[1])
settings = LogSettings(max_file_bytes=100_000)
disk = DiskThread(folder / "logs", settings, lambda record: record.message.encode(), history=folder / "history")
head = disk.open().head
disk.start()
waiting = []
for first in range(head + 1, head + 10_000_000, 50):
    batch = [Record(seq, seq, 9, "info", "", str(seq)) for seq in range(first, first + 50)]
    waiting.append((first, disk.write(batch, Numbers("p", ((first, first + 50),)))))
    if len(waiting) > 40:
        number, done = waiting.pop(0)
        done.result()
        print(number, flush=True)
"""


def test_kills_lose_nothing_acknowledged_and_files_and_history_agree(data):
    """Real processes that are killed with no warning, one after another over the same folder."""
    acknowledged = []
    for run in range(4):
        command = [sys.executable, "-c", _WRITER, str(data.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
            for answered, line in enumerate(killed.stdout):
                acknowledged.append(int(line))
                if answered >= 60 + 17 * run:
                    break
            killed.kill()
            acknowledged += [int(line) for line in killed.stdout.read().splitlines(keepends=True) if line[-1] == "\n"]
    disk, restored = data.run()
    rows = [int(message) for message in data.rows()]
    assert rows == sorted(set(rows))
    assert {seq for first in acknowledged for seq in range(first, first + 50)} <= set(rows)
    assert [int(line) for line in data.lines()] == rows
    stored = {number for start, end in restored.producers["p"] for number in range(start, end)}
    assert stored == set(rows)
    assert restored.head >= rows[-1]
    assert disk.problem == ""
