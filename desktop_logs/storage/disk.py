"""The disk thread: one thread does all writing, and tells each batch when it is safe. No Qt, no sockets, no loop."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from desktop_logs.core.errors import Busy, StorageError
from desktop_logs.core.hub import Restored
from desktop_logs.core.levels import parse_threshold
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.core.wire import encode_entry
from desktop_logs.storage.folder import ELSEWHERE, cannot_keep, cannot_write
from desktop_logs.storage.history import LAST_NUMBER, HistoryWriter, OnDamage
from desktop_logs.storage.housekeeping import Housekeeping
from desktop_logs.storage.logfiles import LogFiles
from desktop_logs.storage.rotation import Opener, open_appending

Encode = Callable[[Record], bytes]
"""One line of JSON without its newline."""

Console = Callable[[Sequence[Record]], None]
"""Prints records; called on the disk thread."""

# How many records, and bytes, are written together. With a history each record costs 22 µs: 22 ms a group, so that
# commits are no more than 50 ms apart. Groups of 500 cost a third more, as the index is flushed with each.
_GROUP = (4_000, 8_000_000)
_INDEXED_GROUP = (1_000, 400_000)
# About 3 ms with the real encoder: what a frame of the window can spare while this thread holds the GIL.
_SLICE_RECORDS = 1_000
# What is held for each beside its text; a batch has a future with its lock.
_RECORD_BYTES = 100
_BATCH_BYTES = 1_000
_PROBE_S = 1.0
_MEASURE_S = 2.0
_TIDY_AGAIN_S = 30.0


@dataclass(frozen=True, slots=True)
class _Batch:
    records: tuple[Record, ...]
    numbers: Numbers | None
    size: int
    done: Future[None] = field(default_factory=Future)


class DiskThread:
    """Writes records to the log files in *folder*, in the order of the calls to `write`, and keeps the old ones tidy;
    with a folder for the *history*, to both or to neither.

    What waits is written together, and only then do its batches' futures resolve, on the disk thread. A batch that
    cannot be written is not kept: its future has a StorageError, and who sent it still has the records.
    *today* gives the local date. *console* gets what `console` and `console_level` let through, also while the disk
    fails; a batch that is written again is printed again. *elsewhere* is the advice on how to choose another folder.
    *on_damage* is told of a damaged segment, on the thread or in `open`, and must set it aside; without it nothing is
    stored while the newest one is damaged.
    """

    def __init__(
        self,
        folder: Path,
        settings: LogSettings,
        encode: Encode = encode_entry,
        *,
        today: Callable[[], date] = date.today,
        console: Console | None = None,
        max_queue_records: int = 200_000,
        max_queue_bytes: int = 64_000_000,
        opener: Opener = open_appending,
        elsewhere: str = ELSEWHERE,
        history: Path | None = None,
        on_damage: OnDamage | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._folder = folder
        self._elsewhere = elsewhere
        self._settings = settings  # as asked for last; the thread follows in order
        self._encode = encode
        self._today = today
        self._console = console
        self._max_queue_records = max_queue_records
        self._max_queue_bytes = max_queue_bytes
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._wake = threading.Condition()  # guards the queue, its sums, the counters and _closing
        self._queue: deque[_Batch | LogSettings] = deque()
        self._queue_records = 0
        self._queue_bytes = 0
        self._stored = 0
        self._failed = 0
        self._closing = False
        self._write_problem = ""
        self._numbers_problem = ""
        self._tidy_problem = ""
        self._console_problem = ""

        # The rest belongs to the thread.
        self._files = LogFiles(folder, settings, opener)
        self._history = None
        if history is not None:
            self._history = HistoryWriter(history, self._files, on_damage, clock_ns, elsewhere)
        self._housekeeping = Housekeeping(self._files.series, self._report_tidy)
        self._current = settings
        self._unyielded_records = 0
        self._failed_bytes = 0
        self._probe_at_s = 0.0
        self._measure_at_s = 0.0
        self._tidied: object = None
        self._tidy_at_s = 0.0

    @property
    def settings(self) -> LogSettings:
        """The settings that the next `write` will be settled by."""
        return self._settings

    @property
    def queue_records(self) -> int:
        """Records taken and not settled yet."""
        return self._queue_records

    @property
    def stored(self) -> int:
        """Records settled as the settings say since the start, also those below every file's level."""
        return self._stored

    @property
    def failed(self) -> int:
        """Records that could not be written since the start; tried again, they count again."""
        return self._failed

    @property
    def problem(self) -> str:
        """What is wrong now, in one sentence with what to do; empty when all is well.

        A failure to write ends here within 2 s of its cause, also when nobody writes.
        """
        notice = self._history.notice if self._history is not None else ""
        return self._write_problem or self._numbers_problem or notice or self._tidy_problem or self._console_problem

    @property
    def last_number(self) -> int:
        """The highest number that may be given by now: it and those below are never given by a later run."""
        return self._history.last_number if self._history is not None else LAST_NUMBER

    @property
    def history_records(self) -> int:
        """Records in the history, also those of earlier runs."""
        return self._history.records if self._history is not None else 0

    @property
    def history_bytes(self) -> int:
        """What the history takes on disk, as of a few seconds ago."""
        return self._history.bytes if self._history is not None else 0

    def open(self) -> Restored:
        """What earlier runs have left; before `start`, in a thread of its own: it may take 2 s.

        Raises nothing: when it fails, `problem` says why, and nothing is stored until it works after all.
        """
        history = self._history
        if history is None:
            return Restored()
        restored: list[Restored] = []
        if self._attempt(lambda: restored.append(history.open())) is None and not self._current.history:
            self._attempt(history.release)
        (left,) = restored or [history.unopened()]
        return left if self._current.history else replace(left, newest=())

    def start(self) -> None:
        """Begin to write, first what has been handed over already."""
        self._thread.start()

    def write(self, records: Sequence[Record], numbers: Numbers | None = None) -> Future[None]:
        """Take *records*, oldest first; the future is done when the operating system has those that the levels let
        through, so that a kill of this program loses none. Below the levels, or with files off, they count as stored.
        With a history all of them are on disk then, with *numbers*, and outlive a loss of power there.

        The future cannot be cancelled. Raises Busy, with nothing taken, while too much waits (a batch of any size is
        taken when nothing does), and StorageError once closed. Costs the caller about 0.1 µs for each record.
        """
        taken = tuple(records)
        text = sum(len(record.message) + len(record.context) for record in taken)
        size = _BATCH_BYTES + len(taken) * _RECORD_BYTES + text
        batch = _Batch(taken, numbers, size)
        # Now, since a waiter that is cancelled would else take the answer from the others, or stop the thread's own.
        batch.done.set_running_or_notify_cancel()
        with self._wake:
            if self._closing:
                raise StorageError("The log files are closed, since the program is ending. Send it again later.")
            if not taken and (numbers is None or not numbers.spans):
                batch.done.set_result(None)
                return batch.done
            full = (
                self._queue_records + len(taken) > self._max_queue_records
                or self._queue_bytes + size > self._max_queue_bytes
            )
            if full and self._queue_records:
                raise Busy(f"{self._queue_records:,} records wait for the disk. Try again in a second.", 1)
            self._queue.append(batch)
            self._queue_records += len(taken)
            self._queue_bytes += size
            self._wake.notify()
        return batch.done

    def configure(self, settings: LogSettings) -> None:
        """Follow *settings* from here on: what was handed over before is settled by the earlier ones."""
        with self._wake:
            self._settings = settings
            self._queue.append(settings)
            self._wake.notify()

    def close(self, timeout_s: float) -> bool:
        """Write what waits, close the files and end the threads; False when that took longer than *timeout_s*.

        Then the threads go on, and die with the program. Not to be called from a future's callback.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.ident is None:  # never started: what was handed over still gets its answer
            self._thread.start()
        self._housekeeping.stop(0)  # ends while the rest is written
        self._thread.join(timeout_s)
        tidied = self._housekeeping.stop(max(0.0, deadline_s - time.monotonic()))
        return tidied and not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._tidy()
            with self._wake:
                if not self._queue and not self._closing:
                    self._wake.wait(_PROBE_S if self._write_problem else _TIDY_AGAIN_S)
                if self._closing and not self._queue:
                    break
                job = self._next_job()
            if isinstance(job, LogSettings):
                self._follow(job)
            elif job:
                self._settle(job)
            # Not only while idle: records below every level come and go without touching the disk.
            if self._write_problem and time.monotonic() >= self._probe_at_s:
                self._attempt(self._probe)
            self._look_after_history()
        problem = self._write_problem
        if self._attempt(self._close_all) is None:
            self._write_problem = problem  # a file that closes well does not make the failed writes good

    def _next_job(self) -> list[_Batch] | LogSettings:
        """A change of settings, or what waits before the next one: no more than keeps the first answer quick."""
        group: list[_Batch] = []
        records = size = 0
        indexed = self._history is not None and self._current.history
        most_records, most_bytes = _INDEXED_GROUP if indexed else _GROUP
        while self._queue and records < most_records and size < most_bytes:
            first = self._queue[0]
            if isinstance(first, LogSettings):
                if group:
                    break
                self._queue.popleft()
                return first
            self._queue.popleft()
            group.append(first)
            records += len(first.records)
            size += first.size
        return group

    def _follow(self, settings: LogSettings) -> None:
        self._current = settings
        if not settings.console:
            self._console_problem = ""
        keeps_history = self._history is not None and settings.history
        problem = self._write_problem
        if settings.files:
            self._files.configure(settings)
        elif self._attempt(lambda: self._files.configure(settings)) is None and keeps_history:
            self._write_problem = problem
        # Without a history, closing the files has ended whatever was wrong with them.
        if self._history is not None:
            self._history.resync()
            if not settings.history:
                self._attempt(self._history.release)

    def _settle(self, group: list[_Batch]) -> None:
        if self._history is not None:
            newest = [batch.records[-1].seq for batch in group if batch.records]
            self._history.head = max([self._history.head, *newest])
        entries: list[tuple[int, bytes]] = []
        encoded = []
        for batch in group:
            try:
                entries += self._lines(batch)
            except Exception as fault:  # noqa: BLE001 - its own batch fails, and not those beside it
                self._finish([batch], StorageError(f"These records cannot be written as JSON lines: {fault!r}."))
            else:
                encoded.append(batch)
        error = None
        if entries or self._history is not None:
            error = self._attempt(lambda: self._store(encoded, entries))
        if error is not None:
            self._failed_bytes = sum(len(line) + 1 for _, line in entries)
        self._finish(encoded, error)
        self._print(group)

    def _store(self, batches: Sequence[_Batch], entries: Sequence[tuple[int, bytes]]) -> None:
        history = self._history
        if history is not None and self._current.history:
            records = [record for batch in batches for record in batch.records]
            numbers = [batch.numbers for batch in batches if batch.numbers is not None]
            history.write(records, numbers, entries, self._today())
        elif entries:
            if history is not None:
                history.release()
            self._files.write(entries, self._today())

    def _probe(self) -> None:
        if self._history is not None and self._current.history:
            self._history.probe(self._failed_bytes, self._today())
        self._files.probe(self._failed_bytes, self._today())

    def _look_after_history(self) -> None:
        """Reserve numbers ahead, and count what is there."""
        history, now_s = self._history, time.monotonic()
        if history is None or now_s < self._measure_at_s:
            return
        self._measure_at_s = now_s + _MEASURE_S
        try:
            history.renew()
            history.measure()
        except StorageError as told:
            self._numbers_problem = str(told)
        except OSError as fault:
            self._numbers_problem = cannot_keep(history.folder, fault, self._elsewhere)
        else:
            self._numbers_problem = ""

    def _close_all(self) -> None:
        try:
            self._files.close()
        finally:
            if self._history is not None:
                self._history.close()

    def _lines(self, batch: _Batch) -> list[tuple[int, bytes]]:
        """The batch's lines that some file takes, each with its severity."""
        encode, floor = self._encode, self._files.floor
        lines: list[tuple[int, bytes]] = []
        for start in range(0, len(batch.records), _SLICE_RECORDS):
            part = batch.records[start : start + _SLICE_RECORDS]
            lines += [(record.severity, encode(record)) for record in part if record.severity >= floor]
            self._unyielded_records += len(part)
            if self._unyielded_records >= _SLICE_RECORDS:
                self._unyielded_records = 0
                time.sleep(0)  # gives the GIL to the window: a wait of 5 ms for it becomes 0.3 ms
        return lines

    def _attempt(self, act: Callable[[], None]) -> StorageError | None:
        """Run *act* and set or clear the problem by what comes of it; returns the error, if any."""
        try:
            act()
        except StorageError as told:
            error = told
        except OSError as fault:
            error = StorageError(cannot_write(self._folder, fault, self._elsewhere))
        except Exception as fault:  # noqa: BLE001 - the thread must outlive any fault, and say so
            error = StorageError(
                f"Cannot write log files in {self._folder}: {fault!r}. This is a fault of Desktop Logs: report it."
            )
        else:
            self._write_problem = ""
            return None
        self._write_problem = str(error)
        self._probe_at_s = time.monotonic() + _PROBE_S
        return error

    def _finish(self, batches: Sequence[_Batch], error: StorageError | None) -> None:
        """Count *batches* and give each its answer."""
        records = sum(len(batch.records) for batch in batches)
        with self._wake:
            self._queue_records -= records
            self._queue_bytes -= sum(batch.size for batch in batches)
            if error is None:
                self._stored += records
            else:
                self._failed += records
        for batch in batches:
            if error is None:
                batch.done.set_result(None)
            else:
                batch.done.set_exception(StorageError(*error.args))  # its own: raising one adds to its traceback

    def _print(self, group: Sequence[_Batch]) -> None:
        if self._console is None or not self._current.console:
            return
        floor = parse_threshold(self._current.console_level)
        shown = [record for batch in group for record in batch.records if record.severity >= floor]
        if not shown:
            return
        try:
            self._console(shown)
        except Exception as fault:  # noqa: BLE001 - a closed terminal must not stop the files
            self._console_problem = f"Cannot print records to the console: {fault!r}. Everything else goes on."
        else:
            self._console_problem = ""

    def _tidy(self) -> None:
        """Have old files tidied: at the start, when the day, a live file or the age changed, and after a failure."""
        try:
            state = (self._today(), self._current.max_age_days, self._files.live)
            again = self._tidy_problem and time.monotonic() >= self._tidy_at_s
            if state != self._tidied or again:
                self._tidied = state
                self._tidy_at_s = time.monotonic() + _TIDY_AGAIN_S
                self._housekeeping.request(state[0], state[1])
        except Exception as fault:  # noqa: BLE001 - as in _attempt
            self._report_tidy(f"Cannot tidy up old log files in {self._folder}: {fault!r}. It is tried again later.")

    def _report_tidy(self, problem: str) -> None:
        self._tidy_problem = problem
