"""The disk thread: what is acknowledged is in the files, in order, and every failure is told and ends."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from datetime import date, timedelta

import pytest

from desktop_logs.core.errors import Busy, StorageError
from desktop_logs.core.levels import DEBUG, ERROR, INFO
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.core.wire import decode_json
from desktop_logs.storage import disk as disk_module
from desktop_logs.storage.disk import DiskThread
from desktop_logs.storage.rotation import LogName
from tests.storage.failing_disk import FailingDisk

DAY = date(2026, 11, 22)
APPLICATION = "application-2026-11-22.log"
ERRORS = "errors-2026-11-22.log"
WAIT_S = 20


@pytest.fixture
def make(tmp_path):
    """Makes disk threads that are closed at the end."""
    made = []

    def make_disk(settings=None, **options):
        options = {"encode": text_of, "today": lambda: DAY, **options}
        made.append(DiskThread(tmp_path / "logs", settings or LogSettings(), **options))
        return made[-1]

    yield make_disk
    for disk in made:
        assert disk.close(WAIT_S)


@pytest.fixture
def disk(make):
    made = make()
    made.start()
    return made


class Gate:
    """An encoder that waits until it is opened, and tells when it is reached."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def encode(self, record):
        self.reached.set()
        assert self.opened.wait(WAIT_S)
        return text_of(record)


def text_of(record):
    return record.message.encode()


def record(message, severity=INFO):
    return Record(1, 0, severity, "info", "test", str(message))


def lines(tmp_path, name=APPLICATION):
    return (tmp_path / "logs" / name).read_text().splitlines()


def until(is_so):
    """Wait for something that happens by itself and tells nobody."""
    deadline_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_when_the_future_is_done_the_lines_are_in_the_files(disk, tmp_path):
    disk.write([record("one"), record("two", ERROR)]).result(WAIT_S)
    assert lines(tmp_path) == ["one", "two"]
    assert lines(tmp_path, ERRORS) == ["two"]
    assert (disk.stored, disk.failed, disk.queue_records, disk.problem) == (2, 0, 0, "")


def test_lines_are_json_as_the_wire_writes_it(make, tmp_path):
    disk = make(encode=disk_module.encode_entry)
    disk.start()
    disk.write([record("two\nlines")]).result(WAIT_S)
    (line,) = lines(tmp_path)
    assert decode_json(line)["message"] == "two\nlines"


def test_records_below_the_level_count_as_stored(disk, tmp_path):
    disk.write([record("quiet", DEBUG)]).result(WAIT_S)
    assert disk.stored == 1
    assert not (tmp_path / "logs").exists()


def test_an_empty_batch_is_settled_at_once(make):
    disk = make()
    assert disk.write([]).done()


def test_what_is_written_before_the_start_is_kept_for_it(make, tmp_path):
    disk = make()
    waiting = disk.write([record("early")])
    assert disk.queue_records == 1
    disk.start()
    waiting.result(WAIT_S)
    assert lines(tmp_path) == ["early"]


def test_what_waits_is_written_together_and_answered_in_order(make, tmp_path):
    gate = Gate()
    disk = make(encode=gate.encode)
    disk.start()
    first = disk.write([record(0)])
    assert gate.reached.wait(WAIT_S)
    answered = []
    for number in range(1, 200):
        disk.write([record(number)]).add_done_callback(lambda _, number=number: answered.append(number))
    last = disk.write([record(200)])
    gate.opened.set()
    first.result(WAIT_S)
    last.result(WAIT_S)
    assert answered == list(range(1, 200))
    assert lines(tmp_path) == [str(number) for number in range(201)]


def test_a_batch_of_many_slices_is_whole_and_in_order(disk, tmp_path):
    disk.write([record(number) for number in range(4_321)]).result(WAIT_S)
    assert lines(tmp_path) == [str(number) for number in range(4_321)]


def test_eight_writers_keep_their_order_and_miss_nothing_acknowledged(disk, tmp_path):
    def writes(name):
        for number in range(0, 300, 3):
            waits.append(disk.write([record(f"{name} {number + step}") for step in range(3)]))

    waits: list[Future[None]] = []
    writers = [threading.Thread(target=writes, args=(name,)) for name in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for waiting in waits:
        waiting.result(WAIT_S)
    written = [line.split() for line in lines(tmp_path)]
    assert disk.stored == len(written) == 2_400
    for name in range(8):
        assert [int(number) for writer, number in written if writer == str(name)] == list(range(300))


def test_the_file_follows_the_day_that_it_is_asked(make, tmp_path):
    days = [DAY]
    disk = make(today=lambda: days[0])
    disk.start()
    disk.write([record("before")]).result(WAIT_S)
    days[0] += timedelta(days=1)
    disk.write([record("after")]).result(WAIT_S)
    assert lines(tmp_path, "application-2026-11-23.log") == ["after"]
    until((tmp_path / "logs" / (APPLICATION + ".gz")).exists)


def test_old_files_are_tidied_at_the_start(make, tmp_path):
    (tmp_path / "logs").mkdir()
    old = tmp_path / "logs" / "errors-2026-10-01.log.gz"
    old.write_bytes(b"")
    make().start()
    until(lambda: not old.exists())


def test_settings_take_effect_between_the_writes_around_them(make, tmp_path):
    gate = Gate()
    disk = make(encode=gate.encode)
    disk.start()
    disk.write([record("info 1"), record("debug 1", DEBUG)])
    assert gate.reached.wait(WAIT_S)
    disk.configure(LogSettings(file_level="debug"))
    disk.write([record("debug 2", DEBUG)])
    disk.configure(LogSettings(files=False))
    disk.write([record("nowhere")])
    disk.configure(LogSettings())
    assert disk.settings == LogSettings()
    last = disk.write([record("info 3"), record("debug 3", DEBUG)])
    gate.opened.set()
    last.result(WAIT_S)
    assert lines(tmp_path) == ["info 1", "debug 2", "info 3"]
    assert disk.stored == 6


def test_a_changed_age_is_followed_at_once(disk, tmp_path):
    disk.write([record("one")]).result(WAIT_S)
    old = tmp_path / "logs" / "application-2026-11-12.log.gz"
    old.write_bytes(b"")
    disk.configure(LogSettings(max_age_days=9))
    until(lambda: not old.exists())


def test_a_full_disk_is_told_counted_and_ends_by_itself(make, tmp_path):
    full = FailingDisk(room=2)
    disk = make(opener=full.open)
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


def test_a_write_that_succeeds_ends_the_problem_at_once(make, tmp_path):
    full = FailingDisk(room=0)
    disk = make(opener=full.open)
    disk.start()
    with pytest.raises(StorageError):
        disk.write([record("one")]).result(WAIT_S)
    full.room = None
    disk.write([record("one")]).result(WAIT_S)
    assert disk.problem == ""
    assert lines(tmp_path) == ["one"]


def test_records_that_no_file_takes_do_not_end_a_problem_nor_hold_it_up(make, monkeypatch):
    monkeypatch.setattr(disk_module, "_PROBE_S", 0.05)
    full = FailingDisk(room=0)
    disk = make(opener=full.open)
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


def test_switching_the_files_off_ends_their_problem(make):
    disk = make(opener=FailingDisk(room=0).open)
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


def test_too_much_waiting_is_refused_and_the_rest_goes_on(make, tmp_path):
    disk = make(max_queue_records=10)
    waiting = [disk.write([record(0)] * 6)]
    with pytest.raises(Busy, match="6 records wait for the disk") as refused:
        disk.write([record(1)] * 5)
    assert refused.value.retry_after_s == 1
    waiting.append(disk.write([record(2)] * 4))
    disk.start()
    for done in waiting:
        done.result(WAIT_S)
    assert lines(tmp_path) == ["0"] * 6 + ["2"] * 4


def test_the_bound_is_on_size_too(make):
    disk = make(max_queue_bytes=2_500)
    disk.write([record("x" * 800)])
    with pytest.raises(Busy):
        disk.write([record("y")])


def test_a_batch_over_the_bound_is_taken_when_nothing_waits(make, tmp_path):
    disk = make(max_queue_records=10)
    waiting = disk.write([record(0)] * 11)
    disk.start()
    waiting.result(WAIT_S)
    assert len(lines(tmp_path)) == 11


def test_a_record_that_cannot_be_encoded_fails_its_own_batch_alone(make, tmp_path):
    def encode(item):
        if item.message == "bad":
            raise TypeError("no text")
        return text_of(item)

    disk = make(encode=encode)
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


def test_the_thread_outlives_an_unexpected_fault(make, tmp_path):
    broken = [True]

    def opener(path):
        if broken[0]:
            raise RuntimeError("broken")
        return FailingDisk().open(path)

    disk = make(opener=opener)
    disk.start()
    with pytest.raises(StorageError, match="fault of Desktop Logs"):
        disk.write([record("one")]).result(WAIT_S)
    assert "RuntimeError('broken')" in disk.problem
    broken[0] = False
    disk.write([record("two")]).result(WAIT_S)
    assert lines(tmp_path) == ["two"]
    assert disk.problem == ""


def test_the_thread_outlives_a_calendar_that_fails(make, tmp_path):
    answers = iter([ValueError("no day")])

    def today():
        for answer in answers:
            raise answer
        return DAY

    disk = make(today=today)
    disk.start()
    until(lambda: "no day" in disk.problem)
    disk.write([record("one")]).result(WAIT_S)
    assert lines(tmp_path) == ["one"]


def test_an_answer_cannot_be_cancelled(make):
    """Somebody who stops waiting must not take the answer from the others, nor stop the writing."""
    disk = make()
    waiting = disk.write([record("one")])
    assert not waiting.cancel()
    disk.start()
    waiting.result(WAIT_S)


def test_closing_writes_what_waits(make, tmp_path):
    gate = Gate()
    disk = make(encode=gate.encode)
    disk.start()
    waiting = [disk.write([record(number)]) for number in range(50)]
    assert gate.reached.wait(WAIT_S)
    assert not disk.close(0)
    gate.opened.set()
    assert disk.close(WAIT_S)
    assert all(done.done() and not done.exception() for done in waiting)
    assert lines(tmp_path) == [str(number) for number in range(50)]


def test_closing_without_a_start_writes_what_waits(make, tmp_path):
    disk = make()
    disk.write([record("one")])
    assert disk.close(WAIT_S)
    assert lines(tmp_path) == ["one"]


def test_after_closing_nothing_is_taken(disk):
    assert disk.close(WAIT_S)
    assert disk.close(0)
    with pytest.raises(StorageError, match="closed"):
        disk.write([record("late")])


def test_a_problem_at_the_end_is_still_told_after_closing(make):
    disk = make(opener=FailingDisk(room=0).open)
    waiting = disk.write([record("one")])
    assert disk.close(WAIT_S)
    assert isinstance(waiting.exception(0), StorageError)
    assert "No space left" in disk.problem


def test_the_console_gets_what_its_level_lets_through_in_order(make):
    printed = []
    disk = make(LogSettings(console=True, files=False), console=lambda records: printed.extend(records))
    disk.write([record("one"), record("quiet", DEBUG)])
    disk.configure(LogSettings(console=True, console_level="debug", files=False))
    disk.write([record("two", DEBUG)])
    disk.configure(LogSettings(console=False, files=False))
    disk.write([record("silence")])
    assert disk.close(WAIT_S)
    assert [item.message for item in printed] == ["one", "two"]


def test_a_console_that_fails_is_told_and_the_files_go_on(make, tmp_path):
    closed = [True]

    def console(_):
        if closed[0]:
            raise ValueError("closed terminal")

    disk = make(LogSettings(console=True), console=console)
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


def test_a_failure_to_tidy_is_told_and_tried_again(make, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "_TIDY_AGAIN_S", 0.05)
    (tmp_path / "logs").mkdir()
    old = tmp_path / "logs" / "application-2026-11-21.log"
    old.write_bytes(b"1\n")
    in_the_way = tmp_path / "logs" / "application-2026-11-21.log.gz.part"
    in_the_way.mkdir()
    disk = make()
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
