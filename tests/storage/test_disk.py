"""The disk thread: what is acknowledged is in the files, in order and by the settings."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from datetime import timedelta

import pytest

from desktop_logs.core.errors import Busy, StorageError
from desktop_logs.core.levels import DEBUG, ERROR
from desktop_logs.core.settings import LogSettings
from desktop_logs.core.wire import decode_json, encode_entry
from tests.storage.support import APPLICATION, DAY, ERRORS, WAIT_S, Gate, lines, record, until


def test_when_the_future_is_done_the_lines_are_in_the_files(disk, tmp_path):
    disk.write([record("one"), record("two", ERROR)]).result(WAIT_S)
    assert lines(tmp_path) == ["one", "two"]
    assert lines(tmp_path, ERRORS) == ["two"]
    assert (disk.stored, disk.failed, disk.queue_records, disk.problem) == (2, 0, 0, "")


def test_lines_are_json_as_the_wire_writes_it(make_disk, tmp_path):
    disk = make_disk(encode=encode_entry)
    disk.start()
    disk.write([record("two\nlines")]).result(WAIT_S)
    (line,) = lines(tmp_path)
    assert decode_json(line)["message"] == "two\nlines"


def test_records_below_the_level_count_as_stored(disk, tmp_path):
    disk.write([record("quiet", DEBUG)]).result(WAIT_S)
    assert disk.stored == 1
    assert not (tmp_path / "logs").exists()


def test_an_empty_batch_is_settled_at_once(make_disk):
    disk = make_disk()
    assert disk.write([]).done()


def test_what_is_written_before_the_start_is_kept_for_it(make_disk, tmp_path):
    disk = make_disk()
    waiting = disk.write([record("early")])
    assert disk.queue_records == 1
    disk.start()
    waiting.result(WAIT_S)
    assert lines(tmp_path) == ["early"]


def test_what_waits_is_written_together_and_answered_in_order(make_disk, tmp_path):
    gate = Gate()
    disk = make_disk(encode=gate.encode)
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


def test_the_file_follows_the_day_that_it_is_asked(make_disk, tmp_path):
    days = [DAY]
    disk = make_disk(today=lambda: days[0])
    disk.start()
    disk.write([record("before")]).result(WAIT_S)
    days[0] += timedelta(days=1)
    disk.write([record("after")]).result(WAIT_S)
    assert lines(tmp_path, "application-2026-11-23.log") == ["after"]
    until((tmp_path / "logs" / (APPLICATION + ".gz")).exists)


def test_old_files_are_tidied_at_the_start(make_disk, tmp_path):
    (tmp_path / "logs").mkdir()
    old = tmp_path / "logs" / "errors-2026-10-01.log.gz"
    old.write_bytes(b"")
    (tmp_path / "logs" / APPLICATION).write_bytes(b"")  # written today, so the clock is trusted
    make_disk().start()
    until(lambda: not old.exists())


def test_settings_take_effect_between_the_writes_around_them(make_disk, tmp_path):
    gate = Gate()
    disk = make_disk(encode=gate.encode)
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


def test_too_much_waiting_is_refused_and_the_rest_goes_on(make_disk, tmp_path):
    disk = make_disk(max_queue_records=10)
    waiting = [disk.write([record(0)] * 6)]
    with pytest.raises(Busy, match="6 records wait for the disk") as refused:
        disk.write([record(1)] * 5)
    assert refused.value.retry_after_s == 1
    waiting.append(disk.write([record(2)] * 4))
    disk.start()
    for done in waiting:
        done.result(WAIT_S)
    assert lines(tmp_path) == ["0"] * 6 + ["2"] * 4


def test_the_bound_is_on_size_too(make_disk):
    disk = make_disk(max_queue_bytes=2_500)
    disk.write([record("x" * 800)])
    with pytest.raises(Busy):
        disk.write([record("y")])


def test_a_batch_over_the_bound_is_taken_when_nothing_waits(make_disk, tmp_path):
    disk = make_disk(max_queue_records=10)
    waiting = disk.write([record(0)] * 11)
    disk.start()
    waiting.result(WAIT_S)
    assert len(lines(tmp_path)) == 11


def test_an_answer_cannot_be_cancelled(make_disk):
    """Somebody who stops waiting must not take the answer from the others, nor stop the writing."""
    disk = make_disk()
    waiting = disk.write([record("one")])
    assert not waiting.cancel()
    disk.start()
    waiting.result(WAIT_S)


def test_closing_writes_what_waits(make_disk, tmp_path):
    gate = Gate()
    disk = make_disk(encode=gate.encode)
    disk.start()
    waiting = [disk.write([record(number)]) for number in range(50)]
    assert gate.reached.wait(WAIT_S)
    assert not disk.close(0)
    gate.opened.set()
    assert disk.close(WAIT_S)
    assert all(done.done() and not done.exception() for done in waiting)
    assert lines(tmp_path) == [str(number) for number in range(50)]


def test_closing_without_a_start_writes_what_waits(make_disk, tmp_path):
    disk = make_disk()
    disk.write([record("one")])
    assert disk.close(WAIT_S)
    assert lines(tmp_path) == ["one"]


def test_after_closing_nothing_is_taken(disk):
    assert disk.close(WAIT_S)
    assert disk.close(0)
    with pytest.raises(StorageError, match="closed"):
        disk.write([record("late")])


def test_the_console_gets_what_its_level_lets_through_in_order(make_disk):
    printed = []
    disk = make_disk(LogSettings(console=True, files=False), console=lambda records: printed.extend(records))
    disk.write([record("one"), record("quiet", DEBUG)])
    disk.configure(LogSettings(console=True, console_level="debug", files=False))
    disk.write([record("two", DEBUG)])
    disk.configure(LogSettings(console=False, files=False))
    disk.write([record("silence")])
    assert disk.close(WAIT_S)
    assert [item.message for item in printed] == ["one", "two"]
