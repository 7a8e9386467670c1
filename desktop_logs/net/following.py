"""What comes from a server becomes records in a feed's ring, under numbers of the feed that only grow.

Version1 and Version2 are the two kinds of servers. What takes longer is an iterator of short steps, for Turns. Knows
no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from desktop_logs.core.errors import EntryError, PeerError, TooSlow
from desktop_logs.core.gaps import gap_record
from desktop_logs.core.merge import SnapshotMerge
from desktop_logs.core.query_match import Predicate
from desktop_logs.core.records import Record
from desktop_logs.core.ring import Ring
from desktop_logs.core.viewing import Position, parse_batch_head, parse_gap, parse_numbered
from desktop_logs.core.wire import parse_entry, unwrap_many

SLICE_RECORDS = 32  # 0.3 ms of parsing


class Taken:
    """What a feed has taken."""

    def __init__(self, ring: Ring, clock_ns: Callable[[], int], wake: Callable[[], None]) -> None:
        """*wake* is called after each change."""
        self.ring = ring
        self.clock_ns = clock_ns
        self.received = 0
        """Entries."""
        self.unreadable = 0
        """Entries, or whole events, that could not be read."""
        self.news = asyncio.Event()
        """Set whenever something has come."""
        self._wake = wake

    def extend(self, records: Sequence[Record]) -> None:
        """Take *records*, whose numbers are above the ring's head."""
        self.ring.extend(records)
        self.changed()

    def note_unreadable(self, count: int = 1) -> None:
        """So much could not be read."""
        if count:
            self.unreadable += count
            self.changed()

    def changed(self) -> None:
        """Tell who follows."""
        self.news.set()
        self._wake()

    def tell_gap(self, seq: int, reason: str, first: int = 0, last: int = 0) -> None:
        """Put the line of a gap there, with the number *seq*: see gap_record."""
        self.extend([gap_record(seq, self.clock_ns(), reason, first, last)])


class Version1:
    """A server that numbers nothing: its snapshots and what comes live, joined by their content."""

    def __init__(self, taken: Taken, select: Predicate) -> None:
        """Records that *select* does not select are left out: such a server sends all."""
        self._taken = taken
        self._select = select
        self._merge = SnapshotMerge()
        self._was_away = False

    @property
    def is_waiting(self) -> bool:
        """True between a connect and its snapshot."""
        return self._merge.is_waiting

    def begin(self) -> None:
        """A connection is being made."""
        self._was_away = self._taken.ring.head > 0
        self._merge.begin()

    def live(self, payloads: Sequence[object]) -> Iterator[None]:
        """Take `log` events."""
        for start in range(0, len(payloads), SLICE_RECORDS):
            part = payloads[start : start + SLICE_RECORDS]
            self._append([fresh for payload in part for fresh in self._merge.live(payload)])
            yield

    def snapshot(self, payload: object) -> Iterator[None]:
        """Take a `logs` event."""
        try:
            entries = unwrap_many(payload)
        except EntryError:
            self._taken.note_unreadable()
            return
        for fresh in self._merge.snapshot(entries):
            self._append(fresh)
            yield
        self._tell_hole()

    def give_up(self) -> Iterator[None]:
        """Take what was held back for a snapshot that did not come."""
        for fresh in self._merge.give_up():
            self._append(fresh)
            yield
        self._tell_hole()

    def _append(self, payloads: list[object]) -> None:
        if not payloads:
            return
        self._tell_hole()
        records: list[Record] = []
        seq = self._taken.ring.head
        now_ns = self._taken.clock_ns()
        unreadable = 0
        for payload in payloads:
            try:
                record = parse_entry(payload, seq + 1, now_ns)
            except EntryError:
                unreadable += 1
                continue
            if self._is_selected(record):
                records.append(record)
                seq += 1
        self._taken.received += len(payloads)
        self._taken.note_unreadable(unreadable)
        self._taken.extend(records)

    def _tell_hole(self) -> None:
        """After a time without a connection: records may be missing, unless the snapshot overlaps what was held."""
        if self._was_away:
            self._was_away = False
            if not self._merge.overlaps:
                self._taken.tell_gap(self._taken.ring.head + 1, "unknown")

    def _is_selected(self, record: Record) -> bool:
        try:
            return self._select(record)
        except TooSlow:
            return True  # that says nothing of the record, and one too many is better than one too few


class Version2:
    """A hub, whose numbers are the feed's own but for an offset that changes with the epoch alone."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._epoch = ""
        self._last: int | None = None
        self.offset = 0
        """A number of the feed is the hub's and this."""

    @property
    def position(self) -> Position | None:
        """How far the feed has come; None before the first batch of an epoch."""
        return Position(self._epoch, self._last) if self._epoch and self._last is not None else None

    def forget(self) -> None:
        """The server speaks version 1 now: whatever comes later begins anew."""
        self._epoch, self._last = "", None

    def begin(self, epoch: str) -> None:
        """What comes belongs to *epoch*; another one than before is told of, once."""
        if epoch == self._epoch:
            return
        if self._epoch:
            self._end_epoch()
        elif self._taken.ring.head and self.offset != self._taken.ring.head:
            # It spoke version 1 before.
            self._taken.tell_gap(self._taken.ring.head + 1, "unknown")
            self.offset = self._taken.ring.head
        self._epoch, self._last = epoch, None

    def batch(self, payload: object) -> Iterator[None]:
        """Take a `logBatch` event, without what is here already. What is missing before it is told of."""
        try:
            head, entries = parse_batch_head(payload)
        except PeerError:
            self._taken.note_unreadable()
            return
        self.begin(head.epoch)
        if self._last is not None and head.first > self._last + 1:
            self._tell_gap("slow", self._last + 1, head.first - 1)
        after = head.first - 1
        now_ns = self._taken.clock_ns()
        for start in range(0, len(entries), SLICE_RECORDS):
            part = entries[start : start + SLICE_RECORDS]
            try:
                records, unreadable = parse_numbered(part, after, head.last, now_ns, self.offset)
            except PeerError:
                # The rest is not taken; the batch after this one shows the hole.
                self._taken.note_unreadable(len(entries) - start)
                self._last = max(self._last or 0, after)
                return
            self._taken.received += len(part)
            self._taken.note_unreadable(unreadable)
            if records:
                after = records[-1].seq - self.offset
                self._take(records)
            yield
        self._last = max(self._last or 0, head.last)
        self._taken.news.set()

    def gap(self, payload: object) -> Iterator[None]:
        """Take a `gap` event."""
        try:
            gap = parse_gap(payload)
        except PeerError:
            self._taken.note_unreadable()
            return
        if gap.reason == "epoch":
            if self._epoch:
                self._end_epoch()
        else:
            self.begin(gap.epoch)
            first = gap.first if self._last is None else max(gap.first, self._last + 1)
            if first <= gap.last:
                self._tell_gap(gap.reason, first, gap.last)
        yield

    def _take(self, records: list[Record]) -> None:
        """Take what is new of *records*."""
        held = self._taken.ring.head
        fresh = records if records[0].seq > held else [record for record in records if record.seq > held]
        if fresh:
            self._taken.extend(fresh)

    def _tell_gap(self, reason: str, first: int, last: int) -> None:
        """The line stands at the last number that is missing, which no record of the ring has."""
        self._last = last
        self._taken.tell_gap(last + self.offset, reason, first, last)

    def _end_epoch(self) -> None:
        """All numbers of the next epoch, from 1, come behind the line: also those that only its history has."""
        self._taken.tell_gap(self._taken.ring.head + 1, "epoch")
        self.offset = self._taken.ring.head
        self._epoch, self._last = "", None
