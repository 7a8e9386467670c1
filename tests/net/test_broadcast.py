"""Version 1 viewers with real clients: every record once and in order, whatever each of them can take."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from desktop_logs.core.hub import Hub
from desktop_logs.net import broadcast
from desktop_logs.net.outlet import MAX_BUFFERED_BYTES
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon
from tests.support.node import NodeProgram

Connect = Callable[..., Any]
Node = Callable[..., NodeProgram]


@pytest.mark.parametrize("path", ["/socket.io", "/llamaproxws"])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_viewer_gets_each_record_as_it_happens(
    connect: Connect, hub: Hub, server: HubServer, path: str, transport: str
) -> None:
    viewer = await connect(path, (transport,))
    await soon("it is a viewer", lambda: server.stats()["viewers"] == 1)
    hub.take([{"message": f"m{number}", "level": "fatal"} for number in range(50)], time.time_ns())
    await soon("all came", lambda: len(viewer.messages()) == 50)
    assert viewer.messages() == [f"m{number}" for number in range(50)]
    first = viewer.named("log")[0]
    assert first["type"] == "log"
    assert (first["data"]["level"], first["data"]["context"]) == ("error", {"level": "fatal"})
    assert isinstance(first["timestamp"], int)


async def test_request_logs_is_answered_newest_first_with_at_most_500_to_that_viewer_alone(
    connect: Connect, hub: Hub
) -> None:
    hub.take([f"m{number}" for number in range(600)], time.time_ns())
    asking, other = await connect(), await connect()
    await asking.sio.emit("requestLogs")
    (answer,) = await soon("an answer", lambda: asking.named("logs"))
    assert answer["type"] == "logs"
    assert [entry["message"] for entry in answer["data"]] == [f"m{number}" for number in range(599, 99, -1)]
    assert asking.messages() == []
    assert other.events == []


async def test_nothing_in_the_answer_comes_again_live(connect: Connect, hub: Hub) -> None:
    viewer = await connect()
    hub.take([f"m{number}" for number in range(300)], time.time_ns())
    await viewer.sio.emit("requestLogs")
    hub.take(["after"], time.time_ns())
    (answer,) = await soon("an answer", lambda: viewer.named("logs"))
    await soon("the one after", lambda: "after" in viewer.messages() or answer["data"][0]["message"] == "after")
    held = [entry["message"] for entry in reversed(answer["data"])]
    at = next(index for index, (event, _) in enumerate(viewer.events) if event == "logs")
    held += [data["data"]["message"] for event, data in viewer.events[at + 1 :] if event == "log"]
    assert held == [*(f"m{number}" for number in range(300)), "after"]


async def test_who_leaves_is_forgotten(connect: Connect, server: HubServer, hub: Hub) -> None:
    viewer = await connect()
    await soon("it is there", lambda: server.stats()["viewers"] == 1)
    await viewer.sio.disconnect()
    await soon("it is gone", lambda: server.stats()["viewers"] == 0)
    hub.take(["x"], time.time_ns())


async def test_viewers_that_lag_by_different_numbers_get_all_in_order(connect: Connect, hub: Hub) -> None:
    viewers = []
    for lag in (0, 1, 300):
        for transport in ("websocket", "polling"):
            viewers.append((hub.head, await connect("/socket.io", (transport,))))
        hub.take([f"m{hub.head + 1 + number}" for number in range(lag)], time.time_ns())
    hub.take([f"m{hub.head + 1 + number}" for number in range(2_000)], time.time_ns())
    for joined_at, viewer in viewers:
        await soon("it has all", lambda viewer=viewer, joined_at=joined_at: len(viewer.messages()) >= 2_301 - joined_at)  # type: ignore[misc]
        assert viewer.messages() == [f"m{number}" for number in range(joined_at + 1, 2_302)]


async def test_a_record_is_encoded_once_for_all_viewers(
    connect: Connect, server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []

    def encode(record: Any, now_ns: int) -> bytes:
        encoded.append(record.seq)
        return b'{"data":{"message":"%d"}}' % record.seq

    monkeypatch.setattr(hub.entries, "v1_log", encode)
    viewers = [await connect() for _ in range(5)]
    await soon("they are viewers", lambda: server.stats()["viewers"] == 5)
    for _ in range(10):
        hub.take(["x"] * 100, time.time_ns())
        await asyncio.sleep(0)
    for viewer in viewers:
        await soon("it has all", lambda viewer=viewer: len(viewer.messages()) == 1_000)  # type: ignore[misc]
    assert len(encoded) == len(set(encoded)) == 1_000


async def test_a_viewer_that_reads_nothing_is_passed_over_and_catches_up(server: HubServer, hub: Hub) -> None:
    """The raw socket stops reading: what waits for it stays bounded, and the records it missed are counted."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0) as raw,
    ):
        await raw.receive_str()
        await raw.send_str("40")
        await raw.receive_str()
        await soon("it is a viewer", lambda: server.stats()["viewers"] == 1)
        (socket,) = server._sockets.eio.sockets.values()
        for _ in range(12):
            hub.take(["x" * 20_000] * 500, time.time_ns())
            await asyncio.sleep(0.05)
            assert socket.queue.message_bytes == 0
            assert socket.queue.way.get_write_buffer_size() < MAX_BUFFERED_BYTES + 2 * broadcast.SLICE_BYTES
        hub.take(["the end"], time.time_ns())
        got = 0
        async for message in raw:
            if message.data == "2":  # engine.io's ping
                await raw.send_str("3")
                continue
            got += 1
            if "the end" in message.data:
                break
        missed = server.stats()["dropped_slow"]
        assert missed > 0
        assert got + missed == 6_001


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
async def test_a_node_viewer_that_joins_in_the_midst_of_a_flood_gets_all_from_there_in_order(
    server: HubServer, hub: Hub, node: Node, transports: str
) -> None:
    """The last of them changes from polling to a WebSocket while records come: none is lost, doubled or overtaken."""
    viewers = [node("viewer.js", server.url, "--no-request", "--transports", transports) for _ in range(4)]

    async def flood() -> None:
        while True:
            hub.take([f"m{hub.head + 1 + number}" for number in range(5)], time.time_ns())
            await asyncio.sleep(0.005)

    flooding = asyncio.ensure_future(flood())
    await soon("they are viewers", lambda: server.stats()["viewers"] == len(viewers), 20)
    await soon("each has some", lambda: all(len(viewer.stdout) > 500 for viewer in viewers), 20)
    flooding.cancel()
    hub.take(["the end"], time.time_ns())
    for viewer in viewers:
        await soon("it has all", lambda viewer=viewer: '"the end"' in viewer.stdout[-1], 20)  # type: ignore[misc]
        connected, *events = (json.loads(line) for line in viewer.stdout)
        assert connected["event"] == "connect"
        seen = [event["data"]["data"]["message"] for event in events]
        first = int(seen[0][1:])
        assert seen == [*(f"m{number}" for number in range(first, hub.head)), "the end"]
    upgraded = [socket.upgraded for socket in server._sockets.eio.sockets.values()]
    assert upgraded == [transports != "polling"] * len(viewers)


async def test_the_answer_to_request_logs_is_made_once_for_all_who_ask_together(
    connect: Connect, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewers = [await connect() for _ in range(3)]
    hub.take([f"m{number}" for number in range(40)], time.time_ns())
    for viewer in viewers:
        await soon("it has all", lambda viewer=viewer: len(viewer.messages()) == 40)  # type: ignore[misc]
    made: list[int] = []
    encode = broadcast.encode_v1_entry
    monkeypatch.setattr(broadcast, "encode_v1_entry", lambda record: made.append(record.seq) or encode(record))
    for viewer in viewers:
        await viewer.sio.emit("requestLogs")
    for viewer in viewers:
        (answer,) = await soon("an answer", lambda viewer=viewer: viewer.named("logs"))  # type: ignore[misc]
        assert len(answer["data"]) == 40
    assert len(made) == 40


async def test_an_answer_to_request_logs_stays_within_what_a_client_takes(connect: Connect, hub: Hub) -> None:
    hub.take([str(number) + "x" * 20_000 for number in range(300)], time.time_ns())
    viewer = await connect()
    await viewer.sio.emit("requestLogs")
    (answer,) = await soon("an answer", lambda: viewer.named("logs"))
    assert 140 < len(answer["data"]) < 150
    assert answer["data"][0]["message"].startswith("299x")
