"""From a position to the ring, whatever became of the records between: each is sent once, or told as lost."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.errors import StorageError
from desktop_logs.core.hub import Hub, Restored
from desktop_logs.core.query import Query
from desktop_logs.net import catchingup as room
from desktop_logs.net.batches import Batches, Cut
from desktop_logs.net.catchingup import CatchUp
from tests.support.histories import KeptHistory
from tests.support.stores import SmallStore

NOW_NS = 1_795_341_600_000_000_000


class Past:
    """A hub after one or two runs, with what its disk has of them."""

    def __init__(self, *, ring_capacity: int = 8) -> None:
        self.store = SmallStore(is_prompt=True)
        self.ring_capacity = ring_capacity
        self.hub = Hub(self.store, ring_capacity=ring_capacity)
        self.hub.restore(Restored(epoch="e"))
        self.given: set[int] = set()

    def take(self, count: int, *, is_refused: bool = False) -> None:
        self.store.broken = StorageError("the disk is full") if is_refused else None
        for _ in range(count):
            self.hub.take(["m"], NOW_NS)
            self.given.add(self.hub.head)

    def crash(self, *, jump: int, read_back: int) -> None:
        """Start again: only what was stored is there, and numbers go on *jump* further."""
        newest = self.store.kept[-read_back:] if read_back else []
        # What was never stored is lost with the process, and nobody was told that it was kept.
        self.given = {record.seq for record in self.store.kept}
        head = self.hub.head + jump
        self.hub = Hub(self.store, ring_capacity=self.ring_capacity)
        self.hub.restore(Restored(head, newest, epoch="e"))

    async def told(self, seq: int) -> tuple[list[int], set[int], int]:
        """What a viewer at *seq* is sent from the history, the numbers it is told are lost, and how far that goes."""
        batches = Batches(self.hub)
        catch_up = CatchUp(self.hub, KeptHistory(self.store), batches)
        selection = batches.selection(Query())
        numbers: list[int] = []
        lost: set[int] = set()

        async def has_credit() -> None:
            await asyncio.sleep(0)

        async for found in catch_up.after(seq, selection, has_credit):
            first = found.first if isinstance(found, Cut) else found.start
            assert first == seq + 1, "they follow on each other"
            if isinstance(found, Cut):
                entries = [int(entry[7 : entry.index(b",")]) for entry in found.entries]
                assert all(found.first <= number <= found.last for number in entries)
                numbers += entries
                seq = found.last
            else:
                lost |= set(found)
                seq = found.stop - 1
        return numbers, lost, seq


@given(
    before=st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=4),
    crash=st.none() | st.tuples(st.integers(0, 50), st.integers(0, 10)),
    after=st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=4),
    pruned=st.integers(0, 40),
    position=st.floats(0, 1),
)
def test_every_number_that_was_given_is_sent_once_or_told_as_lost(
    before: list[tuple[int, bool]],
    crash: tuple[int, int] | None,
    after: list[tuple[int, bool]],
    pruned: int,
    position: float,
) -> None:
    past = Past()
    for count, is_refused in before:
        past.take(count, is_refused=is_refused)
    if crash is not None:
        past.crash(jump=crash[0], read_back=crash[1])
    for count, is_refused in after:
        past.take(count, is_refused=is_refused)
    del past.store.kept[:pruned]
    start = int(position * past.hub.head)
    numbers, lost, reached = asyncio.run(past.told(start))
    assert reached >= past.hub.oldest - 1
    due = {seq for seq in past.given if start < seq <= reached}
    kept = {record.seq for record in past.store.kept}
    assert numbers == sorted(due & kept), "each that the disk has, once and in order"
    assert due - kept <= lost, "and no other is passed over in silence"
    assert lost.isdisjoint(numbers)
    assert all(seq < past.hub.oldest for seq in lost), "what the ring has is not lost, stored or not"


def test_nothing_is_read_for_who_is_within_the_ring() -> None:
    past = Past()
    past.take(30)
    assert asyncio.run(past.told(past.hub.oldest - 1)) == ([], set(), past.hub.ring.first_seq - 1)


@pytest.mark.parametrize("count", [room.PAGE_RECORDS - 1, room.PAGE_RECORDS, room.PAGE_RECORDS * 3 + 1])
def test_the_history_is_read_in_pages(count: int) -> None:
    past = Past()
    past.take(count + past.ring_capacity)
    numbers, lost, reached = asyncio.run(past.told(0))
    assert numbers == list(range(1, reached + 1))
    assert reached >= count
    assert lost == set()
