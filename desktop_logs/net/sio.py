"""What is changed in python-socketio's server for a hub, and nothing else: `log` events that take the short way,
acknowledgements that do not hold up the next event, packets over the limit refused with a sentence, a peer's faults
counted. Overrides protected methods of python-socketio 5; tests/net/test_sio.py tells when a new version no longer has
them.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Callable
from typing import Any, Protocol

import socketio
from engineio.async_socket import AsyncSocket
from engineio.packet import PING
from engineio.packet import Packet as EnginePacket
from socketio.packet import ACK, CONNECT_ERROR, Packet

from desktop_logs.core.errors import PeerError
from desktop_logs.core.wire import MAX_PACKET_BYTES
from desktop_logs.net.engine import TRANSPORT_LIMIT_BYTES, Engine
from desktop_logs.net.eventingest import Answer
from desktop_logs.net.fastpath import LogEvent, ShortWay
from desktop_logs.net.faults import PeerFaults, quiet_logger
from desktop_logs.net.guard import IS_PAGE
from desktop_logs.net.leaving import PATIENCE, Patience, Watch
from desktop_logs.net.limits import EVENTS_A_SECOND, Handshakes, Rate
from desktop_logs.net.outlet import Outlet
from desktop_logs.net.packets import NO_NAMESPACE, NO_PACKET, WRONG_ATTACHMENTS, ClientPacket, check_event
from desktop_logs.tasks import Tasks

MAX_ATTACHMENTS = 64
MAX_CONNECT_CHARACTERS = 10_000  # of what comes with CONNECT: a token and a position

_CONNECT = "0"
_BINARY = ("5", "6")
_EVENT_HEAD = re.compile(r"2(?:/[^,]*,)?(\d{1,15})?\[")


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
            serializer=ClientPacket,
            logger=quiet_logger("desktop_logs.socketio", faults),
            engineio_logger=quiet_logger("desktop_logs.engineio", faults),
        )
        self.peers: Peers
        self.watch = Watch(self.eio.sockets, self.eio.cut, patience)
        self.handshakes = Handshakes(self._late)
        self._rates: dict[str, Rate] = {}

    def open_outlet(self, eio_sid: str) -> Outlet | None:
        """The way out to a client; None when it has gone."""
        socket = self.eio.sockets.get(eio_sid)
        return Outlet(socket, functools.partial(self.eio.cut, eio_sid)) if socket is not None else None

    def _open_short_way(self, socket: AsyncSocket) -> ShortWay:
        pinged_s = time.monotonic()

        def take(events: list[LogEvent]) -> asyncio.Future[Any] | None:
            nonlocal pinged_s
            if socket.last_ping:
                # Who sends is alive: the answer to a ping stands behind all that it has sent before. engineio sends
                # the next ping when it has that answer, and a client closes that has had none for too long.
                socket.last_ping = time.time()
                if time.monotonic() - pinged_s >= self.eio.ping_interval:
                    pinged_s = time.monotonic()
                    socket.queue.put_nowait(EnginePacket(PING))
            return self.peers.logs(socket.sid, events)

        def is_connected() -> bool:
            sid = self.manager.sid_from_eio_sid(socket.sid, "/")
            return sid is not None and self.manager.is_connected(sid, "/")

        return ShortWay(take, MAX_PACKET_BYTES, self.logger, is_open=is_connected)

    def _engineio_server_class(self) -> Callable[..., Engine]:
        return functools.partial(
            Engine,
            self._tasks,
            self._patience,
            self._faults,
            self._open_short_way,
            lambda eio_sid: self.handshakes.is_waiting_for(eio_sid),
        )

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
        self._faults.add("A client did not send CONNECT in time, or while many others came.")
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
            self._faults.add(NO_NAMESPACE)
        elif self.manager.sid_from_eio_sid(eio_sid, "/") is not None:
            # python-socketio would give it one more name for each, and keep them all.
            self._faults.add("A client that is connected sent CONNECT again.")
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
                self.eio.abort_connections(eio_sid)
            self.eio.release(eio_sid, socket.queue)

    def _left(self, eio_sid: str) -> None:
        """The client is sent nothing more. If only its namespace was left, it may connect again, as one that is new."""
        self.peers.gone(eio_sid)
        self._rates.pop(eio_sid, None)
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None and not socket.closing:
            self.handshakes.begin(eio_sid)

    async def _handle_eio_message(self, eio_sid: str, data: object) -> None:
        try:
            await self._take_message(eio_sid, data)
        except PeerError as wrong:
            self._binary_packet.pop(eio_sid, None)
            self._faults.add(str(wrong))

    async def _take_message(self, eio_sid: str, data: object) -> None:
        if eio_sid not in self.environ:
            return  # what stood behind its goodbye
        if not isinstance(data, str | bytes):
            raise PeerError(NO_PACKET)  # JSON without a type before it, which engineio has decoded
        if not isinstance(data, bytes) and self._binary_packet.pop(eio_sid, None) is not None:
            # python-socketio would take it for one of them.
            self._faults.add(WRONG_ATTACHMENTS)
        if isinstance(data, bytes):
            await self._handle_attachment(eio_sid, data)
        elif data.startswith(_CONNECT) and not self._is_readable(data):
            error = Packet(CONNECT_ERROR, data={"message": "What came with CONNECT cannot be read as JSON."})
            await self._send_packet(eio_sid, error)
        elif data.startswith(_BINARY) and self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            self._faults.add("A client sent an event before CONNECT.")
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
        except (ValueError, PeerError):
            self._faults.add("A client sent a CONNECT that cannot be read.")
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

    async def _handle_event(
        self,
        eio_sid: str,
        namespace: str | None,
        id: int | None,  # noqa: A002  # the name is python-socketio's
        data: Any,
    ) -> None:
        check_event(data)
        await super()._handle_event(eio_sid, namespace, id, data)

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
        self._faults.add(f"A client sent over {EVENTS_A_SECOND:.0f} events a second that are no entries, and was cut.")
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
