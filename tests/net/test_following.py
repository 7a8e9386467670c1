"""What comes from a server becomes records under numbers that only grow: batches, gaps, epochs, and version 1."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.gaps import is_gap
from desktop_logs.core.query import parse
from desktop_logs.core.ring import Ring
from desktop_logs.core.viewing import Position
from desktop_logs.net.following import SLICE_RECORDS, Taken, Version1, Version2
from tests.net.fake_hub2 import numbered

NOW_NS = 1_795_341_600_000_000_000


class Feed:
    """What a feed has, without a connection."""

    def __init__(self) -> None:
        self.wakes = 0
        self.taken = Taken(Ring(1_000_000), lambda: NOW_NS, self._wake)
        self.version2 = Version2(self.taken)

    def _wake(self) -> None:
        self.wakes += 1

    @property
    def numbers(self) -> list[int]:
        """Of the records; those of gaps' lines are left out."""
        return [record.seq for record in self.taken.ring.since(0, 1_000_000) if not is_gap(record)]

    @property
    def gaps(self) -> list[tuple[int, str]]:
        """The lines of gaps: their numbers and their first words."""
        held = self.taken.ring.since(0, 1_000_000)
        return [(record.seq, record.message.partition(" are missing")[0]) for record in held if is_gap(record)]

    def batch(self, first: int, last: int, epoch: str = "e1", **told: Any) -> int:
        """Take a whole batch; in so many steps."""
        entries = [numbered(seq) for seq in range(first, last + 1)]
        return done(self.version2.batch({"epoch": epoch, "first": first, "last": last, "data": entries, **told}))

    def gap(self, first: int, last: int, reason: str = "slow", epoch: str = "e1") -> None:
        done(self.version2.gap({"epoch": epoch, "from": first, "to": last, "reason": reason}))


def done(work: Iterator[None]) -> int:
    """Do all of *work*; how many steps that took."""
    return sum(1 for _ in work)


@pytest.fixture
def feed() -> Feed:
    return Feed()


def test_batches_that_follow_on_each_other_are_taken_in_short_steps(feed: Feed) -> None:
    assert feed.version2.position is None
    assert feed.batch(5, 4 + 10 * SLICE_RECORDS) == 10
    feed.batch(5 + 10 * SLICE_RECORDS, 400)
    assert feed.numbers == list(range(5, 401))
    assert feed.gaps == []
    assert feed.version2.position == Position("e1", 400)
    assert feed.taken.received == 396
    assert feed.wakes > 10


def test_a_position_is_passed_only_when_a_batch_is_taken_whole(feed: Feed) -> None:
    """Else who resumes from it would miss the rest."""
    feed.batch(1, 10)
    entries = [numbered(seq) for seq in range(11, 200)]
    work = feed.version2.batch({"epoch": "e1", "first": 11, "last": 199, "data": entries})
    next(work)
    assert feed.numbers[-1] == 10 + SLICE_RECORDS
    assert feed.version2.position == Position("e1", 10)
    done(work)
    assert feed.version2.position == Position("e1", 199)


def test_what_is_here_already_is_not_taken_twice(feed: Feed) -> None:
    feed.batch(1, 100)
    feed.batch(50, 120)
    feed.batch(10, 20)
    assert feed.numbers == list(range(1, 121))
    assert feed.version2.position == Position("e1", 120)
    assert feed.gaps == []


def test_a_batch_that_does_not_follow_is_told_of_where_it_is_missing(feed: Feed) -> None:
    feed.batch(1, 10)
    feed.batch(15, 20)
    assert feed.numbers == [*range(1, 11), *range(15, 21)]
    assert feed.gaps == [(14, "Up to 4 records")]


def test_numbers_that_a_query_has_not_selected_are_no_gap(feed: Feed) -> None:
    feed.batch(1, 10, data=[numbered(3)])
    feed.batch(11, 5_010, data=[])
    feed.batch(5_011, 5_012)
    assert feed.numbers == [3, 5_011, 5_012]
    assert feed.gaps == []


def test_a_gap_is_told_once_and_only_what_is_not_here(feed: Feed) -> None:
    feed.batch(1, 10)
    feed.gap(5, 20)
    feed.gap(11, 20)
    feed.gap(3, 9, "evicted")
    feed.batch(21, 22)
    assert feed.gaps == [(20, "Up to 10 records")]
    assert feed.numbers == [*range(1, 11), 21, 22]


def test_another_epoch_begins_behind_all_that_is_held(feed: Feed) -> None:
    feed.batch(1, 100)
    feed.gap(101, 101, "epoch")
    feed.batch(1, 5, "e2")
    assert len(feed.gaps) == 1
    assert feed.gaps[0][0] == 101
    assert feed.numbers == [*range(1, 101), *range(102, 107)]
    assert feed.version2.offset == 101
    assert feed.version2.position == Position("e2", 5)
    feed.batch(6, 6, "e3")  # and without a word
    assert [seq for seq, _ in feed.gaps] == [101, 107]
    assert feed.numbers[-1] == 113


def test_an_epoch_that_ends_before_anything_came_leaves_its_gap_alone(feed: Feed) -> None:
    feed.version2.begin("e1")
    feed.gap(51, 51, "epoch", "another")
    feed.batch(1, 3, "another")
    assert [seq for seq, _ in feed.gaps] == [1]
    assert feed.numbers == [2, 3, 4]


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"epoch": 1, "first": 1, "last": 2, "data": []},
        {"epoch": "e1", "first": -1, "last": 2, "data": []},
    ],
    ids=range(5),
)
def test_what_is_no_batch_and_no_gap_is_counted_and_left(feed: Feed, payload: object) -> None:
    feed.batch(1, 3)
    assert done(feed.version2.batch(payload)) == 0
    assert done(feed.version2.gap(payload)) == 0
    assert feed.taken.unreadable == 2
    feed.batch(4, 5)
    assert (feed.numbers, feed.gaps) == ([1, 2, 3, 4, 5], [])


def test_entries_out_of_order_end_their_batch_and_the_next_shows_the_hole(feed: Feed) -> None:
    entries = [numbered(seq) for seq in (*range(1, 40), 39, *range(41, 61))]
    feed.batch(1, 60, data=entries)
    assert feed.numbers == list(range(1, SLICE_RECORDS + 1))
    assert feed.taken.unreadable == 60 - SLICE_RECORDS
    feed.batch(61, 62)
    assert feed.gaps == [(60, f"Up to {60 - SLICE_RECORDS} records")]


def test_an_entry_that_cannot_be_read_is_counted_and_the_others_stay(feed: Feed) -> None:
    feed.batch(1, 3, data=[numbered(1), {"seq": 2, "level": "info"}, numbered(3)])
    assert feed.taken.unreadable == 1
    assert feed.numbers == [1, 3]
    assert feed.version2.position == Position("e1", 3)


def test_a_server_that_speaks_version_2_after_version_1_goes_on_behind_it(feed: Feed) -> None:
    version1 = Version1(feed.taken, parse("").compile())
    version1.begin()
    done(version1.snapshot({"data": [{"message": "a"}, {"message": "b"}]}))
    done(version1.live([{"message": "c"}]))
    assert feed.numbers == [1, 2, 3]
    feed.batch(1, 2)
    assert [seq for seq, _ in feed.gaps] == [4]
    assert feed.numbers == [1, 2, 3, 5, 6]
    feed.version2.forget()
    assert feed.version2.position is None


def test_what_a_query_does_not_select_a_version_1_server_sends_for_nothing(feed: Feed) -> None:
    version1 = Version1(feed.taken, parse("level:error").compile())
    version1.begin()
    done(version1.snapshot([{"message": "a", "level": "error"}, {"message": "b", "level": "info"}]))
    steps = done(version1.live([{"message": f"m{n}", "level": "error" if n % 2 else "info"} for n in range(100)]))
    assert steps == -(-100 // SLICE_RECORDS)
    assert feed.numbers == list(range(1, 52))
    assert feed.taken.received == 102


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 90)), max_size=30))
def test_whatever_comes_numbers_grow_and_nothing_is_missing_without_a_line(spans: list[tuple[int, int]]) -> None:
    feed = Feed()
    for first, count in spans:
        feed.batch(first, first + count - 1)
    held = feed.taken.ring.since(0, 1_000_000)
    assert [record.seq for record in held] == sorted({record.seq for record in held})
    for before, after in pairwise(held):
        assert after.seq == before.seq + 1 or is_gap(after)
