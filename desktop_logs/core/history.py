"""What may be asked of records on disk, and what comes back. Pure: the search itself stands in storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search has come."""

    day: date
    """The day that is being searched; the newest comes first."""
    done: float
    """0 to 1, of all that is stored."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    records: Sequence[Record]
    """Newest first: by number, highest first."""
    more: bool = False
    """True when the limit was reached: ask again with `before_seq` at the last record's number."""
    problem: str = ""
    """What could not be searched, in one sentence with what to do; empty when all was."""
    is_whole: bool = True
    """False when some of what is stored was not searched, as *problem* says; another problem may only cost time."""


OnProgress = Callable[[Progress], None]


class History(Protocol):
    """All records that are stored, asked for on the window's loop. Cancelling a call ends its search.

    Each raises StorageError when nothing can be read, and `search` TooSlow as well.
    """

    async def search(
        self,
        query: Query,
        *,
        bands: frozenset[int] = ALL_BANDS,
        before_seq: int | None = None,
        limit: int = 200,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """The newest *limit* records below *before_seq* whose band is in *bands* and that *query* selects.

        *on_progress* is called on the loop, at most a few times a second.
        """

    async def newer(self, after_seq: int, limit: int) -> Sequence[Record]:
        """The oldest *limit* records after the number *after_seq*, oldest first."""

    async def around(self, record: Record, span_ns: int, limit: int) -> Sequence[Record]:
        """The records within *span_ns* of *record*'s time on either side, by number, lowest first.

        Where they are more than *limit*, those whose numbers are nearest.
        """
