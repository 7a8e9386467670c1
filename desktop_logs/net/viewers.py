"""Version 2 viewers at a hub: each is a cursor with credit, told what it missed. How batches are made stands in
batches, what the ring no longer has in catchingup; knows no HTTP and no handshake."""

from __future__ import annotations

import asyncio

import msgspec

from desktop_logs.core.errors import Evicted, TooSlow
from desktop_logs.core.history import History
from desktop_logs.core.hub import Hub
from desktop_logs.core.query import Query
from desktop_logs.core.viewing import MAX_UNANSWERED, Gap, GapReason, Hello, Newest, Position, Subscribe
from desktop_logs.net.batches import Batches, Cut, Selection
from desktop_logs.net.catchingup import CatchUp
from desktop_logs.net.leaving import PATIENCE
from desktop_logs.net.outlet import Frames, Outlet, event
from desktop_logs.tasks import Tasks

GATHER_S = 0.005
"""Records that come within this time go out together."""
RETRY_S = 0.05
"""How soon a WebSocket that was full is looked at again: it tells nobody when it has room."""


class _Gone(Exception):
    """The viewer is gone, or was cut."""


class _Viewer:
    """One client, and what it has not answered yet."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.unanswered: set[int] = set()
        self.answered = asyncio.Event()
        self.following: asyncio.Task[None] | None = None
        outlet.on_room = self.answered.set

    def tell(self, name: str, payload: bytes) -> None:
        """Send an event that needs no answer."""
        self.outlet.send(Frames([event(name, payload)]))


class Viewers:
    """Sends to each viewer what it has subscribed to, as fast as it answers."""

    def __init__(
        self,
        hub: Hub,
        tasks: Tasks,
        *,
        name: str,
        version: str,
        history: History | None = None,
        has_search: bool = False,
        stall_s: float = PATIENCE.stall_s,
    ) -> None:
        """*history* is asked for what the ring no longer has, and by nobody else: who resumes must not wait for a
        search. *has_search* says whether `search` is answered. A viewer that answers nothing for *stall_s*, though it
        has as much unanswered as it may, is cut."""
        self._hub = hub
        self._tasks = tasks
        self._name = name
        self._version = version
        self._has_search = has_search
        self._stall_s = stall_s
        self._batches = Batches(hub)
        self._catch_up = CatchUp(hub, history, self._batches)
        self._viewers: dict[str, _Viewer] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self._gathering: asyncio.TimerHandle | None = None
        self.dropped_slow = 0
        """Numbers that left the ring before a viewer could take them, summed over viewers."""
        self.dropped_evicted = 0
        """Numbers that were asked for and that neither ring nor history had, summed over viewers."""
        self.cut = 0
        """Viewers that were cut, since they answered nothing."""

    @property
    def greeted(self) -> frozenset[str]:
        """The Engine.IO ids of the viewers admitted."""
        return frozenset(self._viewers)

    @property
    def subscribed(self) -> frozenset[str]:
        """The Engine.IO ids of those that are sent something."""
        return frozenset(eio_sid for eio_sid, viewer in self._viewers.items() if viewer.following is not None)

    def admit(self, eio_sid: str, outlet: Outlet, resume: Position | None = None) -> None:
        """Greet the client; with *resume* send it what came after that."""
        viewer = self._viewers[eio_sid] = _Viewer(outlet)
        hub = self._hub
        hello = Hello(self._name, self._version, hub.epoch, hub.head, hub.oldest, self._has_search)
        viewer.tell("hello", hello.encode())
        if resume is not None:
            self._follow(viewer, Subscribe(Query(), resume))

    def dismiss(self, eio_sid: str) -> None:
        """Forget a viewer that has gone."""
        viewer = self._viewers.pop(eio_sid, None)
        if viewer is not None and viewer.following is not None:
            viewer.following.cancel()

    def subscribe(self, eio_sid: str, subscribe: Subscribe) -> None:
        """Send the client what it wants from now on instead of what it wanted before: not before the caller returns."""
        viewer = self._viewers.get(eio_sid)
        if viewer is not None:
            self._follow(viewer, subscribe)

    def acknowledged(self, eio_sid: str, ack_id: int) -> None:
        """The client has answered a batch."""
        viewer = self._viewers.get(eio_sid)
        if viewer is not None:
            viewer.unanswered.discard(ack_id)
            viewer.answered.set()

    def wake(self) -> None:
        """There are new records."""
        if self._waiting and self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._wake)

    def stop(self) -> None:
        """Send nothing more to anyone."""
        if self._gathering is not None:
            self._gathering.cancel()
        for eio_sid in tuple(self._viewers):
            self.dismiss(eio_sid)

    def _wake(self) -> None:
        self._gathering = None
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _follow(self, viewer: _Viewer, subscribe: Subscribe) -> None:
        if viewer.following is not None:
            viewer.following.cancel()  # what is unanswered of it still counts
        # Now, and not when the task has its turn: the head was told, and all after it is owed.
        seq = self._start(viewer, subscribe)
        viewer.following = self._tasks.start(self._serve(viewer, subscribe.query, seq), "send to a viewer")

    def _start(self, viewer: _Viewer, subscribe: Subscribe) -> int:
        """The number after which the viewer is owed everything."""
        start = subscribe.start
        if start == "tail":
            return self._hub.head
        if start == "ring":
            return self._hub.oldest - 1
        if isinstance(start, Newest):
            newest = self._hub.ring.latest(start.count)
            return newest[0].seq - 1 if newest else self._hub.head
        if start.epoch != self._hub.epoch or start.seq > self._hub.head:
            # Or the same epoch, and numbers that this hub has not given: they were lost, and mean nothing here.
            self._miss(viewer, start.epoch, start.seq + 1, start.seq + 1, "epoch")
            return self._hub.oldest - 1
        return start.seq

    async def _serve(self, viewer: _Viewer, query: Query, seq: int) -> None:
        selection = self._batches.selection(query)
        # Until it has once been as far as the hub it was away, not slow: what the ring loses meanwhile it gets as well.
        is_away = seq < self._hub.head
        try:
            while True:
                if is_away:
                    seq = await self._come_back(viewer, selection, seq)
                try:
                    seq = await self._next(viewer, selection, seq)
                except Evicted as evicted:
                    if not is_away:
                        last = evicted.first_seq - 1
                        self._miss(viewer, self._hub.epoch, seq + 1, last, "slow")
                        seq = last
                is_away = is_away and seq < self._hub.head
        except _Gone:
            viewer.following = None
        except TooSlow as slow:
            # What it would have selected nobody knows.
            viewer.following = None
            viewer.tell("unsubscribed", msgspec.json.encode({"error": str(slow)}))

    async def _come_back(self, viewer: _Viewer, selection: Selection, seq: int) -> int:
        """Send what comes after *seq* and the ring no longer has; the number that was reached."""
        async for found in self._catch_up.after(seq, selection, lambda: self._has_credit(viewer)):
            if isinstance(found, Cut):
                self._send(viewer, found)
                seq = found.last
            else:
                self._miss(viewer, self._hub.epoch, found.start, found.stop - 1, "evicted")
                seq = found.stop - 1
        return seq

    async def _next(self, viewer: _Viewer, selection: Selection, seq: int) -> int:
        """Send what comes after *seq*, as soon as there is something; the number that was reached. Raises Evicted."""
        await self._has_news(seq)
        await self._has_credit(viewer)
        cut = await self._batches.after(seq, selection)
        while not cut.is_worth_sending:
            await self._has_news(cut.last)
            cut = await self._batches.after(seq, selection)
        self._send(viewer, cut)
        return cut.last

    def _send(self, viewer: _Viewer, cut: Cut) -> None:
        ack_id, frames = self._batches.frames(cut)
        viewer.unanswered.add(ack_id)
        viewer.outlet.send(frames)

    def _miss(self, viewer: _Viewer, epoch: str, first: int, last: int, reason: GapReason) -> None:
        if reason == "slow":
            self.dropped_slow += last - first + 1
        elif reason == "evicted":
            self.dropped_evicted += last - first + 1
        viewer.tell("gap", Gap(epoch, first, last, reason).encode())

    async def _has_news(self, seq: int) -> None:
        """Wait until the ring has a record after *seq*."""
        while self._hub.ring.head <= seq:
            news = asyncio.get_running_loop().create_future()
            self._waiting.add(news)
            try:
                await news
            finally:
                self._waiting.discard(news)

    async def _has_credit(self, viewer: _Viewer) -> None:
        """Wait until the viewer may be sent a batch. Raises _Gone."""
        loop = asyncio.get_running_loop()
        frozen_s = loop.time() + self._stall_s
        while viewer.outlet.is_open:
            has_credit = len(viewer.unanswered) < MAX_UNANSWERED
            if has_credit and viewer.outlet.has_room:
                return
            left_s = frozen_s - loop.time()
            if left_s <= 0:
                self.cut += 1
                viewer.outlet.cut()
                raise _Gone
            viewer.answered.clear()
            try:
                async with asyncio.timeout(min(left_s, RETRY_S) if has_credit else left_s):
                    await viewer.answered.wait()
            except TimeoutError:
                continue
            frozen_s = loop.time() + self._stall_s
        raise _Gone
