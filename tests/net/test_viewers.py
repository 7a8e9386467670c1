"""Version 2 viewers: credit, cursors, gaps, resume from ring and history; nothing missing and nothing twice."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.hub import Hub, Restored
from desktop_logs.core.query import parse
from desktop_logs.core.viewing import MAX_BATCH_RECORDS, MAX_UNANSWERED, Position, Subscribe
from desktop_logs.net import viewers as room
from desktop_logs.net.batches import UNSELECTED_NUMBERS
from desktop_logs.net.viewers import Viewers
from desktop_logs.tasks import Tasks
from tests.support.asynchronous import soon
from tests.support.histories import KeptHistory
from tests.support.outlets import KeepingOutlet
from tests.support.stores import SmallStore

EPOCH = "e1"
RING = 800
"""Capacity: it holds up to 899."""
NOW_NS = 1_795_341_600_000_000_000


class House:
    """A hub with viewers, over a store and a history in memory."""

    def __init__(self, store: SmallStore, *, restored: Restored | None = None, has_history: bool = True) -> None:
        self.failures: list[str] = []
        self.store = store
        self.hub = Hub(store, ring_capacity=RING)
        self.hub.restore(restored or Restored(epoch=EPOCH))
        self.history = KeptHistory(store)
        self.tasks = Tasks(lambda name, failure: self.failures.append(f"{name}: {failure!r}"))
        self.viewers = Viewers(
            self.hub,
            self.tasks,
            name="desktop-logs",
            version="1",
            history=self.history if has_history else None,
            stall_s=0.2,
        )
        self.hub.subscribe(self.viewers.wake)
        self._names = itertools.count(1)

    def take(self, count: int, level: str = "info") -> None:
        """*count* records more, in batches of 100 at most."""
        for start in range(0, count, 100):
            entries = [{"message": f"m{start + n}", "level": level} for n in range(min(100, count - start))]
            self.hub.take(entries, NOW_NS)

    def connect(self, resume: Position | None = None, *, answers: bool = True) -> tuple[str, KeepingOutlet]:
        """A new viewer; it *answers* each batch at once, or never."""
        name, outlet = f"viewer {next(self._names)}", KeepingOutlet()
        if answers:
            outlet.acknowledge = lambda ack_id: self.viewers.acknowledged(name, ack_id)
        self.viewers.admit(name, outlet, resume)  # type: ignore[arg-type]
        return name, outlet

    def follow(self, query: str = "", start: Any = "tail", *, answers: bool = True) -> KeepingOutlet:
        """A new viewer with a subscription."""
        name, outlet = self.connect(answers=answers)
        self.viewers.subscribe(name, Subscribe(parse(query), start))
        return outlet

    def answer_all(self, name: str, outlet: KeepingOutlet) -> None:
        owed, outlet.owed = outlet.owed, []
        for ack_id in owed:
            self.viewers.acknowledged(name, ack_id)


@pytest.fixture
def store() -> SmallStore:
    return SmallStore(is_prompt=True)


@pytest.fixture
async def build(store: SmallStore) -> AsyncIterator[Callable[..., House]]:
    built: list[House] = []

    def make(**how: Any) -> House:
        built.append(House(store, **how))
        return built[-1]

    yield make
    for house in built:
        house.viewers.stop()
        await house.tasks.cancel_all()
        assert house.failures == []


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()


async def all_told(outlet: KeepingOutlet, seq: int, last: int) -> None:
    """Everything from the number after *seq* to *last* is told, once."""
    await soon(f"{last} is told", lambda: outlet.check_order(seq) >= last)
    assert outlet.check_order(seq) == last


async def test_a_viewer_is_greeted_before_all_else(house: House) -> None:
    house.take(3)
    _, outlet = house.connect(Position(EPOCH, 1))
    await all_told(outlet, 1, 3)
    assert [name for name, _ in outlet.events] == ["hello", "logBatch"]
    hello = outlet.named("hello")[0]
    assert (hello["proto"], hello["epoch"], hello["head"], hello["oldest"]) == (2, EPOCH, 3, 1)


async def test_who_subscribes_to_nothing_is_sent_nothing(house: House) -> None:
    _, outlet = house.connect()
    house.take(10)
    await asyncio.sleep(room.GATHER_S * 3)
    assert [name for name, _ in outlet.events] == ["hello"]


async def test_from_the_tail_only_what_is_new_comes(house: House) -> None:
    house.take(5)
    outlet = house.follow()
    house.take(2)  # in the same turn of the loop: the head was told before
    await all_told(outlet, 5, 7)
    assert outlet.numbers() == [6, 7]


async def test_from_the_ring_all_that_it_holds_comes(house: House) -> None:
    house.take(2_000)
    first = house.hub.ring.first_seq
    outlet = house.follow(start="ring")
    await all_told(outlet, first - 1, 2_000)
    assert outlet.numbers() == list(range(first, 2_001))
    assert outlet.gaps() == []


async def test_from_a_position_within_the_ring_only_what_came_after_it(house: House) -> None:
    house.take(500)
    outlet = house.follow(start=Position(EPOCH, 490))
    await all_told(outlet, 490, 500)
    assert house.history.calls == []


async def test_at_the_head_nothing_comes_until_there_is_something(house: House) -> None:
    house.take(5)
    outlet = house.follow(start=Position(EPOCH, 5))
    await asyncio.sleep(0)
    assert outlet.named("logBatch") == []
    house.take(1)
    await all_told(outlet, 5, 6)


async def test_viewers_at_the_same_place_are_sent_the_same_bytes(house: House) -> None:
    outlets = [house.follow() for _ in range(3)]
    await asyncio.sleep(0)
    house.take(300)
    for outlet in outlets:
        await all_told(outlet, 0, 300)
    first, *others = [outlet.frames[1:] for outlet in outlets]
    for other in others:
        assert all(mine is yours for mine, yours in zip(first, other, strict=True))


async def test_no_more_than_four_batches_are_unanswered(house: House) -> None:
    name, outlet = house.connect(answers=False)
    house.viewers.subscribe(name, Subscribe(parse("")))
    await asyncio.sleep(0)
    for _ in range(20):
        house.take(10)
        await asyncio.sleep(room.GATHER_S * 2)
    assert len(outlet.named("logBatch")) == MAX_UNANSWERED
    house.viewers.acknowledged(name, outlet.owed.pop(0))
    await soon("the next comes", lambda: len(outlet.named("logBatch")) == MAX_UNANSWERED + 1)
    # All that came meanwhile is in the one batch.
    assert outlet.check_order(0) == 200


async def test_an_answer_to_nothing_gives_no_credit(house: House) -> None:
    name, outlet = house.connect(answers=False)
    house.viewers.subscribe(name, Subscribe(parse("")))
    await asyncio.sleep(0)
    for ack_id in (0, 77, 10**9):
        house.viewers.acknowledged(name, ack_id)
    for _ in range(8):
        house.take(1)
        await asyncio.sleep(room.GATHER_S * 2)
    assert len(outlet.named("logBatch")) == MAX_UNANSWERED


async def test_a_viewer_that_answers_nothing_is_cut_and_the_others_go_on(house: House) -> None:
    good, frozen = house.follow(), house.follow(answers=False)
    await asyncio.sleep(0)
    for _ in range(5):
        house.take(1)
        await asyncio.sleep(room.GATHER_S * 2)
    await soon("it is cut", lambda: frozen.was_cut)
    assert house.viewers.cut == 1
    house.take(1)
    await all_told(good, 0, 6)
    assert not good.was_cut


async def test_a_viewer_that_answers_late_but_has_all_is_not_cut(house: House) -> None:
    idle = house.follow(answers=False)
    await asyncio.sleep(0)
    for _ in range(MAX_UNANSWERED):
        house.take(1)
        await asyncio.sleep(room.GATHER_S * 2)
    await asyncio.sleep(0.3)
    assert not idle.was_cut


async def test_a_viewer_whose_outlet_is_full_waits_for_room(house: House) -> None:
    outlet = house.follow()
    outlet.has_room = False
    await asyncio.sleep(0)
    house.take(5)
    await asyncio.sleep(room.GATHER_S * 3)
    assert outlet.named("logBatch") == []
    outlet.has_room = True
    outlet.on_room()
    await all_told(outlet, 0, 5)


async def test_a_viewer_that_falls_out_of_the_ring_is_told_what_it_missed(house: House) -> None:
    name, outlet = house.connect(answers=False)
    house.viewers.subscribe(name, Subscribe(parse("")))
    await asyncio.sleep(0)
    for _ in range(MAX_UNANSWERED):
        house.take(10)
        await asyncio.sleep(room.GATHER_S * 2)
    house.take(3_000)
    house.answer_all(name, outlet)
    first = house.hub.ring.first_seq
    outlet.acknowledge = lambda ack_id: house.viewers.acknowledged(name, ack_id)
    await all_told(outlet, 0, 3_040)
    assert outlet.gaps() == [(41, first - 1, "slow")]
    assert house.viewers.dropped_slow == first - 41
    assert outlet.numbers() == [*range(1, 41), *range(first, 3_041)]


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
async def test_without_a_history_what_left_the_ring_is_told_as_evicted(build: Callable[..., House], fault: str) -> None:
    house = build(has_history=fault != "no history")
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
    build: Callable[..., House], store: SmallStore, read_back: int
) -> None:
    before = build()
    before.take(100)
    newest = store.kept[-read_back:] if read_back else []
    house = build(restored=Restored(1_000_000, newest, epoch=EPOCH))
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


async def test_a_query_selects_and_the_numbers_between_are_told(house: House) -> None:
    for _ in range(10):
        house.take(90)
        house.take(10, "error")
    first = house.hub.ring.first_seq
    outlet = house.follow("level:error", "ring")
    await soon("all came", lambda: outlet.numbers() and outlet.numbers()[-1] == 1_000)
    assert outlet.numbers() == [seq for seq in range(first, 1_001) if (seq - 1) % 100 >= 90]
    assert outlet.check_order(first - 1) == 1_000


async def test_a_query_that_selects_nothing_tells_how_far_it_is_now_and_then(house: House) -> None:
    outlet = house.follow("nothing-like-this")
    await asyncio.sleep(0)
    for _ in range(13):
        house.take(500)
        await soon("it has looked", lambda: not house.viewers._waiting or house.viewers._gathering is None)
        await asyncio.sleep(room.GATHER_S * 2)
    assert [(batch["first"], batch["last"], batch["data"]) for batch in outlet.named("logBatch")] == [
        (1, UNSELECTED_NUMBERS, [])
    ]


async def test_a_query_goes_through_the_history_too(house: House) -> None:
    for _ in range(50):
        house.take(99)
        house.take(1, "error")
    outlet = house.follow("level:error", Position(EPOCH, 0))
    await soon("all came", lambda: len(outlet.numbers()) == 50)
    assert outlet.numbers() == list(range(100, 5_001, 100))
    outlet.check_order(0)


async def test_a_new_subscription_replaces_the_one_before(house: House) -> None:
    house.take(3_000)
    name, outlet = house.connect(answers=False)
    house.viewers.subscribe(name, Subscribe(parse(""), Position(EPOCH, 0)))
    await soon("some came", lambda: len(outlet.owed) == MAX_UNANSWERED)
    told = outlet.check_order(0)
    outlet.events.clear()
    # It goes on from what it has, with another query.
    house.viewers.subscribe(name, Subscribe(parse("level:error"), Position(EPOCH, told)))
    outlet.acknowledge = lambda ack_id: house.viewers.acknowledged(name, ack_id)
    house.answer_all(name, outlet)
    house.take(1, "error")
    await all_told(outlet, told, 3_001)
    assert outlet.numbers() == [3_001]


async def test_many_subscriptions_at_once_leave_only_the_last(house: House) -> None:
    house.take(800)
    name, outlet = house.connect()
    for seq in range(50):
        house.viewers.subscribe(name, Subscribe(parse(""), Position(EPOCH, seq)))
    await all_told(outlet, 49, 800)
    house.take(1)
    await all_told(outlet, 49, 801)
    assert len(house.tasks) == 1


async def test_a_query_that_is_too_slow_ends_its_subscription_alone(house: House) -> None:
    good = house.follow()
    name, outlet = house.connect()
    house.viewers.subscribe(name, Subscribe(parse("message~/(a|aa)+$/"), "tail"))
    await asyncio.sleep(0)
    house.hub.take(["a" * 5_000 + "b"], NOW_NS)
    (told,) = await soon("it is told", lambda: outlet.named("unsubscribed"))
    assert "takes too long" in told["error"]
    house.take(5)
    await all_told(good, 0, 6)
    assert outlet.named("logBatch") == []
    house.viewers.subscribe(name, Subscribe(parse("m4"), Position(EPOCH, 1)))
    await soon("it goes on", lambda: outlet.numbers() == [6])


async def test_who_leaves_is_forgotten_with_all_that_ran_for_it(house: House) -> None:
    house.take(3_000)
    house.history.go_on.clear()
    name, _ = house.connect(Position(EPOCH, 0))
    other, _ = house.connect(Position(EPOCH, 2_999))
    await soon("it reads the history", lambda: house.history.calls)
    house.viewers.dismiss(name)
    house.viewers.dismiss(other)
    house.viewers.dismiss("nobody")
    await soon("nothing runs", lambda: len(house.tasks) == 0)
    assert house.viewers.greeted == frozenset()
    house.viewers.acknowledged(name, 1)
    house.take(1)


async def test_a_viewer_that_went_without_a_word_is_not_served(house: House) -> None:
    outlet = house.follow()
    await asyncio.sleep(0)
    outlet.is_open = False
    house.take(1)
    await soon("nothing runs", lambda: len(house.tasks) == 0)
    assert house.viewers.cut == 0


async def test_batches_hold_no_more_than_their_limits(house: House) -> None:
    house.hub.take(["x" * 200_000] * 9, NOW_NS)
    house.take(700)
    outlet = house.follow(start="ring")
    await all_told(outlet, 0, 709)
    batches = outlet.named("logBatch")
    assert [len(batch["data"]) for batch in batches[:3]] == [3, 3, 3]
    assert all(len(batch["data"]) <= MAX_BATCH_RECORDS for batch in batches)
    assert all(frames.size < 1_000_000 for frames in outlet.frames)


async def test_viewers_that_began_apart_share_batches_from_the_next_thousand_on(house: House) -> None:
    house.take(300)
    early = house.follow(start=Position(EPOCH, 0))
    late = house.follow(start=Position(EPOCH, 250))
    for _ in range(20):
        house.take(100)
        await soon("both are up to date", lambda: early.check_order(0) == late.check_order(250) == house.hub.head)
    assert set(map(id, early.frames)) & set(map(id, late.frames))
