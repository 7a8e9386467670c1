"""The hub: takes entries in, numbers them, keeps the ring, hands them to the store and wakes those who follow.

Pure: no Qt, no sockets, no loop, no clock; callers pass now. Everything but the store's futures happens on the
caller's thread, which must be one and the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from desktop_logs.core.encoding import Entries
from desktop_logs.core.errors import EntryError, StorageError
from desktop_logs.core.producers import Numbers, Producer, Producers, Span
from desktop_logs.core.records import Record
from desktop_logs.core.ring import Ring
from desktop_logs.core.wire import parse_entry

RING_CAPACITY = 100_000
OUT_OF_NUMBERS = (
    "Records cannot be numbered any more, since the data folder could not be written for too long. "
    "Mend what the hub says about the disk, then send them again."
)


class Store(Protocol):
    """Where records are kept: the disk thread, or something smaller in a test."""

    @property
    def stored(self) -> int:
        """Records settled since the start."""

    @property
    def failed(self) -> int:
        """Records that could not be written since the start."""

    @property
    def queue_records(self) -> int:
        """Records taken and not settled yet."""

    @property
    def last_number(self) -> int:
        """The highest number that may be given by now: it and those below are never given by a later run."""

    def write(self, records: Sequence[Record], numbers: Numbers | None = None) -> Future[None]:
        """Keep *records*, and with them the *numbers* that their producer gave them.

        The future is done when they are safe, or has a StorageError. Raises Busy when full.
        """


@dataclass(frozen=True, slots=True)
class Restored:
    """What is left of earlier runs."""

    head: int = 0
    """No number up to this one is given again."""
    newest: Sequence[Record] = ()
    """The newest records, oldest first."""
    producers: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """The numbers stored of each producer, the one heard of last at the end."""
    epoch: str = ""
    """Another one when the records, or their numbers, are not those that an earlier run had."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One entry of a batch that was not taken."""

    index: int
    error: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch. *stored* is done when all of it that was taken is safe."""

    accepted: int
    duplicates: int
    rejected: list[Rejection]
    records: list[Record]
    stored: Future[None]


@dataclass(slots=True)
class Counters:
    """Records since the start: received = stored + duplicate + rejected + dropped (+ those still queued)."""

    received: int = 0
    duplicate: int = 0
    rejected: int = 0


@dataclass(slots=True)
class _Batch:
    fresh: list[Record] = field(default_factory=list)
    again: list[Record] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    duplicates: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Runs of numbers that are new with this batch: the first, and how many."""

    def note(self, number: int) -> None:
        """*number* is new with this batch; numbers come in order."""
        if self.spans and sum(self.spans[-1]) == number:
            start, count = self.spans[-1]
            self.spans[-1] = (start, count + 1)
        else:
            self.spans.append((number, 1))


class Hub:
    """The one place where entries become records."""

    def __init__(self, store: Store, *, ring_capacity: int = RING_CAPACITY, entries: Entries | None = None) -> None:
        """*entries* is what the store encodes its records with, where it does that."""
        self.entries = entries or Entries()
        self.store = store
        self.ring = Ring(ring_capacity)
        self.counters = Counters()
        self.last_rejection = ""
        """Why the newest refused entry was refused; empty while none was."""
        self.epoch = ""
        """Another one when a number no longer means what it meant; told by what `restore` found."""
        self.restored_head = 0
        """No earlier run has given a number above this one, and this run gives them all, without a hole."""
        self._head = 0
        self._producers = Producers()
        self._listeners: list[Callable[[], None]] = []

    @property
    def head(self) -> int:
        """The newest number given."""
        return self._head

    @property
    def oldest(self) -> int:
        """The oldest number in the ring; one past the head when it is empty, also when earlier runs have given some."""
        return self.ring.first_seq if len(self.ring) else self._head + 1

    def restore(self, restored: Restored) -> None:
        """Go on where earlier runs have ended; before the first `take`."""
        self._head = self.restored_head = restored.head
        self.epoch = restored.epoch
        self._producers.restore(restored.producers)
        self.ring.extend(restored.newest)

    def take(self, payloads: Sequence[object], now_ns: int, *, producer: str = "", first: int = 0) -> Receipt:
        """Take a batch of entries in: what is wrong with one is told in the receipt, and the others go on.

        With a *producer* the entries are numbered from *first*; those taken before count as duplicates. Records are
        in the ring, and followers woken, when this returns. Raises Busy, with nothing taken, when the store is full,
        and StorageError when it takes no more at all.
        """
        known = self._producers.get(producer) if producer else None
        # Asked before anything else: what leaves this list meanwhile is known to be stored then.
        in_flight = known.in_flight(first, len(payloads)) if known is not None else []
        batch = self._parse(payloads, now_ns, known, first, [span for span, _ in in_flight])
        kept = batch.again + batch.fresh
        if kept and kept[-1].seq > self.store.last_number:
            raise StorageError(OUT_OF_NUMBERS)
        spans = tuple((start, start + count) for start, count in batch.spans)
        # First: when the store is full nothing else must have happened.
        written = self.store.write(kept, Numbers(producer, spans) if known is not None else None)
        self._head += len(kept)
        self.counters.received += len(payloads)
        self.counters.duplicate += batch.duplicates
        self.counters.rejected += len(batch.rejected)
        if batch.rejected:
            self.last_rejection = batch.rejected[-1].error
        if known is not None:
            for start, count in batch.spans:
                known.track(start, count, written)
        self.ring.extend(batch.fresh)
        if batch.fresh:
            self._wake()
        # Entries sent again before the disk has answered: the answer to their first sending is this one's too.
        stored = _all_of([written, *(waiting for _, waiting in in_flight)]) if in_flight else written
        return Receipt(len(kept), batch.duplicates, batch.rejected, kept, stored)

    def refuse(self, count: int, error: str) -> None:
        """Count entries that never came as far as `take`, such as those of an oversized packet."""
        self.counters.received += count
        self.counters.rejected += count
        self.last_rejection = error

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* after every batch that brought records, until the function returned is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def stats(self) -> dict[str, int]:
        """The counters of protocol.md that the hub itself knows."""
        return {
            "received": self.counters.received,
            "stored": self.store.stored,
            "duplicate": self.counters.duplicate,
            "rejected": self.counters.rejected,
            "dropped": self.store.failed,
            "queue_records": self.store.queue_records,
            "ring_size": len(self.ring),
            "head": self._head,
        }

    def _parse(
        self, payloads: Sequence[object], now_ns: int, known: Producer | None, first: int, in_flight: Sequence[Span]
    ) -> _Batch:
        batch = _Batch()
        seq = self._head
        for index, payload in enumerate(payloads):
            number = first + index
            if known is not None:
                is_under_way = any(start <= number < end for start, end in in_flight)
                if is_under_way or known.is_stored(number):
                    batch.duplicates += 1
                    continue
                batch.note(number)
            try:
                record = parse_entry(payload, seq + 1, now_ns)
            except EntryError as wrong:
                batch.rejected.append(Rejection(index, str(wrong)))
                continue
            seq += 1
            # Shown before, but the disk refused it then: it is stored now, and not shown a second time.
            shown_before = known is not None and number < known.shown_next
            (batch.again if shown_before else batch.fresh).append(record)
        return batch

    def _wake(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _all_of(futures: Sequence[Future[None]]) -> Future[None]:
    """A future that is done when all of *futures* are, with the first error that one of them has."""
    both: Future[None] = Future()
    both.set_running_or_notify_cancel()  # whoever waits must not cancel it for the others

    def go_on(_: Future[None] | None = None) -> None:
        # One callback at a time, so the loop's thread and the disk's never both come to the end.
        waiting = next((future for future in futures if not future.done()), None)
        if waiting is not None:
            waiting.add_done_callback(go_on)
            return
        failure = next((failure for future in futures if (failure := future.exception()) is not None), None)
        if failure is None:
            both.set_result(None)
        else:
            both.set_exception(failure)

    go_on()
    return both
