"""`log` events of producers, frame by frame over a real connection: in order whichever way they go, answered, held back
while the disk is busy, none lost."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from typing import Any

import aiohttp
import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.hub import Hub
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record
from desktop_logs.net import eventingest
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon
from tests.support.stores import SmallStore


class Producer:
    """A WebSocket of which every frame is our own."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def send(self, *frames: str | bytes) -> None:
        for frame in frames:
            await (self.raw.send_str(frame) if isinstance(frame, str) else self.raw.send_bytes(frame))

    async def answers(self, count: int) -> dict[int, Any]:
        """The next *count* acknowledgements, by id."""
        got: dict[int, Any] = {}
        while len(got) < count:
            frame = await self.raw.receive_str(timeout=10)
            if frame.startswith("43"):
                ack_id, bracket, rest = frame[2:].partition("[")
                (got[int(ack_id)],) = json.loads(bracket + rest)
        return got


@pytest.fixture
async def producer(http: aiohttp.ClientSession) -> AsyncIterator[Producer]:
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive_str()
        await raw.send_str("40")
        await raw.receive_str()
        yield Producer(raw)


def log(message: object, ack_id: int | str = "") -> str:
    return f'42{ack_id}["log",{json.dumps(message)}]'


def messages(hub: Hub) -> list[str]:
    return [record.message for record in hub.ring.latest(10_000)]


async def test_events_keep_their_order_whichever_way_they_go(producer: Producer, hub: Hub) -> None:
    await producer.send(
        log("0"),
        '42 ["log","1"]',  # the library's way: a space
        log("2", 5),
        '421["logs",["3","4"]]',
        '42["log",{"message":"5","n":NaN}]',  # the library's: no JSON
        log("6"),
        '451-["log",{"message":{"_placeholder":true,"num":0}}]',
        b"7",
        log("8"),
        "3",
        '42["metrics",{}]',
        log("9", 2),
    )
    answers = await producer.answers(3)
    assert messages(hub) == [str(number) for number in range(10)]
    ids = {record.message: record.id for record in hub.ring.latest(10)}
    assert answers == {
        5: {"ok": True, "id": ids["2"]},
        1: {"ok": True, "accepted": 2},
        2: {"ok": True, "id": ids["9"]},
    }


async def test_a_thousand_at_once_with_some_answers_asked_for(producer: Producer, hub: Hub) -> None:
    await producer.send(*(log(f"m{n}", n if n % 3 == 0 else "") for n in range(1_000)))
    answers = await producer.answers(334)
    await soon("all are there", lambda: hub.head == 1_000)
    assert messages(hub) == [f"m{n}" for n in range(1_000)]
    ids = [record.id for record in hub.ring.latest(1_000)]
    assert answers == {n: {"ok": True, "id": ids[n]} for n in range(0, 1_000, 3)}


async def test_one_that_is_refused_does_not_spoil_those_beside_it(producer: Producer, hub: Hub) -> None:
    await producer.send(log("a", 1), log(7, 2), log("b", 3), log(None), log("c"))
    answers = await producer.answers(3)
    assert answers[2] == {"ok": False, "error": "an entry must be a JSON object or a string, not a number"}
    assert (answers[1]["ok"], answers[3]["ok"]) == (True, True)
    assert answers[1]["id"] != answers[3]["id"]
    await soon("all are there", lambda: messages(hub) == ["a", "b", "c"])
    assert hub.stats()["rejected"] == 2


async def test_a_disk_that_fails_is_told_to_each_that_asked(producer: Producer, store: SmallStore, hub: Hub) -> None:
    store.broken = StorageError("No space left.")
    await producer.send(log("a", 1), log(7, 2), '423["logs",["b","c"]]')
    answers = await producer.answers(3)
    assert answers[1] == {"ok": False, "error": "No space left."}
    assert answers[2] == {"ok": False, "error": "an entry must be a JSON object or a string, not a number"}
    assert answers[3] == {"ok": False, "error": "No space left.", "accepted": 0}


async def test_what_meets_a_fault_of_the_hub_is_counted_and_reported(
    producer: Producer, store: SmallStore, hub: Hub, reported: list[str]
) -> None:
    store.fault = KeyError("a fault of ours")
    await producer.send(log("a"), log("b"))
    await soon("both are counted", lambda: hub.stats()["rejected"] == 2)
    store.fault = None
    await producer.send(log("c", 1))
    assert (await producer.answers(1))[1]["ok"]
    assert hub.stats()["received"] == 3
    assert "a fault of ours" in hub.last_rejection
    assert reported


async def test_a_frame_that_is_none_between_events_is_counted_and_loses_no_other(
    producer: Producer, server: HubServer, hub: Hub
) -> None:
    await producer.send(log("a"), '42["log",{', log("b"), '42["log"', log("c"), "42[]", log("d", 1))
    assert (await producer.answers(1))[1]["ok"]
    assert messages(hub) == ["a", "b", "c", "d"]
    assert server.stats()["peer_faults"] == 3


async def test_events_before_the_namespace_is_connected_are_not_taken(http: aiohttp.ClientSession, hub: Hub) -> None:
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive_str()
        await raw.send_str(log("too early"))
        await raw.send_str("40")
        await raw.receive_str()
        await raw.send_str(log("in time", 1))
        assert (await Producer(raw).answers(1))[1]["ok"]
        await raw.send_str("41")
        await raw.send_str(log("too late"))
        await raw.send_str("3")
    assert messages(hub) == ["in time"]


async def test_what_was_sent_before_the_end_is_taken(producer: Producer, server: HubServer, hub: Hub) -> None:
    await producer.send(*(log(f"m{n}") for n in range(3_000)))
    await producer.raw.close()
    await soon("all are there", lambda: hub.head == 3_000)
    assert messages(hub) == [f"m{n}" for n in range(3_000)]
    await soon("its sender is forgotten", lambda: server.stats()["producers"] == 0)


async def test_who_sends_without_end_is_alive_even_if_its_pong_stands_behind(
    producer: Producer, server: HubServer, hub: Hub
) -> None:
    (socket,) = server._sockets.eio.sockets.values()
    socket.last_ping = long_ago_s = time.time() - 12
    await producer.send(log("a"))
    await soon("it is there", lambda: hub.head == 1)
    assert socket.last_ping > long_ago_s + 10


async def test_a_producer_whose_pong_stands_behind_is_pinged_all_the_same(
    server: HubServer, http: aiohttp.ClientSession, hub: Hub
) -> None:
    """engine.io-client closes, and loses what it has not sent, when no ping comes for interval and timeout."""
    server._sockets.eio.ping_interval = 0.05
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive_str()
        await raw.send_str("40")
        pings = 0
        while pings < 3:
            await raw.send_str(log("m"))  # and no answer to any ping
            with contextlib.suppress(TimeoutError):
                pings += await raw.receive_str(timeout=0.02) == "2"


async def test_frames_of_a_client_that_would_compress_are_taken_in_order(http: aiohttp.ClientSession, hub: Hub) -> None:
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket", compress=15) as raw:
        await raw.receive_str()
        await raw.send_str("40")
        await raw.receive_str()
        assert not raw.compress
        sent = [f"m{number} {'x' * (number % 7 * 20_000)}" for number in range(100)]
        for message in sent:
            await raw.send_str(log(message))
        await soon("all are there", lambda: hub.head == len(sent))
    assert messages(hub) == sent


async def test_a_frame_far_over_the_limit_ends_the_connection(
    http: aiohttp.ClientSession, server: HubServer, hub: Hub
) -> None:
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive_str()
        await raw.send_str("40")
        await raw.receive_str()
        await raw.send_str(log("before"))
        with contextlib.suppress(ConnectionError):
            await raw.send_str(log("x" * 30_000_000))
        async for _ in raw:
            pass
    await soon("its sender is forgotten", lambda: server.stats()["producers"] == 0)
    assert messages(hub) == ["before"]


async def test_a_producer_that_falls_silent_is_let_go(server: HubServer, http: aiohttp.ClientSession, hub: Hub) -> None:
    engine = server._sockets.eio
    engine.ping_interval, engine.ping_timeout = 0.1, 0.2
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive_str()
        await raw.send_str("40")
        await raw.receive_str()
        await raw.send_str(log("a"))
        await soon("it is a producer", lambda: server.stats()["producers"] == 1)
        (socket,) = engine.sockets.values()
        await soon("it is none any more", lambda: server.stats()["producers"] == 0)
        assert socket.closed
    assert messages(hub) == ["a"]


# --- a disk that is busy --------------------------------------------------------------------------------------------


async def test_while_the_disk_is_busy_a_producer_waits_and_loses_nothing(
    producer: Producer, store: SmallStore, hub: Hub
) -> None:
    store.is_full = True
    await producer.send(*(log(f"m{n}", n) for n in range(300)), '42300["logs",["x","y"]]')
    await asyncio.sleep(0.2)
    assert (hub.head, hub.stats()["rejected"]) == (0, 0)
    store.is_full = False
    answers = await producer.answers(301)
    assert all(answer["ok"] for answer in answers.values())
    assert messages(hub) == [*(f"m{n}" for n in range(300)), "x", "y"]


async def test_meanwhile_its_socket_is_not_read(producer: Producer, store: SmallStore, hub: Hub) -> None:
    store.is_full = True
    sent = 0

    async def send() -> None:
        nonlocal sent
        while sent < 400:
            await producer.send(log("x" * 50_000))
            sent += 1

    sending = asyncio.ensure_future(send())
    await asyncio.sleep(0.5)
    held = sent
    await asyncio.sleep(0.2)
    assert sent == held < 400, "nothing held the producer"
    store.is_full = False
    await sending
    await soon("all are there", lambda: hub.head == 400)


async def test_what_waited_too_long_for_the_disk_is_refused_and_counted(
    producer: Producer, store: SmallStore, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventingest, "BUSY_WAIT_S", 0.1)
    store.is_full = True
    await producer.send(log("a", 1), log("b"))
    assert (await producer.answers(1))[1] == {"ok": False, "error": "too much waits for the disk"}
    assert hub.stats()["rejected"] == 2
    store.is_full = False
    await producer.send(log("c", 2))
    assert (await producer.answers(1))[2]["ok"]


async def test_a_long_list_waits_for_the_disk_no_longer_than_one_entry(
    producer: Producer, store: SmallStore, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """engineio lets a client go whose socket is not read for long, and no answer would reach it."""
    monkeypatch.setattr(eventingest, "BUSY_WAIT_S", 0.3)
    retries = 0
    write = store.write

    def counted(records: Sequence[Record], numbers: Numbers | None = None) -> Future[None]:
        nonlocal retries
        retries += 1
        return write(records, numbers)

    monkeypatch.setattr(store, "write", counted)
    store.is_full = True
    slices = 40
    await producer.send(f'421["logs",{json.dumps(["m"] * slices * eventingest.SLICE_ENTRIES)}]')
    answer = (await producer.answers(1))[1]
    assert answer == {"ok": False, "error": "too much waits for the disk", "accepted": 0}
    assert hub.stats()["rejected"] == slices * eventingest.SLICE_ENTRIES
    assert retries < slices * 2, "each slice has waited anew"


async def test_who_leaves_while_the_disk_is_busy_loses_nothing(
    producer: Producer, store: SmallStore, hub: Hub, server: HubServer
) -> None:
    store.is_full = True
    await producer.send(log("a"), log("b"))
    await soon("they have come", lambda: server.stats()["producers"] == 1)
    await producer.raw.close()
    store.is_full = False
    await soon("they are there", lambda: messages(hub) == ["a", "b"])


async def test_a_hub_that_stops_while_the_disk_is_busy_refuses_what_waits(
    producer: Producer, store: SmallStore, hub: Hub, server: HubServer
) -> None:
    store.is_full = True
    await producer.send(log("a", 1))
    await soon("it has come", lambda: server.stats()["producers"] == 1)
    stopping = asyncio.ensure_future(server.stop())
    assert (await producer.answers(1))[1] == {"ok": False, "error": eventingest.STOPPING}
    await stopping
    assert hub.stats()["rejected"] == 1


async def test_a_hub_that_has_stopped_leaves_no_task(http: aiohttp.ClientSession, server: HubServer, hub: Hub) -> None:
    before = asyncio.all_tasks()
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive_str()
        await raw.send_str("40")
        await raw.receive_str()
        await Producer(raw).send(*(log(f"m{n}", n) for n in range(100)))
        await Producer(raw).answers(100)
        await server.stop()
    await soon("all tasks have ended", lambda: not (asyncio.all_tasks() - before))
