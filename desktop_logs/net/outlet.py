"""The way out to one client, over a WebSocket or by polling: messages encoded once for all who get them, and how much
of them may wait. Knows no records. What it leans on in engineio is listed in tests/net/test_outlet.py."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from engineio.packet import MESSAGE, Packet

MAX_BUFFERED_BYTES: Final = 1_000_000
"""A WebSocket takes more while fewer bytes than this wait to be sent over it."""
# python-engineio's client refuses a polling answer of more than 16 packets, and with it the connection.
MAX_POLLED_PACKETS: Final = 16
# So many of them may be ours: one place is left for a ping or an acknowledgement.
MAX_POLLED_MESSAGES: Final = MAX_POLLED_PACKETS - 1
MAX_POLLED_BYTES: Final = 1_000_000


class Frames:
    """Socket.IO packets in their order (`2["log",…]`), shared by all clients that are sent them."""

    __slots__ = ("messages", "size", "wire")

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = messages
        self.wire = b"".join(map(_text_frame, messages))
        """All of them as WebSocket frames."""
        self.size = len(self.wire)
        """Bytes."""


class Way(Protocol):
    """What an outlet uses of an asyncio.Transport."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def is_closing(self) -> bool: ...
    def abort(self) -> None: ...


class Line(asyncio.Queue[Any]):
    """engineio's queue of one client, which knows what has left it, and the WebSocket that it leads to.

    One of engineio's tasks takes from it: a WebSocket's writer, which comes again when all is written, or the request
    with which a client polls, which is given MAX_POLLED_PACKETS at most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.way: Way | None = None
        """Where the client's WebSocket writes to; None before it has one."""
        self.messages = 0
        """How many messages of ours wait here, or are in the hands of who took them."""
        self.message_bytes = 0
        self.passed_bytes = 0
        """So much was given to the WebSocket's transport, or fetched by a polling client, since the beginning."""
        self.on_room: Callable[[], None] = _nobody
        self.pinging: asyncio.Task[Any] | None = None
        """engineio's task that asks the client for the next sign of life."""
        self._awaited = False
        self._given = 0  # to who takes from here at present
        self._given_ever = 0

    @property
    def has_waiting(self) -> bool:
        """True while the client has not taken all that is for it."""
        return not self.empty() or self.buffered_bytes > 0

    @property
    def taken(self) -> int:
        """Grows whenever the client takes something: bytes over a WebSocket, packets by polling."""
        return self._given_ever if self.way is None else self.passed_bytes - self.buffered_bytes

    @property
    def buffered_bytes(self) -> int:
        """What was written to the WebSocket's transport and has not left; 0 without one."""
        # A TLS transport that was closed twice has no answer to this.
        return 0 if self.way is None or self.way.is_closing() else self.way.get_write_buffer_size()

    @property
    def is_idle(self) -> bool:
        """True when all that was ever put here has been written to the WebSocket."""
        return self._awaited and self.empty()

    async def get(self) -> Any:
        self._given = 0
        self._awaited = True
        try:
            return await super().get()
        finally:
            self._awaited = False

    def get_nowait(self) -> Any:
        if self._given >= MAX_POLLED_PACKETS:
            raise asyncio.QueueEmpty
        packet = super().get_nowait()
        self._given += 1
        self._given_ever += 1
        return packet

    def lead_to(self, way: Way | None) -> None:
        """The client has opened a WebSocket. One that it opened before, to see whether that is possible, is cut."""
        if self.way is not None:
            self.way.abort()
        self.way = way

    def write(self, frames: Frames) -> None:
        """Write to the WebSocket, which there is."""
        assert self.way is not None
        self.way.write(frames.wire)
        self.passed_bytes += frames.size

    def passed(self, size: int) -> None:
        """A message of ours has left."""
        self.messages -= 1
        self.message_bytes -= size
        self.passed_bytes += size
        if not self.messages:
            self.on_room()


class EngineSocket(Protocol):
    """What an outlet uses of engineio's AsyncSocket."""

    queue: Line
    upgraded: bool
    closing: bool
    closed: bool


class Outlet:
    """What leaves for one client, in the order of `send`. Nothing waits beyond the bounds: who has more asks
    `has_room` again, at the latest when `on_room` calls."""

    def __init__(self, socket: EngineSocket, cut: Callable[[], None]) -> None:
        """*cut* ends the connection without waiting for the client."""
        self._socket = socket
        self._line = socket.queue
        self.cut = cut
        """End the connection at once, whatever waits; the client is told nothing. Does nothing once it is gone."""

    @property
    def is_open(self) -> bool:
        """False once the client is gone, or going."""
        way = self._line.way
        return not (self._socket.closed or self._socket.closing or (way is not None and way.is_closing()))

    @property
    def is_polling(self) -> bool:
        """True while the client has no WebSocket: it takes MAX_POLLED_MESSAGES at a time."""
        return not self._socket.upgraded

    @property
    def has_room(self) -> bool:
        """True while more may be sent."""
        line = self._line
        if self._socket.upgraded and line.way is not None:
            return line.buffered_bytes + line.message_bytes < MAX_BUFFERED_BYTES
        return line.messages < MAX_POLLED_MESSAGES and line.message_bytes < MAX_POLLED_BYTES

    @property
    def on_room(self) -> Callable[[], None]:
        """Called when a client that polls has fetched all that waited for it. (A WebSocket tells nobody.)"""
        return self._line.on_room

    @on_room.setter
    def on_room(self, tell: Callable[[], None]) -> None:
        self._line.on_room = tell

    def send(self, frames: Frames) -> None:
        """Send all of *frames*, whatever room there is; nothing once the client is gone."""
        if not self.is_open:
            return
        line = self._line
        if not self._socket.upgraded or line.way is None:
            for message in frames.messages:
                self._queue(_Message(line, message))
        elif line.is_idle:
            line.write(frames)
        else:
            # Behind what engineio has for this client: the answer to CONNECT, what was meant for polling.
            self._queue(_Wire(line, frames))

    def _queue(self, packet: _Message | _Wire) -> None:
        self._line.messages += 1
        self._line.message_bytes += packet.size
        self._line.put_nowait(packet)


class _Message(Packet):  # type: ignore[misc]  # engineio ships no types
    """A message in engineio's queue. It is encoded once, when it leaves."""

    def __init__(self, line: Line, message: str) -> None:
        super().__init__(MESSAGE, data=message)
        self.size = len(message)
        self._line = line

    def encode(self, b64: bool = False) -> str:
        encoded: str = super().encode(b64)
        self._line.passed(self.size)
        return encoded


class _Wire(Packet):  # type: ignore[misc]
    """Frames in engineio's queue, for HubWebSocket.send."""

    def __init__(self, line: Line, frames: Frames) -> None:
        super().__init__(MESSAGE, data="")
        self.size = frames.size
        self._line = line
        self._frames = frames

    def encode(self, b64: bool = False) -> Frames:
        self._line.passed(self.size)
        return self._frames


def event(name: str, payload: bytes, ack_id: int | None = None) -> str:
    """A Socket.IO EVENT of the default namespace (socket.io-protocol v5); *ack_id* asks for an acknowledgement."""
    return f'2{"" if ack_id is None else ack_id}["{name}",{payload.decode()}]'


def _text_frame(message: str) -> bytes:
    """The Engine.IO MESSAGE as a server sends it over a WebSocket: one frame, unmasked, not compressed (RFC 6455)."""
    data = message.encode()
    size = len(data) + 1  # Engine.IO's "4" before it
    if size < 126:
        return b"\x81%c4%b" % (size, data)
    if size < 65_536:
        return b"\x81\x7e%b4%b" % (_pack_short(size), data)
    return b"\x81\x7f%b4%b" % (_pack_long(size), data)


_pack_short = struct.Struct("!H").pack
_pack_long = struct.Struct("!Q").pack


def _nobody() -> None:
    """Who would be told of room."""
