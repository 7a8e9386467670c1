"""A version 2 hub as a feed: its numbers, its gaps, and what follows after a cut, a restart and another history."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError
from desktop_logs.core.gaps import is_gap
from desktop_logs.net import client
from desktop_logs.net.client import RemoteFeed
from tests.net.fake_hub2 import FakeHub2, numbered
from tests.support.asynchronous import soon
from tests.support.proxy import Proxy

Follow = Callable[..., RemoteFeed]


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(client, "LONGEST_DELAY_S", 0.2)


@pytest.fixture
async def hub2() -> AsyncIterator[FakeHub2]:
    hub = FakeHub2()
    await hub.start()
    yield hub
    await hub.stop()


@pytest.fixture
async def follow(hub2: FakeHub2) -> AsyncIterator[Follow]:
    feeds: list[RemoteFeed] = []

    def start(query: str = "", **options: Any) -> RemoteFeed:
        feeds.append(RemoteFeed(Target(ServerAddress(hub2.url), "secret", query=query), **options))
        feeds[-1].start()
        return feeds[-1]

    yield start
    for feed in feeds:
        await feed.close()


def numbers(feed: RemoteFeed) -> list[int]:
    return [record.seq for record in feed.since(0, 100_000)]


def lines(feed: RemoteFeed) -> list[str]:
    return [record.message for record in feed.since(0, 100_000) if is_gap(record)]


async def test_all_of_the_ring_comes_under_the_hubs_own_numbers(hub2: FakeHub2, follow: Follow) -> None:
    hub2.add(10_000)
    hub2.oldest = 4_001
    feed = follow()
    await feed.first_records()
    assert numbers(feed) == list(range(4_001, 10_001))
    assert feed.since(5_000, 1)[0].message == "m5001"
    hub2.add(3)
    await soon("the live ones came", lambda: feed.head == 10_003)
    assert hub2.asked[:2] == [
        ("auth", {"proto": 2, "token": "secret"}),
        ("subscribe", {"query": "", "from": "ring"}),
    ]
    assert hub2.most_unanswered <= 4
    assert lines(feed) == []


async def test_over_polling_too(hub2: FakeHub2, follow: Follow) -> None:
    await hub2.stop()
    hub2.transports = ["polling"]
    await hub2.start()
    hub2.add(3_000)
    feed = follow()
    await feed.first_records()
    assert numbers(feed) == list(range(1, 3_001))
    hub2.add(3_000)
    await soon("all came", lambda: feed.head == 6_000)


async def test_after_a_cut_in_the_middle_of_the_handshake_a_websocket_is_made(hub2: FakeHub2) -> None:
    async with Proxy(hub2.port) as proxy:
        proxy.stall()
        feed = RemoteFeed(Target(ServerAddress(proxy.url)))
        feed.start()
        try:
            await soon("it has asked", lambda: proxy.held_back_bytes)
            proxy.cut()
            await feed.first_records()
            assert [socket.upgraded for socket in hub2.sio.eio.sockets.values() if not socket.closed] == [True]
        finally:
            await feed.close()


async def test_what_was_on_its_way_when_a_polling_line_is_cut_comes_again(hub2: FakeHub2) -> None:
    """The hub has given it to the request that is cut: sent a second time, that would be given what comes after it."""
    await hub2.stop()
    hub2.transports = ["polling"]
    await hub2.start()
    hub2.add(10)
    async with Proxy(hub2.port) as proxy:
        feed = RemoteFeed(Target(ServerAddress(proxy.url)))
        feed.start()
        try:
            await feed.first_records()
            proxy.stall()
            hub2.add(1_000)
            await soon("it has left the hub", lambda: proxy.held_back_bytes > 4_000)
            proxy.cut()
            hub2.add(100)
            await soon("all came", lambda: feed.head == 1_110)
            assert numbers(feed) == list(range(1, 1_111))
            assert lines(feed) == []
        finally:
            await feed.close()


async def test_a_large_batch_is_taken_in_turns_of_the_loop(
    hub2: FakeHub2, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop_logs.net.turns.TURN_S", 0.0005)
    feed = follow()
    await feed.first_records()
    heads: list[int] = []

    async def beside() -> None:
        while True:
            heads.append(feed.head)
            await asyncio.sleep(0)

    other = asyncio.ensure_future(beside())
    hub2.add(1_024)
    await soon("it came", lambda: feed.head == 1_024)
    other.cancel()
    assert any(0 < head < 1_024 for head in heads), "the loop was held for the whole batch"


async def test_after_a_restart_it_goes_on_from_where_it_was(hub2: FakeHub2, follow: Follow) -> None:
    hub2.add(100)
    feed = follow()
    await feed.first_records()
    await hub2.stop()
    await soon("it waits", lambda: feed.state.phase == "waiting")
    hub2.add(50)
    await hub2.start()
    await soon("all came", lambda: feed.head == 150)
    assert numbers(feed) == list(range(1, 151))
    resume = {"epoch": "e1", "seq": 100}
    assert ("auth", {"proto": 2, "token": "secret", "resume": resume}) in hub2.asked
    assert [asked for asked, _ in hub2.asked].count("subscribe") == 1


async def test_numbers_that_left_the_ring_meanwhile_are_told_of(hub2: FakeHub2, follow: Follow) -> None:
    hub2.add(10)
    feed = follow()
    await feed.first_records()
    await hub2.stop()
    await soon("it waits", lambda: feed.state.phase == "waiting")
    hub2.add(90)
    hub2.oldest = 51
    await hub2.start()
    await soon("all came", lambda: feed.head == 100)
    assert numbers(feed) == [*range(1, 11), *range(50, 101)]
    assert lines(feed) == ["Up to 40 records are missing here: the hub no longer has all that was logged."]


async def test_another_history_comes_behind_what_is_held(hub2: FakeHub2, follow: Follow) -> None:
    hub2.add(10)
    feed = follow()
    await feed.first_records()
    await hub2.stop()
    hub2.entries.clear()
    hub2.epoch = "e2"
    hub2.add(5)
    hub2.oldest = 3
    await hub2.start()
    await soon("all came", lambda: feed.head == 16)
    assert [(record.seq, record.message) for record in feed.since(9)] == [
        (10, "m10"),
        (11, "Records may be missing here: the hub's history was replaced."),
        (14, "m3"),
        (15, "m4"),
        (16, "m5"),
    ]
    hub2.add()
    await soon("it goes on", lambda: feed.head == 17)
    assert len(lines(feed)) == 1


@pytest.mark.parametrize("spelling", ['2%d["%s",%s]', '2%d ["%s",%s]'], ids=["short way", "the library's way"])
async def test_what_comes_twice_is_held_once_and_a_hole_is_told_of(
    hub2: FakeHub2, follow: Follow, spelling: str
) -> None:
    feed = follow()
    await feed.first_records()

    async def batch(first: int, last: int, *seqs: int) -> None:
        payload = {"epoch": "e1", "first": first, "last": last, "data": [numbered(seq) for seq in seqs]}
        for eio_sid in list(hub2.sio.eio.sockets):
            await hub2.sio.eio.send(eio_sid, spelling % (9, "logBatch", json.dumps(payload)))

    await batch(1, 3, 1, 2, 3)
    await batch(2, 5, 2, 3, 4, 5)
    await batch(1, 3, 1, 2, 3)
    await batch(6, 8)
    await batch(9, 10, 10)
    await batch(15, 16, 15, 16)
    await soon("the last came", lambda: feed.head == 16)
    assert numbers(feed) == [1, 2, 3, 4, 5, 10, 14, 15, 16]
    assert lines(feed) == ["Up to 4 records are missing here: this viewer could not take all as fast as it came."]


async def test_a_gap_stands_where_it_belongs(hub2: FakeHub2, follow: Follow) -> None:
    hub2.add(5)
    feed = follow()
    await feed.first_records()
    await hub2.emit("gap", {"epoch": "e1", "from": 6, "to": 1_005, "reason": "slow"})
    hub2.entries[1_006] = numbered(1_006)
    await hub2.emit("logBatch", {"epoch": "e1", "first": 1_006, "last": 1_006, "data": [numbered(1_006)]})
    await soon("it came", lambda: feed.head == 1_006)
    assert numbers(feed) == [1, 2, 3, 4, 5, 1_005, 1_006]
    assert lines(feed) == ["Up to 1,000 records are missing here: this viewer could not take all as fast as it came."]


async def test_what_cannot_be_read_is_counted_and_the_rest_taken(hub2: FakeHub2, follow: Follow) -> None:
    feed = follow()
    await feed.first_records()
    await hub2.emit("logBatch", {"epoch": "e1", "first": 1, "last": 3, "data": [numbered(1), {"seq": 2}, numbered(3)]})
    await hub2.emit("logBatch", "nonsense")
    await hub2.emit("gap", {"epoch": 7})
    await hub2.emit("log", {"level": "info", "message": "version 1"})
    await hub2.emit("logBatch", {"epoch": "e1", "first": 4, "last": 4, "data": [numbered(4)]})
    await soon("the last came", lambda: feed.head == 4)
    assert numbers(feed) == [1, 3, 4]
    assert feed.stats()["unreadable"] == feed.unreadable == 3


async def test_a_query_is_left_to_the_hub_and_asked_again_from_the_position(hub2: FakeHub2, follow: Follow) -> None:
    hub2.add(5)
    feed = follow("level:>=info")
    await feed.first_records()
    await hub2.stop()
    await soon("it waits", lambda: feed.state.phase == "waiting")
    await hub2.start()
    await soon("it is back", lambda: [asked for asked, _ in hub2.asked].count("subscribe") == 2)
    asked = [payload for name, payload in hub2.asked if name == "subscribe"]
    assert asked == [
        {"query": "level:>=info", "from": "ring"},
        {"query": "level:>=info", "from": {"epoch": "e1", "seq": 5}},
    ]
    assert {"proto": 2, "token": "secret"} in [payload for name, payload in hub2.asked if name == "auth"]


async def test_the_newest_alone_when_no_more_is_wanted(hub2: FakeHub2, follow: Follow) -> None:
    hub2.add(100)
    feed = follow(newest=7)
    await feed.first_records()
    assert numbers(feed) == list(range(94, 101))


async def test_a_subscription_that_is_refused_is_told(hub2: FakeHub2, follow: Follow) -> None:
    hub2.answers["subscribe"] = {"ok": False, "error": "too many expressions."}
    feed = follow("x")
    with pytest.raises(ConnectError, match="does not send its records: too many expressions."):
        await feed.first_records()


async def test_a_query_that_is_too_slow_for_the_hub_is_told(hub2: FakeHub2, follow: Follow) -> None:
    feed = follow("x")
    await feed.first_records()
    await hub2.emit("unsubscribed", {"error": "The expression took too long."})
    told = f"127.0.0.1:{hub2.port} sends no more records: The expression took too long."
    await soon("it is told", lambda: feed.state.problem == told)
    assert feed.state.phase == "live"


async def test_the_hubs_counters_are_asked_for(hub2: FakeHub2, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "STATS_EVERY_S", 0.05)
    feed = follow()
    await soon("they came", lambda: feed.stats().get("received") == 7)
    hub2.add(3)
    await soon("and again", lambda: feed.stats().get("head") == 3)
    assert feed.stats()["unreadable"] == 0


async def test_a_history_is_there_when_the_hub_says_so(hub2: FakeHub2, follow: Follow) -> None:
    feed = follow()
    assert feed.history is None
    await feed.first_records()
    assert feed.history is not None
    hub2.has_history = False
    await hub2.stop()
    await hub2.start()
    await soon("it is gone", lambda: feed.history is None)


async def test_a_hub_that_becomes_a_version_1_server_and_a_hub_again_is_followed(
    hub2: FakeHub2, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SNAPSHOT_WAIT_S", 0.3)
    hub2.add(5)
    feed = follow()
    await feed.first_records()
    await hub2.stop()
    hub2.greets = False
    await hub2.start()
    await soon("the line of the gap", lambda: feed.head == 6)
    assert feed.history is None
    await hub2.emit("log", numbered(1))
    await soon("it is read as version 1", lambda: feed.head == 7)
    await hub2.stop()
    hub2.greets = True
    await hub2.start()
    await soon("the whole ring", lambda: feed.head == 13)
    assert numbers(feed) == list(range(1, 14))
    assert len(lines(feed)) == 2
    assert feed.history is not None
