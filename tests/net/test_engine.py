"""The hub's Engine.IO server: what it leans on in engineio, what clients send by polling, and what is left of them."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
from collections.abc import AsyncIterator

import aiohttp
import engineio
import pytest
from engineio.async_socket import AsyncSocket

from desktop_logs.core.hub import Hub
from desktop_logs.net.engine import Engine
from desktop_logs.net.server import HubServer
from tests.net.raw import RawSocket
from tests.support.asynchronous import soon

POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture
async def polling(server: HubServer) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A session that polls and is connected: who asks, and where."""
    async with aiohttp.ClientSession(server.url) as http:
        async with http.get(POLLING) as response:
            sid = json.loads((await response.text())[1:])["sid"]
        async with http.post(f"{POLLING}&sid={sid}", data="40") as response:
            assert response.status == 200
        yield http, f"{POLLING}&sid={sid}"


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_the_methods_that_are_overridden_are_there_with_the_same_parameters() -> None:
    for name in ("start_background_task", "create_queue", "disconnect"):
        assert parameters(getattr(Engine, name)) == parameters(getattr(engineio.AsyncServer, name)), name
    assert parameters(engineio.AsyncServer.handle_request) == ["self", "args", "kwargs"]


def test_the_parts_that_are_used_are_there() -> None:
    assert parameters(AsyncSocket.send) == ["self", "pkt"]
    assert parameters(AsyncSocket.receive) == ["self", "pkt"]
    assert parameters(AsyncSocket.close) == ["self", "wait", "abort", "reason"]
    assert {"_send_ping", "queue", "last_ping", "upgraded", "connected", "closing", "closed"} <= {
        *vars(AsyncSocket),
        *vars(AsyncSocket(engineio.AsyncServer(async_mode="aiohttp"), "sid")),
    }


async def test_nothing_is_kept_of_connections_that_have_ended(server: HubServer) -> None:
    for _ in range(20):
        socket = await RawSocket.open(server.port)
        socket.send("40")
        await socket.until(b'40{"sid"')
        socket.close()
    await soon("they have gone", lambda: not server._sockets.eio.sockets)
    await soon("nor is anything kept", lambda: gc.collect() >= 0 and not len(server._sockets.eio._askers))


async def test_a_polling_request_of_thousands_of_packets_lets_others_have_their_turn(
    polling: tuple[aiohttp.ClientSession, str], hub: Hub
) -> None:
    http, path = polling
    seen: set[int] = set()

    async def watch() -> None:
        while True:
            seen.add(hub.head)
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(watch())
    packets = [f'42["log","m{number}"]' for number in range(5_000)]
    async with http.post(path, data="\x1e".join([*packets, *["3"] * 50_000])) as response:
        assert response.status == 200
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert hub.head == 5_000
    assert len(seen) > 10


@pytest.mark.parametrize(
    ("sent", "status"),
    [("x", 400), ("", 400), ('42["log","a"]\x1e9', 400), ("4\x1e6", 400), ("2probe", 400), ("1", 200)],
)
async def test_what_is_no_packet_ends_a_polling_session_with_an_answer(
    polling: tuple[aiohttp.ClientSession, str], server: HubServer, sent: str, status: int
) -> None:
    http, path = polling
    async with http.post(path, data=sent) as response:
        assert response.status == status
    for _ in range(2):
        async with http.post(path, data="3") as response:
            assert response.status == 400
    assert not server._sockets.eio.sockets


@pytest.mark.parametrize("asked", [f"{POLLING}&j=0", "/socket.io/?EIO=4&transport=websocket"])
async def test_what_is_not_served_is_a_400_with_a_sentence(server: HubServer, asked: str, reported: list[str]) -> None:
    headers = {"Upgrade": "websocket", "Connection": "keep-alive"}
    async with aiohttp.ClientSession(server.url) as http, http.get(asked, headers=headers) as response:
        assert response.status == 400
        assert [(await response.text()).strip()] == reported
    assert not server._sockets.eio.sockets


async def test_what_stands_behind_a_clients_goodbye_is_left_alone(
    server: HubServer, http: aiohttp.ClientSession, reported: list[str]
) -> None:
    async with http.ws_connect("/socket.io/?EIO=4&transport=websocket") as raw:
        await raw.receive_str()
        for frame in ("40", "1", "40", '42["log","late"]'):
            await raw.send_str(frame)
        async for _ in raw:
            pass
    assert (server.stats()["received"], reported) == (0, [])
