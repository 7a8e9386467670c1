"""Records to version 1 viewers: each is a cursor into the ring, not a queue. Knows no HTTP and no handshake."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from desktop_logs.core.errors import Evicted
from desktop_logs.core.hub import Hub
from desktop_logs.core.wire import SNAPSHOT_RECORDS, encode_v1_entry, join_v1_logs
from desktop_logs.net.outlet import MAX_POLLED_MESSAGES, Frames, Outlet, event

SLICE_RECORDS: Final = 256
"""So many records are encoded and joined at most: 2 ms. Slices end at multiples of it, wherever they begin, so that
viewers that lag by different numbers soon share them."""
SLICE_BYTES: Final = 500_000
CACHE_BYTES: Final = 8_000_000
CACHE_SLICES: Final = 64
TURN_S: Final = 0.002
"""So long viewers are served before others have their turn of the loop; a slice that is begun is finished."""
TICK_S: Final = 0.005
"""How soon after the last time viewers are served again: what comes meanwhile is one write to each of them."""
# A WebSocket's transport tells nobody when it has room: a viewer without is looked at so soon, then twice as late
# each time. One that is frozen costs four looks a second until it is cut.
FIRST_RETRY_S: Final = 0.01
LAST_RETRY_S: Final = 0.25
# aiohttp's client, and so every python-socketio viewer, drops the connection at a message of 4 MiB.
MAX_SNAPSHOT_BYTES: Final = 3_000_000


@dataclass(frozen=True, slots=True)
class _Slice:
    """The `log` events of the records after one number up to *last*."""

    frames: Frames
    last: int
    is_whole: bool
    """False when it ends where the ring ended then."""


@dataclass(slots=True, eq=False)
class _Viewer:
    """One client and its place in the ring."""

    outlet: Outlet
    cursor: int
    wants_snapshot: bool = False
    retry_s: float = FIRST_RETRY_S
    look_at_s: float = 0.0
    """When it is looked at again, as long as it has no room."""


class Broadcaster:
    """Sends every record as a `log` event to every admitted viewer that keeps up; who does not, catches up later."""

    def __init__(self, hub: Hub, clock_ns: Callable[[], int]) -> None:
        self._hub = hub
        self._clock_ns = clock_ns
        self._viewers: dict[str, _Viewer] = {}
        self._due = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = math.inf
        self._served_s = 0.0
        self._slices: dict[tuple[int, int], _Slice] = {}  # by cursor and how many records at most; the oldest first
        self._cached_bytes = 0
        self._snapshot: tuple[int, Frames] | None = None
        self._turn_ends_s = 0.0
        # The ring's head when this round through the viewers began: a slice up to there is good for all of them.
        self._round_head = 0
        self.dropped_slow = 0
        """Records that left the ring before a slow viewer could take them, summed over viewers."""

    @property
    def viewers(self) -> frozenset[str]:
        """The Engine.IO ids of the viewers admitted."""
        return frozenset(self._viewers)

    def admit(self, eio_sid: str, outlet: Outlet) -> None:
        """Send the client everything from now on."""
        outlet.on_room = self._due.set
        self._viewers[eio_sid] = _Viewer(outlet, self._hub.head)

    def dismiss(self, eio_sid: str) -> None:
        """Forget a viewer that has gone."""
        self._viewers.pop(eio_sid, None)

    def wake(self) -> None:
        """There are new records."""
        self._serve_by(self._served_s + TICK_S)

    def ask(self, eio_sid: str) -> None:
        """Answer `requestLogs` soon: the newest 500, or what of them fits, as one `logs` event. The viewer replaces
        what it holds, so what was still on its way to it is not sent again. Asked twice before that is asked once."""
        viewer = self._viewers.get(eio_sid)
        if viewer is not None:
            viewer.wants_snapshot = True
            self._due.set()

    async def run(self) -> None:
        """Serve the viewers until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._due.wait()
            self._due.clear()
            self._served_s = self._loop.time()
            retry_s = await self._serve_all()
            if retry_s is not None:
                self._serve_by(self._loop.time() + retry_s)

    def _serve_by(self, at_s: float) -> None:
        """Serve the viewers at that time of the loop, unless they are served before."""
        if self._loop is None:
            self._due.set()
        elif at_s < self._timer_at_s:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at_s = at_s
            self._timer = self._loop.call_at(at_s, self._timer_ends)

    def _timer_ends(self) -> None:
        self._timer, self._timer_at_s = None, math.inf
        self._due.set()

    async def _serve_all(self) -> float | None:
        """Send each viewer what it can take. In how many seconds to look again; None when none is left behind."""
        self._turn_ends_s = time.perf_counter() + TURN_S
        is_left = True
        while is_left:
            is_left = False
            self._round_head = self._hub.ring.head
            for eio_sid, viewer in list(self._viewers.items()):
                if not self._is_behind(viewer) or self._viewers.get(eio_sid) is not viewer:
                    continue  # or dismissed while others had their turn
                if not viewer.outlet.is_open:
                    # Its fault, and gone: the others must not notice.
                    self.dismiss(eio_sid)
                elif viewer.outlet.has_room:
                    viewer.retry_s, viewer.look_at_s = FIRST_RETRY_S, 0.0
                    await self._serve(viewer)
                    is_left = is_left or self._is_behind(viewer)
                    await self._end_turn()
        now_s = time.perf_counter()
        waits_s = [self._next_look(viewer, now_s) for viewer in self._viewers.values() if self._is_behind(viewer)]
        return min(waits_s, default=None)

    def _is_behind(self, viewer: _Viewer) -> bool:
        return viewer.wants_snapshot or viewer.cursor < self._hub.ring.head

    def _next_look(self, viewer: _Viewer, now_s: float) -> float:
        """In how many seconds a viewer without room is looked at again."""
        if now_s >= viewer.look_at_s:
            viewer.look_at_s = now_s + viewer.retry_s
            viewer.retry_s = min(2 * viewer.retry_s, LAST_RETRY_S)
        return viewer.look_at_s - now_s

    async def _end_turn(self) -> None:
        if time.perf_counter() >= self._turn_ends_s:
            await asyncio.sleep(0)
            self._turn_ends_s = time.perf_counter() + TURN_S

    async def _serve(self, viewer: _Viewer) -> None:
        """Send a snapshot or a slice."""
        if viewer.wants_snapshot:
            viewer.wants_snapshot = False
            head, snapshot = await self._newest()
            viewer.cursor = head
            viewer.outlet.send(snapshot)
            return
        try:
            part = self._slice(viewer.cursor, MAX_POLLED_MESSAGES if viewer.outlet.is_polling else SLICE_RECORDS)
        except Evicted as evicted:
            self.dropped_slow += evicted.first_seq - 1 - viewer.cursor
            viewer.cursor = evicted.first_seq - 1
            return
        viewer.outlet.send(part.frames)
        viewer.cursor = part.last

    def _slice(self, cursor: int, max_records: int) -> _Slice:
        """What follows *cursor*, which is behind the head. Raises Evicted."""
        part = self._slices.get((cursor, max_records))
        if part is not None and (part.is_whole or part.last >= self._round_head):
            return part
        limit = max_records - cursor % max_records
        records = self._hub.ring.since(cursor, limit)
        messages: list[str] = []
        size = 0
        now_ns = self._clock_ns()
        for record in records:
            messages.append(event("log", self._hub.entries.v1_log(record, now_ns)))
            size += len(messages[-1])
            if size > SLICE_BYTES:
                break
        part = _Slice(Frames(messages), records[len(messages) - 1].seq, size > SLICE_BYTES or len(messages) == limit)
        self._keep(cursor, max_records, part)
        return part

    def _keep(self, cursor: int, max_records: int, part: _Slice) -> None:
        replaced = self._slices.pop((cursor, max_records), None)
        self._slices[cursor, max_records] = part
        self._cached_bytes += part.frames.size - (replaced.frames.size if replaced is not None else 0)
        while self._cached_bytes > CACHE_BYTES or len(self._slices) > CACHE_SLICES:
            oldest = self._slices.pop(next(iter(self._slices)))
            self._cached_bytes -= oldest.frames.size

    async def _newest(self) -> tuple[int, Frames]:
        """The newest records as a `logs` event, and the number up to which it goes."""
        head = self._hub.ring.head
        if self._snapshot is None or self._snapshot[0] != head:
            entries: list[bytes] = []
            size = 0
            for record in reversed(self._hub.ring.latest(SNAPSHOT_RECORDS)):
                entry = encode_v1_entry(record)
                size += len(entry) + 1
                if size > MAX_SNAPSHOT_BYTES:
                    break
                entries.append(entry)
                await self._end_turn()
            # 3 MB: each of these steps takes some ms of its own.
            payload = join_v1_logs(entries, self._clock_ns())
            await asyncio.sleep(0)
            message = event("logs", payload)
            await asyncio.sleep(0)
            self._snapshot = head, Frames([message])
        return self._snapshot
