"""The disk thread in trouble: every failure is told and counted, ends by itself, and loses nothing acknowledged."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.levels import DEBUG
from desktop_logs.core.settings import LogSettings
from desktop_logs.core.wire import decode_json
from desktop_logs.storage import disk as disk_module
from desktop_logs.storage.rotation import LogName
from tests.storage.failing_disk import FailingDisk
from tests.storage.support import DAY, WAIT_S, lines, record, text_of, until


def test_a_full_disk_is_told_counted_and_ends_by_itself(make_disk, tmp_path):
    full = FailingDisk(room=2)
    disk = make_disk(opener=full.open)
    disk.start()
    sentence = (
        f"Cannot write log files in {tmp_path / 'logs'}: No space left on device. "
        "Free some space or choose another folder with --data-dir."
    )
    with pytest.raises(StorageError) as refused:
        disk.write([record("one"), record("two")]).result(WAIT_S)
    assert str(refused.value) == sentence
    assert disk.problem == sentence
    assert (disk.stored, disk.failed, disk.queue_records) == (0, 2, 0)
    full.room = None
    until(lambda: not disk.problem)
    disk.write([record("one"), record("two")]).result(WAIT_S)
    assert lines(tmp_path) == ["one", "two"]
    assert (disk.stored, disk.failed) == (2, 2)


def test_a_write_that_succeeds_ends_the_problem_at_once(make_disk, tmp_path):
    full = FailingDisk(room=0)
    disk = make_disk(opener=full.open)
    disk.start()
    with pytest.raises(StorageError):
        disk.write([record("one")]).result(WAIT_S)
    full.room = None
    disk.write([record("one")]).result(WAIT_S)
    assert disk.problem == ""
    assert lines(tmp_path) == ["one"]


def test_records_that_no_file_takes_do_not_end_a_problem_nor_hold_it_up(make_disk, monkeypatch):
    monkeypatch.setattr(disk_module, "_PROBE_S", 0.05)
    full = FailingDisk(room=0)
    disk = make_disk(opener=full.open)
    disk.start()
    with pytest.raises(StorageError):
        disk.write([record("one")]).result(WAIT_S)
    disk.write([record("quiet", DEBUG)]).result(WAIT_S)
    assert disk.problem
    full.room = None

    def writes_and_looks():
        disk.write([record("quiet", DEBUG)]).result(WAIT_S)
        return not disk.problem

    until(writes_and_looks)


def test_switching_the_files_off_ends_their_problem(make_disk):
    disk = make_disk(opener=FailingDisk(room=0).open)
    disk.start()
    with pytest.raises(StorageError):
        disk.write([record("one")]).result(WAIT_S)
    disk.configure(LogSettings(files=False))
    disk.write([record("two")]).result(WAIT_S)
    assert disk.problem == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no folder with an open file")
def test_a_folder_that_became_a_file_and_comes_back_is_written_again(disk, tmp_path):
    folder, away = tmp_path / "logs", tmp_path / "away"
    disk.write([record("one")]).result(WAIT_S)
    folder.rename(away)
    folder.write_bytes(b"")
    with pytest.raises(StorageError, match="a file stands where a folder should be"):
        disk.write([record("lost")]).result(WAIT_S)
    folder.unlink()
    away.rename(folder)
    disk.write([record("two")]).result(WAIT_S)
    assert disk.problem == ""
    assert lines(tmp_path) == ["one", "two"]


def test_a_record_that_cannot_be_encoded_fails_its_own_batch_alone(make_disk, tmp_path):
    def encode(item):
        if item.message == "bad":
            raise TypeError("no text")
        return text_of(item)

    disk = make_disk(encode=encode)
    before = disk.write([record("one")])
    bad = disk.write([record("beside"), record("bad")])
    after = disk.write([record("two")])
    disk.start()
    before.result(WAIT_S)
    after.result(WAIT_S)
    with pytest.raises(StorageError, match="no text"):
        bad.result(WAIT_S)
    assert lines(tmp_path) == ["one", "two"]
    assert (disk.stored, disk.failed, disk.queue_records, disk.problem) == (2, 2, 0, "")


def test_the_thread_outlives_an_unexpected_fault(make_disk, tmp_path):
    broken = [True]

    def opener(path):
        if broken[0]:
            raise RuntimeError("broken")
        return FailingDisk().open(path)

    faults = []
    disk = make_disk(opener=opener, on_fault=faults.append)
    disk.start()
    with pytest.raises(StorageError, match="fault of Desktop Logs"):
        disk.write([record("one")]).result(WAIT_S)
    assert {type(fault) for fault in faults} == {RuntimeError}
    assert "RuntimeError('broken')" in disk.problem
    broken[0] = False
    disk.write([record("two")]).result(WAIT_S)
    assert lines(tmp_path) == ["two"]
    assert disk.problem == ""


def test_the_thread_outlives_a_calendar_that_fails(make_disk, tmp_path):
    answers = iter([ValueError("no day")])

    def today():
        for answer in answers:
            raise answer
        return DAY

    disk = make_disk(today=today)
    disk.start()
    until(lambda: "no day" in disk.problem)
    disk.write([record("one")]).result(WAIT_S)
    assert lines(tmp_path) == ["one"]


def test_a_problem_at_the_end_is_still_told_after_closing(make_disk):
    disk = make_disk(opener=FailingDisk(room=0).open)
    waiting = disk.write([record("one")])
    assert disk.close(WAIT_S)
    assert isinstance(waiting.exception(0), StorageError)
    assert "No space left" in disk.problem


def test_a_console_that_fails_is_told_and_the_files_go_on(make_disk, tmp_path):
    closed = [True]

    def console(_):
        if closed[0]:
            raise ValueError("closed terminal")

    disk = make_disk(LogSettings(console=True), console=console)
    disk.start()
    disk.write([record("one")]).result(WAIT_S)
    until(lambda: "closed terminal" in disk.problem)
    closed[0] = False
    disk.write([record("two")]).result(WAIT_S)
    until(lambda: not disk.problem)
    closed[0] = True
    disk.write([record("three")]).result(WAIT_S)
    until(lambda: disk.problem)
    disk.configure(LogSettings())
    until(lambda: not disk.problem)
    assert lines(tmp_path) == ["one", "two", "three"]


def test_a_failure_to_tidy_is_told_and_tried_again(make_disk, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "_TIDY_AGAIN_S", 0.05)
    (tmp_path / "logs").mkdir()
    old = tmp_path / "logs" / "application-2026-11-21.log"
    old.write_bytes(b"1\n")
    in_the_way = tmp_path / "logs" / "application-2026-11-21.log.gz.part"
    in_the_way.mkdir()
    disk = make_disk()
    disk.start()
    until(lambda: f"Cannot tidy up {old}" in disk.problem)
    disk.write([record("one")]).result(WAIT_S)
    in_the_way.rmdir()
    until(lambda: not disk.problem)
    until(lambda: not old.exists())


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path):
    """A real process that is killed with no warning: whatever it called stored is in the files, once and whole."""
    program = (
        "import sys, pathlib\n"
        "from desktop_logs.core.records import Record\n"
        "from desktop_logs.core.settings import LogSettings\n"
        "from desktop_logs.storage.disk import DiskThread\n"
        "disk = DiskThread(pathlib.Path(sys.argv[1]), LogSettings(max_file_bytes=20_000))\n"
        "disk.start()\n"
        "for first in range(0, 1_000_000, 100):\n"
        "    batch = [Record(n, 0, 9, 'info', '', str(n)) for n in range(first, first + 100)]\n"
        "    disk.write(batch).result()\n"
        "    print(first + 100, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as killed:
        for acknowledged in killed.stdout:
            if int(acknowledged) >= 3_000:
                break
        killed.kill()
        rest = killed.stdout.read().splitlines(keepends=True)
    acknowledged = int(([acknowledged] + [line for line in rest if line.endswith("\n")])[-1])
    names = {replace(LogName.parse(path.name), suffix="") for path in tmp_path.iterdir()}
    written: list[bytes] = []
    for name in sorted(names, key=lambda name: (name.day, name.number)):
        path = tmp_path / str(name)
        packed = tmp_path / f"{name}.gz"
        written += (path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())).splitlines()
    assert [int(decode_json(line)["message"]) for line in written[:acknowledged]] == list(range(acknowledged))
