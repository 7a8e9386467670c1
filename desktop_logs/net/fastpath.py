"""The short way of `log` and `logs` events: out of a WebSocket's frames straight to who takes them, a batch at a time.

engineio and python-socketio start a task and a timer for each message and decode it twice, which is half of what a
message costs. Here every frame that aiohttp has already taken from the socket is looked at in one go. A frame that is
plainly such an event is taken; every other one goes the libraries' own way, and nothing after it is taken before they
had it: order, acknowledgements, attachments, pings and faults stay theirs. Leans on what tests/net/test_fastpath.py
lists, which tells when a new version of a library has changed it.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
import types
from collections.abc import Callable, Coroutine, Generator
from logging import Logger
from typing import Any, Final, NamedTuple, TypeVar

import aiohttp
import msgspec
from aiohttp import WSMessage, WSMsgType, web
from aiohttp.web import WebSocketResponse
from engineio.async_drivers.aiohttp import WebSocket as DriverWebSocket
from engineio.async_socket import AsyncSocket

from desktop_logs.net.outlet import Frames, Line
from desktop_logs.net.packets import NO_ENGINE_PACKET

TURN_S = 0.003
"""So long frames are taken before others have their turn of the loop; a batch that is begun is finished."""
BATCH_EVENTS = 64  # of 10 µs each; larger ones save little more
BATCH_CHARACTERS = 64_000
# engineio ends a connection on which its own loop sees no message for ping interval and timeout together, 25 s. In a
# long burst a message goes its way so often.
LIBRARY_EVERY_S = 5.0
NO_WEBSOCKET_FRAME: Final = "A client sent what is no WebSocket frame, or too large a one."
CLOSE_TIMEOUT_S = 2.0
"""So long a client has to answer the closing frame."""

# Engine.IO's MESSAGE and Socket.IO's EVENT in the default namespace, in the one spelling that every client has.
HUB_HEAD: Final = re.compile(r'42([0-9]{1,15})?\["logs?"[,\]]')
FEED_HEAD: Final = re.compile(r'42([0-9]{1,15})?\["(?:logs?|logBatch|gap)"[,\]]')
# BINARY_EVENT and BINARY_ACK: so many messages that follow are theirs.
_ATTACHMENTS = re.compile(r"4[56]([0-9]{1,10})-")

_decode = msgspec.json.Decoder(list[Any]).decode

_T = TypeVar("_T")
Receive = Callable[[], Coroutine[Any, Any, WSMessage]]


class LogEvent(NamedTuple):
    """A `log` or `logs` event of the default namespace; from a version 2 hub also `logBatch` and `gap`."""

    name: str
    payload: object
    """Its first argument; None without one."""
    ack_id: int | None = None
    """What to acknowledge it by; None when nobody asks for that."""


Take = Callable[[list[LogEvent]], asyncio.Future[Any] | None]
"""Takes events, oldest first: some `log`, or one of another name. What it returns must be done before more of the same
connection is taken."""


def decode_event(frame: str, heads: re.Pattern[str] = HUB_HEAD) -> LogEvent | None:
    """The event in an Engine.IO *frame* that begins as *heads* has it, just as the libraries decode it; None when it
    must go their way.

    (An integer of more than 100 digits makes engineio drop the packet; here it is left to who refuses the entry.)
    """
    head = heads.match(frame)
    if head is None:
        return None
    ack_id = head[1]
    try:
        event = _decode(frame[2 + len(ack_id or "") :])
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None  # no JSON, or some that only Python's reader takes: NaN, a lone surrogate, a large exponent
    return LogEvent(event[0], event[1] if len(event) > 1 else None, None if ack_id is None else int(ack_id))


class ShortWay:
    """The short way of one connection. Whenever its reader waits, everything that came before has been taken."""

    def __init__(
        self,
        take: Take,
        max_characters: int,
        logger: Logger,
        *,
        heads: re.Pattern[str] = HUB_HEAD,
        is_open: Callable[[], bool] = lambda: True,
        clock_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Frames over *max_characters* go the libraries' way, and all while it is not open: they know what is wrong.
        *logger* is told of what goes wrong in *take*, as the libraries tell of what goes wrong in a handler."""
        self._take = take
        self._heads = heads
        self._is_open = is_open
        self._max_characters = max_characters
        self._logger = logger
        self._clock_s = clock_s
        self._batch: list[LogEvent] = []
        self._batch_characters = 0
        self._hold: asyncio.Future[Any] | None = None
        self._turn_ends_s = 0.0
        self._has_waited = False
        self._attachments_due = 0

    async def next_message(self, receive: Receive) -> WSMessage:
        """The next message that *receive* has for the library; the events before it have been taken."""
        # A client's library handles a message in a task of its own, which has had its turn after this one.
        await asyncio.sleep(0)
        try:
            return await self._take_events(receive)
        finally:
            self._give()  # what was taken from the socket before it failed, or before this was cancelled

    async def _take_events(self, receive: Receive) -> WSMessage:
        self._begin_turn()
        library_due_s = self._clock_s() + LIBRARY_EVERY_S
        while True:
            message = await _received(receive(), self._before_waiting)
            now_s = self._clock_s()
            if self._has_waited:
                self._begin_turn()
                await self._until_taken()
            event = self._event_in(message) if now_s < library_due_s else None
            if event is None or event.name != "log":  # a list is a batch by itself
                self._give()
                await self._until_taken()
            if event is None:
                self._count_attachments(message)
                return message
            self._batch.append(event)
            self._batch_characters += len(message.data)
            if len(message.data) > BATCH_CHARACTERS:
                await asyncio.sleep(0)  # decoding it was a turn's work
                self._begin_turn()
            is_over = now_s >= self._turn_ends_s
            is_full = len(self._batch) >= BATCH_EVENTS or self._batch_characters >= BATCH_CHARACTERS
            if is_over or is_full or event.name != "log":
                self._give()
                await self._until_taken()
                if self._clock_s() >= self._turn_ends_s:
                    await asyncio.sleep(0)
                    self._begin_turn()

    def _begin_turn(self) -> None:
        self._turn_ends_s = self._clock_s() + TURN_S
        self._has_waited = False

    def _event_in(self, message: WSMessage) -> LogEvent | None:
        if message.type is not WSMsgType.TEXT or self._attachments_due or len(message.data) > self._max_characters:
            return None
        event = decode_event(message.data, self._heads)
        # Asked for a batch at a time: nobody closes a connection between two events of one.
        return event if event is None or self._batch or self._is_open() else None

    def _count_attachments(self, message: WSMessage) -> None:
        if message.type is WSMsgType.BINARY or (message.type is WSMsgType.TEXT and message.data.startswith("4")):
            if self._attachments_due:
                self._attachments_due -= 1
            elif message.type is WSMsgType.TEXT and (head := _ATTACHMENTS.match(message.data)):
                self._attachments_due = int(head[1])

    def _before_waiting(self) -> None:
        self._give()
        self._has_waited = True

    def _give(self) -> None:
        if not self._batch:
            return
        batch, self._batch, self._batch_characters = self._batch, [], 0
        try:
            self._hold = self._take(batch)
        except Exception:
            # A fault here must not end the connection, as it would not in a handler.
            self._logger.exception("message handler error")

    async def _until_taken(self) -> None:
        if self._hold is not None:
            hold, self._hold = self._hold, None
            await asyncio.wait([hold])  # which neither cancels it with this connection nor raises what it raised
            self._begin_turn()


@types.coroutine
def _received(receiving: Coroutine[Any, Any, _T], before_waiting: Callable[[], None]) -> Generator[Any, Any, _T]:
    """What *receiving* returns. When that is not there at once, *before_waiting* is called before others have their
    turn of the loop: aiohttp does not tell how many frames are waiting."""
    try:
        waits_for = receiving.send(None)
        before_waiting()
        while True:
            try:
                sent = yield waits_for
            except BaseException as thrown:  # noqa: BLE001 - a cancellation; whoever waits decides what comes of it
                waits_for = receiving.throw(thrown)
            else:
                waits_for = receiving.send(sent)
    except StopIteration as received:
        result: _T = received.value
        return result


class HubWebSocket(DriverWebSocket):  # type: ignore[misc]  # engineio ships no types
    """engineio's WebSocket at a server, with the short way in it, which *server* opens for an Engine.IO socket, and
    with frames for all on the way out."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        self._client: AsyncSocket = handler.__self__
        self._line: Line = self._client.queue
        self._short_way: ShortWay = server.open_short_way(self._client)

    async def __call__(self, environ: dict[str, Any]) -> WebSocketResponse:
        """Serve the connection until its end."""
        request: web.Request = environ["aiohttp.request"]
        # Compressed, a frame would be another one for each client; and logs go to this machine, or over a quick net.
        self._sock = WebSocketResponse(
            compress=False, max_msg_size=self.server.max_http_buffer_size, timeout=CLOSE_TIMEOUT_S
        )
        try:
            await self._sock.prepare(request)
        except web.HTTPException:
            if not self._client.connected:  # engineio would wait for it until the next ping is due
                await self._end()
            raise
        self.environ = environ
        way = request.transport
        self._line.lead_to(way)
        try:
            await self.handler(self)
        except Exception:  # noqa: BLE001 - whatever engineio raises there, it is the frame's
            # engineio decodes what came outside of what it guards, and would leave the session as it is.
            self.server.faults.add(NO_ENGINE_PACKET)
            if self._client.upgraded:
                await self._end()
        finally:
            if not self._client.upgraded:
                self._line.lead_back(way)
                self._client.upgrading = False  # engineio would answer its polling with nothing for ever
        return self._sock

    async def _end(self) -> None:
        await self._client.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)

    async def send(self, message: str | bytes | Frames) -> None:
        """Send what engineio's writer took from the client's line."""
        if isinstance(message, Frames):
            self._line.write(message)
            return
        self._line.passed_bytes += len(message)
        if isinstance(message, str):
            await self._sock.send_str(message)
        else:
            await self._sock.send_bytes(message)

    async def wait(self) -> str | bytes:
        """The next frame for engineio. Raises OSError at the end, and for an empty frame, over which it would trip
        without cleaning up."""
        data = (await self._short_way.next_message(self._sock.receive)).data
        if isinstance(data, aiohttp.WebSocketError):
            self.server.faults.add(NO_WEBSOCKET_FRAME)
        elif data in ("", b""):
            self.server.faults.add(NO_ENGINE_PACKET)
        elif isinstance(data, str | bytes):
            return data
        raise OSError("the end, or nothing that could be read")


class FeedWebSocket(aiohttp.ClientWebSocketResponse):
    """aiohttp's WebSocket at a client, with the short way in it; `ws_response_class` takes one."""

    def __init__(self, short_way: ShortWay, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._short_way = short_way

    async def receive(self, timeout: float | None = None) -> WSMessage:
        """The next message that is not an event for us."""
        return await self._short_way.next_message(functools.partial(super().receive, timeout))
