"""From a position that the ring no longer has to where it begins: batches from the history, and what is missing there.
Knows no viewer and no socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Final

from desktop_logs.core.errors import StorageError
from desktop_logs.core.history import History
from desktop_logs.core.hub import Hub
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from desktop_logs.net.batches import Batches, Cut, Selection

PAGE_RECORDS: Final = 500
DISK_RETRY_S: Final = 0.05  # the disk tells nobody here when it has written


class CatchUp:
    """Reads the history of a hub for viewers that were away."""

    def __init__(self, hub: Hub, history: History | None, batches: Batches) -> None:
        self._hub = hub
        self._history = history
        self._batches = batches

    async def after(
        self, seq: int, selection: Selection, has_credit: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[Cut | range]:
        """What was selected after the number *seq*, until the ring has what comes next: batches that follow on each
        other, and between them the numbers that are lost.

        *has_credit* is awaited before each batch. Raises TooSlow.
        """
        cut = Cut(seq + 1)
        while True:
            while cut.last < self._hub.oldest - 1:
                page = await self._page(cut.last)
                if page is None:
                    if cut.entries:
                        await has_credit()
                        yield cut
                        cut = Cut(cut.last + 1)
                    await asyncio.sleep(DISK_RETRY_S)
                    continue
                first_held = self._hub.oldest
                records = [record for record in page if record.seq < first_held]
                # The disk writes in the order of numbers: once it has a later one, no earlier one will come.
                end = records[-1].seq + 1 if records and len(records) == len(page) else first_held
                for hole, run in _runs(records, cut.last + 1, end):
                    lost = await self._lost(hole)
                    if lost:
                        cut.pass_over(lost.start - 1)
                        if cut.last >= cut.first:
                            await has_credit()
                            yield cut
                        yield lost
                        cut = Cut(lost.stop)
                    taken = 0
                    while taken < len(run):
                        taken += await self._batches.extend(cut, selection, run[taken:])
                        if cut.is_full:
                            await has_credit()
                            yield cut
                            cut = Cut(cut.last + 1)
                if cut.last < end - 1:
                    cut.pass_over(end - 1)  # numbers that were never given
            if cut.last < cut.first:
                return
            await has_credit()
            yield cut
            cut = Cut(cut.last + 1)

    async def _page(self, seq: int) -> Sequence[Record] | None:
        """The oldest records after *seq* in the history; none when it never will have any, None when it may soon."""
        if self._history is None:
            return ()
        is_settled = not self._hub.store.queue_records
        try:
            page = await self._history.newer(seq, PAGE_RECORDS)
        except StorageError:
            return ()  # they are told as lost
        return page if page or is_settled else None

    async def _lost(self, hole: range) -> range:
        """Those of the numbers in *hole*, which nothing has, that had records: after a crash some are never given."""
        restored_head = self._hub.restored_head
        if hole and hole.start <= restored_head and await self._has_before(hole.start):
            # Retention takes the oldest first, so it has taken nothing here.
            return range(restored_head + 1, hole.stop)
        return hole

    async def _has_before(self, seq: int) -> bool:
        """Whether the history has a record below *seq*."""
        if self._history is None:
            return False
        try:
            found = await self._history.search(Query(), before_seq=seq, limit=1)
        except StorageError:
            return False
        return bool(found.records)


def _runs(records: Sequence[Record], start: int, end: int) -> Iterator[tuple[range, Sequence[Record]]]:
    """*records*, which are among the numbers from *start* to before *end*, in runs without a hole, each with the hole
    before it; at the end a hole alone, where there is one."""
    at = 0
    for index, record in enumerate(records):
        if record.seq == start + index - at:
            continue
        if index > at:
            yield range(0), records[at:index]
            start += index - at
        yield range(start, record.seq), ()
        at, start = index, record.seq
    if at < len(records):
        yield range(0), records[at:]
        start = records[-1].seq + 1
    if start < end:
        yield range(start, end), ()
