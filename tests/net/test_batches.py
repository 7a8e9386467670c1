"""Batches: encoded once, a query evaluated once, cut at the same places for all, in slices; all of it bounded."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest

from desktop_logs.core.errors import Evicted, TooSlow
from desktop_logs.core.hub import Hub, Restored
from desktop_logs.core.query import Query, parse
from desktop_logs.core.records import Record
from desktop_logs.net import batches as room
from desktop_logs.net.batches import Batches, Cut
from tests.support.stores import SmallStore

NOW_NS = 1_795_341_600_000_000_000


@pytest.fixture
def hub() -> Hub:
    made = Hub(SmallStore(), ring_capacity=20_000)
    made.restore(Restored(epoch="e"))
    return made


@pytest.fixture
def encoded(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the records that were encoded, as often as they were."""
    numbers: list[int] = []
    encode = hub.entries.numbered

    def counting(record: Record) -> bytes:
        numbers.append(record.seq)
        return encode(record)

    monkeypatch.setattr(hub.entries, "numbered", counting)
    return numbers


def take(hub: Hub, count: int, message: str = "m") -> None:
    for start in range(0, count, 500):
        hub.take([message] * min(500, count - start), NOW_NS)


def told(batches: Batches, cut: Cut) -> dict[str, Any]:
    """The payload of its event."""
    ack_id, frames = batches.frames(cut)
    (message,) = frames.messages
    head = f'2{ack_id}["logBatch",'
    assert message.startswith(head)
    payload: dict[str, Any] = json.loads(message[len(head) : -1])
    return payload


async def test_a_batch_ends_at_the_next_multiple_or_at_the_head(hub: Hub) -> None:
    take(hub, 2_500)
    batches, seq = Batches(hub), 700
    selection = batches.selection(Query())
    places = []
    while seq < 2_500:
        payload = told(batches, await batches.after(seq, selection))
        assert [entry["seq"] for entry in payload["data"]] == list(range(seq + 1, payload["last"] + 1))
        seq = payload["last"]
        places.append(seq)
    assert places == [1_024, 2_048, 2_500]


async def test_all_who_ask_for_the_same_get_the_same_frames(hub: Hub, encoded: list[int]) -> None:
    take(hub, 1_000)
    batches = Batches(hub)
    selection = batches.selection(Query())
    assert batches.selection(parse("  ")) is selection
    cuts = await asyncio.gather(*(batches.after(0, selection) for _ in range(20)))
    assert len({id(batches.frames(cut)[1]) for cut in cuts}) == 1
    assert encoded == list(range(1, 1_001))


async def test_one_who_comes_later_gets_what_came_meanwhile_as_well(hub: Hub, encoded: list[int]) -> None:
    take(hub, 10)
    batches = Batches(hub)
    selection = batches.selection(Query())
    early, _ = batches.frames(await batches.after(0, selection))
    take(hub, 5)
    late, _ = batches.frames(cut := await batches.after(0, selection))
    assert told(batches, cut)["last"] == 15
    assert early != late
    assert encoded == list(range(1, 16))


async def test_a_query_is_evaluated_once_for_each_record_however_many_have_it(hub: Hub) -> None:
    take(hub, 1_000)
    asked: list[int] = []

    class Counted(Query):
        def compile(self) -> Any:
            return lambda record: asked.append(record.seq) is None and record.seq % 10 == 0

    batches = Batches(hub)
    query = Counted(parse("x").tree)
    selections = [batches.selection(query) for _ in range(20)]
    cuts = await asyncio.gather(*(batches.after(0, selection) for selection in selections))
    assert asked == list(range(1, 1_001))
    assert [entry["seq"] for entry in told(batches, cuts[0])["data"]] == list(range(10, 1_001, 10))


async def test_equal_queries_are_one_and_are_forgotten_with_who_had_them(hub: Hub) -> None:
    batches = Batches(hub)
    selection = batches.selection(parse("level:error  api"))
    assert batches.selection(parse("level:ERROR api")) is selection
    del selection
    assert len(batches._selections) == 0


async def test_what_is_not_selected_is_worth_a_batch_only_when_it_is_much(hub: Hub) -> None:
    batches = Batches(hub)
    selection = batches.selection(parse("nothing-like-this"))
    take(hub, room.UNSELECTED_NUMBERS - 1)
    assert not (await batches.after(0, selection)).is_worth_sending
    take(hub, 1)
    cut = await batches.after(0, selection)
    payload = told(batches, cut)
    assert (payload["first"], payload["last"], payload["data"]) == (1, room.UNSELECTED_NUMBERS, [])


async def test_a_jump_of_numbers_ends_a_batch_that_has_entries(hub: Hub) -> None:
    take(hub, 10)
    newest = hub.ring.latest(10)
    again = Hub(SmallStore())
    again.restore(Restored(1_000_000, newest, epoch="e"))
    take(again, 3)
    batches = Batches(again)
    selection = batches.selection(Query())
    first = told(batches, await batches.after(0, selection))
    second = told(batches, await batches.after(first["last"], selection))
    assert (first["first"], first["last"], len(first["data"])) == (1, 10, 10)
    assert (second["first"], second["last"], len(second["data"])) == (11, 1_000_003, 3)


async def test_what_left_the_ring_is_told_and_what_was_taken_before_is_not_lost(hub: Hub) -> None:
    batches = Batches(hub)
    selection = batches.selection(Query())
    take(hub, 10)
    cut = await batches.after(0, selection)
    take(hub, 40_000)
    assert told(batches, await batches.after(0, selection))["last"] == 10
    assert cut.is_full
    with pytest.raises(Evicted):
        await batches.after(10, selection)


async def test_the_loop_has_its_turn_after_every_slice(hub: Hub) -> None:
    """The clock goes on by a millisecond a record: two of them are a slice."""
    take(hub, 50)
    now_s = [0.0]

    def tick() -> float:
        now_s[0] += 0.001
        return now_s[0]

    turns: list[int] = []

    async def watch() -> None:
        while True:
            turns.append(cut.last if (cut := selection._cuts.get(1)) else 0)
            await asyncio.sleep(0)

    batches = Batches(hub, clock_s=tick)
    selection = batches.selection(Query())
    watching = asyncio.ensure_future(watch())
    await batches.after(0, selection)
    watching.cancel()
    steps = [after - before for before, after in itertools.pairwise(turns)]
    assert max(steps) <= 3
    assert sum(steps) >= 45


async def test_only_one_query_is_worked_on_in_a_turn(hub: Hub) -> None:
    take(hub, 50)
    now_s = [0.0]

    def tick() -> float:
        now_s[0] += 0.001
        return now_s[0]

    batches = Batches(hub, clock_s=tick)
    selections = [batches.selection(parse(f"m NOT {number}")) for number in range(5)]
    turns: list[int] = []

    async def watch() -> None:
        while True:
            turns.append(sum(cut.last for selection in selections for cut in selection._cuts.values()))
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(watch())
    await asyncio.gather(*(batches.after(0, selection) for selection in selections))
    watching.cancel()
    assert max(after - before for before, after in itertools.pairwise(turns)) <= 3


async def test_a_query_that_takes_long_on_every_record_is_too_slow(hub: Hub) -> None:
    worked_s = [0.0]

    class Slow(Query):
        def compile(self) -> Any:
            def selects(record: Record) -> bool:
                worked_s[0] += 0.004
                return False

            return selects

    batches = Batches(hub, work_clock_s=lambda: worked_s[0])
    selection = batches.selection(Slow(parse("x").tree))
    take(hub, 10)
    await batches.after(0, selection)
    take(hub, 100)
    with pytest.raises(TooSlow, match="takes too long on so many records"):
        await batches.after(0, selection)
    # And so it is for whoever else has it.
    with pytest.raises(TooSlow):
        await batches.after(5, selection)


async def test_an_expression_that_hangs_on_one_text_is_too_slow(hub: Hub) -> None:
    batches = Batches(hub)
    take(hub, 1, "a" * 5_000 + "b")
    with pytest.raises(TooSlow, match=r"\(a\|aa\)\+\$"):
        await batches.after(0, batches.selection(parse("message~/(a|aa)+$/")))


async def test_what_is_kept_is_bounded(hub: Hub) -> None:
    take(hub, 2_000, "x" * 20_000)
    batches = Batches(hub)
    selections = [batches.selection(parse(text)) for text in ("", "x", "NOT y")]
    for selection in selections:
        seq = 0
        while seq < 2_000:
            cut = await batches.after(seq, selection)
            batches.frames(cut)
            seq = cut.last
    kept = [cut for selection in selections for cut in selection._cuts.values()]
    assert sum(cut.size for cut in kept) < room.MAX_KEPT_BYTES + 3 * 2_000_000
    take(hub, 300)
    for seq in range(2_000, 2_300):
        await batches.after(seq, selections[0])
    assert len(selections[0]._cuts) <= room.MAX_KEPT_BATCHES
