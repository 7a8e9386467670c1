"""Batches for version 2 viewers: what a query selects, evaluated and encoded once for all who follow with it. Knows no
viewer; records come from the ring, or are given."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from weakref import WeakValueDictionary

from desktop_logs.core.errors import Evicted, TooSlow
from desktop_logs.core.hub import Hub
from desktop_logs.core.patience import Clock
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from desktop_logs.core.viewing import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, encode_batch
from desktop_logs.net.outlet import Frames, event

SLICE_S: Final = 0.002
"""How long the loop is held in one go, and one record longer."""
UNSELECTED_NUMBERS: Final = 5_000
"""After so many numbers of which none was selected an empty batch tells how far it is."""
MAX_KEPT_BYTES: Final = 16_000_000
"""What is kept of batches for viewers that come later, of all queries together."""
MAX_KEPT_BATCHES: Final = 64
"""Of one query."""
# What a query may take of the loop's thread: so much at once, and so much for each record after that.
SPARE_S: Final = 0.1
RECORD_S: Final = 50e-6
_READ_RECORDS: Final = 256


class Cut:
    """A batch in the making: of the numbers from *first* on, those that are selected."""

    __slots__ = ("_ack_id", "_frames", "_frames_last", "_size", "edge", "entries", "first", "is_full", "last")

    def __init__(self, first: int) -> None:
        self.first = first
        self.last = first - 1
        """So far it goes."""
        self.edge = 0
        """Where it ends at the latest, once it has an entry."""
        self.entries: list[bytes] = []
        self.is_full = False
        self._size = 0
        self._frames: Frames | None = None
        self._frames_last = 0
        self._ack_id = 0

    @property
    def is_worth_sending(self) -> bool:
        """False when it would tell a viewer nothing that cannot wait."""
        return bool(self.entries) or self.is_full

    @property
    def size(self) -> int:
        """Bytes, its entries and what is sent of them."""
        return self._size + (self._frames.size if self._frames is not None else 0)

    def takes(self, seq: int) -> bool:
        """Whether the number *seq*, which is the next after `last`, still belongs here; full when not."""
        if self.entries and seq > self.edge:
            self.is_full = True
        return not self.is_full

    def pass_over(self, seq: int) -> None:
        """Go on to *seq*, which is not selected."""
        self.last = seq
        self.is_full = seq == self.edge or (not self.entries and seq - self.first >= UNSELECTED_NUMBERS - 1)

    def add(self, seq: int, entry: bytes) -> None:
        """Go on to *seq*, which is selected."""
        if not self.entries:
            # At the same numbers for all: viewers that began apart have the same batches from there on.
            self.edge = seq + -seq % MAX_BATCH_RECORDS
        self.entries.append(entry)
        self._size += len(entry)
        self.last = seq
        self.is_full = seq == self.edge or self._size >= MAX_BATCH_BYTES

    def frames(self, epoch: str, new_id: Callable[[], int]) -> tuple[int, Frames]:
        """What is sent of it, as far as it goes now, and the id by which it is acknowledged. Made once: the same for
        every viewer."""
        if self._frames is None or self._frames_last != self.last:
            self._frames_last = self.last
            self._ack_id = new_id()
            payload = encode_batch(epoch, self.first, self.last, self.entries)
            self._frames = Frames([event("logBatch", payload, self._ack_id)])
            if self.is_full:
                self.entries, self._size = [], 0
        return self._ack_id, self._frames


class Selection:
    """What one query selects. All who follow with it share one, and what was evaluated and encoded for it."""

    def __init__(self, query: Query, encode: Callable[[Record], bytes], clock_s: Clock, work_clock_s: Clock) -> None:
        self._selects = None if query.is_empty else query.compile()
        self._encode = encode
        self._clock_s = clock_s
        self._work_clock_s = work_clock_s
        self._spent_s = 0.0
        self._allowed_s = SPARE_S
        self._cuts: OrderedDict[int, Cut] = OrderedDict()

    def cut(self, first: int, max_bytes: int) -> Cut:
        """The batch from *first* on; of others not more than about *max_bytes* are kept."""
        cut = self._cuts.get(first)
        if cut is None:
            cut = self._cuts[first] = Cut(first)
            size = sum(kept.size for kept in self._cuts.values())
            while len(self._cuts) > 1 and (size > max_bytes or len(self._cuts) > MAX_KEPT_BATCHES):
                size -= self._cuts.popitem(last=False)[1].size
        else:
            self._cuts.move_to_end(first)
        return cut

    def extend(self, cut: Cut, records: Sequence[Record], until_s: float) -> int:
        """Take of *records*, which come next, until *cut* is full or the time is over; how many were taken.

        Raises TooSlow when the query is.
        """
        if self._selects is None:
            return self._extend(cut, records, until_s)
        began_s = self._work_clock_s()
        taken = 0
        try:
            taken = self._extend(cut, records, until_s)
        finally:
            self._spent_s += self._work_clock_s() - began_s
            self._allowed_s += taken * RECORD_S
        if self._spent_s > self._allowed_s:
            raise TooSlow("The query takes too long on so many records. Leave out some of its parts.", 0)
        return taken

    def _extend(self, cut: Cut, records: Sequence[Record], until_s: float) -> int:
        selects, taken = self._selects, 0
        for record in records:
            if not cut.takes(record.seq):
                break
            if selects is None or selects(record):
                cut.add(record.seq, self._encode(record))
            else:
                cut.pass_over(record.seq)
            taken += 1
            if self._clock_s() >= until_s:
                break
        return taken


class Batches:
    """The batches of a hub's ring. Work on them is done in slices, one of them in each turn of the loop."""

    def __init__(self, hub: Hub, *, clock_s: Clock = time.perf_counter, work_clock_s: Clock = time.thread_time) -> None:
        """*work_clock_s* stands still while the thread does not run: what other programs take of the processor is not
        a query's fault."""
        self._hub = hub
        self._clock_s = clock_s
        self._work_clock_s = work_clock_s
        self._selections: WeakValueDictionary[Query, Selection] = WeakValueDictionary()
        self._bench = asyncio.Lock()
        self._ids = itertools.count(1)

    def selection(self, query: Query) -> Selection:
        """That of *query*, the same for all who hold it."""
        selection = self._selections.get(query)
        if selection is None:
            selection = self._selections[query] = Selection(
                query, self._hub.entries.numbered, self._clock_s, self._work_clock_s
            )
        return selection

    def frames(self, cut: Cut) -> tuple[int, Frames]:
        """What is sent of *cut*, and the id by which it is acknowledged."""
        return cut.frames(self._hub.epoch, self._ids.__next__)

    async def after(self, seq: int, selection: Selection) -> Cut:
        """The batch after the number *seq*, as far as the ring goes; one that is not worth sending may become so later.

        Raises Evicted when the ring no longer has what comes next, and TooSlow.
        """
        cut = selection.cut(seq + 1, MAX_KEPT_BYTES // len(self._selections))
        while not cut.is_full and cut.last < self._hub.ring.head:
            async with self._bench:
                try:
                    self._extend(cut, selection)
                except Evicted:
                    if not cut.entries:
                        raise
                    cut.is_full = True
                await asyncio.sleep(0)
        return cut

    async def extend(self, cut: Cut, selection: Selection, records: Sequence[Record]) -> int:
        """Take of *records*, which come next, until *cut* is full; how many were taken. Raises TooSlow."""
        taken = 0
        while taken < len(records) and not cut.is_full:
            async with self._bench:
                until_s = self._clock_s() + SLICE_S
                taken += selection.extend(cut, records[taken:], until_s)
                await asyncio.sleep(0)
        return taken

    def _extend(self, cut: Cut, selection: Selection) -> None:
        until_s = self._clock_s() + SLICE_S
        for records in self._reads(cut):
            selection.extend(cut, records, until_s)
            if cut.is_full or self._clock_s() >= until_s:
                return

    def _reads(self, cut: Cut) -> Iterator[list[Record]]:
        while records := self._hub.ring.since(cut.last, _READ_RECORDS):
            yield records
