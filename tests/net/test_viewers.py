"""Version 2 viewers: credit, cursors, gaps, queries; nothing missing and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from desktop_logs.core.hub import Restored
from desktop_logs.core.query import parse
from desktop_logs.core.viewing import MAX_BATCH_RECORDS, MAX_UNANSWERED, Newest, Position, Subscribe
from desktop_logs.net import viewers as room
from desktop_logs.net.batches import UNSELECTED_NUMBERS
from tests.support.asynchronous import soon
from tests.support.stores import SmallStore
from tests.support.viewerhouse import EPOCH, NOW_NS, House, all_told


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


async def test_so_many_of_the_newest_come_however_far_apart_their_numbers_are(store: SmallStore) -> None:
    """After a crash numbers jump: counted by number, a viewer would be sent the few that came since."""
    before = House(SmallStore())
    before.take(20)
    restored = Restored(1_000_000, before.hub.ring.latest(20), epoch=EPOCH)
    house = House(store, restored=restored)
    house.take(2)
    outlet = house.follow(start=Newest(5))
    await soon("the newest are told", lambda: outlet.numbers() == [18, 19, 20, 1_000_001, 1_000_002])
    nothing = house.follow(start=Newest(0))
    house.take(1)
    await soon("only what is new is told", lambda: nothing.numbers() == [1_000_003])
    assert outlet.gaps() == nothing.gaps() == []
    await house.tasks.cancel_all()


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
    await house.use_up_credit(outlet, 10)
    for _ in range(16):
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
    await house.use_up_credit(outlet)
    for ack_id in (0, 77, 10**9):
        house.viewers.acknowledged(name, ack_id)
    for _ in range(4):
        house.take(1)
        await asyncio.sleep(room.GATHER_S * 2)
    assert len(outlet.named("logBatch")) == MAX_UNANSWERED


async def test_a_viewer_that_answers_nothing_is_cut_and_the_others_go_on(build_house: Callable[..., House]) -> None:
    house = build_house(stall_s=0.2)
    good, frozen = house.follow(), house.follow(answers=False)
    await asyncio.sleep(0)
    await house.use_up_credit(frozen)
    house.take(1)
    await soon("it is cut", lambda: frozen.was_cut)
    assert house.viewers.cut == 1
    house.take(1)
    await all_told(good, 0, 6)
    assert not good.was_cut


async def test_a_viewer_that_answers_late_but_has_all_is_not_cut(build_house: Callable[..., House]) -> None:
    house = build_house(stall_s=0.2)
    idle = house.follow(answers=False)
    await asyncio.sleep(0)
    await house.use_up_credit(idle)
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
    await house.use_up_credit(outlet, 10)
    house.take(3_000)
    house.answer_all(name, outlet)
    first = house.hub.ring.first_seq
    outlet.acknowledge = lambda ack_id: house.viewers.acknowledged(name, ack_id)
    await all_told(outlet, 0, 3_040)
    assert outlet.gaps() == [(41, first - 1, "slow")]
    assert house.viewers.dropped_slow == first - 41
    assert outlet.numbers() == [*range(1, 41), *range(first, 3_041)]


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
    await soon("it tells how far it is", lambda: outlet.named("logBatch"))
    assert [(batch["first"], batch["last"], batch["data"]) for batch in outlet.named("logBatch")] == [
        (1, UNSELECTED_NUMBERS, [])
    ]


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
