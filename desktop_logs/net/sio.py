"""What is changed in python-socketio's server for a hub, and nothing else: `log` events that take the short way,
acknowledgements that do not hold up the next event, packets over the limit refused with a sentence, a peer's faults
counted. Overrides protected methods of python-socketio 5; tests/net/test_sio.py tells when a new version no longer has
them.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import engineio
import socketio
from aiohttp import StreamReader, web
from engineio.async_drivers import aiohttp as aiohttp_driver
from engineio.async_socket import AsyncSocket
from engineio.exceptions import EngineIOError
from engineio.payload import Payload
from socketio.packet import ACK, CONNECT_ERROR, Packet

from desktop_logs.core.wire import MAX_PACKET_BYTES
from desktop_logs.net.bodies import BodyRefused, read_in_time
from desktop_logs.net.eventingest import Answer
from desktop_logs.net.fastpath import HubWebSocket, LogEvent, ShortWay
from desktop_logs.net.guard import IS_PAGE
from desktop_logs.net.leaving import PATIENCE, Patience, Watch
from desktop_logs.net.limits import EVENTS_A_SECOND, Handshakes, Rate
from desktop_logs.net.outlet import Line, Outlet
from desktop_logs.tasks import Tasks

# A packet over MAX_PACKET_BYTES is refused by us, with a sentence; one over this, by closing the connection.
TRANSPORT_LIMIT_BYTES = 4 * MAX_PACKET_BYTES
# engineio takes 16 packets in one polling request and drops the whole request with a 200 OK when there are more.
# socket.io-client puts into one request what has gathered since the last, up to maxPayload: so many at the most.
MAX_PACKETS_A_REQUEST = TRANSPORT_LIMIT_BYTES
MAX_ATTACHMENTS = 64
MAX_CONNECT_CHARACTERS = 10_000  # of what comes with CONNECT: a token and a position
PACKETS_A_TURN = 50  # of one polling request, before others have their turn of the loop

# What engineio and socketio warn of when a hub stops or starts under its clients.
_NO_FAULTS = ("Invalid session", "is not connected to namespace", "Cannot send to sid")

_CONNECT = "0"
_EVENT_HEAD = re.compile(r"2(?:/[^,]*,)?(\d{1,15})?\[")


class PeerFaults(logging.Handler):
    """Where engineio's and socketio's own log goes: counted, and passed on once a kind; never to a program's log."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.count = 0
        self._report = report
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if any(part in text for part in _NO_FAULTS):
            return
        cause = record.exc_info[1] if record.exc_info else None
        self.add(record.msg, cause or text)

    def add(self, kind: str, what: object = "") -> None:
        """One more fault of that *kind*; *what* is told of the first."""
        self.count += 1
        if kind not in self._told:
            self._told.add(kind)
            self._report(f"A peer sent what cannot be understood: {what or kind}"[:300])


def quiet_logger(name: str, faults: PeerFaults) -> logging.Logger:
    """A logger outside the program's tree: python-socketio's loggers must never feed a handler."""
    logger = logging.Logger(name, logging.WARNING)
    logger.addHandler(faults)
    logger.propagate = False
    return logger


def take_large_requests() -> None:
    """Raise engineio's limit on packets in one polling request, which is one for the whole process."""
    Payload.max_decode_packets = MAX_PACKETS_A_REQUEST


class _WholeBody:
    """A request's body as engineio reads it: it asks once for all of it, and aiohttp gives what has come so far, and
    waits for the rest as long as a client likes."""

    def __init__(self, content: StreamReader) -> None:
        self._content = content

    async def read(self, size: int) -> bytes:
        try:
            return await read_in_time(self._content, size)
        except BodyRefused as refused:
            raise EngineIOError(str(refused)) from None


def _translate_request(request: Any) -> dict[str, Any]:
    environ: dict[str, Any] = aiohttp_driver.translate_request(request)
    environ["wsgi.input"] = _WholeBody(request.content)
    return environ


class _Engine(engineio.AsyncServer):  # type: ignore[misc]  # engineio ships no types
    """An Engine.IO server whose tasks end with the hub or with the client that they are for, whose WebSockets have the
    short way, and which lets go of a client that does not let go by itself."""

    def __init__(
        self, tasks: Tasks, patience: Patience, open_short_way: Callable[[AsyncSocket], ShortWay], **options: Any
    ) -> None:
        super().__init__(
            ping_interval=patience.ping_interval_s,
            ping_timeout=patience.ping_timeout_s,
            monitor_clients=False,  # leaving.Watch does
            **options,
        )
        self._tasks = tasks
        self._patience = patience
        self.open_short_way = open_short_way
        # Which client has asked last over a connection: behind a proxy many share one.
        self._askers: WeakKeyDictionary[asyncio.Transport, Line] = WeakKeyDictionary()
        # The driver's own dictionary is one for the process.
        self._async: dict[str, Any] = {
            **aiohttp_driver._async,
            "translate_request": _translate_request,
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

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        self.note_asker(request.query.get("sid", ""), request.transport)
        response: web.StreamResponse = await super().handle_request(request)
        return response

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

    async def disconnect(self, sid: str | None = None) -> None:
        """As engineio's, which calls it for a request that it cannot take, but without waiting until the client has
        fetched all that is queued for it: a polling client that has gone never does."""
        for each in [sid] if sid is not None else list(self.sockets):
            socket = self.sockets.get(each)
            if socket is not None:
                await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
                self.sockets.pop(each, None)


class Peers(Protocol):
    """What deals with the clients, each of them known by its Engine.IO id."""

    def refusal(self, eio_sid: str, auth: object, *, is_page: bool, address: str) -> str:
        """Why the client at *address* may not connect, in one line; empty when it may."""

    def admitted(self, eio_sid: str) -> None:
        """The client has its CONNECT packet: it may be sent events until it is `gone`."""

    def gone(self, eio_sid: str) -> None:
        """The client has left."""

    def logs(self, eio_sid: str, events: list[LogEvent]) -> asyncio.Future[Any] | None:
        """Some `log` events, or one `logs`; nothing more of that client is read before what it returns is done."""

    def asked(self, eio_sid: str) -> None:
        """The client sent `requestLogs`."""

    def called(self, eio_sid: str, name: str, payload: object, ack_id: int | None) -> None:
        """The client sent another event."""

    def acknowledged(self, eio_sid: str, ack_id: int) -> None:
        """The client acknowledges an event."""

    def oversize(self, what: str) -> Answer:
        """The answer to a packet over the limit."""


class HubSocketServer(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio ships no types
    """An AsyncServer that leaves its clients to `peers`, and acknowledges when those say so."""

    def __init__(self, *, faults: PeerFaults, tasks: Tasks, patience: Patience = PATIENCE) -> None:
        """Its clients are dealt with by `peers`, to be set before the first of them comes."""
        # First: the Engine.IO server is made with them.
        self._tasks = tasks
        self._patience = patience
        self._faults = faults
        super().__init__(
            async_mode="aiohttp",
            # In a handler of its own a message could overtake the one before it.
            async_handlers=False,
            # The guard has looked at Origin and Host already; engineio would trust the Host header.
            cors_allowed_origins=[],
            max_http_buffer_size=TRANSPORT_LIMIT_BYTES,
            logger=quiet_logger("desktop_logs.socketio", faults),
            engineio_logger=quiet_logger("desktop_logs.engineio", faults),
        )
        take_large_requests()
        self.peers: Peers
        self.watch = Watch(self.eio.sockets, self.eio.cut, patience)
        self.handshakes = Handshakes(self._late)
        self._rates: dict[str, Rate] = {}
        self._handled = 0

    def open_outlet(self, eio_sid: str) -> Outlet | None:
        """The way out to a client; None when it has gone."""
        socket = self.eio.sockets.get(eio_sid)
        return Outlet(socket, functools.partial(self.eio.cut, eio_sid)) if socket is not None else None

    def _open_short_way(self, socket: AsyncSocket) -> ShortWay:
        def take(events: list[LogEvent]) -> asyncio.Future[Any] | None:
            if socket.last_ping:
                # Who sends is alive: the answer to a ping stands behind all that it has sent before.
                socket.last_ping = time.time()
            return self.peers.logs(socket.sid, events)

        def is_connected() -> bool:
            sid = self.manager.sid_from_eio_sid(socket.sid, "/")
            return sid is not None and self.manager.is_connected(sid, "/")

        return ShortWay(take, MAX_PACKET_BYTES, self.logger, is_open=is_connected)

    def _engineio_server_class(self) -> Callable[..., _Engine]:
        return functools.partial(_Engine, self._tasks, self._patience, self._open_short_way)

    async def close_all(self) -> None:
        """Say goodbye to every client."""
        await self.eio.disconnect()
        self.handshakes.end_all()

    def end(self, eio_sid: str) -> None:
        """Close the client's connection, of which nothing more is wanted."""
        self._tasks.start(self._end(eio_sid), "end a client")

    async def _end(self, eio_sid: str) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)

    def _late(self, eio_sid: str) -> None:
        self._faults.add("no CONNECT came in time")
        self.end(eio_sid)

    def cut_all(self) -> None:
        """End the connections whose clients did not take the goodbye."""
        self.eio.cut_connections()

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        self.eio.note_asker(eio_sid, environ["aiohttp.request"].transport)
        await super()._handle_eio_connect(eio_sid, environ)
        self.handshakes.begin(eio_sid)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if namespace not in (None, "/"):
            refusal = f"This hub has no namespace {namespace[:100]!r}. Connect without one."
            self._faults.add("a namespace that no hub has")
        elif self.manager.sid_from_eio_sid(eio_sid, "/") is not None:
            # python-socketio would give it one more name for each, and keep them all.
            self._faults.add("a client that is connected sent CONNECT again")
            return
        else:
            request = self.environ[eio_sid]["aiohttp.request"]
            refusal = self.peers.refusal(
                eio_sid, data, is_page=request.get(IS_PAGE, False), address=request.remote or ""
            )
        if refusal:
            error = Packet(CONNECT_ERROR, data={"message": refusal}, namespace=namespace)
            await self._send_packet(eio_sid, error)
            return
        await super()._handle_connect(eio_sid, namespace, data)
        # Only now has the client its CONNECT packet: an event before it would be lost or break the handshake.
        if self.manager.sid_from_eio_sid(eio_sid, "/") is not None:
            self.handshakes.end(eio_sid)
            self.peers.admitted(eio_sid)

    async def _handle_disconnect(self, eio_sid: str, namespace: str | None, reason: str | None = None) -> None:
        await super()._handle_disconnect(eio_sid, namespace, reason)
        if namespace in (None, "/"):
            self._left(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        self._left(eio_sid)
        self._binary_packet.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)
        self.handshakes.end(eio_sid)
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            # Ends the writer of a WebSocket, and the request that a polling client has left waiting: engineio would
            # let that stand until the next ping is due, and a client that waits for it with it.
            await socket.queue.put(None)
            if reason == self.reason.PING_TIMEOUT:
                self.eio.abort_connections(socket.queue)
            self.eio.release(socket.queue)

    def _left(self, eio_sid: str) -> None:
        """The client is sent nothing more. If only its namespace was left, it may connect again, as one that is new."""
        self.peers.gone(eio_sid)
        self._rates.pop(eio_sid, None)
        if eio_sid in self.environ:
            self.handshakes.begin(eio_sid)

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        # A polling request may bring thousands of packets, and handling them never waits by itself.
        self._handled += 1
        if self._handled % PACKETS_A_TURN == 0:
            await asyncio.sleep(0)
        if isinstance(data, bytes):
            await self._handle_attachment(eio_sid, data)
        elif data.startswith(_CONNECT) and not self._is_readable(data):
            error = Packet(CONNECT_ERROR, data={"message": "What came with CONNECT cannot be read as JSON."})
            await self._send_packet(eio_sid, error)
        elif len(data) <= MAX_PACKET_BYTES:
            await super()._handle_eio_message(eio_sid, data)
            if (pending := self._binary_packet.get(eio_sid)) and pending.attachment_count > MAX_ATTACHMENTS:
                await self._refuse_attachments(eio_sid, f"an event with {pending.attachment_count:,} attachments")
        else:
            answer = self.peers.oversize(_over_limit(f"a packet of {len(data):,} bytes"))
            head = _EVENT_HEAD.match(data[:200])
            if head and head[1]:
                await self.acknowledge(eio_sid, int(head[1]), answer)

    def _is_readable(self, data: str) -> bool:
        try:
            if len(data) > MAX_CONNECT_CHARACTERS:
                raise ValueError(f"{len(data):,} characters")
            self.packet_class(encoded_packet=data)
        except (ValueError, RecursionError) as wrong:
            self._faults.add("a CONNECT that cannot be read", wrong)
            return False
        return True

    async def _handle_attachment(self, eio_sid: str, data: bytes) -> None:
        pending = self._binary_packet.get(eio_sid)
        if pending is None:
            return  # of an event that was refused
        size = len(data) + sum(map(len, pending.attachments))
        if size > MAX_PACKET_BYTES:
            await self._refuse_attachments(eio_sid, _over_limit(f"an event with {size:,} bytes of attachments"))
        else:
            await super()._handle_eio_message(eio_sid, data)

    async def _refuse_attachments(self, eio_sid: str, what: str) -> None:
        refused = self._binary_packet.pop(eio_sid)
        answer = self.peers.oversize(what)
        if refused.id is not None:
            await self.acknowledge(eio_sid, refused.id, answer)

    async def _handle_event_internal(
        self,
        server: Any,
        sid: str,
        eio_sid: str,
        data: Any,
        namespace: str,
        id: int | None,  # noqa: A002  # the name is python-socketio's
    ) -> None:
        name, payload = data[0], data[1] if len(data) > 1 else None
        if name not in ("log", "logs") and not self._is_within_rate(eio_sid):
            return
        if name in ("log", "logs"):
            taking = self.peers.logs(eio_sid, [LogEvent(name, payload, id)])
            if taking is not None:
                await asyncio.wait([taking])
        elif name == "requestLogs":
            self.peers.asked(eio_sid)
        elif isinstance(name, str):
            self.peers.called(eio_sid, name, payload, id)

    def _is_within_rate(self, eio_sid: str) -> bool:
        rate = self._rates.get(eio_sid)
        if rate is None:
            rate = self._rates[eio_sid] = Rate(EVENTS_A_SECOND, 2 * EVENTS_A_SECOND, time.monotonic)
        if rate.take():
            return True
        self._faults.add(f"a client sent over {EVENTS_A_SECOND:.0f} events a second that are no entries, and was cut")
        self.end(eio_sid)
        return False

    async def _handle_ack(
        self,
        eio_sid: str,
        namespace: str | None,
        id: int | None,  # noqa: A002  # the name is python-socketio's
        data: Any,
    ) -> None:
        # Nothing here is sent in python-socketio's own way with an acknowledgement asked for.
        if namespace in (None, "/") and id is not None:
            self.peers.acknowledged(eio_sid, id)

    async def acknowledge(self, eio_sid: str, ack_id: int, answer: Answer) -> None:
        """Send *answer* to the client's event with that id."""
        await self._send_packet(eio_sid, Packet(ACK, data=[answer], id=ack_id))


def _over_limit(what: str) -> str:
    return f"{what}, of which at most {MAX_PACKET_BYTES:,} are taken,"
