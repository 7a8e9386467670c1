"""What a handler has still to send: the queue, what was taken out of it, the batch on its way, and what became of all
the others. Knows no thread, no network and no file."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Iterable

from desktop_logs.handlers.batches import MAX_BODY_BYTES, MAX_HEAD_BYTES, Batch
from desktop_logs.handlers.entries import SMALL_BYTES, Captured, own_entry, weigh
from desktop_logs.handlers.lines import encode_line, line_of
from desktop_logs.handlers.queueing import BoundedQueue


class Outbox:
    """Makes numbered batches of what waits in `queue`, one at a time, and counts.

    Putting into the queue is for any thread, all else for one at a time. *hub* is what the hub is called in a report.
    """

    def __init__(self, hub: str, source: str | None, capacity: int, max_bytes: int, batch_records: int) -> None:
        self.queue: BoundedQueue[Captured] = BoundedQueue(capacity, max_bytes, weigh, SMALL_BYTES)
        self.batch: Batch | None = None
        """On its way; kept until `stored` or `refused`."""
        self.sent = self.rejected = self.spooled = 0
        self.lost = 0
        """Records that could not be turned into entries."""
        self._hub = hub
        self._source = source
        self._batch_records = batch_records
        self._producer = str(uuid.uuid4())
        self._next_number = 1
        self._hand: deque[tuple[int, Captured]] = deque()  # taken from the queue, not yet in a batch
        self._dropped_told = 0
        self._not_kept = 0  # what `leave` had no room for

    def is_empty(self) -> bool:
        """True when no batch could be made; one on its way does not count."""
        return not self._hand and len(self.queue) == 0

    def build(self) -> bool:
        """Make the next batch of what waits. False when nothing does."""
        lines: list[bytes] = []
        own = size = 0
        dropped = self.queue.dropped
        if dropped > self._dropped_told:
            lines.append(self._report(dropped - self._dropped_told))
            own, size = 1, len(lines[0])
        if not self._hand:
            # All at once: each visit to the queue's lock may stop a logging call.
            self._hand.extend(self.queue.take(self._batch_records, MAX_BODY_BYTES))
        while self._hand:
            line = self._encoded(self._hand[0][1])
            if line is not None and size + len(line) > MAX_BODY_BYTES:
                break
            self._hand.popleft()
            if line is not None:
                lines.append(line)
                size += len(line)
        if len(lines) == own:
            return False
        self._dropped_told = dropped
        self.batch = self._numbered(lines, own)
        return True

    def stored(self, rejected: int) -> None:
        """The batch on its way is stored, but for *rejected* records of it."""
        if self.batch is not None:
            rejected = min(rejected, self.batch.records)
            self.sent += self.batch.records - rejected
            self.rejected += rejected
            self.batch = None

    def refused(self) -> None:
        """The batch on its way will never be stored."""
        self.stored(self.batch.records if self.batch else 0)

    def settled(self) -> int:
        """The number up to which every record is stored, refused or dropped. Ask while no batch is on its way."""
        arrived = self.queue.arrived()  # read first: what comes after it is not settled yet
        oldest = self._hand[0][0] if self._hand else self.queue.oldest()
        return arrived if oldest is None else oldest - 1

    def stats(self) -> dict[str, int]:
        """What became of all records that were put: `DesktopLogsHandler.stats` says what the names mean."""
        batch = self.batch
        self.queue.arrived()  # what went beyond the bounds is known only when all is weighed
        return {
            "sent": self.sent,
            "dropped": self.queue.dropped + self.queue.odd + self.lost + self._not_kept,
            "rejected": self.rejected,
            "queued": len(self.queue) + len(self._hand) + (batch.records if batch else 0),
            "spooled": self.spooled,
        }

    def leave(self, max_bytes: int) -> list[Batch]:
        """Empty it: all that is still here as batches of *max_bytes* together, the one on its way first and unchanged.
        Where that is not enough the newest errors are kept, then the newest of the others, and the rest is dropped."""
        batches: list[Batch] = []
        batch, self.batch = self.batch, None
        if batch is not None and len(batch.body) + MAX_HEAD_BYTES <= max_bytes:
            batches.append(batch)
            max_bytes -= len(batch.body) + MAX_HEAD_BYTES
        elif batch is not None:
            self._not_kept += batch.records
        waiting = [*self._hand, *self.queue.take(len(self.queue), max_bytes=1 << 62)]
        self._hand.clear()
        kept: list[tuple[int, bytes]] = []
        is_full = False
        for number, captured in sorted(waiting, key=lambda one: (one[1][13] < logging.ERROR, -one[0])):
            line = None if is_full else self._encoded(captured)
            if line is not None and len(line) <= max_bytes:
                max_bytes -= len(line)
                kept.append((number, line))
            elif is_full or line is not None:
                is_full = True
                self._not_kept += 1
        kept.sort()
        batches.extend(self._bodies(line for _, line in kept))
        self.spooled += sum(one.records for one in batches)
        return batches

    def untold(self) -> int:
        """How many records were dropped that no batch tells of."""
        return self.queue.dropped + self._not_kept - self._dropped_told

    def report(self, also_dropped: int) -> Batch | None:
        """A batch that tells what is untold, and of *also_dropped* by earlier runs; None when there is nothing to tell.
        The last batch that is made."""
        count = self.untold() + also_dropped
        return self._numbered([self._report(count)], 1) if count else None

    def give_up(self) -> int:
        """What was to be spooled could not be: it is dropped after all. How many records that are."""
        count, self.spooled = self.spooled, 0
        self._not_kept += count
        return count

    def _bodies(self, lines: Iterable[bytes]) -> Iterable[Batch]:
        gathered: list[bytes] = []
        size = 0
        for line in lines:
            if gathered and (size + len(line) > MAX_BODY_BYTES or len(gathered) >= self._batch_records):
                yield self._numbered(gathered, 0)
                gathered, size = [], 0
            gathered.append(line)
            size += len(line)
        if gathered:
            yield self._numbered(gathered, 0)

    def _numbered(self, lines: list[bytes], own: int) -> Batch:
        first = self._next_number
        self._next_number += len(lines)
        return Batch(self._producer, first, b"".join(lines), len(lines) - own, own)

    def _encoded(self, captured: Captured) -> bytes | None:
        try:
            return line_of(captured, self._source)
        except Exception:  # noqa: BLE001 - a record made by hand of things that are no JSON; counted as dropped
            self.lost += 1
            return None

    def _report(self, count: int) -> bytes:
        what = "1 record was" if count == 1 else f"{count:,} records were"
        text = f"{what} dropped by this program's log handler: the hub at {self._hub} did not take them in time"
        return encode_line(own_entry(text, self._source))
