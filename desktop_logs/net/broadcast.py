"""Records to version 1 viewers: each is a cursor into the ring, not a queue. Knows no HTTP and no handshake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from engineio.base_socket import BaseSocket
from engineio.packet import MESSAGE, Packet

from desktop_logs.core.errors import Evicted
from desktop_logs.core.hub import Hub
from desktop_logs.core.records import Record
from desktop_logs.core.wire import SNAPSHOT_RECORDS, encode_v1_log, encode_v1_logs

# engineio keeps an unbounded queue a client. So many packets are put there at most; the rest waits in the ring.
MAX_QUEUED_PACKETS = 1_000
SLICE_RECORDS = 200  # about 2 ms of encoding and queueing between two turns of the loop
RETRY_S = 0.05  # how soon a viewer whose queue was full is looked at again
# aiohttp's client, and so every python-socketio viewer, drops the connection at a message of 4 MiB.
MAX_SNAPSHOT_BYTES = 3_000_000


@dataclass(slots=True)
class _Viewer:
    socket: BaseSocket
    cursor: int


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

    async def snapshot(self, eio_sid: str) -> None:
        """Answer `requestLogs`: the newest 500 as one `logs` event. The viewer replaces what it holds, so what was
        still on its way to it is not sent again."""
        viewer = self._viewers.get(eio_sid)
        if viewer is None:
            return
        records = self._hub.ring.latest(SNAPSHOT_RECORDS)
        while len(payload := encode_v1_logs(records, self._clock_ns())) > MAX_SNAPSHOT_BYTES and len(records) > 1:
            records = records[len(records) // 2 :]
        if records:
            self.skipped += max(records[0].seq - 1 - viewer.cursor, 0)
        viewer.cursor = self._hub.head
        await viewer.socket.send(_event("logs", payload))

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
                room = MAX_QUEUED_PACKETS - viewer.socket.queue.qsize()
                if viewer.socket.closed:
                    self.dismiss(eio_sid)
                elif viewer.cursor < self._hub.ring.head:
                    if room > 0:
                        await self._send_slice(viewer, min(room, SLICE_RECORDS), encoded)
                        progressed = True
                    else:
                        blocked = True
            await asyncio.sleep(0)
        return blocked

    async def _send_slice(self, viewer: _Viewer, limit: int, encoded: dict[int, Packet]) -> None:
        try:
            records = self._hub.ring.since(viewer.cursor, limit)
        except Evicted as evicted:
            self.skipped += evicted.first_seq - 1 - viewer.cursor
            viewer.cursor = evicted.first_seq - 1
            return
        for record in records:
            # A Packet keeps its own encoding, so viewers at the same place share the work.
            packet = encoded.get(record.seq)
            if packet is None:
                packet = encoded[record.seq] = self._log_event(record)
            await viewer.socket.send(packet)
        viewer.cursor = records[-1].seq

    def _log_event(self, record: Record) -> Packet:
        return _event("log", encode_v1_log(record, self._clock_ns()))


def _event(name: str, payload: bytes) -> Packet:
    # "2" is Socket.IO's EVENT packet in the default namespace (socket.io-protocol v5).
    return Packet(MESSAGE, data=f'2["{name}",{payload.decode()}]')
