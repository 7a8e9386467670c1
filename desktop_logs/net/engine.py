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
from aiohttp import StreamReader, web
from engineio.async_drivers import aiohttp as aiohttp_driver
from engineio.async_socket import AsyncSocket
from engineio.exceptions import ContentTooLongError, EngineIOError
from engineio.payload import Payload

from desktop_logs.core.wire import MAX_PACKET_BYTES
from desktop_logs.net.bodies import BodyRefused, read_in_time
from desktop_logs.net.fastpath import HubWebSocket, ShortWay
from desktop_logs.net.leaving import Patience
from desktop_logs.net.outlet import Line
from desktop_logs.tasks import Tasks

# A packet over MAX_PACKET_BYTES is refused by us, with a sentence; one over this, by closing the connection.
TRANSPORT_LIMIT_BYTES = 4 * MAX_PACKET_BYTES
# engineio takes 16 packets in one polling request and drops the whole request with a 200 OK when there are more.
# socket.io-client puts into one request what has gathered since the last, up to maxPayload: so many at the most.
MAX_PACKETS_A_REQUEST = TRANSPORT_LIMIT_BYTES
MAX_UNKNOWN_BYTES = 30_000  # of a polling request before CONNECT was answered

SESSION = web.RequestKey("session", str)
"""On a request that has begun a session, which its address does not name."""


def take_large_requests() -> None:
    """Raise engineio's limit on packets in one polling request, which is one for the whole process."""
    Payload.max_decode_packets = MAX_PACKETS_A_REQUEST


class _WholeBody:
    """A request's body as engineio reads it: it asks once for all of it, and aiohttp gives what has come so far, and
    waits for the rest as long as a client likes."""

    def __init__(self, content: StreamReader, max_bytes: int) -> None:
        self._content = content
        self._max_bytes = max_bytes

    async def read(self, size: int) -> bytes:
        if size > self._max_bytes:
            raise ContentTooLongError
        try:
            return await read_in_time(self._content, size)
        except BodyRefused as refused:
            raise EngineIOError(str(refused)) from None


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # engineio ships no types
    """An Engine.IO server whose tasks end with the hub or with the client that they are for, whose WebSockets have the
    short way, and which lets go of a client that does not let go by itself."""

    def __init__(
        self,
        tasks: Tasks,
        patience: Patience,
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
        self.open_short_way = open_short_way
        # Which client has asked last over a connection: behind a proxy many share one.
        self._askers: WeakKeyDictionary[asyncio.Transport, Line] = WeakKeyDictionary()
        # The driver's own dictionary is one for the process.
        self._async: dict[str, Any] = {
            **aiohttp_driver._async,
            "translate_request": self._translate_request,
            "websocket": HubWebSocket,
        }

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
        socket = self.sockets.get(eio_sid)
        if socket is not None and connection is not None:
            self._askers[connection] = socket.queue

    def cut(self, eio_sid: str) -> None:
        """End all that there is of a client at once, without telling it; nothing when it has gone."""
        socket = self.sockets.get(eio_sid)
        if socket is not None:
            self.abort_connections(socket.queue)
            closing = socket.close(wait=False, abort=True, reason=self.reason.TRANSPORT_ERROR)
            self._tasks.start(closing, "engineio close")

    def abort_connections(self, line: Line) -> None:
        """End the connections over which the client has asked; nothing more is sent."""
        for connection in self._connections(line):
            connection.abort()

    def cut_connections(self) -> None:
        """End every connection that a client has ever asked over and that is still there."""
        for connection in list(self._askers):
            connection.abort()

    def release(self, line: Line) -> None:
        """Let a client that has gone have what is on its way to it, for a while. A connection would otherwise stay as
        long as the other side does not take what was written: for ever, when that is stopped."""

        if line.pinging is not None:
            line.pinging.cancel()

        def end() -> None:
            if line.way is not None:
                line.way.abort()
            for connection in self._connections(line):
                if connection.is_closing() or connection.get_write_buffer_size():
                    connection.abort()

        asyncio.get_running_loop().call_later(self._patience.linger_s, end)

    def _connections(self, line: Line) -> list[asyncio.Transport]:
        return [connection for connection, asker in list(self._askers.items()) if asker is line]

    def _translate_request(self, request: web.Request) -> dict[str, Any]:
        environ: dict[str, Any] = aiohttp_driver.translate_request(request)
        # engineio decodes a whole request in one go: 4 MB of the smallest packets would take it seconds.
        is_unknown = self._is_unknown(request.query.get("sid", ""))
        environ["wsgi.input"] = _WholeBody(request.content, MAX_UNKNOWN_BYTES if is_unknown else TRANSPORT_LIMIT_BYTES)
        return environ

    async def handle_request(self, request: web.Request) -> Any:
        """As engineio's, which trips over a frame that it cannot decode, and would leave the session behind until its
        next ping is due."""
        if "j" in request.query:
            # engineio would answer with a script, which a page of any origin may load.
            return web.Response(status=400, text="This hub answers no JSONP. Leave j= out.\n")
        self.note_asker(request.query.get("sid", ""), request.transport)
        try:
            return await super().handle_request(request)
        except Exception:
            sid = request.get(SESSION) or request.query.get("sid", "")
            socket = self.sockets.get(sid)
            if socket is None:
                raise
            if socket.closed:  # engineio has no answer to a request of a session that is closed but still known
                del self.sockets[sid]
                return web.Response(status=400, text="Invalid session\n")
            if socket.upgraded:  # else a WebSocket was only tried, and the client goes on by polling
                del self.sockets[sid]
                await socket.close(wait=False, abort=True, reason=self.reason.TRANSPORT_ERROR)
                await socket.queue.put(None)  # ends its writer
            raise

    async def disconnect(self, sid: str | None = None) -> None:
        """As engineio's, which calls it for a request that it cannot take, but without waiting until the client has
        fetched all that is queued for it: a polling client that has gone never does."""
        for each in [sid] if sid is not None else list(self.sockets):
            socket = self.sockets.get(each)
            if socket is not None:
                await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
                self.sockets.pop(each, None)
