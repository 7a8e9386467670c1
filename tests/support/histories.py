"""A history in memory, over what a SmallStore has kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

from desktop_logs.core.history import Found, OnProgress, Progress
from desktop_logs.core.levels import ALL_BANDS, band_of
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from tests.support.stores import SmallStore


class KeptHistory:
    """A History: what `store.kept` holds, in order of numbers."""

    def __init__(self, store: SmallStore) -> None:
        self._store = store
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fault: Exception | None = None
        self.calls: list[str] = []
        self.cancelled = 0

    async def search(
        self,
        query: Query,
        *,
        bands: frozenset[int] = ALL_BANDS,
        before_seq: int | None = None,
        limit: int = 200,
        on_progress: OnProgress | None = None,
    ) -> Found:
        await self._turn("search")
        if on_progress is not None:
            on_progress(Progress(date(2026, 11, 22), 0.5))
        selects = query.compile()
        found = [
            record
            for record in reversed(self._store.kept)
            if (before_seq is None or record.seq < before_seq) and band_of(record.severity) in bands and selects(record)
        ]
        return Found(found[:limit], len(found) > limit)

    async def newer(self, after_seq: int, limit: int) -> Sequence[Record]:
        await self._turn("newer")
        return [record for record in self._store.kept if record.seq > after_seq][:limit]

    async def around(self, record: Record, span_ns: int, limit: int) -> Sequence[Record]:
        await self._turn("around")
        found = [other for other in self._store.kept if abs(other.time_ns - record.time_ns) <= span_ns]
        nearest = sorted(found, key=lambda other: abs(other.seq - record.seq))[:limit]
        return sorted(nearest, key=lambda other: other.seq)

    async def _turn(self, name: str) -> None:
        self.calls.append(name)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
