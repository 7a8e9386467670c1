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

_Spot = tuple[int, Slab | Sequence[Record], int]
"""A record's number, and the place of the record in what has it."""
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

        3 µs for each that is returned, whatever there is.
        """
        since_ns, until_ns = record.time_ns - span_ns, record.time_ns + span_ns

        def of_part(part: Chosen, step: int) -> Iterator[_Spot]:
            slab = part.slab
            if slab.first_time_ns <= until_ns and slab.last_time_ns >= since_ns:
                times_ns = slab.times_ns
                for row in part.rows[::step]:
                    if since_ns <= times_ns[row] <= until_ns:
                        yield slab.seq_at(row), slab, row

        def of_newest(rows: range) -> Iterator[_Spot]:
            for row in rows:
                one = self._newest[row]
                if since_ns <= one.time_ns <= until_ns:
                    yield one.seq, self._newest, row

        # Outward from the record, since there may be a million within its time.
        middle = bisect_left(self._parts, record.seq, key=lambda part: part.slab.last_seq)
        at = bisect_left(self._newest, record.seq, key=_seq_of)
        earlier_parts, later_parts = reversed(self._parts[: middle + 1]), self._parts[middle:]
        before = chain(of_newest(range(at - 1, -1, -1)), *(of_part(part, -1) for part in earlier_parts))
        after = chain(*(of_part(part, 1) for part in later_parts), of_newest(range(at, len(self._newest))))
        earlier = list(islice((spot for spot in before if spot[0] < record.seq), limit))
        later = list(islice((spot for spot in after if spot[0] >= record.seq), limit))
        spots = [*reversed(earlier), *later]
        return [place[row] for _, place, row in spots[nearest([seq for seq, _, _ in spots], record.seq, limit)]]

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


def nearest(seqs: Sequence[int], seq: int, limit: int) -> slice:
    """Where those *limit* of *seqs*, numbers in order, are that are nearest to *seq*."""
    first, after = 0, len(seqs)
    while after - first > limit:
        if seq - seqs[first] > seqs[after - 1] - seq:
            first += 1
        else:
            after -= 1
    return slice(first, after)
