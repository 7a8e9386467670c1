"""Rows over slabs: which records of each are rows, and records out of many of them as one sequence. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress, islice
from operator import attrgetter
from typing import Final, overload

from desktop_logs.core.records import Record
from desktop_logs.core.scan import band_flags
from desktop_logs.core.slab import Slab

_seq_of = attrgetter("seq")


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

    def around(self, record: Record, span_ns: int, limit: int) -> list[Record]:
        """As History.around: those within *span_ns* of *record*'s time; of more than *limit* the nearest by number.

        3 µs for each that is returned.
        """
        since_ns, until_ns = record.time_ns - span_ns, record.time_ns + span_ns

        def within(records: Iterable[Record]) -> Iterator[Record]:
            return (one for one in records if since_ns <= one.time_ns <= until_ns)

        def of_parts(parts: Iterable[Chosen], step: int) -> Iterator[Record]:
            for part in parts:
                if part.slab.first_time_ns <= until_ns and part.slab.last_time_ns >= since_ns:
                    yield from within(map(part.slab.__getitem__, part.rows[::step]))

        # Outward from the record, since there may be a million within its time.
        middle = bisect_left(self._parts, record.seq, key=lambda part: part.slab.last_seq)
        at = bisect_left(self._newest, record.seq, key=_seq_of)
        before = chain(within(reversed(self._newest[:at])), of_parts(reversed(self._parts[: middle + 1]), -1))
        after = chain(of_parts(self._parts[middle:], 1), within(self._newest[at:]))
        earlier = list(islice((one for one in before if one.seq < record.seq), limit))
        later = list(islice((one for one in after if one.seq >= record.seq), limit))
        return nearest([*reversed(earlier), *later], record.seq, limit)

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


def nearest(records: Sequence[Record], seq: int, limit: int) -> list[Record]:
    """Those *limit* of *records*, whose numbers grow, that are nearest to the number *seq*."""
    first, after = 0, len(records)
    while after - first > limit:
        if seq - records[first].seq > records[after - 1].seq - seq:
            first += 1
        else:
            after -= 1
    return list(records[first:after])
