"""What is changed in engineio's server for a hub: whose tasks are whose, how bodies are read, and how it lets go of a
client that does not let go by itself. Overrides protected methods of python-engineio 4; tests/net/test_engine.py tells
when a new version no longer has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

import engineio
from aiohttp import web
from engineio.async_drivers import aiohttp as aiohttp_driver
from engineio.async_socket import AsyncSocket
from engineio.exceptions import EngineIOError

from desktop_logs.core.errors import PeerError
from desktop_logs.core.wire import MAX_PACKET_BYTES
from desktop_logs.net.bodies import BodyRefused, read_in_time
from desktop_logs.net.fastpath import TURN_S, HubWebSocket, ShortWay
from desktop_logs.net.faults import PeerFaults
from desktop_logs.net.leaving import Patience
from desktop_logs.net.outlet import Line
from desktop_logs.net.packets import NO_ENGINE_PACKET, polled_packets
from desktop_logs.tasks import Tasks

# A packet over MAX_PACKET_BYTES is refused by us, with a sentence; one over this, by closing the connection.
TRANSPORT_LIMIT_BYTES = 4 * MAX_PACKET_BYTES
MAX_UNKNOWN_BYTES = 30_000  # of a polling request before CONNECT was answered

_NO_JSONP = "A client asked for JSONP, which is not served."
_NO_UPGRADE = "A client asked for a WebSocket without the headers for one."


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # engineio ships no types
    """An Engine.IO server whose tasks end with the hub or with the client that they are for, whose WebSockets have the
    short way, and which lets go of a client that does not let go by itself."""

    def __init__(
        self,
        tasks: Tasks,
        patience: Patience,
        faults: PeerFaults,
        open_short_way: Callable[[AsyncSocket], ShortWay],
        is_unknown: Callable[[str], bool],
        **options: Any,
    ) -> None:
        super().__init__(
            ping_interval=patience.ping_interval_s,
            ping_timeout=patience.ping_timeout_s,
            monitor_clients=False,  # leaving.Watch does
            **options,
        )
        self._tasks = tasks
        self._patience = patience
        self._is_unknown = is_unknown
        self.faults = faults
        self.open_short_way = open_short_way
        # The id of the client that has asked last over a connection: behind a proxy many share one.
        self._askers: WeakKeyDictionary[asyncio.Transport, str] = WeakKeyDictionary()
        # The driver's own dictionary is one for the process.
        self._async: dict[str, Any] = {**aiohttp_driver._async, "websocket": HubWebSocket}

    def start_background_task(
        self, target: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any
    ) -> asyncio.Task[Any]:
        task = self._tasks.start(target(*args, **kwargs), f"engineio {target.__name__}")
        if isinstance(client := getattr(target, "__self__", None), AsyncSocket):
            # It sleeps until the client's next ping is due.
            client.queue.pinging = task
        return task

    def create_queue(self, *args: Any, **kwargs: Any) -> Line:
        return Line()

    def note_asker(self, eio_sid: str, connection: asyncio.Transport | None) -> None:
        """The client has asked for something over that connection."""
        if eio_sid in self.sockets and connection is not None:
            self._askers[connection] = eio_sid

    def cut(self, eio_sid: str) -> None:
        """End all that there is of a client at once, without telling it; nothing when it has gone."""
        socket = self.sockets.get(eio_sid)
        if socket is not None:
            self.abort_connections(eio_sid)
            closing = socket.close(wait=False, abort=True, reason=self.reason.TRANSPORT_ERROR)
            self._tasks.start(closing, "engineio close")

    def abort_connections(self, eio_sid: str) -> None:
        """End the connections over which the client has asked; nothing more is sent."""
        for connection in self._connections(eio_sid):
            connection.abort()

    def cut_connections(self) -> None:
        """End every connection that a client has ever asked over and that is still there."""
        for connection in list(self._askers):
            connection.abort()

    def release(self, eio_sid: str, line: Line) -> None:
        """Let a client that has gone have what is on its way to it, for a while. A connection would otherwise stay as
        long as the other side does not take what was written: for ever, when that is stopped."""
        if line.pinging is not None:
            line.pinging.cancel()

        def end() -> None:
            if line.way is not None:
                line.way.abort()
            for connection in self._connections(eio_sid):
                if connection.is_closing() or connection.get_write_buffer_size():
                    connection.abort()

        asyncio.get_running_loop().call_later(self._patience.linger_s, end)

    def _connections(self, eio_sid: str) -> list[asyncio.Transport]:
        return [connection for connection, asker in list(self._askers.items()) if asker == eio_sid]

    async def handle_request(self, request: web.Request) -> Any:
        """As engineio's, but for what clients send by polling, and for requests over which it would trip."""
        sid = request.query.get("sid", "")
        self.note_asker(sid, request.transport)
        socket = self.sockets.get(sid)
        if "j" in request.query:
            return self._refusal(_NO_JSONP)
        if request.query.get("transport") == "websocket" and not _is_upgrade(request):
            return self._refusal(_NO_UPGRADE)
        if socket is not None and socket.closed:
            del self.sockets[sid]  # it is answered as one that nobody knows
        elif socket is not None and request.method == "POST" and socket.connected and not socket.upgraded:
            return await self._take_polled(request, socket)
        return await super().handle_request(request)

    def _refusal(self, why: str) -> web.Response:
        self.faults.add(why)
        return web.Response(status=400, text=f"{why}\n")

    async def _take_polled(self, request: web.Request, socket: AsyncSocket) -> web.Response:
        """Take the packets of a polling request. engineio decodes all of them in one go, and 16 at the most: of more it
        drops all, and says 200 OK. socket.io-client sends what has gathered since its last request, up to maxPayload.
        """
        max_bytes = MAX_UNKNOWN_BYTES if self._is_unknown(socket.sid) else TRANSPORT_LIMIT_BYTES
        status, answer = 200, "OK"
        try:
            if (request.content_length or 0) > max_bytes:
                raise BodyRefused(_too_large(max_bytes), 413)
            body = await read_in_time(request.content, max_bytes + 1)
            if len(body) > max_bytes:
                raise BodyRefused(_too_large(max_bytes), 413)
            await self._take_packets(socket, body)
        except BodyRefused as refused:
            status, answer = refused.status, str(refused)
        except PeerError as wrong:
            status, answer = 400, str(wrong)
        if status != 200:
            self.faults.add(answer)
            await self.disconnect(socket.sid)
        response = web.Response(status=status, text=answer)
        if status in (408, 413):
            response.force_close()  # the rest of the body is not read
        return response

    async def _take_packets(self, socket: AsyncSocket, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        turn_ends_s = loop.time() + TURN_S
        try:
            payload = body.decode()
        except UnicodeDecodeError:
            raise PeerError(NO_ENGINE_PACKET) from None
        for packet in polled_packets(payload):
            try:
                await socket.receive(packet)
            except EngineIOError:
                raise PeerError(NO_ENGINE_PACKET) from None
            if socket.closed:
                return
            if loop.time() > turn_ends_s:
                await asyncio.sleep(0)
                turn_ends_s = loop.time() + TURN_S

    async def disconnect(self, sid: str | None = None) -> None:
        """As engineio's, which calls it for a request that it cannot take, but without waiting until the client has
        fetched all that is queued for it: a polling client that has gone never does."""
        for each in [sid] if sid is not None else list(self.sockets):
            socket = self.sockets.get(each)
            if socket is not None:
                await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
                self.sockets.pop(each, None)


def _is_upgrade(request: web.Request) -> bool:
    return "upgrade" in [part.strip() for part in request.headers.get("Connection", "").lower().split(",")]


def _too_large(max_bytes: int) -> str:
    return f"A client polled with more than {max_bytes:,} bytes at a time."
