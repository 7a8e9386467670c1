"""The way out to one client: messages encoded once for all who get them, and how much of them may wait. No records."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engineio.async_socket import AsyncSocket
from engineio.packet import MESSAGE, Packet

# engineio keeps an unbounded queue a client. So much is put there at most.
MAX_QUEUED_PACKETS = 1_000
MAX_QUEUED_BYTES = 4_000_000


class Frames:
    """Socket.IO packets in their order (`2["log",…]`), shared by all clients that are sent them."""

    def __init__(self, messages: Sequence[str]) -> None:
        self.packets = [Packet(MESSAGE, data=message) for message in messages]
        self.size = sum(map(len, messages))
        """Characters."""


class Outlet:
    """What leaves for one client. Nothing waits here beyond the bounds: who has more asks `has_room` again."""

    def __init__(self, socket: AsyncSocket) -> None:
        self._socket = socket
        self._sizes: deque[int] = deque()
        self._queued_bytes = 0

    @property
    def is_open(self) -> bool:
        """False once the client is gone, or going."""
        return not (self._socket.closed or self._socket.closing)

    @property
    def has_room(self) -> bool:
        """True while more may be sent."""
        queued = self._socket.queue.qsize()
        while len(self._sizes) > queued:
            self._queued_bytes -= self._sizes.popleft()
        return queued < MAX_QUEUED_PACKETS and self._queued_bytes < MAX_QUEUED_BYTES

    def send(self, frames: Frames) -> None:
        """Send all of *frames*, whatever room there is; nothing once the client is gone."""
        if not self.is_open:
            return
        for packet in frames.packets:
            self._socket.queue.put_nowait(packet)
            self._sizes.append(len(packet.data))
            self._queued_bytes += len(packet.data)


def event(name: str, payload: bytes, ack_id: int | None = None) -> str:
    """A Socket.IO EVENT of the default namespace (socket.io-protocol v5); *ack_id* asks for an acknowledgement."""
    return f'2{"" if ack_id is None else ack_id}["{name}",{payload.decode()}]'
