"""Version 2 viewers that come back: from the ring, from the history, after another life of the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.hub import Restored
from desktop_logs.core.query import parse
from desktop_logs.core.viewing import Position, Subscribe
from tests.support.asynchronous import soon
from tests.support.stores import SmallStore
from tests.support.viewerhouse import EPOCH, House, all_told


async def test_from_a_position_within_the_ring_only_what_came_after_it(house: House) -> None:
    house.take(500)
    outlet = house.follow(start=Position(EPOCH, 490))
    await all_told(outlet, 490, 500)
    assert house.history.calls == []


async def test_what_left_the_ring_comes_from_the_history(house: House) -> None:
    house.take(5_000)
    outlet = house.follow(start=Position(EPOCH, 10))
    await all_told(outlet, 10, 5_000)
    assert outlet.numbers() == list(range(11, 5_001))
    assert outlet.gaps() == []
    house.take(1)
    await all_told(outlet, 10, 5_001)


async def test_a_viewer_slower_than_the_ring_still_gets_all_from_the_history(house: House) -> None:
    """While it reads the history, more comes than the ring holds: it is not told of a gap, for there is none."""
    house.take(3_000)
    name, outlet = house.connect(answers=False)
    house.viewers.subscribe(name, Subscribe(parse(""), Position(EPOCH, 0)))
    for _ in range(30):
        await soon("a batch came", lambda: outlet.owed)
        house.take(200)
        house.answer_all(name, outlet)
    outlet.acknowledge = lambda ack_id: house.viewers.acknowledged(name, ack_id)
    house.answer_all(name, outlet)
    await all_told(outlet, 0, 9_000)
    assert outlet.numbers() == list(range(1, 9_001))


async def test_what_leaves_the_ring_while_it_is_read_comes_from_the_history(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes back was away, and is not slow: not before it has once been as far as the hub."""
    monkeypatch.setattr("desktop_logs.net.batches.SLICE_S", 0.0)
    house.take(850)
    outlet = house.follow(start=Position(EPOCH, house.hub.oldest - 1))
    for _ in range(5):
        await asyncio.sleep(0)
    house.take(850)
    await all_told(outlet, 0, 1_700)
    assert outlet.gaps() == []
    assert outlet.numbers() == list(range(1, 1_701))


async def test_what_retention_has_taken_is_told_as_evicted(house: House) -> None:
    house.take(5_000)
    del house.store.kept[:3_000]
    outlet = house.follow(start=Position(EPOCH, 10))
    await all_told(outlet, 10, 5_000)
    assert outlet.gaps() == [(11, 3_000, "evicted")]
    assert house.viewers.dropped_evicted == 2_990
    assert outlet.numbers() == list(range(3_001, 5_001))


async def test_what_the_disk_refused_is_told_as_evicted_in_its_place(house: House) -> None:
    house.take(1_000)
    house.store.broken = StorageError("the disk is full")
    house.take(100)
    house.store.broken = None
    house.take(3_000)
    outlet = house.follow(start=Position(EPOCH, 500))
    await all_told(outlet, 500, 4_100)
    assert outlet.gaps() == [(1_001, 1_100, "evicted")]
    assert outlet.numbers() == [*range(501, 1_001), *range(1_101, 4_101)]


@pytest.mark.parametrize("fault", ["no history", "one that cannot be read"])
async def test_without_a_history_what_left_the_ring_is_told_as_evicted(
    build_house: Callable[..., House], fault: str
) -> None:
    house = build_house(has_history=fault != "no history")
    house.history.fault = StorageError("Cannot read the history.")
    house.take(5_000)
    outlet = house.follow(start=Position(EPOCH, 10))
    await all_told(outlet, 10, 5_000)
    first = house.hub.ring.first_seq
    assert outlet.gaps() == [(11, first - 1, "evicted")]
    assert outlet.numbers() == list(range(first, 5_001))


async def test_a_history_behind_the_ring_is_waited_for(house: House) -> None:
    house.take(1_000)
    house.store.is_prompt = False
    house.take(3_000)
    outlet = house.follow(start=Position(EPOCH, 500))
    await soon("what is stored has come", lambda: outlet.check_order(500) == 1_000)
    await asyncio.sleep(0.1)
    assert outlet.gaps() == []
    house.store.settle()
    await all_told(outlet, 500, 4_000)
    assert outlet.numbers() == list(range(501, 4_001))


@pytest.mark.parametrize("read_back", [0, 50])
async def test_after_a_crash_numbers_that_were_never_given_are_no_gap(
    build_house: Callable[..., House], store: SmallStore, read_back: int
) -> None:
    before = build_house()
    before.take(100)
    newest = store.kept[-read_back:] if read_back else []
    house = build_house(restored=Restored(1_000_000, newest, epoch=EPOCH))
    house.take(5)
    for seq in (20, 99, 100):
        outlet = house.follow(start=Position(EPOCH, seq))
        await all_told(outlet, seq, 1_000_005)
        assert outlet.numbers() == [*range(seq + 1, 101), *range(1_000_001, 1_000_006)]
        assert outlet.gaps() == []


async def test_another_epoch_is_told_and_followed_by_the_ring(house: House) -> None:
    house.take(2_000)
    first = house.hub.ring.first_seq
    _, outlet = house.connect(Position("another", 77))
    await all_told(outlet, first - 1, 2_000)
    assert outlet.named("gap") == [{"epoch": "another", "from": 78, "to": 78, "reason": "epoch"}]
    assert outlet.numbers() == list(range(first, 2_001))


async def test_a_position_above_the_head_is_one_of_another_epoch(house: House) -> None:
    """The hub's numbers were lost: the same ones will be given again, for other records."""
    house.take(10)
    outlet = house.follow(start=Position(EPOCH, 11))
    await all_told(outlet, 0, 10)
    assert outlet.gaps() == [(12, 12, "epoch")]


async def test_a_query_goes_through_the_history_too(house: House) -> None:
    for _ in range(50):
        house.take(99)
        house.take(1, "error")
    outlet = house.follow("level:error", Position(EPOCH, 0))
    await soon("all came", lambda: len(outlet.numbers()) == 50)
    assert outlet.numbers() == list(range(100, 5_001, 100))
    outlet.check_order(0)


async def test_who_comes_back_before_anything_new_gets_what_the_history_has(
    build_house: Callable[..., House], store: SmallStore
) -> None:
    """The ring is empty, as it is at first where no record was read back."""
    before = build_house()
    before.take(100)
    house = build_house(restored=Restored(1_000, epoch=EPOCH))
    _, outlet = house.connect(Position(EPOCH, 20))
    await all_told(outlet, 20, 1_000)
    house.take(1)
    await all_told(outlet, 20, 1_001)
    assert outlet.numbers() == [*range(21, 101), 1_001]
    assert outlet.gaps() == []
    assert outlet.named("hello")[0]["oldest"] == 1_001
