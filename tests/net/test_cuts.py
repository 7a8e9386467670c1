"""A feed behind a line that is cut, that stalls, and a hub that ends: nothing missing, nothing twice, gaps told."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.gaps import is_gap
from desktop_logs.core.hub import Hub
from desktop_logs.core.records import Record
from desktop_logs.net import client
from desktop_logs.net.client import RemoteFeed
from desktop_logs.net.leaving import PATIENCE, Patience
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon
from tests.support.histories import KeptHistory
from tests.support.hubs import HubProgram, SteadyProducer, doubled, stored
from tests.support.proxy import Proxy
from tests.support.stores import SmallStore

CUTS = int(os.environ.get("DESKTOP_LOGS_CUTS", "15"))
SEED = int(os.environ.get("DESKTOP_LOGS_SEED", "1"))
RECORDS_PER_S = 2_000


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.02)
    monkeypatch.setattr(client, "LONGEST_DELAY_S", 0.1)


@asynccontextmanager
async def following(url: str) -> AsyncIterator[RemoteFeed]:
    """A feed that holds everything."""
    feed = RemoteFeed(Target(ServerAddress(url)), ring_capacity=10_000_000)
    feed.start()
    try:
        await feed.first_records()
        yield feed
    finally:
        await feed.close()


class Flow:
    """Records into *hub*, RECORDS_PER_S of them, until `end`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        began_s = time.monotonic()
        count = 0
        while True:
            due = int((time.monotonic() - began_s) * RECORDS_PER_S)
            self._hub.take([f"m{number}" for number in range(count + 1, due + 1)], time.time_ns())
            count = due
            await asyncio.sleep(0.005)

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


@pytest.fixture
def store() -> SmallStore:
    return SmallStore(is_prompt=True)


@asynccontextmanager
async def serving(hub: Hub, history: KeptHistory | None, patience: Patience = PATIENCE) -> AsyncIterator[HubServer]:
    server = HubServer(
        hub,
        version="1",
        clock_ns=time.time_ns,
        report=lambda told: None,
        history=history,
        catching_up=history,
        patience=patience,
    )
    await server.start(0)
    try:
        yield server
    finally:
        await server.stop()


def held(feed: RemoteFeed) -> list[Record]:
    return feed.since(0, 100_000_000)


@pytest.mark.timeout(30 + 2 * CUTS)
async def test_random_cuts_lose_nothing_and_double_nothing(store: SmallStore) -> None:
    chance = random.Random(SEED)
    hub = Hub(store, ring_capacity=1_000)
    async with serving(hub, KeptHistory(store)) as server, Proxy(server.port) as proxy, following(proxy.url) as feed:
        flow = Flow(hub)
        for number in range(CUTS):
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            if number % 4 == 3:  # away for longer than the ring remembers
                proxy.refuses = True
                proxy.cut()
                await asyncio.sleep(chance.uniform(0.6, 1.2))
                proxy.refuses = False
            else:
                proxy.cut()
        await flow.end()
        await soon("all is here", lambda: feed.head == hub.head, 30)
        records = held(feed)
        assert [record.seq for record in records] == list(range(1, hub.head + 1))
        assert [record.message for record in records] == [f"m{number}" for number in range(1, hub.head + 1)]
        assert proxy.connections >= CUTS // 2


async def test_a_line_that_stalls_and_is_slow_costs_time_alone(store: SmallStore) -> None:
    hub = Hub(store, ring_capacity=50_000)
    async with serving(hub, None) as server, Proxy(server.port) as proxy, following(proxy.url) as feed:
        flow = Flow(hub)
        await soon("some came", lambda: feed.head > 100)
        proxy.stall()
        await asyncio.sleep(0.5)
        stalled_at = feed.head
        await asyncio.sleep(0.2)
        assert feed.head == stalled_at
        proxy.delay_s = 0.05
        proxy.resume()
        await asyncio.sleep(0.5)
        proxy.delay_s = 0.0
        await flow.end()
        await soon("all is here", lambda: feed.head == hub.head)
        assert [record.seq for record in held(feed)] == list(range(1, hub.head + 1))
        assert proxy.connections == 1


async def test_a_line_that_is_dead_is_given_up_and_made_anew(store: SmallStore) -> None:
    """Nothing ends it: the feed itself must notice that the hub's pings no longer come."""
    hub = Hub(store, ring_capacity=1_000)
    patience = Patience(ping_interval_s=0.3, ping_timeout_s=0.3)
    async with serving(hub, None, patience) as server, Proxy(server.port) as proxy, following(proxy.url) as feed:
        hub.take([f"m{number}" for number in range(10)], time.time_ns())
        await soon("they came", lambda: feed.head == 10)
        proxy.stall()
        hub.take([f"m{number}" for number in range(10)], time.time_ns())
        await soon("it is noticed", lambda: feed.state.phase != "live")
        assert feed.state.problem == f"The connection to 127.0.0.1:{proxy.port} was lost."
        proxy.resume()
        await soon("the rest came", lambda: feed.head == 20)
        assert [record.seq for record in held(feed)] == list(range(1, 21))


async def test_what_neither_ring_nor_history_has_is_told_of_where_it_is_missing(store: SmallStore) -> None:
    hub = Hub(store, ring_capacity=400)
    async with serving(hub, None) as server, Proxy(server.port) as proxy, following(proxy.url) as feed:
        hub.take([f"m{number}" for number in range(1, 101)], time.time_ns())
        await soon("they came", lambda: feed.head == 100)
        proxy.refuses = True
        proxy.cut()
        for start in range(101, 2_001, 100):
            hub.take([f"m{number}" for number in range(start, start + 100)], time.time_ns())
        first = hub.ring.first_seq
        proxy.refuses = False
        await soon("the rest came", lambda: feed.head == 2_000)
        records = held(feed)
        assert [record.seq for record in records] == [*range(1, 101), *range(first - 1, 2_001)]
        lines = [record.message for record in records if is_gap(record)]
        assert lines == [f"Up to {first - 101:,} records are missing here: the hub no longer has all that was logged."]


@pytest.mark.parametrize("ends", ["stopped", "killed"])
async def test_a_hub_that_ends_and_begins_again_is_followed_across(tmp_path: Path, ends: str) -> None:
    def end_and_begin(hub: HubProgram) -> None:
        if ends == "stopped":
            assert hub.stop() == 0
        else:
            hub.kill()
        hub.start()

    with HubProgram(tmp_path, "--no-files") as hub:
        async with following(f"http://127.0.0.1:{hub.port}") as feed:
            producer = SteadyProducer(hub, "steady", RECORDS_PER_S)
            producer.start()
            for _ in range(2):
                before = producer.acknowledged
                await soon("some were stored", lambda before=before: producer.acknowledged > before + 1_000, 30)
                await asyncio.to_thread(end_and_begin, hub)
            await soon("and more", lambda: producer.acknowledged > before + 2_000, 30)
            await asyncio.to_thread(producer.end)
            counters = await asyncio.to_thread(hub.settled)
            await soon("all is here", lambda: feed.head == counters["head"], 30)
            records = held(feed)
        assert await asyncio.to_thread(hub.stop) == 0
    assert [record.message for record in records if is_gap(record)] == []
    kept = await asyncio.to_thread(stored, tmp_path, "seq, message")
    by_number = {record.seq: record.message for record in records}
    assert [row for row in kept if by_number.get(row[0]) != row[1]] == []
    if ends == "stopped":
        # A hub that is killed may have shown what it had not stored yet, and gets it a second time.
        assert doubled(record.message for record in records) == []
