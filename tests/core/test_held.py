"""What a window holds and shows agrees with plain lists, whatever happens in whatever order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from desktop_logs.core.gaps import gap_record, is_gap
from desktop_logs.core.held import SLAB_CHARACTERS, SLAB_RECORDS, Held, slabfuls
from desktop_logs.core.levels import ALL_BANDS, BANDS, band_of
from desktop_logs.core.query import parse
from desktop_logs.core.records import Record
from desktop_logs.core.rows import Rows
from desktop_logs.core.scan import Filter

LEVELS = (("info", 9), ("debug", 5), ("warn", 13), ("error", 17))
FILTERS = (
    Filter(),
    Filter(frozenset({band_of(17)})),
    Filter(ALL_BANDS, parse("7")),
    Filter(frozenset({band_of(9), band_of(13)}), parse("message -3")),
    Filter(ALL_BANDS, parse("nowhere")),
)


def make(seq: int, message: str = "") -> Record:
    """Mixed records, and now and then a gap."""
    if seq % 37 == 36:
        return gap_record(seq, seq * 1_000, "unknown")
    level, severity = LEVELS[seq % 4]
    return Record(seq, seq * 1_000, severity, level, f"source {seq % 3}", message or f"Message {seq}", "")


def fill(held: Held, records: list[Record]) -> None:
    held.append(records, held.rows_of(records))
    held.evict(held.excess()[0])


def passes(filter_: Filter, record: Record) -> bool:
    matches = filter_.query.compile()
    if is_gap(record):
        return True
    return band_of(record.severity) in filter_.bands and matches(record)


def for_turns(turns: int) -> Callable[[int], bool]:
    """Says yes so many times."""
    left = iter(range(turns))
    return lambda _found: next(left, None) is not None


class HeldAgreesWithLists(RuleBasedStateMachine):
    """All records in one list, what is shown in another: they are to be the same after each step."""

    @initialize(capacity=st.sampled_from([1, 5, 40, 100]))
    def start(self, capacity: int) -> None:
        self.held = Held(capacity)
        self.capacity = capacity
        self.all: list[Record] = []
        self.matches: list[Record] = []
        """What was put in front under a filter."""
        self.filter = FILTERS[0]
        self.seq = 10_000
        self.kept: list[tuple[Rows, list[Record]]] = []

    @rule(count=st.integers(1, 60), skip=st.integers(0, 2))
    def append(self, count: int, skip: int) -> None:
        new = [make(self.seq + skip + at) for at in range(1, count + 1)]
        self.seq = new[-1].seq
        origin = self.held.origin
        rows = self.held.rows_of(new)
        before = self.held.row_count
        self.held.append(new, rows)
        assert self.held.row_count == before + len(rows)
        slabs, leaving = self.held.excess()
        self.held.evict(slabs)
        assert self.held.row_count == before + len(rows) - leaving
        assert self.held.origin == origin + leaving
        self.all += new
        del self.all[: len(self.all) - len(self.held)]

    @rule(count=st.integers(1, 60), skip=st.integers(0, 2), evicts=st.booleans())
    def prepend(self, count: int, skip: int, evicts: bool) -> None:
        if not self.held.is_looked_through or self.held.unrevealed:
            return
        last = self.held.oldest_seq or self.seq + 1
        before = [make(last - skip - at) for at in range(count, 0, -1) if last - skip - at > 0]
        wanted = [record for record in before if passes(self.filter, record)]
        if not wanted:
            return
        rows, origin, room = self.held.row_count, self.held.origin, self.held.room
        self.held.spare = 0 if evicts else self.held.spare + len(wanted)
        self.held.check_older(wanted)
        self.held.prepend(wanted)
        assert self.held.row_count == rows + len(wanted)
        assert self.held.origin == origin - len(wanted)
        self.all[:0] = wanted
        if not self.filter.is_everything:
            self.matches += wanted
            assert self.held.has_selected
        if evicts:
            self.held.evict(self.held.excess()[0])
            assert room >= len(wanted) or len(self.held) < len(self.all)
            del self.all[: len(self.all) - len(self.held)]

    @rule(filter_=st.sampled_from(FILTERS))
    def set_filter(self, filter_: Filter) -> None:
        self.filter = filter_
        self.held.set_filter(filter_)
        assert not self.held.has_selected
        self.all = [record for record in self.all if record not in self.matches]
        self.matches = []

    @rule(turns=st.integers(0, 5))
    def look_and_reveal(self, turns: int) -> None:
        self.held.look(for_turns(turns))
        found, count, origin = self.held.unrevealed, self.held.row_count, self.held.origin
        self.held.reveal()
        assert self.held.row_count == count + found
        assert self.held.origin == origin - found
        assert self.held.unrevealed == 0

    @rule()
    def clear(self) -> None:
        self.held.clear()
        self.all, self.matches = [], []

    @rule()
    def keep(self) -> None:
        rows = self.held.rows
        self.kept.append((rows, list(rows)))

    @rule(data=st.data())
    def look_at_parts(self, data: st.DataObject) -> None:
        rows = self.held.rows
        if not len(rows):
            return
        edges = sorted(
            data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=2, max_size=6)) if len(rows) > 1 else [0]
        )
        ranges = list(zip(edges[::2], edges[1::2], strict=False))
        expected = [record for first, last in ranges for record in list(rows)[first : last + 1]]
        part = rows.part(ranges)
        assert list(part) == [part[at] for at in range(len(part))] == expected

    @invariant()
    def it_holds_what_came_last(self) -> None:
        if not hasattr(self, "held"):
            return
        assert len(self.held) <= self.capacity + self.held.spare
        assert self.held.oldest_seq == (self.all[0].seq if self.all else 0)
        assert list(self.held.records) == self.all
        assert self.held.newest_seq == (self.all[-1].seq if self.all else 0)
        counts = [sum(band_of(record.severity) == band for record in self.all) for band in range(len(BANDS))]
        assert self.held.counts == counts

    @invariant()
    def rows_are_the_newest_that_pass(self) -> None:
        if not hasattr(self, "held"):
            return
        passing = [record for record in self.all if passes(self.filter, record)]
        shown = list(self.held.rows)
        assert len(shown) == self.held.row_count == len(self.held.rows)
        if self.held.is_looked_through and not self.held.unrevealed:
            assert shown == passing
        else:
            assert shown == passing[len(passing) - len(shown) :]
        assert [self.held.record_at(row) for row in range(len(shown))] == shown
        assert [self.held.seq_at(row) for row in range(len(shown))] == [record.seq for record in shown]

    @invariant()
    def rows_are_found_by_number_and_by_level(self) -> None:
        if not hasattr(self, "held"):
            return
        shown = list(self.held.rows)
        for seq in range(shown[0].seq - 1 if shown else 0, self.seq + 2, 3):
            assert self.held.row_from_seq(seq) == sum(record.seq < seq for record in shown)
        errors = frozenset({band_of(17)})
        wanted = [row for row, record in enumerate(shown) if band_of(record.severity) in errors]
        for row in range(-1, len(shown) + 1, 7):
            assert self.held.next_row(row, errors, 1) == next((at for at in wanted if at > row), None)
            assert self.held.next_row(row, errors, -1) == next((at for at in reversed(wanted) if at < row), None)

    @invariant()
    def what_somebody_keeps_does_not_change(self) -> None:
        for rows, expected in getattr(self, "kept", ()):
            assert list(rows) == expected


TestHeldAgreesWithLists = HeldAgreesWithLists.TestCase
TestHeldAgreesWithLists.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_older_records_are_refused() -> None:
    held = Held(100)
    fill(held, [make(1), make(2)])
    with pytest.raises(ValueError, match="2 is not newer than 2"):
        held.check_newer([make(2)])


def test_newer_records_are_not_put_in_front_nor_any_during_a_scan() -> None:
    held = Held(100)
    fill(held, [make(seq) for seq in range(10, 40)])
    with pytest.raises(ValueError, match="10 is not older than 10"):
        held.check_older([make(9), make(10)])
    held.set_filter(FILTERS[1])
    with pytest.raises(ValueError, match="not been asked"):
        held.check_older([make(9)])


def test_what_a_slab_takes_is_cut_from_the_newest_down() -> None:
    records = [make(seq) for seq in range(3_000, 0, -1)]
    parts = list(slabfuls(records))
    assert [len(part) for part in parts] == [SLAB_RECORDS, SLAB_RECORDS, 3_000 - 2 * SLAB_RECORDS]
    assert [part[-1].seq for part in parts] == [3_000, 3_000 - SLAB_RECORDS, 3_000 - 2 * SLAB_RECORDS]
    long = [make(seq, "x" * (SLAB_CHARACTERS // 2)) for seq in (4, 3, 2, 1)]
    assert [[record.seq for record in part] for part in slabfuls(long)] == [[3, 4], [1, 2]]


def test_no_more_than_the_capacity_is_held_and_an_eighth_leaves_at_a_time() -> None:
    held = Held(80)
    lengths = []
    for seq in range(1, 200):
        fill(held, [make(seq)])
        lengths.append(len(held))
    assert max(lengths) == 80
    assert min(lengths[80:]) == 71


def test_a_large_capacity_is_kept_in_slabs_of_a_fixed_size() -> None:
    held = Held(1_000_000)
    fill(held, [make(seq) for seq in range(1, SLAB_RECORDS * 2 + 10)])
    held.set_capacity(SLAB_RECORDS * 2)
    assert held.excess() == (1, SLAB_RECORDS)


def test_a_lower_capacity_holds_for_the_newest_too() -> None:
    held = Held(1_000_000)
    fill(held, [make(seq) for seq in range(1, SLAB_RECORDS)])
    held.set_capacity(80)
    held.evict(held.excess()[0])
    assert 70 < len(held) <= 80
    assert [record.seq for record in held.rows] == [record.seq for record in held.records]
    with pytest.raises(ValueError, match="at least one"):
        held.set_capacity(0)


def test_long_messages_make_shorter_slabs_and_their_bytes_are_bounded() -> None:
    held = Held(1_000_000, max_bytes=10 * SLAB_CHARACTERS)
    for seq in range(1, 101):
        fill(held, [make(seq, "x" * (SLAB_CHARACTERS // 4))])
    assert 30 <= len(held) <= 44
    assert held.newest_seq == 100


def test_vocabulary_names_what_there_is_the_most_frequent_first() -> None:
    held = Held(1_000)
    first = [Record(seq, 0, 9, "info", "api", "m", '{"user":1,"http":{"status":200}}') for seq in range(1, 400)]
    fill(held, [*first, Record(400, 0, 17, "ERROR", "", "m", '{"user":2,"level":"x"}')])
    known = held.vocabulary()
    assert list(known.sources) == ["api"]
    assert list(known.levels) == ["info", "ERROR"]
    assert list(known.fields) == ["user", "http.status", "level"]
