"""A history over a list of records, as slow or as broken as a test wants it. No assertions here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from desktop_logs.core.errors import StorageError
from desktop_logs.core.history import Found, OnProgress, Progress
from desktop_logs.core.levels import ALL_BANDS, band_of
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record

DAY = date(2026, 11, 18)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was put to the history: `search`, `newer` or `around`."""

    what: str
    text: str = ""
    bands: frozenset[int] = ALL_BANDS
    seq: int | None = None
    limit: int = 0


class FakeHistory:
    """A History of *records*, lowest number first.

    While `gate` is cleared no question is answered. With `failure` each one raises StorageError with that sentence.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records = list(records)
        self.asked: list[Asked] = []
        self.cancelled = 0
        """How many questions were given up before they were answered."""
        self.failure = ""
        self.problem = ""
        """What each search says could not be searched."""
        self.gate = asyncio.Event()
        self.gate.set()

    async def search(
        self,
        query: Query,
        *,
        bands: frozenset[int] = ALL_BANDS,
        before_seq: int | None = None,
        limit: int = 200,
        on_progress: OnProgress | None = None,
    ) -> Found:
        if on_progress is not None:
            on_progress(Progress(DAY, 0.25))
        await self._answer(Asked("search", query.text, bands, before_seq, limit))
        matches = query.compile()
        passing = (
            record
            for record in reversed(self.records)
            if (before_seq is None or record.seq < before_seq) and band_of(record.severity) in bands and matches(record)
        )
        found = list(islice(passing, limit))
        return Found(found, len(found) == limit, self.problem)

    async def newer(self, after_seq: int, limit: int) -> Sequence[Record]:
        await self._answer(Asked("newer", seq=after_seq, limit=limit))
        return [record for record in self.records if record.seq > after_seq][:limit]

    async def around(self, record: Record, span_ns: int, limit: int) -> Sequence[Record]:
        await self._answer(Asked("around", seq=record.seq, limit=limit))
        near = [other for other in self.records if abs(other.time_ns - record.time_ns) <= span_ns]
        nearest = sorted(near, key=lambda other: abs(other.seq - record.seq))[:limit]
        return sorted(nearest, key=lambda other: other.seq)

    async def _answer(self, asked: Asked) -> None:
        self.asked.append(asked)
        try:
            await asyncio.sleep(0)
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure:
            raise StorageError(self.failure)
