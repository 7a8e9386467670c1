"""The hub's server with real python-socketio clients: version 1 in both directions, faults told, stopped in order."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import socketio

from desktop_logs.core.errors import ListenError, StorageError
from desktop_logs.core.hub import Hub
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon
from tests.support.stores import SmallStore

Connect = Callable[..., Any]


@pytest.mark.parametrize(
    "payload", [{"message": "hello"}, {"type": "log", "data": {"message": "hello"}, "timestamp": 1}, "hello"]
)
async def test_a_producers_log_is_taken_and_acknowledged_when_stored(
    connect: Connect, hub: Hub, store: SmallStore, payload: object
) -> None:
    store.is_prompt = False
    producer = await connect()
    call = asyncio.ensure_future(producer.sio.call("log", payload, timeout=10))
    await soon("it is shown", lambda: hub.head == 1)
    assert not call.done()
    store.settle()
    assert await call == {"ok": True, "id": hub.ring.latest(1)[0].id}
    assert hub.ring.latest(1)[0].message == "hello"


async def test_waiting_for_one_acknowledgement_does_not_hold_up_the_next_event(
    connect: Connect, hub: Hub, store: SmallStore
) -> None:
    store.is_prompt = False
    producer = await connect()
    calls = [asyncio.ensure_future(producer.sio.call("log", f"m{number}", timeout=10)) for number in range(20)]
    await soon("all are shown", lambda: hub.head == 20)
    store.settle()
    assert all(answer["ok"] for answer in await asyncio.gather(*calls))
    assert [record.message for record in hub.ring.latest(20)] == [f"m{number}" for number in range(20)]


@pytest.mark.parametrize("payload", [["a", "b"], {"type": "logs", "data": ["a", {"message": "b"}], "timestamp": 1}])
async def test_a_list_of_logs_is_taken(connect: Connect, hub: Hub, payload: object) -> None:
    producer = await connect()
    assert await producer.sio.call("logs", payload) == {"ok": True, "accepted": 2}
    assert [record.message for record in hub.ring.latest(2)] == ["a", "b"]


@pytest.mark.parametrize(
    ("event", "payload", "why"),
    [
        ("log", 7, "an entry must be a JSON object or a string, not a number"),
        ("log", None, "an entry must be a JSON object or a string, not null"),
        ("logs", "hello", "logs must be a list of entries, not a string"),
        ("logs", ["good", 7], "entry 1: an entry must be a JSON object or a string, not a number"),
    ],
)
async def test_what_cannot_be_taken_is_told_in_the_acknowledgement(
    connect: Connect, hub: Hub, event: str, payload: object, why: str
) -> None:
    producer = await connect()
    answer = await producer.sio.call(event, payload)
    assert (answer["ok"], answer["error"]) == (False, why)
    assert hub.stats()["rejected"] == 1
    assert (await producer.sio.call("log", "after"))["ok"]


async def test_a_disk_that_fails_is_told_in_the_acknowledgement(connect: Connect, store: SmallStore) -> None:
    store.broken = StorageError("Cannot write log files in /x: No space left.")
    producer = await connect()
    assert await producer.sio.call("log", "x") == {"ok": False, "error": "Cannot write log files in /x: No space left."}


async def test_a_packet_over_the_limit_is_refused_and_the_connection_goes_on(connect: Connect, hub: Hub) -> None:
    producer = await connect()
    answer = await producer.sio.call("log", {"message": "x" * 2_000_000})
    assert answer["ok"] is False
    assert "of which at most 1,000,000 are taken" in answer["error"]
    assert (await producer.sio.call("log", "after"))["ok"]
    assert hub.stats()["rejected"] == 1


async def test_other_events_are_left_alone(connect: Connect, hub: Hub, reported: list[str]) -> None:
    peer = await connect()
    await peer.sio.emit("metrics", {"a": 1})
    assert (await peer.sio.call("log", "x"))["ok"]
    assert hub.head == 1
    assert reported == []


async def test_a_producer_is_sent_nothing_unless_it_asked_for_logs(connect: Connect, server: HubServer) -> None:
    producer, viewer, both = await connect(), await connect(), await connect()
    await both.sio.emit("requestLogs")
    await soon("an answer", lambda: both.named("logs"))
    await producer.sio.call("log", "one")
    await both.sio.call("log", "two")
    await soon("the viewer has both", lambda: viewer.messages() == ["one", "two"])
    await soon("who asked has both", lambda: both.messages() == ["one", "two"])
    assert producer.events == []
    assert (server.stats()["viewers"], server.stats()["producers"]) == (2, 2)
    await producer.sio.emit("requestLogs")
    (answer,) = await soon("an answer", lambda: producer.named("logs"))
    assert [entry["message"] for entry in answer["data"]] == ["two", "one"]
    await both.sio.call("log", "three")
    await soon("now it is a viewer too", lambda: producer.messages() == ["three"])


async def test_an_event_with_too_much_attached_is_refused_and_the_connection_goes_on(
    connect: Connect, hub: Hub
) -> None:
    producer = await connect()
    assert (await producer.sio.call("log", {"message": b"small"}))["ok"]
    answer = await producer.sio.call("log", {"message": [b"x" * 600_000, b"y" * 600_000, b"z" * 10]})
    assert "1,200,000 bytes of attachments" in answer["error"]
    answer = await producer.sio.call("log", {"message": [b"x"] * 65})
    assert "65 attachments" in answer["error"]
    assert (await producer.sio.call("log", "after"))["ok"]
    assert hub.head == 2


async def test_acknowledgements_under_way_are_given_before_the_hub_stops(
    connect: Connect, server: HubServer, hub: Hub, store: SmallStore
) -> None:
    store.is_prompt = False
    producer = await connect()
    calls = [asyncio.ensure_future(producer.sio.call("log", f"m{number}", timeout=10)) for number in range(5)]
    await soon("all are taken", lambda: hub.head == 5)
    stopping = asyncio.ensure_future(server.stop())
    await asyncio.sleep(0.05)
    late = asyncio.ensure_future(producer.sio.call("log", "late", timeout=10))
    assert (await late)["error"].startswith("the hub is stopping")
    store.settle()
    assert all(answer["ok"] for answer in await asyncio.gather(*calls))
    await stopping


async def test_a_long_list_of_logs_is_answered_once(connect: Connect, hub: Hub) -> None:
    producer = await connect()
    assert await producer.sio.call("logs", ["x"] * 1_000) == {"ok": True, "accepted": 1_000}
    answer = await producer.sio.call("logs", [*["x"] * 700, 7, "y"])
    assert answer == {
        "ok": False,
        "error": "entry 700: an entry must be a JSON object or a string, not a number",
        "accepted": 701,
    }
    assert hub.head == 1_701


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_the_synchronous_client_of_python_socketio_is_let_in(
    server: HubServer, hub: Hub, transports: list[str]
) -> None:
    def produce() -> object:
        client = socketio.SimpleClient(handle_sigint=False)
        client.connect(server.url, transports=transports)
        try:
            return client.call("log", "hello", timeout=10)
        finally:
            client.disconnect()

    answer = await asyncio.to_thread(produce)
    assert isinstance(answer, dict)
    assert answer["ok"]
    assert hub.ring.latest(1)[0].message == "hello"


async def test_an_empty_frame_ends_the_connection_without_a_trace(server: HubServer) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket") as raw,
    ):
        await raw.send_str("40")
        await soon("it is a viewer", lambda: server.stats()["viewers"] == 1)
        await raw.send_str("")
        async for _ in raw:  # reads on until the hub has closed
            pass
        await soon("it is gone", lambda: server.stats()["viewers"] == 0)


async def test_hostile_frames_are_counted_and_disturb_nobody(
    connect: Connect, server: HubServer, reported: list[str]
) -> None:
    good = await connect()
    hostile = [
        "",
        "9",
        "4",
        "42",
        "42{",
        '42{"a":1}',
        "42[]",
        "42[7]",
        '42["log"',
        "451-",
        "47",
        "4" + "9" * 200,
        "40{",
        "\x00",
        "41/x,",
    ]
    async with aiohttp.ClientSession() as session:
        for frame in hostile:
            async with session.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket") as raw:
                await raw.receive_str()
                await raw.send_str("40")
                await raw.receive_str()
                await raw.send_str(frame)
                await raw.send_bytes(b"\x00\x01")
    assert (await good.sio.call("log", "still here"))["ok"]
    assert server.stats()["peer_faults"] > 0
    assert len(reported) == len(set(reported))


async def test_stats_are_flat_whole_numbers(http: aiohttp.ClientSession, hub: Hub) -> None:
    hub.take(["a", 7], time.time_ns())
    async with http.get("/api/stats") as response:
        stats = await response.json()
    assert all(isinstance(value, int) for value in stats.values())
    assert (stats["received"], stats["stored"], stats["rejected"], stats["ring_size"], stats["head"]) == (2, 1, 1, 1, 1)


async def test_a_port_taken_by_a_hub_is_told_with_its_version(server: HubServer, hub: Hub) -> None:
    second = HubServer(hub, version="1", clock_ns=time.time_ns, report=print)
    with pytest.raises(ListenError, match=r"in use by another Desktop Logs \(desktop-logs 1.2.3\)") as taken:
        await second.start(server.port)
    assert (taken.value.holder, taken.value.port) == ("desktop-logs", server.port)


async def test_a_port_taken_by_something_else_is_told(hub: Hub) -> None:
    other = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        second = HubServer(hub, version="1", clock_ns=time.time_ns, report=print)
        with pytest.raises(
            ListenError, match=f"in use by another program. Choose another with --port {port + 1}"
        ) as taken:
            await second.start(port)
    assert taken.value.holder == "other"


async def test_after_a_stop_nothing_listens_and_nobody_is_connected(server: HubServer, connect: Connect) -> None:
    viewer = await connect()
    await server.stop()
    await soon("the viewer is cut off", lambda: not viewer.sio.connected)
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", server.port)
