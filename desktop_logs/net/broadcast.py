"""Records to version 1 viewers: each is a cursor into the ring, not a queue. Knows no HTTP and no handshake."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from engineio.base_socket import BaseSocket
from engineio.exceptions import EngineIOError
from engineio.packet import MESSAGE, Packet

from desktop_logs.core.errors import Evicted
from desktop_logs.core.hub import Hub
from desktop_logs.core.records import Record
from desktop_logs.core.wire import SNAPSHOT_RECORDS, encode_v1_log, encode_v1_logs

# engineio keeps an unbounded queue a client. So much is put there at most; the rest waits in the ring.
MAX_QUEUED_PACKETS = 1_000
MAX_QUEUED_BYTES = 4_000_000
SLICE_RECORDS = 200  # about 2 ms of encoding and queueing between two turns of the loop
SLICE_BYTES = 500_000
RETRY_S = 0.05  # how soon a viewer whose queue was full is looked at again
# aiohttp's client, and so every python-socketio viewer, drops the connection at a message of 4 MiB.
MAX_SNAPSHOT_BYTES = 3_000_000


class _Viewer:
    """One client: its place in the ring, and what of it waits in engineio's queue."""

    def __init__(self, socket: BaseSocket, cursor: int) -> None:
        self.socket = socket
        self.cursor = cursor
        self.wants_snapshot = False
        self._sizes: deque[int] = deque()
        self._queued_bytes = 0

    @property
    def has_room(self) -> bool:
        """True while more may be queued."""
        queued = self.socket.queue.qsize()
        while len(self._sizes) > queued:
            self._queued_bytes -= self._sizes.popleft()
        return queued < MAX_QUEUED_PACKETS and self._queued_bytes < MAX_QUEUED_BYTES

    async def send(self, packet: Packet) -> bool:
        """Queue *packet*; False when the client turns out to be gone."""
        if self.socket.closed or self.socket.closing:
            return False
        try:
            await self.socket.send(packet)
        except EngineIOError:
            return False
        self._sizes.append(len(packet.data))
        self._queued_bytes += len(packet.data)
        return True


class Broadcaster:
    """Sends every record as a `log` event to every admitted viewer that keeps up; who does not, catches up later."""

    def __init__(self, hub: Hub, clock_ns: Callable[[], int]) -> None:
        self._hub = hub
        self._clock_ns = clock_ns
        self._viewers: dict[str, _Viewer] = {}
        self._news = asyncio.Event()
        self.skipped = 0
        """Records that left the ring before a slow viewer could take them, summed over viewers."""

    @property
    def viewers(self) -> frozenset[str]:
        """The Engine.IO ids of the viewers admitted."""
        return frozenset(self._viewers)

    def admit(self, eio_sid: str, socket: BaseSocket) -> None:
        """Send *socket* everything from now on."""
        self._viewers[eio_sid] = _Viewer(socket, self._hub.head)

    def dismiss(self, eio_sid: str) -> None:
        """Forget a viewer that has gone."""
        self._viewers.pop(eio_sid, None)

    def wake(self) -> None:
        """There are new records."""
        self._news.set()

    def ask(self, eio_sid: str) -> None:
        """Answer `requestLogs` soon: the newest 500, or what of them fits, as one `logs` event. The viewer replaces
        what it holds, so what was still on its way to it is not sent again. Asked twice before that is asked once."""
        viewer = self._viewers.get(eio_sid)
        if viewer is not None:
            viewer.wants_snapshot = True
            self._news.set()

    async def run(self) -> None:
        """Serve the viewers until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            # A full queue has no event to wait for: engineio tells nobody when it has sent.
            while await self._serve_all():  # noqa: ASYNC110
                await asyncio.sleep(RETRY_S)

    async def _serve_all(self) -> bool:
        """Send each viewer what it can take; True while one is left behind by a full queue."""
        blocked = False
        progressed = True
        while progressed:
            progressed = blocked = False
            encoded: dict[int, Packet] = {}
            for eio_sid, viewer in list(self._viewers.items()):
                if viewer.cursor >= self._hub.ring.head and not viewer.wants_snapshot:
                    continue
                if not viewer.has_room:
                    blocked = True
                elif await self._serve(viewer, encoded):
                    progressed = True
                else:
                    # Its fault, and gone: the others must not notice.
                    self.dismiss(eio_sid)
            await asyncio.sleep(0)
        return blocked

    async def _serve(self, viewer: _Viewer, encoded: dict[int, Packet]) -> bool:
        """Send a snapshot or a slice; False when the viewer is gone."""
        if viewer.wants_snapshot:
            viewer.wants_snapshot = False
            records = self._hub.ring.latest(SNAPSHOT_RECORDS)
            viewer.cursor = self._hub.ring.head
            return await viewer.send(_event("logs", encode_v1_logs(records, self._clock_ns(), MAX_SNAPSHOT_BYTES)))
        try:
            records = self._hub.ring.since(viewer.cursor, SLICE_RECORDS)
        except Evicted as evicted:
            self.skipped += evicted.first_seq - 1 - viewer.cursor
            viewer.cursor = evicted.first_seq - 1
            return True
        size = 0
        for record in records:
            # A Packet keeps its own encoding, so viewers at the same place share the work.
            packet = encoded.get(record.seq)
            if packet is None:
                packet = encoded[record.seq] = self._log_event(record)
            if not await viewer.send(packet):
                return False
            viewer.cursor = record.seq
            size += len(packet.data)
            if size > SLICE_BYTES or not viewer.has_room:
                break
        return True

    def _log_event(self, record: Record) -> Packet:
        return _event("log", encode_v1_log(record, self._clock_ns()))


def _event(name: str, payload: bytes) -> Packet:
    # "2" is Socket.IO's EVENT packet in the default namespace (socket.io-protocol v5).
    return Packet(MESSAGE, data=f'2["{name}",{payload.decode()}]')
