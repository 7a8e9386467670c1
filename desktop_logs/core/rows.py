"""Rows over slabs: which records of each are rows, and records out of many of them as one sequence. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, compress
from typing import Final, overload

from desktop_logs.core.records import Record
from desktop_logs.core.scan import band_flags
from desktop_logs.core.slab import Slab


class Chosen:
    """What a filter selects of a slab: how many of its records are rows, and, once somebody asks, which."""

    __slots__ = ("_rows", "_selected", "count", "slab")

    def __init__(self, slab: Slab, count: int, rows: Sequence[int] | Callable[[], bytes]) -> None:
        """*rows* are those selected, in order, or give a byte a record, 1 where it is."""
        self.slab: Final = slab
        self.count: Final = count
        self._selected = rows if callable(rows) else None
        self._rows = None if callable(rows) else rows

    @property
    def rows(self) -> Sequence[int]:
        """Which of its records are rows, in order."""
        if self._rows is None:
            assert self._selected is not None
            self._rows = array("H", compress(range(len(self.slab)), self._selected()))
        return self._rows

    def flags(self, bands: frozenset[int]) -> bytes:
        """A byte a row: 1 where its level is in *bands*; empty when it is in none. 4 µs then, else up to 40."""
        flags = band_flags(self.slab, bands)
        if self.count == len(self.slab):
            return flags
        if self._selected is None:
            return bytes(map(flags.__getitem__, self.rows))
        selected = self._selected()
        # A level that the filter hides is in nearly every slab, and a row of it in none.
        if not int.from_bytes(flags, "little") & int.from_bytes(selected, "little"):
            return b""
        return bytes(compress(flags, selected))


class Rows(Sequence[Record]):
    """Records out of slabs, made when they are asked for. Unchangeable; keeping it keeps the slabs."""

    def __init__(self, parts: Sequence[Chosen], newest: Sequence[Record]) -> None:
        self._parts = parts
        self._newest = newest
        self._ends = list(accumulate(part.count for part in parts))

    def __len__(self) -> int:
        return (self._ends[-1] if self._ends else 0) + len(self._newest)

    @overload
    def __getitem__(self, row: int) -> Record: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[Record]: ...

    def __getitem__(self, row: int | slice) -> Record | Sequence[Record]:
        if isinstance(row, slice):
            return [self[at] for at in range(*row.indices(len(self)))]
        at = range(len(self))[row]
        number = bisect_right(self._ends, at)
        start = self._ends[number - 1] if number else 0
        if number == len(self._parts):
            return self._newest[at - start]
        part = self._parts[number]
        return part.slab[part.rows[at - start]]

    def __iter__(self) -> Iterator[Record]:
        for part in self._parts:
            if part.count == len(part.slab):
                yield from part.slab.records()
            else:
                yield from map(part.slab.__getitem__, part.rows)
        yield from self._newest

    def part(self, ranges: Iterable[tuple[int, int]]) -> Rows:
        """Those from each first row to each last one of *ranges*, which are in order and do not overlap."""
        parts: list[Chosen] = []
        newest: list[Record] = []
        in_slabs = self._ends[-1] if self._ends else 0
        for first, last in ranges:
            number = bisect_right(self._ends, first)
            while number < len(self._parts) and (start := self._ends[number] - self._parts[number].count) <= last:
                whole = self._parts[number]
                if first <= start and self._ends[number] <= last + 1:
                    parts.append(whole)  # which of its records are rows need not be known yet
                else:
                    rows = whole.rows[max(first - start, 0) : last + 1 - start]
                    parts.append(Chosen(whole.slab, len(rows), rows))
                number += 1
            newest += self._newest[max(first - in_slabs, 0) : max(last + 1 - in_slabs, 0)]
        return Rows(parts, newest)
