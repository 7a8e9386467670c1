"""The records that a window holds, and those of them that are rows. Pure: no Qt, no clock; the model over it is Qt's.

The oldest records lie in slabs, the newest in a list that becomes a slab when it is long enough. Rows are what the
filter selects: of each slab looked at, how many of its records are rows is known at once, and which ones when somebody
asks. So a change by level alone costs 1 µs a slab, and a row is found through its slab.

Rows are counted from a moving origin: when old slabs leave or older ones are looked at, only the origin moves.

Records older than all that are held may be put in front: all that there were, or only those that the filter selects.
Of the latter another filter knows nothing, so they leave with the filter.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice
from operator import attrgetter
from typing import Final

from desktop_logs.core.completion import Vocabulary
from desktop_logs.core.levels import BANDS, band_of
from desktop_logs.core.records import Record
from desktop_logs.core.rows import Chosen, Rows
from desktop_logs.core.scan import Filter, band_flags
from desktop_logs.core.slab import Slab
from desktop_logs.core.vocabulary import keys_in

SLAB_RECORDS: Final = 1_024
SLAB_CHARACTERS: Final = 500_000
"""A slab of long messages is closed earlier: one is made (5 ms), and looked through, in one go."""
MAX_BYTES: Final = 1_000_000_000
"""Of text held, whatever the number of records."""

_MOST_LABELS: Final = 2_000
_MOST_CONTEXTS: Final = 500
_BAND: Final = tuple(band_of(severity) for severity in range(25))
_seq_of = attrgetter("seq")


class Held:
    """Up to *capacity* records and `spare` more; when there are more, slabs of the oldest leave."""

    def __init__(self, capacity: int, *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._filter = Filter()
        self.spare = 0
        """How many records beyond the capacity may be held for now; `excess` tells how many are too many then."""
        self._make_empty()
        self.set_capacity(capacity)

    def _make_empty(self) -> None:
        self._chosen: list[Chosen] = []
        """The slabs, oldest first; those before `_looked_from` as an earlier filter left them."""
        self._starts: list[int] = []
        """Where the rows of each slab that has been revealed begin, counted from the origin's own zero."""
        self._tail: list[Record] = []
        self._tail_rows: list[int] = []
        self._tail_characters = 0
        self._tail_start = 0
        self._origin = 0
        self._revealed_from = 0
        """The first slab whose rows are rows; those before it are not looked at, or not revealed yet."""
        self._looked_from = 0
        self._selected_slabs = 0
        """How many slabs in front hold only what the filter selects of what there was."""
        self._bytes = 0
        self._in_slabs = 0
        self.counts = [0] * len(BANDS)
        """How many of the records held are in each band of `levels.BANDS`."""

    # What is held

    def __len__(self) -> int:
        """How many records are held."""
        return self._in_slabs + len(self._tail)

    @property
    def newest_seq(self) -> int:
        """The number of the newest record held; 0 when none is."""
        if self._tail:
            return self._tail[-1].seq
        return self._chosen[-1].slab.last_seq if self._chosen else 0

    @property
    def oldest_seq(self) -> int:
        """The number of the oldest record held; 0 when none is."""
        if self._chosen:
            return self._chosen[0].slab.first_seq
        return self._tail[0].seq if self._tail else 0

    @property
    def room(self) -> int:
        """How many records more can be held before the oldest leave."""
        return max(self.capacity + self.spare - len(self), 0) if self._bytes < self._max_bytes else 0

    @property
    def has_selected(self) -> bool:
        """True while records are held that leave when the filter changes."""
        return bool(self._selected_slabs)

    @property
    def rows(self) -> Rows:
        """The rows as they are now, for as long as somebody keeps them; O(slabs)."""
        return Rows(self._chosen[self._revealed_from :], [self._tail[row] for row in self._tail_rows])

    @property
    def records(self) -> Rows:
        """All records held, as they are now; O(slabs)."""
        whole = [Chosen(chosen.slab, len(chosen.slab), range(len(chosen.slab))) for chosen in self._chosen]
        return Rows(whole, list(self._tail))

    def vocabulary(self) -> Vocabulary:
        """The names in use for fields, levels and sources, the most frequent first; 2 ms.

        Fields are those of the newest records, and levels and sources those of the newest 2,000 labels.
        """
        levels: Counter[str] = Counter()
        sources: Counter[str] = Counter()
        for record in self._tail:
            levels[record.level] += 1
            sources[record.source] += 1
        looked_at = 0
        for chosen in reversed(self._chosen):
            for (_, level, source), count in zip(chosen.slab.labels, chosen.slab.label_counts, strict=True):
                levels[level] += count
                sources[source] += count
            looked_at += len(chosen.slab.labels)
            if looked_at > _MOST_LABELS:
                break
        del sources[""]
        newest = islice(reversed(self.records), _MOST_CONTEXTS)
        return Vocabulary(keys_in(record.context for record in newest), _by_count(levels), _by_count(sources))

    # Rows

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return self._tail_start + len(self._tail_rows) - self._origin

    @property
    def origin(self) -> int:
        """A number that grows by one for each row that leaves in front, and falls for each that comes there."""
        return self._origin

    def record_at(self, row: int) -> Record:
        """The record of *row*. Raises IndexError. 2 µs."""
        place, at = self._place_of(row)
        return place[at]

    def seq_at(self, row: int) -> int:
        """The number of the record of *row*. Raises IndexError. 1 µs."""
        place, at = self._place_of(row)
        return place.seq_at(at) if isinstance(place, Slab) else place[at].seq

    def _place_of(self, row: int) -> tuple[Slab | list[Record], int]:
        """The slab, or the list of the newest, where the record of *row* is, and its place in there."""
        at = row + self._origin
        if row < 0 or at >= self._tail_start + len(self._tail_rows):
            raise IndexError(row)
        if at >= self._tail_start:
            return self._tail, self._tail_rows[at - self._tail_start]
        number = bisect_right(self._starts, at) - 1
        chosen = self._chosen[self._revealed_from + number]
        return chosen.slab, chosen.rows[at - self._starts[number]]

    def row_from_seq(self, seq: int) -> int:
        """The first row whose record is numbered *seq* or higher; the row count when there is none. O(log n)."""
        first = self._revealed_from
        number = bisect_left(self._chosen, seq, lo=first, key=lambda chosen: chosen.slab.last_seq)
        if number < len(self._chosen):
            chosen = self._chosen[number]
            return self._starts[number - first] - self._origin + bisect_left(chosen.rows, chosen.slab.row_from_seq(seq))
        in_tail = bisect_left(self._tail, seq, key=_seq_of)
        return self._tail_start - self._origin + bisect_left(self._tail_rows, in_tail)

    def next_row(self, row: int, bands: frozenset[int], step: int) -> int | None:
        """The nearest row after (*step* 1) or before (-1) *row* whose level is in *bands*; None when there is none."""
        first = max(bisect_right(self._starts, row + self._origin) - 1, 0)
        numbers = range(first, len(self._starts)) if step > 0 else range(min(first, len(self._starts) - 1), -1, -1)
        parts = (
            (self._starts[number] - self._origin, chosen.flags(bands))
            for number in numbers
            if (chosen := self._chosen[self._revealed_from + number]).count
            and any(chosen.slab.band_counts[band] for band in bands)
        )
        newest = [_BAND[self._tail[at].severity] in bands for at in self._tail_rows]
        tail = (self._tail_start - self._origin, bytes(newest))
        for start, flags in chain(parts, [tail]) if step > 0 else chain([tail], parts):
            found = flags.find(1, max(row + 1 - start, 0)) if step > 0 else flags.rfind(1, 0, max(row - start, 0))
            if found >= 0:
                return start + found
        return None

    # Changing it: each in two steps, since Qt wants to know of a change before it happens

    def check_newer(self, records: Sequence[Record]) -> None:
        """Raises ValueError when the first of *records* is not newer than all that are held."""
        if records and records[0].seq <= self.newest_seq:
            raise ValueError(f"record {records[0].seq} is not newer than {self.newest_seq}")

    def rows_of(self, records: Sequence[Record]) -> list[int]:
        """Which of *records*, to be appended next, become rows. Raises TooSlow."""
        return self._filter.rows_of(records)

    def append(self, records: Sequence[Record], rows: Sequence[int]) -> None:
        """Hold *records* too, which `check_newer` has passed; *rows* are those of them that become rows."""
        before = len(self._tail)
        self._tail += records
        self._tail_rows += [before + row for row in rows]
        counts = self.counts
        for record in records:
            counts[_BAND[record.severity]] += 1
            self._tail_characters += len(record.message) + len(record.context)
        self._close_full_slabs()

    def check_older(self, records: Sequence[Record]) -> None:
        """Raises ValueError when *records* cannot be put in front: they are not older than all that are held, or the
        filter has not been asked about all of those."""
        if self and records[-1].seq >= self.oldest_seq:
            raise ValueError(f"record {records[-1].seq} is not older than {self.oldest_seq}")
        if self._revealed_from:
            raise ValueError("the filter has not been asked about every record held")

    def prepend(self, records: Sequence[Record]) -> None:
        """Hold *records* too, a slabful that `check_older` has passed; each becomes a row. 1.5 µs each.

        They are all that the filter selects of what there was: they leave when it changes, unless that is everything.
        """
        slab = Slab(records)
        self._chosen.insert(0, Chosen(slab, len(slab), range(len(slab))))
        self._origin -= len(slab)
        self._starts.insert(0, self._origin)
        self._selected_slabs += not self._filter.is_everything
        self._in_slabs += len(slab)
        self._bytes += slab.bytes_held
        for band, count in enumerate(slab.band_counts):
            self.counts[band] += count

    def set_capacity(self, capacity: int) -> None:
        """Hold up to *capacity* records from now on; `excess` tells how many are too many."""
        if capacity < 1:
            raise ValueError("at least one record is held")
        self.capacity = capacity
        self._close_full_slabs()

    def excess(self) -> tuple[int, int]:
        """How many slabs are too many now, and how many rows would leave with them."""
        left, text = len(self), self._bytes
        slabs = rows = 0
        for number, chosen in enumerate(self._chosen):
            if left <= self.capacity + self.spare and text <= self._max_bytes:
                break
            slabs += 1
            left -= len(chosen.slab)
            text -= chosen.slab.bytes_held
            rows += chosen.count if number >= self._revealed_from else 0
        return slabs, rows

    def evict(self, slabs: int) -> None:
        """Let the oldest *slabs* go."""
        for number, chosen in enumerate(self._chosen[:slabs]):
            self._bytes -= chosen.slab.bytes_held
            self._in_slabs -= len(chosen.slab)
            for band, count in enumerate(chosen.slab.band_counts):
                self.counts[band] -= count
            self._origin += chosen.count if number >= self._revealed_from else 0
        del self._chosen[:slabs]
        del self._starts[: max(slabs - self._revealed_from, 0)]
        self._revealed_from = max(self._revealed_from - slabs, 0)
        self._looked_from = max(self._looked_from - slabs, 0)
        self._selected_slabs = max(self._selected_slabs - slabs, 0)

    def clear(self) -> None:
        """Hold nothing."""
        self._make_empty()

    # The filter

    def set_filter(self, filter_: Filter) -> None:
        """Select by *filter_* from now on: the list of the newest at once, the slabs by `look`. Raises TooSlow.

        What was put in front as all that the filter before selected leaves.
        """
        self.evict(self._selected_slabs)
        self._filter = filter_
        self._tail_rows = []
        self._starts = []
        self._origin = self._tail_start = 0
        self._looked_from = self._revealed_from = len(self._chosen)
        self._tail_rows = filter_.rows_of(self._tail)

    @property
    def is_looked_through(self) -> bool:
        """True when the filter has been asked about every record held."""
        return not self._looked_from

    def look(self, goes_on: Callable[[int], bool]) -> None:
        """Look at older slabs, newest first, until *goes_on* says no. Raises TooSlow.

        It is asked after each, with the number of rows that this call has found.
        """
        found = 0
        while self._looked_from:
            at = self._looked_from - 1
            self._chosen[at] = chosen = _choose(self._chosen[at].slab, self._filter)
            self._looked_from = at
            found += chosen.count
            if not goes_on(found):
                return

    @property
    def unrevealed(self) -> int:
        """How many rows have been found that `reveal` will put in front."""
        return sum(chosen.count for chosen in islice(self._chosen, self._looked_from, self._revealed_from))

    def reveal(self) -> None:
        """Make what was found rows, in front of those there are."""
        starts = []
        for chosen in reversed(self._chosen[self._looked_from : self._revealed_from]):
            self._origin -= chosen.count
            starts.append(self._origin)
        self._starts[:0] = reversed(starts)
        self._revealed_from = self._looked_from

    # Inside

    @property
    def _slab_records(self) -> int:
        # A small capacity is kept in eighths, so that not too much of it leaves at a time.
        return max(min(self.capacity // 8, SLAB_RECORDS), 1)

    def _close_full_slabs(self) -> None:
        while len(self._tail) >= self._slab_records or self._tail_characters >= SLAB_CHARACTERS:
            self._close_slab()

    def _close_slab(self) -> None:
        """Make a slab of the oldest in the tail."""
        size = _slab_size(self._tail, self._slab_records)
        slab = Slab(self._tail[:size])
        rows = bisect_left(self._tail_rows, size)
        which = range(size) if rows == size else _flags_of(self._tail_rows[:rows], size)
        self._chosen.append(Chosen(slab, rows, which))
        self._starts.append(self._tail_start)
        self._tail_start += rows
        self._in_slabs += size
        self._bytes += slab.bytes_held
        self._tail_characters -= sum(len(record.message) + len(record.context) for record in self._tail[:size])
        del self._tail[:size]
        self._tail_rows = [row - size for row in self._tail_rows[rows:]]


def slabfuls(newest_first: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """*newest_first* in parts for `Held.prepend`, each oldest first, in the order in which they are to be put there."""
    start = 0
    while start < len(newest_first):
        size = _slab_size(islice(newest_first, start, None), SLAB_RECORDS)
        yield newest_first[start : start + size][::-1]
        start += size


def _slab_size(records: Iterable[Record], most: int) -> int:
    """How many of *records* make a slab: *most*, or fewer that are long."""
    sizes = accumulate(len(record.message) + len(record.context) for record in islice(records, most))
    # The one with which it is long enough belongs to it.
    return next((number for number, size in enumerate(sizes, 1) if size >= SLAB_CHARACTERS), most)


def _choose(slab: Slab, filter_: Filter) -> Chosen:
    """Look *slab* through. Raises TooSlow."""
    if filter_.is_everything:
        return Chosen(slab, len(slab), range(len(slab)))
    if filter_.query.is_empty and not slab.has_gaps:
        count = sum(slab.band_counts[band] for band in filter_.bands)
        return Chosen(slab, count, lambda: band_flags(slab, filter_.bands))
    marks = filter_.marks(slab)
    return Chosen(slab, marks.bit_count(), lambda: marks.to_bytes(len(slab), "little"))


def _flags_of(rows: Sequence[int], size: int) -> Callable[[], bytes]:
    flags = bytearray(size)
    for row in rows:
        flags[row] = 1
    kept = bytes(flags)
    return lambda: kept


def _by_count(names: Counter[str]) -> list[str]:
    return [name for name, _ in names.most_common()]
