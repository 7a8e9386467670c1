"""Records to version 1 viewers: each is a cursor into the ring, not a queue. Knows no HTTP and no handshake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from desktop_logs.core.errors import Evicted
from desktop_logs.core.hub import Hub
from desktop_logs.core.records import Record
from desktop_logs.core.wire import SNAPSHOT_RECORDS, encode_v1_log, encode_v1_logs
from desktop_logs.net.outlet import Frames, Outlet, event

SLICE_RECORDS = 200  # about 2 ms of encoding and queueing between two turns of the loop
SLICE_BYTES = 500_000
RETRY_S = 0.05  # how soon a viewer whose queue was full is looked at again
# aiohttp's client, and so every python-socketio viewer, drops the connection at a message of 4 MiB.
MAX_SNAPSHOT_BYTES = 3_000_000


class _Viewer:
    """One client and its place in the ring."""

    def __init__(self, outlet: Outlet, cursor: int) -> None:
        self.outlet = outlet
        self.cursor = cursor
        self.wants_snapshot = False


class Broadcaster:
    """Sends every record as a `log` event to every admitted viewer that keeps up; who does not, catches up later."""

    def __init__(self, hub: Hub, clock_ns: Callable[[], int]) -> None:
        self._hub = hub
        self._clock_ns = clock_ns
        self._viewers: dict[str, _Viewer] = {}
        self._news = asyncio.Event()
        self.dropped_slow = 0
        """Records that left the ring before a slow viewer could take them, summed over viewers."""

    @property
    def viewers(self) -> frozenset[str]:
        """The Engine.IO ids of the viewers admitted."""
        return frozenset(self._viewers)

    def admit(self, eio_sid: str, outlet: Outlet) -> None:
        """Send the client everything from now on."""
        self._viewers[eio_sid] = _Viewer(outlet, self._hub.head)

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
            encoded: dict[int, Frames] = {}
            for eio_sid, viewer in list(self._viewers.items()):
                if viewer.cursor >= self._hub.ring.head and not viewer.wants_snapshot:
                    continue
                if not viewer.outlet.is_open:
                    # Its fault, and gone: the others must not notice.
                    self.dismiss(eio_sid)
                elif viewer.outlet.has_room:
                    self._serve(viewer, encoded)
                    progressed = True
                else:
                    blocked = True
            await asyncio.sleep(0)
        return blocked

    def _serve(self, viewer: _Viewer, encoded: dict[int, Frames]) -> None:
        """Send a snapshot or a slice."""
        if viewer.wants_snapshot:
            viewer.wants_snapshot = False
            records = self._hub.ring.latest(SNAPSHOT_RECORDS)
            viewer.cursor = self._hub.ring.head
            snapshot = event("logs", encode_v1_logs(records, self._clock_ns(), MAX_SNAPSHOT_BYTES))
            viewer.outlet.send(Frames([snapshot]))
            return
        try:
            records = self._hub.ring.since(viewer.cursor, SLICE_RECORDS)
        except Evicted as evicted:
            self.dropped_slow += evicted.first_seq - 1 - viewer.cursor
            viewer.cursor = evicted.first_seq - 1
            return
        size = 0
        for record in records:
            # Viewers at the same place share the work.
            frames = encoded.get(record.seq)
            if frames is None:
                frames = encoded[record.seq] = self._log_event(record)
            viewer.outlet.send(frames)
            viewer.cursor = record.seq
            size += frames.size
            if size > SLICE_BYTES or not viewer.outlet.has_room:
                break

    def _log_event(self, record: Record) -> Frames:
        return Frames([event("log", encode_v1_log(record, self._clock_ns()))])
