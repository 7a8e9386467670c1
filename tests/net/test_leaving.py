"""Clients that stop, vanish or leave in the midst of something: gone in time, with all that was kept for them."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace

import aiohttp
import pytest

from desktop_logs.core.hub import Hub
from desktop_logs.net.leaving import Patience, Watch
from desktop_logs.net.outlet import MAX_BUFFERED_BYTES, MAX_POLLED_MESSAGES, Line
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon
from tests.support.node import NodeProgram
from tests.support.peers import over_tls

Node = Callable[..., NodeProgram]
StartRig = Callable[[Patience], Awaitable["Rig"]]

NEVER_ASKS = Patience(ping_interval_s=60.0, ping_timeout_s=60.0, stall_s=0.5, check_s=0.1, linger_s=0.3)
ASKS_ONLY = Patience(ping_interval_s=0.3, ping_timeout_s=0.3, stall_s=60.0, check_s=0.1, linger_s=0.3)


class Rig:
    """A hub, and what it had before the first client came."""

    def __init__(self, hub: Hub, server: HubServer) -> None:
        self.hub = hub
        self.server = server
        self.tasks_before = self.tasks()
        self.descriptors_before = self.descriptors()

    @staticmethod
    def tasks() -> set[str]:
        return {task.get_name() for task in asyncio.all_tasks()}

    @staticmethod
    def descriptors() -> list[str]:
        """What the process has open of sockets."""
        links = []
        for descriptor in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return sorted(link for link in links if link.startswith("socket:"))

    def traces(self) -> dict[str, object]:
        """All that is left of clients; empty when nothing is."""
        sockets = self.server._sockets
        left = {
            "sockets": len(sockets.eio.sockets),
            "rooms": len(sockets.manager.rooms),
            "pending": len(sockets.manager.pending_connect) + len(sockets.manager.pending_disconnect),
            "environments": len(sockets.environ),
            "viewers": self.server.stats()["viewers"],
            "clients": len(self.server._peers._clients),
            "tasks": self.tasks() - self.tasks_before,
            "descriptors": set(self.descriptors()) - set(self.descriptors_before),
        }
        return {name: what for name, what in left.items() if what}

    async def is_clean(self) -> None:
        with contextlib.suppress(AssertionError):
            # A connection over which a stopped client has asked for nothing yet goes after 30 s.
            await soon("nothing is left", lambda: not self.traces(), 40)
        assert self.traces() == {}

    @contextlib.asynccontextmanager
    async def flood(self) -> AsyncIterator[None]:
        """Records of 20,000 characters, 4 MB a second, while this lasts."""

        async def pour() -> None:
            while True:
                self.hub.take(["x" * 20_000] * 10, time.time_ns())
                await asyncio.sleep(0.05)

        pouring = asyncio.ensure_future(pour())
        try:
            yield
        finally:
            pouring.cancel()
            await asyncio.gather(pouring, return_exceptions=True)

    async def viewers_are(self, count: int) -> None:
        await soon(f"{count} viewers", lambda: self.server.stats()["viewers"] == count, 15)


@pytest.fixture
async def rig_with(hub: Hub, reported: list[str]) -> AsyncIterator[StartRig]:
    servers: list[HubServer] = []

    async def start(patience: Patience) -> Rig:
        servers.append(HubServer(hub, version="1", clock_ns=time.time_ns, report=reported.append, patience=patience))
        await servers[-1].start(0)
        await asyncio.sleep(0.01)
        return Rig(hub, servers[-1])

    yield start
    for server in servers:
        await server.stop()
    assert reported == []


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
# A viewer that is well must not be cut where the machine gives it no processor for a second.
@pytest.mark.parametrize(
    "patience",
    [replace(NEVER_ASKS, stall_s=2.0), replace(ASKS_ONLY, ping_timeout_s=2.0)],
    ids=["by what it takes", "by pings"],
)
async def test_a_viewer_that_is_stopped_under_a_flood_is_cut_and_leaves_nothing(
    rig_with: StartRig, node: Node, transports: str, patience: Patience
) -> None:
    rig = await rig_with(patience)
    viewer = node("viewer.js", rig.server.url, "--no-request", "--transports", transports)
    await soon("it is connected", lambda: viewer.stdout, 20)
    await rig.viewers_are(1)
    (line,) = [socket.queue for socket in rig.server._sockets.eio.sockets.values()]
    async with rig.flood():
        await soon("it gets some", lambda: len(viewer.stdout) > 20, 20)
        viewer.signal(signal.SIGSTOP)
        while rig.server.stats()["viewers"]:
            assert line.messages < 2 * MAX_POLLED_MESSAGES
            assert line.message_bytes < 2 * MAX_BUFFERED_BYTES
            await asyncio.sleep(0.05)
    await rig.is_clean()
    assert rig.server.stats()["viewers_cut"] == 1
    viewer.signal(signal.SIGKILL)


WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def upgraded(url: str, path: str) -> socket.socket:
    """A raw connection after the WebSocket handshake, of which nothing is ever read."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    host, port = url.removeprefix("http://").split(":")
    await loop.sock_connect(raw, (host, int(port)))
    await loop.sock_sendall(raw, upgrade_request(url, path))
    return raw


def upgrade_request(url: str, path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {url.split('/')[-1]}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


async def ended(raw: socket.socket) -> None:
    """Wait until the hub has ended the connection."""
    with contextlib.suppress(ConnectionResetError):
        while await asyncio.wait_for(asyncio.get_running_loop().sock_recv(raw, 100_000), 10):
            pass


def masked(text: str) -> bytes:
    """A short text as a client's WebSocket frame, under a mask of zeros."""
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text.encode()


async def test_a_half_open_websocket_is_cut_when_its_pings_are_not_answered(rig_with: StartRig) -> None:
    rig = await rig_with(ASKS_ONLY)
    with await upgraded(rig.server.url, WEBSOCKET) as raw:
        raw.send(masked("40"))
        await rig.viewers_are(1)
        await rig.viewers_are(0)
        await ended(raw)
    await rig.is_clean()


async def test_a_viewer_over_tls_that_reads_nothing_under_a_flood_is_cut(rig_with: StartRig) -> None:
    rig = await rig_with(NEVER_ASKS)
    url, context = await over_tls(rig.server)
    rig.descriptors_before = rig.descriptors()

    def connect() -> ssl.SSLSocket:
        host, port = url.removeprefix("https://").split(":")
        raw = context.wrap_socket(socket.create_connection((host, int(port)), timeout=10), server_hostname=host)
        raw.sendall(upgrade_request(url, WEBSOCKET))
        raw.sendall(masked("40"))
        return raw

    raw = await asyncio.to_thread(connect)
    await rig.viewers_are(1)
    async with rig.flood():
        await rig.viewers_are(0)
    raw.close()
    await rig.is_clean()
    assert rig.server.stats()["viewers_cut"] == 1


async def test_a_client_that_vanishes_between_handshake_and_connect_leaves_nothing(
    rig_with: StartRig, http: aiohttp.ClientSession
) -> None:
    rig = await rig_with(ASKS_ONLY)
    async with http.get(rig.server.url + POLLING) as response:
        assert (await response.text()).startswith("0{")
    with await upgraded(rig.server.url, WEBSOCKET):
        await soon("both have begun", lambda: len(rig.server._sockets.eio.sockets) == 2)
        await soon("both are gone", lambda: not rig.server._sockets.eio.sockets)
    await http.close()
    await rig.is_clean()


async def test_a_client_that_vanishes_in_the_midst_of_an_upgrade_leaves_nothing(
    rig_with: StartRig, http: aiohttp.ClientSession
) -> None:
    rig = await rig_with(ASKS_ONLY)
    async with http.get(rig.server.url + POLLING) as response:
        sid = json.loads((await response.text())[1:])["sid"]
    # Three connections that are opened for an upgrade and left so: it may have sent its probe, or not.
    probes = [await upgraded(rig.server.url, f"{WEBSOCKET}&sid={sid}") for _ in range(3)]
    probes[-1].send(masked("2probe"))
    await soon("it is gone", lambda: not rig.server._sockets.eio.sockets)
    await http.close()
    for probe in probes:
        await ended(probe)
        probe.close()
    await rig.is_clean()


async def test_a_client_that_closes_while_it_is_written_to_leaves_nothing(rig_with: StartRig) -> None:
    rig = await rig_with(replace(NEVER_ASKS, stall_s=60.0))  # it goes by itself, and is not cut
    async with rig.flood():
        for _ in range(5):
            with await upgraded(rig.server.url, WEBSOCKET) as raw:
                raw.send(masked("40"))
                await rig.viewers_are(1)
                await asyncio.sleep(0.1)
            await rig.viewers_are(0)
    await rig.is_clean()
    assert rig.server.stats()["viewers_cut"] == 0


async def test_a_hub_stops_with_stopped_and_half_open_clients_and_leaves_nothing(
    rig_with: StartRig, node: Node, http: aiohttp.ClientSession
) -> None:
    rig = await rig_with(Patience())
    viewers = [
        node("viewer.js", rig.server.url, "--no-request", "--transports", transports)
        for transports in ("websocket", "polling")
    ]
    await rig.viewers_are(2)
    async with http.get(rig.server.url + POLLING):
        pass
    half_open = [await upgraded(rig.server.url, WEBSOCKET) for _ in range(2)]
    half_open[0].send(masked("40"))
    await rig.viewers_are(3)
    async with rig.flood():
        for viewer in viewers:
            await soon("it gets some", lambda viewer=viewer: len(viewer.stdout) > 20, 20)  # type: ignore[misc]
            viewer.signal(signal.SIGSTOP)
        await asyncio.sleep(0.3)
    await rig.server.stop()
    await http.close()
    for raw in half_open:
        raw.close()
    rig.tasks_before |= rig.tasks() & {"watch", "broadcast"}
    left = rig.tasks() - rig.tasks_before
    for viewer in viewers:
        viewer.signal(signal.SIGKILL)
    await rig.is_clean()
    assert left == set()


# --- the watch by itself ----------------------------------------------------------------------------------------------


class Way:
    """A transport of which so much was not taken yet."""

    def __init__(self) -> None:
        self.waiting = 0

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return False


class Watched:
    """A watch over one client with a WebSocket, and its clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.line = Line()
        self.way = Way()
        self.line.way = self.way  # type: ignore[assignment]
        self.socket = SimpleNamespace(queue=self.line, last_ping=None, closed=False)
        self.cut: list[str] = []
        self.sockets = {"a": self.socket}
        self.watch = Watch(
            self.sockets,  # type: ignore[arg-type]
            self.cut.append,
            Patience(),
            clock_s=lambda: self.now_s,
            wall_clock_s=lambda: self.now_s,
        )

    def look_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_s += 1
            self.watch.look()


def test_who_takes_nothing_of_what_waits_for_20_s_is_cut() -> None:
    watched = Watched()
    watched.line.passed_bytes = watched.way.waiting = 1_000
    watched.look_for(21)
    assert watched.cut == []
    watched.look_for(1)
    assert (watched.cut, watched.watch.cut_off) == (["a"], 1)


def test_who_takes_a_little_now_and_then_is_not_cut_though_more_is_written_to_it() -> None:
    watched = Watched()
    watched.way.waiting = 500_000
    for _ in range(10):
        watched.line.passed_bytes += 1_000
        watched.way.waiting += 999
        watched.look_for(15)
    assert watched.cut == []


def test_who_has_nothing_to_take_is_not_cut() -> None:
    watched = Watched()
    watched.look_for(100)
    watched.way.waiting = 10
    watched.look_for(15)
    watched.way.waiting = 0
    watched.look_for(1)
    watched.way.waiting = 10
    watched.look_for(15)
    assert watched.cut == []


def test_who_does_not_answer_a_ping_for_15_s_is_cut() -> None:
    watched = Watched()
    watched.now_s = watched.socket.last_ping = 100.0
    watched.look_for(15)
    assert watched.cut == []
    watched.look_for(1)
    assert watched.cut == ["a"]


def test_who_is_closed_is_taken_out() -> None:
    watched = Watched()
    watched.socket.closed = True
    watched.watch.look()
    assert watched.sockets == {}


def test_by_default_whatever_stalls_is_gone_within_30_s() -> None:
    patience = Patience()
    assert patience.ping_interval_s + patience.ping_timeout_s + patience.check_s + patience.linger_s < 30
    assert patience.stall_s + 2 * patience.check_s + patience.linger_s < 30
