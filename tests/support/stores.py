"""A store in memory that answers when told to. Stands for the disk thread where no disk is the matter."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from desktop_logs.core.errors import Busy, StorageError
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record


class SmallStore:
    """Keeps what it is given once `settle` is called, or at once with *is_prompt*."""

    def __init__(self, *, is_prompt: bool = False) -> None:
        self.kept: list[Record] = []
        self.waiting: list[tuple[Sequence[Record], Future[None]]] = []
        self.is_prompt = is_prompt
        self.is_full = False
        self.broken: StorageError | None = None
        self.fault: Exception | None = None
        """A fault of the program's own, which nobody expects."""
        self.numbers: list[Numbers] = []
        self.last_number = 2**62
        self.stored = 0
        self.failed = 0

    @property
    def queue_records(self) -> int:
        return sum(len(records) for records, _ in self.waiting)

    def write(self, records: Sequence[Record], numbers: Numbers | None = None) -> Future[None]:
        if self.is_full:
            raise Busy("too much waits for the disk", 1)
        if self.fault is not None:
            raise self.fault
        if numbers is not None:
            self.numbers.append(numbers)
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # as the real one: who waits cannot cancel it
        self.waiting.append((records, done))
        if self.is_prompt:
            self.settle(self.broken)
        return done

    def settle(self, error: StorageError | None = None) -> None:
        """Answer all that waits: kept, or failed with *error*."""
        waiting, self.waiting = self.waiting, []
        for records, done in waiting:
            if error is None:
                self.kept += records
                self.stored += len(records)
                done.set_result(None)
            else:
                self.failed += len(records)
                done.set_exception(error)
