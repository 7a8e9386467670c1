"""What a client that nobody knows can take of a hub has an end, each with a sentence and a count."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from desktop_logs.core.hub import Hub
from desktop_logs.net import limits
from desktop_logs.net import server as server_room
from desktop_logs.net.limits import GUESS_WINDOW_S, MAX_ADDRESSES, MAX_GUESSES, Guesses, Rate, Refusals
from desktop_logs.net.server import HubServer
from tests.net import raw
from tests.net.raw import RawSocket
from tests.support.asynchronous import soon

HEALTHZ = raw.request("GET", "/healthz", [("Host", "localhost")])
POLLING = "/socket.io/?EIO=4&transport=polling"


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


# --- counting -------------------------------------------------------------------------------------------------------


def test_a_rate_lets_a_burst_through_and_then_its_number_a_second() -> None:
    clock = Clock()
    rate = Rate(10, 20, clock)
    assert [rate.take() for _ in range(21)] == [True] * 20 + [False]
    clock.now_s += 0.5
    assert [rate.take() for _ in range(6)] == [True] * 5 + [False]
    clock.now_s += 3_600
    assert [rate.take() for _ in range(21)] == [True] * 20 + [False]


def test_each_kind_of_refusal_is_told_once_and_counted_each_time() -> None:
    told: list[str] = []
    refusals = Refusals(told.append)
    for kind in ("host", "token", "host"):
        refusals.add(kind, f"Because of the {kind}.")
    assert refusals.count == 3
    assert told == ["A client was refused: Because of the host.", "A client was refused: Because of the token."]


def test_guesses_are_counted_by_address_and_forgotten_after_a_minute() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(MAX_GUESSES):
        assert not guesses.has_too_many("192.0.2.1")
        guesses.add("192.0.2.1")
    assert guesses.has_too_many("192.0.2.1")
    assert not guesses.has_too_many("192.0.2.2")
    clock.now_s += GUESS_WINDOW_S
    assert not guesses.has_too_many("192.0.2.1")
    guesses.add("192.0.2.1")
    assert not guesses.has_too_many("192.0.2.1")


def test_addresses_of_one_network_of_ipv6_are_one_guesser() -> None:
    guesses = Guesses(Clock())
    for number in range(MAX_GUESSES):
        guesses.add(f"2001:db8:1:2::{number:x}")
    assert guesses.has_too_many("2001:db8:1:2:ffff::1")
    assert not guesses.has_too_many("2001:db8:1:3::1")
    for number in range(MAX_GUESSES):
        guesses.add(f"::ffff:192.0.2.{number}")
    assert not guesses.has_too_many("::ffff:192.0.2.77")


def test_guesses_take_no_more_room_however_many_guess() -> None:
    guesses = Guesses(Clock())
    for number in range(3 * MAX_ADDRESSES):
        guesses.add(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(guesses) == MAX_ADDRESSES


# --- connections ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def held(server: HubServer) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """Three connections that send nothing."""
    opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
    writers = [writer for _, writer in opened]
    yield writers
    for writer in writers:
        writer.close()


async def test_a_connection_too_many_is_told_and_closed(
    server: HubServer, held: list[asyncio.StreamWriter], monkeypatch: pytest.MonkeyPatch, reported: list[str]
) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 3)
    for _ in range(3):
        answer = await raw.exchange(server.port, HEALTHZ)
        assert raw.status(answer) == 503
        assert b"3 connections already" in raw.body(answer)
    assert server.stats()["refused_clients"] == 3
    assert len(reported) == 1
    held[0].close()

    doorway = server._doorway
    assert doorway is not None
    await soon("one has gone", lambda: not doorway._refusal("192.0.2.1"))
    assert raw.status(await raw.exchange(server.port, HEALTHZ)) == 200


async def test_this_machine_may_have_more_of_them_than_another(
    server: HubServer, held: list[asyncio.StreamWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS_AN_ADDRESS", 3)
    assert raw.status(await raw.exchange(server.port, HEALTHZ)) == 200
    monkeypatch.setattr(limits, "_is_loopback", lambda address: False)
    answer = await raw.exchange(server.port, HEALTHZ)
    assert raw.status(answer) == 503
    assert b"127.0.0.1 has 3 connections to this hub already" in raw.body(answer)


async def test_who_is_sent_away_and_stays_is_cut(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 0)
    monkeypatch.setattr(limits, "_GOODBYE_S", 0.05)
    assert raw.status(await raw.exchange(server.port, b"")) == 503
    monkeypatch.setattr(limits, "_MAX_GOODBYES", 0)
    assert await raw.exchange(server.port, b"") == b""


async def test_a_head_that_does_not_come_is_waited_for_no_longer(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it comes in drops."""
    monkeypatch.setattr(server_room, "IDLE_S", 0.2)
    server = HubServer(hub, version="1", clock_ns=lambda: 0, report=lambda _: None)
    await server.start(0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

    async def drip() -> None:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X-Wait: yes\r\n" * 1_000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(20):
            assert await reader.read() == b""
    except ConnectionResetError:
        pass  # it closed while a drop was on its way
    finally:
        dripping.cancel()
        writer.close()
        await server.stop()


# --- handshakes -----------------------------------------------------------------------------------------------------


def sessions(server: HubServer) -> int:
    return len(server._sockets.eio.sockets)


async def test_a_websocket_without_connect_is_closed(
    server: HubServer, monkeypatch: pytest.MonkeyPatch, reported: list[str]
) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_S", 0.05)
    for said in ([], ['42["requestLogs"]'], ["40/admin,"], ["41"]):
        socket = await RawSocket.open(server.port)
        for packet in said:
            socket.send(packet)
        await socket.until(b"\x88")  # the close frame
        socket.close()
    await soon("nothing of them is left", lambda: not sessions(server))
    assert server.stats()["peer_faults"] >= 4
    assert sum("did not send CONNECT in time" in told for told in reported) == 1


async def test_a_polling_session_without_connect_is_closed(
    server: HubServer, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_S", 0.05)
    async with http.get(POLLING) as response:
        sid = json.loads((await response.text())[1:])["sid"]
    await soon("it was closed", lambda: all(each.closed for each in server._sockets.eio.sockets.values()))
    async with http.get(f"{POLLING}&sid={sid}") as response:
        assert response.status == 400
    assert sid not in server._sockets.eio.sockets


async def test_one_handshake_too_many_ends_the_oldest_and_keeps_nobody_out(
    server: HubServer, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_HANDSHAKES", 3)
    opened = [await RawSocket.open(server.port) for _ in range(3)]
    async with http.get(POLLING) as response:
        assert response.status == 200
    await opened[0].until(b"\x88")  # the close frame
    for socket in opened[1:]:
        socket.send("40")
        await socket.until(b'40{"sid"')
    assert server.stats()["peer_faults"] == 1
    for socket in opened:
        socket.close()


async def test_a_client_gets_in_while_others_fill_the_handshakes(server: HubServer) -> None:
    idle = [await RawSocket.open(server.port) for _ in range(limits.MAX_HANDSHAKES + 20)]
    honest = await RawSocket.open(server.port)
    honest.send("40")
    await honest.until(b'40{"sid"')
    await soon("the others are as many as may be", lambda: sessions(server) == limits.MAX_HANDSHAKES)
    for socket in (honest, *idle):
        socket.close()


# --- what a client says ---------------------------------------------------------------------------------------------


async def test_a_second_connect_changes_nothing(server: HubServer) -> None:
    socket = await RawSocket.open(server.port)
    for _ in range(50):
        socket.send("40")
    socket.send('420["stats"]')
    socket.send('42["requestLogs"]')
    got = await socket.until(b'["logs"')
    assert got.count(b'40{"sid"') == 1
    assert server.stats()["viewers"] == 1
    assert len(server._sockets.manager.rooms["/"][None]) == 1
    socket.close()
    await soon("it has gone", lambda: not server._sockets.manager.rooms.get("/"))


async def test_another_namespace_is_refused(server: HubServer) -> None:
    socket = await RawSocket.open(server.port)
    socket.send("40/admin,{}")
    assert b"no namespace '/admin'" in await socket.until(b"44/admin,")
    assert server.stats()["viewers"] == 0
    socket.close()


async def test_who_leaves_the_namespace_is_sent_nothing_more_and_may_come_back(server: HubServer, hub: Hub) -> None:
    socket = await RawSocket.open(server.port)
    socket.send("40")
    await socket.until(b'40{"sid"')
    socket.send("41")
    await soon("it has left", lambda: server.stats()["viewers"] == 0)
    hub.take([{"message": "between"}], 1)
    socket.send("40")
    await socket.until_count(b'40{"sid"', 2)
    await soon("it is back", lambda: server.stats()["viewers"] == 1)
    hub.take([{"message": "after"}], 1)
    assert b"between" not in await socket.until(b"after")
    socket.close()


async def test_a_client_that_floods_is_cut_and_the_others_are_not(server: HubServer, reported: list[str]) -> None:
    calm = await RawSocket.open(server.port)
    flooding = await RawSocket.open(server.port)
    for socket in (calm, flooding):
        socket.send("40")
        await socket.until(b'40{"sid"')
    for number in range(2_000):
        flooding.send(f'42["whatever",{number}]')
    await flooding.until(b"\x88")
    flooding.close()
    await soon("it has gone", lambda: server.stats()["viewers"] == 1)
    assert any("over 100 events a second" in told for told in reported)
    calm.send('42["requestLogs"]')
    assert b'["logs"' in await calm.until(b'["logs"')
    calm.close()


async def test_entries_are_no_flood(server: HubServer, hub: Hub) -> None:
    socket = await RawSocket.open(server.port)
    socket.send("40")
    for number in range(2_000):
        socket.send(f'42["log",{{"message":"{number}"}}]')
    await soon("all were taken", lambda: hub.head == 2_000)
    socket.close()


async def test_a_polling_body_over_the_limit_ends_its_session_at_once(
    server: HubServer, http: aiohttp.ClientSession
) -> None:
    async with http.get(POLLING) as response:
        sid = json.loads((await response.text())[1:])["sid"]
    async with http.post(f"{POLLING}&sid={sid}", data="40") as response:
        assert response.status == 200
    async with http.post(f"{POLLING}&sid={sid}", data=io.BytesIO(b"4" * 4_000_001)) as response:
        assert response.status == 413
    await soon("its session is gone", lambda: not sessions(server))


async def test_before_connect_a_polling_body_is_to_be_small(server: HubServer, http: aiohttp.ClientSession) -> None:
    """Who says nothing but CONNECT needs no more, and has shown no token yet."""
    async with http.get(POLLING) as response:
        sid = json.loads((await response.text())[1:])["sid"]
    async with http.post(f"{POLLING}&sid={sid}", data=io.BytesIO(b"6\x1e" * 20_000)) as response:
        assert response.status == 413
    await soon("its session is gone", lambda: not sessions(server))


ODD_FRAMES = [
    "x",
    "4" + "[" * 100_000,
    "42" + "[" * 100_000,
    "b!",
    "-1",
    "\u0969",
    b"",
    b"\x00",
    "9",
    "0{}",
    "1",
    "6",
    "4{}",
    "4[]",
]


@pytest.mark.parametrize("frame", ODD_FRAMES)
async def test_a_frame_that_cannot_be_understood_leaves_nothing_behind(
    server: HubServer, frame: str | bytes, background_errors: list[str]
) -> None:
    socket = await RawSocket.open(server.port)
    socket.send("40")
    await socket.until(b'40{"sid"')
    socket.send(frame)
    socket.close()
    await soon("it has gone", lambda: not sessions(server) and server.stats()["viewers"] == 0)
    assert not server._sockets.environ
    assert not server._sockets.manager.rooms.get("/")
    assert background_errors == []


@pytest.mark.parametrize(
    ("sent", "faults"),
    [
        (b"GET / HTTP/9.9", 3),
        (b"GET " + b"x" * 20_000, 3),
        (b"\x00\x01\x02", 0),  # aiohttp takes what is not printable for TLS, of which it says nothing
        (b"\x16\x03\x01" + b"\x00" * 50, 0),
    ],
)
async def test_what_is_no_http_is_told_once(server: HubServer, sent: bytes, faults: int, reported: list[str]) -> None:
    for _ in range(3):
        assert raw.status(await raw.exchange(server.port, sent + b"\r\n\r\n")) in (0, 400)
    assert server.stats()["peer_faults"] == faults
    assert len(reported) == min(faults, 1)
    assert "Traceback" not in "".join(reported)
