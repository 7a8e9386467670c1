"""The ring of recent records. Pure: no Qt, no sockets, no clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from desktop_logs.core.errors import Evicted
from desktop_logs.core.records import Record

_seq_of = attrgetter("seq")


class Ring:
    """The newest records, oldest first, at least *capacity* of them once so many came.

    The oldest leave in slabs of an eighth of the capacity, so that an append costs O(1) on average and reading is
    plain slicing. (A deque appends as fast, but `since` in its middle would walk there.)
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a ring holds at least one record")
        self.capacity = capacity
        self._slab = max(capacity // 8, 1)
        self._records: list[Record] = []
        self._head = 0
        self._evicted = False

    def __len__(self) -> int:
        return len(self._records)

    @property
    def head(self) -> int:
        """The number of the newest record that ever came; 0 before the first."""
        return self._head

    @property
    def first_seq(self) -> int:
        """The number of the oldest record held; one past the head when none is."""
        return self._records[0].seq if self._records else self._head + 1

    def extend(self, records: Sequence[Record]) -> None:
        """Append *records*, whose numbers grow and are above the head."""
        if not records:
            return
        self._records.extend(records)
        self._head = records[-1].seq
        excess = len(self._records) - self.capacity
        if excess >= self._slab:
            del self._records[:excess]
            self._evicted = True

    def since(self, seq: int, limit: int = 5000) -> list[Record]:
        """At most *limit* records after *seq*, oldest first; empty when the caller is up to date. O(log n + returned).

        Raises Evicted (with .first_seq) when records after *seq* have left the ring.
        """
        if seq >= self._head:
            return []
        if self._evicted and seq < self.first_seq - 1:
            raise Evicted(self.first_seq)
        start = bisect_right(self._records, seq, key=_seq_of)
        return self._records[start : start + limit]

    def latest(self, count: int) -> list[Record]:
        """The newest *count* records, oldest first."""
        return self._records[-count:] if count > 0 else []

    def clear(self) -> None:
        """Forget the records held; the numbers go on."""
        self._evicted = self._evicted or bool(self._records)
        self._records.clear()
