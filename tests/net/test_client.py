"""A remote server as a feed: a hub, servers that were never written for us, and servers that come and go."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import socketio
from aiohttp import web

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError
from desktop_logs.core.gaps import is_gap
from desktop_logs.core.hub import Hub
from desktop_logs.net import client
from desktop_logs.net.client import RemoteFeed
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon
from tests.support.proxy import Proxy

Follow = Callable[..., RemoteFeed]


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(client, "LONGEST_DELAY_S", 0.2)


@pytest.fixture
async def follow() -> AsyncIterator[Follow]:
    feeds: list[RemoteFeed] = []

    def start(url: str, path: str = "/socket.io", token: str = "") -> RemoteFeed:
        feeds.append(RemoteFeed(Target(ServerAddress(url, path), token)))
        feeds[-1].start()
        return feeds[-1]

    yield start
    for feed in feeds:
        await feed.close()


class ForeignServer:
    """A Socket.IO server that speaks version 1 in its own way, on a port that it keeps over a restart."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.port = 0
        self.cache: list[Any] = []
        self.token = ""
        self.answers = True
        self.runner: web.AppRunner | None = None

    async def start(self) -> None:
        self.sio = socketio.AsyncServer(async_mode="aiohttp", **self.options)
        self.sio.on("connect", self.on_connect)
        self.sio.on("requestLogs", self.on_request)
        app = web.Application()
        self.sio.attach(app)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is None:
            return
        runner, self.runner = self.runner, None
        for socket in list(self.sio.eio.sockets.values()):
            await socket.close(wait=False)
            await socket.queue.put(None)
        await self.sio.shutdown()
        await runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on_connect(self, sid: str, environ: Any, auth: Any = None) -> None:
        if self.token and (auth or {}).get("token") != self.token:
            raise socketio.exceptions.ConnectionRefusedError("the token is wrong")

    async def on_request(self, sid: str, *data: Any) -> None:
        if self.answers:
            await self.sio.emit("logs", {"type": "logs", "data": self.cache[::-1][:500], "timestamp": 1}, to=sid)

    async def log(self, entry: Any) -> None:
        self.cache.append(entry)
        await self.sio.emit("log", {"type": "log", "data": entry, "timestamp": 1})


@pytest.fixture
async def foreign() -> AsyncIterator[ForeignServer]:
    server = ForeignServer()
    await server.start()
    yield server
    await server.stop()


def entry(number: int) -> dict[str, Any]:
    minute, second = divmod(number, 60)
    return {"level": "info", "message": f"m{number}", "timestamp": f"2026-11-22T10:{minute:02}:{second:02}Z"}


def messages(feed: RemoteFeed) -> list[str]:
    return [record.message for record in feed.since(0, 100_000)]


async def test_a_hubs_newest_records_and_what_follows(server: HubServer, hub: Hub, follow: Follow) -> None:
    hub.take([f"m{number}" for number in range(10)], time.time_ns())
    feed = follow(server.url)
    await feed.first_records()
    assert messages(feed) == [f"m{number}" for number in range(10)]
    hub.take(["live"], time.time_ns())
    await soon("the live one came", lambda: messages(feed)[-1] == "live")
    assert (feed.state.phase, feed.state.summary) == ("live", "connected")
    assert [record.seq for record in feed.since(0)] == list(range(1, 12))


async def test_listeners_are_told_of_records_and_states(server: HubServer, hub: Hub, follow: Follow) -> None:
    feed = follow(server.url)
    told: list[tuple[str, int]] = []
    stop = feed.subscribe(lambda: told.append((feed.state.phase, feed.head)))
    await soon("it is live", lambda: ("live", 0) in told)
    hub.take(["x"], time.time_ns())
    await soon("a record", lambda: ("live", 1) in told)
    stop()
    hub.take(["y"], time.time_ns())
    await soon("the next one is there", lambda: feed.head == 2)
    assert told[-1] == ("live", 1)


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_whatever_transport_a_server_allows(follow: Follow, transports: list[str]) -> None:
    server = ForeignServer(transports=transports)
    await server.start()
    try:
        await server.log(entry(1))
        feed = follow(server.url)
        await feed.first_records()
        for number in range(2, 40):
            await server.log(entry(number))
        await soon("all came", lambda: len(messages(feed)) == 39)
        assert messages(feed) == [f"m{number}" for number in range(1, 40)]
        await feed.close()
    finally:
        await server.stop()


async def test_a_restart_is_survived_with_nothing_twice_and_nothing_missing(
    foreign: ForeignServer, follow: Follow
) -> None:
    for number in range(1, 6):
        await foreign.log(entry(number))
    feed = follow(foreign.url)
    await feed.first_records()
    await foreign.log(entry(6))
    await soon("the live one", lambda: len(messages(feed)) == 6)
    await foreign.stop()
    await soon("it waits", lambda: feed.state.phase == "waiting")
    assert feed.state.summary == "reconnecting"
    assert feed.state.next_attempt_s is not None
    foreign.cache += [entry(7), entry(8)]
    await foreign.start()
    await soon("it is back", lambda: feed.state.phase == "live" and len(messages(feed)) == 8)
    await foreign.log(entry(9))
    await soon("live again", lambda: len(messages(feed)) == 9)
    assert messages(feed) == [f"m{number}" for number in range(1, 10)]


async def test_a_server_that_answers_no_request_is_followed_all_the_same(
    foreign: ForeignServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SNAPSHOT_WAIT_S", 0.3)
    foreign.answers = False
    feed = follow(foreign.url)
    await soon("it is live", lambda: feed.state.phase == "live")
    await foreign.log(entry(1))
    await feed.first_records()
    await foreign.log(entry(2))
    await soon("both came", lambda: messages(feed) == ["m1", "m2"])


async def test_odd_entries_are_taken_and_other_events_left_alone(foreign: ForeignServer, follow: Follow) -> None:
    feed = follow(foreign.url)
    await feed.first_records()
    for event, payload in [
        ("message", {"a": 1}),
        ("metrics", [1, 2]),
        ("log", entry(1)),
        ("log", {"level": "verbose", "message": {"text": "object"}}),
        ("log", "bare"),
        ("log", 7),
        ("log", None),
        ("logs", "nonsense"),
        ("log", {"level": "llama", "message": "unknown"}),
    ]:
        await foreign.sio.emit(event, payload)
    await soon("the last came", lambda: "unknown" in messages(feed))
    assert messages(feed) == ["m1", "object", "bare", "unknown"]
    assert [record.level for record in feed.since(0)] == ["info", "verbose", "info", "llama"]
    assert feed.stats()["rejected"] == 3


async def test_a_token_is_sent_and_a_wrong_one_is_told(foreign: ForeignServer, follow: Follow) -> None:
    foreign.token = "secret"
    feed = follow(foreign.url, token="wrong")
    with pytest.raises(ConnectError, match=f"127.0.0.1:{foreign.port} refuses the connection: the token is wrong."):
        await feed.first_records()
    right = follow(foreign.url, token="secret")
    await right.first_records()
    assert right.state.phase == "live"


async def test_nobody_there_is_told_and_tried_again(foreign: ForeignServer, follow: Follow) -> None:
    await foreign.stop()
    feed = follow(foreign.url)
    with pytest.raises(ConnectError, match="Nothing listens on"):
        await feed.first_records()
    await soon("the problem is shown", lambda: "Nothing listens" in feed.state.problem)
    await foreign.start()
    await soon("it connects by itself", lambda: feed.state.phase == "live")


async def test_a_server_that_closes_at_once_is_told(foreign: ForeignServer, follow: Follow) -> None:
    async def cut(sid: str, *_: Any) -> None:
        await foreign.sio.disconnect(sid)

    foreign.sio.on("requestLogs", cut)
    feed = follow(foreign.url)
    with pytest.raises(ConnectError, match="takes the connection and closes it at once"):
        await feed.first_records()


async def test_the_next_attempt_can_be_asked_for(
    foreign: ForeignServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 3600.0)
    await foreign.stop()
    feed = follow(foreign.url)
    await soon("it waits", lambda: feed.state.phase == "waiting")
    await foreign.start()
    feed.retry()
    await soon("it connects", lambda: feed.state.phase == "live")


async def test_a_web_server_that_is_no_socketio_server_is_told(server: HubServer, follow: Follow) -> None:
    feed = follow(server.url, "/nothing")
    with pytest.raises(ConnectError, match="there is no Socket.IO server at the path /nothing"):
        await feed.first_records()


async def test_a_closed_feed_leaves_no_task(server: HubServer, follow: Follow) -> None:
    feed = follow(server.url)
    await feed.first_records()
    await feed.close()
    assert feed.state.phase == "closed"
    await soon("the hub has no viewer", lambda: server.stats()["viewers"] == 0)
    left = [task for task in asyncio.all_tasks() if "feed" in task.get_name()]
    assert left == []


# --- order, and turns of the loop -----------------------------------------------------------------------------------


async def send_raw(foreign: ForeignServer, *packets: str | bytes) -> None:
    """Send Socket.IO *packets* as they stand to every client."""
    for eio_sid in list(foreign.sio.eio.sockets):
        for packet in packets:
            await foreign.sio.eio.send(eio_sid, packet)


def entries(first: int, last: int) -> list[dict[str, Any]]:
    """In order of time, and as many as wanted."""
    start_ms = 1_795_341_600_000
    return [{"id": f"i{n}", "message": f"m{n}", "timestamp": start_ms + n} for n in range(first, last + 1)]


async def test_events_keep_their_order_whichever_way_they_go(foreign: ForeignServer, follow: Follow) -> None:
    feed = follow(foreign.url)
    await feed.first_records()
    await send_raw(
        foreign,
        '2["log","m0"]',
        '2 ["log","m1"]',  # the library's way: a space
        '2["log","m2"]',
        '2["log",{"message":"m3","n":NaN}]',  # the library's: no JSON
        '2["log","m4"]',
        '51-["log",{"message":{"_placeholder":true,"num":0}}]',
        b"m5",
        '2["log","m6"]',
        '2["metrics",{}]',
        '2["log","m7"]',
    )
    await soon("all came", lambda: len(messages(feed)) == 8)
    assert messages(feed) == [f"m{number}" for number in range(8)]


@pytest.mark.parametrize("spelling", ['2["logs",', '2 ["logs",'], ids=["short way", "the library's way"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_long_snapshot_is_taken_in_turns_and_what_follows_it_comes_behind(
    follow: Follow, transport: str, spelling: str
) -> None:
    foreign = ForeignServer(transports=[transport], max_http_buffer_size=10_000_000)
    foreign.answers = False
    await foreign.start()
    try:
        feed = follow(foreign.url)
        await soon("it is live", lambda: feed.state.phase == "live")
        told: list[int] = []
        feed.subscribe(lambda: told.append(feed.head))
        turns: list[int] = []

        async def beside() -> None:
            while True:
                turns.append(feed.head)
                await asyncio.sleep(0)

        other = asyncio.ensure_future(beside())
        known = entries(1, 6_000)
        newest_first = json.dumps(known[:5_000][::-1])
        live = [f'2["log",{json.dumps(one)}]' for one in known[5_000:]]
        await send_raw(foreign, live[0], f"{spelling}{newest_first}]", *live[1:])
        await soon("all came", lambda: feed.head == 6_000)
        other.cancel()
        assert messages(feed) == [f"m{number}" for number in range(1, 6_001)]
        assert told == sorted(told)
        assert len({head for head in turns if 0 < head < 5_000}) > 1, "the loop was held for the whole snapshot"
        await feed.close()
    finally:
        await foreign.stop()


async def test_many_events_held_back_for_a_snapshot_that_never_comes_are_taken_in_turns_too(
    foreign: ForeignServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SNAPSHOT_WAIT_S", 1.0)
    foreign.answers = False
    feed = follow(foreign.url)
    await soon("it is live", lambda: feed.state.phase == "live")
    heads: list[int] = []

    async def beside() -> None:
        while True:
            heads.append(feed.head)
            await asyncio.sleep(0)

    other = asyncio.ensure_future(beside())
    known = entries(1, 4_000)
    await send_raw(foreign, *(f'2["log",{json.dumps(one)}]' for one in known[:3_900]))
    await feed.first_records()
    await send_raw(foreign, *(f'2["log",{json.dumps(one)}]' for one in known[3_900:]))
    await soon("all came", lambda: feed.head == 4_000)
    other.cancel()
    assert messages(feed) == [f"m{number}" for number in range(1, 4_001)]
    steps = [later - earlier for earlier, later in itertools.pairwise(heads)]
    assert max(steps) < 2_000, "the loop was held for all of them"


async def test_a_connection_lost_in_the_middle_of_a_snapshot_costs_nothing(
    foreign: ForeignServer, follow: Follow
) -> None:
    foreign.answers = False
    feed = follow(foreign.url)
    await soon("it is live", lambda: feed.state.phase == "live")
    known = entries(1, 4_000)
    cut = asyncio.Event()
    feed.subscribe(lambda: cut.set() if feed.head else None)
    await send_raw(foreign, f'2["logs",{json.dumps(known[:3_000])}]', f'2["log",{json.dumps(known[3_000])}]')
    await cut.wait()
    assert feed.head < 3_000
    await foreign.stop()
    foreign.answers = True
    foreign.cache = known[3_600:]
    await soon("all of it came", lambda: feed.head >= 3_000)
    await foreign.start()
    await soon("it is back", lambda: messages(feed)[-1] == "m4000")
    held = messages(feed)
    lines = [number for number, record in enumerate(feed.since(0, 100_000)) if is_gap(record)]
    assert lines in ([3_000], [3_001])  # the event behind the snapshot may have been lost with the connection
    assert held[: lines[0]] == [f"m{number}" for number in range(1, lines[0] + 1)]
    assert held[lines[0] + 1 :] == [f"m{number}" for number in range(3_601, 4_001)]


async def test_a_feed_closed_in_the_middle_of_a_snapshot_leaves_no_task(foreign: ForeignServer, follow: Follow) -> None:
    before = asyncio.all_tasks()
    foreign.answers = False
    feed = follow(foreign.url)
    await soon("it is live", lambda: feed.state.phase == "live")
    begun = asyncio.Event()
    feed.subscribe(lambda: begun.set() if feed.head else None)
    await send_raw(foreign, f'2["logs",{json.dumps(entries(1, 5_000))}]')
    await begun.wait()
    assert feed.head < 5_000
    await feed.close()
    await foreign.stop()
    # engineio's server lets its pings sleep to their end.
    left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}  # type: ignore[union-attr]
    assert left <= {"AsyncSocket._send_ping"}


async def test_a_cut_before_the_server_has_let_it_in_is_noticed_at_once(
    foreign: ForeignServer, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop_logs.net.link.CONNECT_TIMEOUT_S", 100.0)
    asked = asyncio.Event()

    async def hesitate(sid: str, environ: Any, auth: Any = None) -> None:
        if not asked.is_set():
            asked.set()
            await asyncio.sleep(100)

    foreign.sio.on("connect", hesitate)
    async with Proxy(foreign.port) as proxy:
        feed = follow(proxy.url)
        await asked.wait()
        proxy.cut()
        await soon("it is live", lambda: feed.state.phase == "live")


async def test_a_fault_of_ours_fails_the_feed_and_is_heard_by_the_loop(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = LookupError("ours")
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context["exception"]))

    async def fails(_feed: RemoteFeed) -> None:
        raise failure

    monkeypatch.setattr(RemoteFeed, "_run", fails)
    feed = follow("http://127.0.0.1:9")
    await soon("it has failed", lambda: feed.state.phase == "failed")
    assert "LookupError('ours')" in feed.state.problem
    assert heard == [failure]
