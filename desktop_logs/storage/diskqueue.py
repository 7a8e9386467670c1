"""What waits for the disk thread: batches and changes, in order and within bounds. Writes nothing, knows no files."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from desktop_logs.core.errors import Busy, StorageError
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.segments import SegmentName

# What is held for each beside its text; a batch has a future with its lock.
_RECORD_BYTES = 100
_BATCH_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that are stored together, with what their producer numbered; *size* is about what they hold."""

    records: tuple[Record, ...]
    numbers: Numbers | None
    size: int
    done: Future[None] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Leave:
    """The segment *name* is to be closed, and not written to any more."""

    name: SegmentName
    done: threading.Event = field(default_factory=threading.Event)


Change = LogSettings | Leave


def batch_of(records: Sequence[Record], numbers: Numbers | None) -> Batch:
    """A batch of *records* whose future cannot be cancelled."""
    taken = tuple(records)
    text = sum(len(record.message) + len(record.context) for record in taken)
    batch = Batch(taken, numbers, _BATCH_BYTES + len(taken) * _RECORD_BYTES + text)
    # Now, since a waiter that is cancelled would else take the answer from the others, or stop the thread's own.
    batch.done.set_running_or_notify_cancel()
    return batch


class DiskQueue:
    """At most so many records and bytes, on their way to one thread; any thread may put."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._wake = threading.Condition()  # guards all that follows
        self._waiting: deque[Batch | Change] = deque()
        self._records = 0
        self._bytes = 0
        self._is_closed = False

    @property
    def records(self) -> int:
        """Records put and not settled yet."""
        return self._records

    def put(self, batch: Batch) -> None:
        """Append *batch*. Raises Busy while too much waits (a batch of any size is taken when nothing does), and
        StorageError once closed."""
        with self._wake:
            if self._is_closed:
                raise StorageError("The log files are closed, since the program is ending. Send it again later.")
            if batch.records or (batch.numbers is not None and batch.numbers.spans):
                self._append(batch)
            else:
                batch.done.set_result(None)

    def put_change(self, change: Change) -> bool:
        """Append *change*, behind what waits already. False once closed."""
        with self._wake:
            if self._is_closed and isinstance(change, Leave):
                return False
            self._waiting.append(change)
            self._wake.notify()
            return True

    def close(self) -> None:
        """Take no further batch; what waits is still to be had."""
        with self._wake:
            self._is_closed = True
            self._wake.notify()

    def next(self, wait_s: float, most_records: int, most_bytes: int) -> list[Batch] | Change | None:
        """A change, or the batches before the next one, until they have *most_records* or *most_bytes*.

        Empty when nothing came for *wait_s*; None when it is closed and nothing waits.
        """
        with self._wake:
            if not self._waiting and not self._is_closed:
                self._wake.wait(wait_s)
            if not self._waiting:
                return None if self._is_closed else []
            group: list[Batch] = []
            records = size = 0
            while self._waiting and records < most_records and size < most_bytes:
                first = self._waiting[0]
                if not isinstance(first, Batch):
                    if not group:
                        self._waiting.popleft()
                        return first
                    break
                self._waiting.popleft()
                group.append(first)
                records += len(first.records)
                size += first.size
            return group

    def settled(self, batches: Sequence[Batch]) -> None:
        """*batches* wait no longer."""
        with self._wake:
            self._records -= sum(len(batch.records) for batch in batches)
            self._bytes -= sum(batch.size for batch in batches)

    def _append(self, batch: Batch) -> None:
        count = len(batch.records)
        full = self._records + count > self._max_records or self._bytes + batch.size > self._max_bytes
        if full and self._records:
            raise Busy(f"{self._records:,} records wait for the disk. Try again in a second.", 1)
        self._waiting.append(batch)
        self._records += count
        self._bytes += batch.size
        self._wake.notify()
