"""The way out to one client: frames as RFC 6455 has them, in order with what engineio sends, within bounds."""

import asyncio
import contextlib
import inspect
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp.http_websocket import WebSocketWriter
from engineio.async_socket import AsyncSocket
from engineio.exceptions import QueueEmpty
from engineio.packet import MESSAGE, Packet
from engineio.payload import Payload
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.hub import Hub
from desktop_logs.net.fastpath import HubWebSocket
from desktop_logs.net.outlet import MAX_BUFFERED_BYTES, MAX_POLLED_MESSAGES, Frames, Line, Outlet, event
from desktop_logs.net.server import HubServer
from tests.net.test_fastpath import mark_of
from tests.support.asynchronous import soon
from tests.support.peers import over_tls
from tests.support.stores import SmallStore

Connect = Callable[..., Any]

LEANED_ON: list[tuple[Callable[..., object], str, str]] = [
    (
        AsyncSocket.poll,
        "49b401d58ecb",
        "whoever takes from the queue waits in `get` first, and then takes with `get_nowait`",
    ),
    (
        AsyncSocket._websocket_handler,
        "14301f6eda82",
        "its writer comes to `poll` again when all that it took is written, and encodes a packet just before",
    ),
    (AsyncSocket.handle_get_request, "e9c45bb9e83d", "nothing leaves by polling once the client has upgraded"),
    (Payload.encode, "7c1e820419e0", "a packet is encoded when a polling client fetches it"),
    (
        WebSocketWriter.send_frame,
        "c6030f520614",
        "a frame that is not compressed is written before anything is waited for",
    ),
]


@pytest.mark.parametrize(("function", "mark", "what"), LEANED_ON, ids=lambda part: getattr(part, "__qualname__", ""))
def test_the_libraries_still_do_what_the_order_of_messages_rests_on(
    function: Callable[..., object], mark: str, what: str
) -> None:
    assert mark_of(function) == mark, (
        f"{function.__module__}.{function.__qualname__} has changed. desktop_logs/net/outlet.py leans on it: {what}. "
        "Compare the two; where that still holds, renew the mark."
    )


def test_the_methods_of_engineios_queue_that_are_overridden_are_there() -> None:
    for name in ("get", "get_nowait"):
        assert (
            inspect.signature(getattr(Line, name)).parameters.keys()
            == inspect.signature(getattr(asyncio.Queue, name)).parameters.keys()
        )


# --- frames -----------------------------------------------------------------------------------------------------------


def texts_of(wire: bytes) -> list[str]:
    """The texts of unmasked frames, read as RFC 6455, section 5.2, has it."""
    texts = []
    at = 0
    while at < len(wire):
        assert wire[at] == 0x81, "a text, whole, without extensions"
        size = wire[at + 1]
        at += 2
        for code, octets in ((126, 2), (127, 8)):
            if size == code:
                size = int.from_bytes(wire[at : at + octets], "big")
                at += octets
                break
        texts.append(wire[at : at + size].decode())
        at += size
    return texts


@given(st.lists(st.text(max_size=300), max_size=5))
def test_frames_are_the_messages_one_after_the_other(messages: list[str]) -> None:
    frames = Frames(messages)
    assert texts_of(frames.wire) == [f"4{message}" for message in messages]
    assert frames.size == len(frames.wire)


@pytest.mark.parametrize("size", [0, 1, 123, 124, 125, 126, 65_533, 65_534, 65_535, 65_536, 300_000])
def test_frames_of_every_size_have_the_right_head(size: int) -> None:
    assert texts_of(Frames(["x" * size, "é" * size]).wire) == ["4" + "x" * size, "4" + "é" * size]


def test_an_event_may_ask_for_an_acknowledgement() -> None:
    assert event("log", b'{"a":1}') == '2["log",{"a":1}]'
    assert event("logBatch", b"{}", 17) == '217["logBatch",{}]'


# --- one client -------------------------------------------------------------------------------------------------------


class Way:
    """Stands for a transport: keeps what is written."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.waiting = 0
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.written += texts_of(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


class Client:
    """An outlet over a transport that keeps what it is given, with engineio's writer between them."""

    def __init__(self) -> None:
        self.line = Line()
        self.way = Way()
        self.socket: Any = SimpleNamespace(queue=self.line, upgraded=False, closing=False, closed=False)
        self.outlet = Outlet(self.socket, lambda: None)
        self.hold: asyncio.Event | None = None

    def upgrade(self) -> None:
        self.line.lead_to(self.way)
        self.socket.upgraded = True

    async def write_on(self) -> None:
        """As the writer in AsyncSocket._websocket_handler."""
        ws: Any = SimpleNamespace(_line=self.line, _sock=SimpleNamespace(send_str=self.send_str))
        engine: Any = SimpleNamespace(server=SimpleNamespace(ping_interval=60, ping_timeout=60), queue=self.line)
        with contextlib.suppress(QueueEmpty):  # what is made of a cancellation
            while True:
                for packet in await AsyncSocket.poll(engine):
                    await HubWebSocket.send(ws, packet.encode())

    async def send_str(self, text: str) -> None:
        self.way.written.append(text)
        if self.hold is not None:
            await self.hold.wait()

    async def poll(self) -> list[str]:
        """As a request of a polling client."""
        engine: Any = SimpleNamespace(server=SimpleNamespace(ping_interval=60, ping_timeout=60), queue=self.line)
        return Payload(packets=await AsyncSocket.poll(engine)).encode().split("\x1e")


@pytest.fixture
def client() -> Client:
    return Client()


async def test_nothing_overtakes_what_engineio_has_for_the_client(client: Client) -> None:
    """The answer to CONNECT waits in engineio's queue, or in the hands of its writer, which waits for room."""
    client.upgrade()
    client.hold = asyncio.Event()
    client.line.put_nowait(Packet(MESSAGE, data='0{"sid":"x"}'))
    client.outlet.send(Frames(["2a"]))
    writing = asyncio.ensure_future(client.write_on())
    await asyncio.sleep(0.01)
    client.outlet.send(Frames(["2b", "2c"]))
    assert client.way.written == ['40{"sid":"x"}']
    assert client.line.message_bytes == Frames(["2a", "2b", "2c"]).size
    client.hold.set()
    await asyncio.sleep(0.01)
    assert client.way.written == ['40{"sid":"x"}', "42a", "42b", "42c"]
    assert (client.line.messages, client.line.message_bytes) == (0, 0)
    client.outlet.send(Frames(["2d"]))
    assert client.way.written[-1] == "42d", "straight to the transport"
    writing.cancel()


async def test_what_was_meant_for_polling_goes_first_after_an_upgrade(client: Client) -> None:
    client.outlet.send(Frames(["2a", "2b"]))
    client.upgrade()
    client.outlet.send(Frames(["2c", "2d"]))
    writing = asyncio.ensure_future(client.write_on())
    await asyncio.sleep(0.01)
    client.outlet.send(Frames(["2e"]))
    assert client.way.written == ["42a", "42b", "42c", "42d", "42e"]
    writing.cancel()


async def test_a_websocket_has_room_while_fewer_bytes_wait_than_the_bound(client: Client) -> None:
    client.upgrade()
    client.way.waiting = MAX_BUFFERED_BYTES - 1
    assert client.outlet.has_room
    client.outlet.send(Frames(["2a"]))  # into engineio's queue: its writer has not come yet
    assert not client.outlet.has_room
    writing = asyncio.ensure_future(client.write_on())
    await asyncio.sleep(0.01)
    assert client.outlet.has_room
    client.way.waiting = MAX_BUFFERED_BYTES
    assert not client.outlet.has_room
    writing.cancel()


async def test_who_polls_has_room_for_15_and_again_when_it_has_fetched_them(client: Client) -> None:
    told: list[bool] = []
    client.outlet.on_room = lambda: told.append(client.outlet.has_room)
    for number in range(MAX_POLLED_MESSAGES):
        assert client.outlet.has_room
        client.outlet.send(Frames([f"2{number}"]))
    assert (client.outlet.has_room, told) == (False, [])
    assert await client.poll() == [f"42{number}" for number in range(MAX_POLLED_MESSAGES)]
    assert told == [True]


async def test_an_answer_to_polling_never_has_more_than_16_packets(client: Client) -> None:
    for number in range(40):
        client.line.put_nowait(Packet(MESSAGE, data=f"3{number}[]"))
    counts = [len(await client.poll()) for _ in range(3)]
    assert counts == [16, 16, 8]


def test_nothing_is_sent_to_who_is_gone(client: Client) -> None:
    client.upgrade()
    for gone in ("closing", "closed"):
        setattr(client.socket, gone, True)
        assert not client.outlet.is_open
        client.outlet.send(Frames(["2a"]))
        setattr(client.socket, gone, False)
    client.way.abort()
    assert not client.outlet.is_open
    client.outlet.send(Frames(["2a"]))
    assert client.line.empty()


def test_a_websocket_that_was_opened_before_is_cut(client: Client) -> None:
    client.upgrade()
    client.line.lead_to(Way())
    assert client.way.is_aborted


# --- real clients -----------------------------------------------------------------------------------------------------


async def test_a_python_client_that_polls_gets_more_acknowledgements_than_one_answer_may_have(
    connect: Connect, hub: Hub, store: SmallStore
) -> None:
    """Seventeen packets in one answer would end its connection."""
    store.is_prompt = False
    both = await connect("/socket.io", ("polling",))
    await both.sio.emit("requestLogs")
    await soon("it has what there was", lambda: both.events, 20)
    calls = [asyncio.ensure_future(both.sio.call("log", f"m{number}", timeout=20)) for number in range(60)]
    await soon("all are taken", lambda: hub.head == 60, 20)
    store.settle()
    assert all(answer["ok"] for answer in await asyncio.gather(*calls))
    await soon("it has seen them", lambda: both.messages()[-1:] == ["m59"], 20)
    assert both.sio.connected


@pytest.mark.parametrize(
    "probe", [[], ["2probe"], ["2probe", "6"], ["?"]], ids=["opened", "probed", "taken back", "nonsense"]
)
async def test_a_client_whose_upgrade_fails_goes_on_by_polling(
    server: HubServer, hub: Hub, http: aiohttp.ClientSession, probe: list[str]
) -> None:
    polling = "/socket.io/?EIO=4&transport=polling"
    async with http.get(polling) as response:
        sid = json.loads((await response.text())[1:])["sid"]
    polling += f"&sid={sid}"
    async with http.post(polling, data="40") as response:
        assert response.status == 200
    async with http.get(polling) as response:
        assert (await response.text()).startswith("40")
    await soon("it is a viewer", lambda: server.stats()["viewers"] == 1)
    async with http.ws_connect(f"/socket.io/?EIO=4&transport=websocket&sid={sid}") as raw:
        for text in probe:
            await raw.send_str(text)
        await asyncio.sleep(0.02)
        hub.take(["before it fails"], time.time_ns())
        await asyncio.sleep(0.02)
    hub.take(["after"], time.time_ns())
    got = ""
    while '"after"' not in got:
        async with http.get(polling) as response:
            assert response.status == 200
            got += await response.text()
    assert got.index("before it fails") < got.index('"after"')
    assert server.stats()["viewers"] == 1


async def test_frames_are_not_compressed_though_the_client_would_take_that(server: HubServer) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket", compress=15) as raw,
    ):
        assert raw.compress == 0


async def test_a_flood_over_tls_comes_in_order_and_without_a_hole(server: HubServer, hub: Hub) -> None:
    url, client_context = await over_tls(server)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_context)) as session:
        viewer = socketio.AsyncClient(reconnection=False, handle_sigint=False, http_session=session)
        seen: list[str] = []
        viewer.on("log", lambda payload: seen.append(payload["data"]["message"]))
        await viewer.connect(url, transports=["websocket"])
        await soon("it is a viewer", lambda: server.stats()["viewers"] == 1)
        for _ in range(20):
            hub.take([f"{hub.head + number}" + "x" * 5_000 for number in range(100)], time.time_ns())
            await asyncio.sleep(0.01)
        await soon("it has all", lambda: len(seen) == 2_000)
        assert [int(message.rstrip("x")) for message in seen] == list(range(2_000))
        await viewer.disconnect()
