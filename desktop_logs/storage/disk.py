"""The disk thread: one thread does all writing, and tells each batch when it is safe. No Qt, no sockets, no loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from pathlib import Path

from desktop_logs.core.errors import StorageError
from desktop_logs.core.hub import Restored
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.core.wire import encode_entry
from desktop_logs.storage.batchlines import BatchLines, Encode
from desktop_logs.storage.clockwatch import ClockWatch
from desktop_logs.storage.diskqueue import Batch, DiskQueue, Leave, batch_of
from desktop_logs.storage.folder import ELSEWHERE, cannot_keep, cannot_write
from desktop_logs.storage.history import HistoryWriter, OnDamage
from desktop_logs.storage.housekeeping import Housekeeping
from desktop_logs.storage.logfiles import LogFiles
from desktop_logs.storage.numbering import LAST_NUMBER
from desktop_logs.storage.printing import Console, Printing
from desktop_logs.storage.rotation import Opener, open_appending
from desktop_logs.storage.segments import SegmentName
from desktop_logs.storage.space import FreeSpace

# How many records, and bytes, are written together. With a history it is what waits that decides: of four producers'
# 30,000 records/s some 500 are written at once, 14 to 17 ms after the last (p90 26 to 34, p99 54 to 58, with the five
# programs and others on two processors). Half or twice the size makes no group faster.
_GROUP = (4_000, 8_000_000)
_INDEXED_GROUP = (1_000, 400_000)
_SEGMENTS_OF_ONE_LIMIT = 8
"""A day of that many bytes would else be kept whole or not at all."""
_PROBE_S = 1.0
_MEASURE_S = 2.0
_TIDY_AGAIN_S = 30.0


class DiskThread:
    """Writes records to the log files in *folder*, in the order of the calls to `write`, and keeps the old ones tidy;
    with a folder for the *history*, to both or to neither.

    What waits is written together, and only then do its batches' futures resolve, on the disk thread. A batch that
    cannot be written is not kept: its future has a StorageError, and who sent it still has the records.
    *today* gives the local date. *console* gets what `console` and `console_level` let through, also while the disk
    fails; a batch that is written again is printed again. *elsewhere* is the advice on how to choose another folder.
    *on_damage* is told of a damaged segment, on the thread or in `open`, and must set it aside; without it nothing is
    stored while the newest one is damaged. *may_write* is asked before anything is written, and raises StorageError
    while this program may not. *on_fault* gets, on the thread, what this program does wrong there.
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
        may_write: Callable[[], object] = lambda: None,
        space: FreeSpace | None = None,
        watch: ClockWatch | None = None,
        on_fault: Callable[[BaseException], object] = lambda fault: None,
    ) -> None:
        self._folder = folder
        self._elsewhere = elsewhere
        self._settings = settings  # as asked for last; the thread follows in order
        self._today = today
        self._may_write = may_write
        self._on_fault = on_fault
        self._thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self._queue = DiskQueue(max_queue_records, max_queue_bytes)
        self._stored = 0
        self._failed = 0
        self._write_problem = ""
        self._numbers_problem = ""
        self._tidy_problem = ""

        # The rest belongs to the thread.
        self._files = LogFiles(folder, settings, opener)
        self._lines = BatchLines(encode)
        self._printing = Printing(console)
        self._space = space or FreeSpace(folder)
        self._history = None
        if history is not None:
            self._history = HistoryWriter(history, self._files, on_damage, clock_ns, elsewhere)
        self._housekeeping = Housekeeping(self._files.series, self._report_tidy, history, watch)
        self._current = settings
        self._failed_bytes = 0
        self._probe_at_s = 0.0
        self._measure_at_s = 0.0
        self._is_measured = True
        self._tidied: object = None
        self._tidy_at_s = 0.0

    @property
    def settings(self) -> LogSettings:
        """The settings that the next `write` will be settled by."""
        return self._settings

    @property
    def queue_records(self) -> int:
        """Records taken and not settled yet."""
        return self._queue.records

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
        return self._write_problem or self._numbers_problem or notice or self._tidy_problem or self._printing.problem

    @property
    def last_number(self) -> int:
        """The highest number that may be given by now: it and those below are never given by a later run."""
        return self._history.numbering.last_number if self._history is not None else LAST_NUMBER

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
        # Before a segment is begun: one of a wrong clock would make that look right.
        self._attempt(lambda: self._housekeeping.begin(self._today()))
        if history is None:
            return Restored()
        restored: list[Restored] = []
        failed = self._attempt(self._may_write) or self._attempt(lambda: restored.append(history.open()))
        if failed is None and not self._current.history:
            self._attempt(history.release)
        (left,) = restored or [history.unopened()]
        return left if self._current.history else replace(left, newest=())

    @property
    def live_segment(self) -> SegmentName | None:
        """The segment that is written to; None when none is yet."""
        return self._history.live if self._history is not None else None

    def leave_segment(self, name: SegmentName) -> None:
        """Go on in another segment if *name* is the one that is written to; it is closed when this returns.

        Not for the disk thread. Nothing is left when the thread has ended, which closes the segment too.
        """
        left = Leave(name)
        if self._queue.put_change(left):
            left.done.wait()

    @property
    def notice(self) -> str:
        """What a person should know, in a sentence that is no complaint: what the last start found, or why nothing old
        is deleted by age at present. Empty when there is nothing."""
        found = self._history.notice if self._history is not None else ""
        return found or ("" if self._housekeeping.is_after_pause else self._housekeeping.notice)

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
        batch = batch_of(records, numbers)
        self._queue.put(batch)
        return batch.done

    def configure(self, settings: LogSettings) -> None:
        """Follow *settings* from here on: what was handed over before is settled by the earlier ones."""
        self._settings = settings
        self._queue.put_change(settings)

    def close(self, timeout_s: float) -> bool:
        """Write what waits, close the files and end the threads; False when that took longer than *timeout_s*.

        Then the threads go on, and die with the program. Not to be called from a future's callback.
        """
        deadline_s = time.monotonic() + timeout_s
        self._queue.close()
        if self._thread.ident is None:  # never started: what was handed over still gets its answer
            self._thread.start()
        self._housekeeping.stop(0)  # ends while the rest is written
        self._thread.join(timeout_s)
        tidied = self._housekeeping.stop(max(0.0, deadline_s - time.monotonic()))
        return tidied and not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._tidy()
            indexed = self._history is not None and self._current.history
            wait_s = _PROBE_S if self._write_problem else _TIDY_AGAIN_S if self._is_measured else _MEASURE_S
            job = self._queue.next(wait_s, *(_INDEXED_GROUP if indexed else _GROUP))
            if job is None:
                break
            if isinstance(job, LogSettings):
                self._follow(job)
            elif isinstance(job, Leave):
                self._leave(job)
            elif job:
                self._settle(job)
            # Not only while idle: records below every level come and go without touching the disk.
            if self._write_problem and time.monotonic() >= self._probe_at_s:
                self._attempt(self._probe)
            self._look_after_history()
        problem = self._write_problem
        if self._attempt(self._close_all) is None:
            self._write_problem = problem  # a file that closes well does not make the failed writes good

    def _follow(self, settings: LogSettings) -> None:
        self._current = settings
        self._printing.follow(settings)
        keeps_history = self._history is not None and settings.history
        problem = self._write_problem
        if settings.files:
            self._files.configure(settings)
        elif self._attempt(lambda: self._files.configure(settings)) is None and keeps_history:
            self._write_problem = problem
        # Without a history, closing the files has ended whatever was wrong with them.
        if self._history is not None:
            self._history.resync()
            if not settings.history and settings.files:
                self._attempt(self._history.release)

    def _leave(self, left: Leave) -> None:
        try:
            if self._history is not None:
                self._history.leave(left.name)
        finally:
            left.done.set()

    def _settle(self, group: list[Batch]) -> None:
        if self._history is not None:
            self._is_measured = False
            newest = [batch.records[-1].seq for batch in group if batch.records]
            self._history.numbering.head = max([self._history.numbering.head, *newest])
        entries: list[tuple[int, bytes]] = []
        encoded = []
        for batch in group:
            try:
                entries += self._lines.of(batch.records, self._files.floor)
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
        self._printing.show((record for batch in group for record in batch.records), self._current)

    def _store(self, batches: Sequence[Batch], entries: Sequence[tuple[int, bytes]]) -> None:
        history = self._history if self._current.history else None
        if history is None and not entries:
            return
        self._may_write()
        self._space.check(sum(batch.size for batch in batches), self._current.min_free_bytes)
        if history is not None:
            records = [record for batch in batches for record in batch.records]
            numbers = [batch.numbers for batch in batches if batch.numbers is not None]
            history.write(records, numbers, entries, self._today())
            return
        if self._history is not None:
            self._history.release()
        self._files.write(entries, self._today())

    def _probe(self) -> None:
        keeps_history = self._history is not None and self._current.history
        if not keeps_history and not self._current.files:
            return
        self._may_write()
        self._space.check(self._failed_bytes, self._current.min_free_bytes)
        if self._history is not None and self._current.history:
            self._history.probe(self._failed_bytes, self._today())
        self._files.probe(self._failed_bytes, self._today())

    def _look_after_history(self) -> None:
        """Reserve numbers ahead, and count what is there."""
        history, now_s = self._history, time.monotonic()
        if history is None or now_s < self._measure_at_s:
            return
        self._measure_at_s = now_s + _MEASURE_S
        self._is_measured = True
        history.max_segment_bytes = self._current.history_max_bytes // _SEGMENTS_OF_ONE_LIMIT
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

    def _attempt(self, act: Callable[[], object]) -> StorageError | None:
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
            self._on_fault(fault)
        else:
            self._write_problem = ""
            return None
        self._write_problem = str(error)
        self._probe_at_s = time.monotonic() + _PROBE_S
        return error

    def _finish(self, batches: Sequence[Batch], error: StorageError | None) -> None:
        """Count *batches* and give each its answer."""
        records = sum(len(batch.records) for batch in batches)
        self._queue.settled(batches)
        if error is None:
            self._stored += records
        else:
            self._failed += records
        for batch in batches:
            if error is None:
                batch.done.set_result(None)
            else:
                batch.done.set_exception(StorageError(*error.args))  # its own: raising one adds to its traceback

    def _tidy(self) -> None:
        """Have old files tidied: at the start, when the day, the settings or a live file changed, when space ran out,
        and every 30 s, since they grow and the clock must be watched.
        """
        try:
            live = self.live_segment
            state = (self._today(), self._current, self._files.live, live, self._space.is_low)
            if state != self._tidied or time.monotonic() >= self._tidy_at_s:
                self._tidied = state
                self._tidy_at_s = time.monotonic() + _TIDY_AGAIN_S
                self._housekeeping.request(state[0], self._current, live_segment=str(live or ""))
        except Exception as fault:  # noqa: BLE001 - as in _attempt
            self._report_tidy(f"Cannot tidy up old log files in {self._folder}: {fault!r}. It is tried again later.")

    def _report_tidy(self, problem: str) -> None:
        self._tidy_problem = problem
