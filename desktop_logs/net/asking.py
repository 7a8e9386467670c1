"""What version 2 viewers ask for over Socket.IO: subscribe, search, stats; each answered in one acknowledgement, and
with a sentence where it cannot be. What a subscription brings stands in viewers."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from desktop_logs.core.encoding import encode_numbered
from desktop_logs.core.errors import Evicted, PeerError, QueryError, StorageError
from desktop_logs.core.history import Found, History, Progress
from desktop_logs.core.hub import Hub
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import NS_PER_MS
from desktop_logs.core.viewing import Search, parse_search, parse_subscribe
from desktop_logs.core.wire import SNAPSHOT_RECORDS, encode_v1_entry, join_v1_logs
from desktop_logs.net.limits import Rate
from desktop_logs.net.outlet import Frames, Outlet, event
from desktop_logs.net.viewers import Viewers
from desktop_logs.tasks import Tasks

CALLS: Final = ("subscribe", "search", "stats")
CALLS_A_SECOND: Final = 20.0
CALLS_AT_ONCE: Final = 40.0
MAX_SEARCHES: Final = 4
"""Of one viewer, at a time."""
# aiohttp's client, and so every python-socketio viewer, drops the connection at a message of 4 MiB.
MAX_ANSWER_BYTES: Final = 3_000_000
SLICE_S: Final = 0.002
RETRY_S: Final = 0.05

TOO_OFTEN: Final = "This is asked too often. Wait a second, then ask again."
NO_HISTORY: Final = "This hub keeps no history. Start it without --no-history."
CANCELLED: Final = "The search was cancelled."

_encode_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Running:
    """A search that runs: what its viewer calls it, and where the answer goes."""

    id: int | None
    ack_id: int | None


class _Asker:
    """One viewer and the searches that run for it."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.rate = Rate(CALLS_A_SECOND, CALLS_AT_ONCE, time.monotonic)
        self.searches: dict[asyncio.Task[None], _Running] = {}
        self.is_owed_snapshot = False

    def answer(self, ack_id: int | None, payload: bytes) -> None:
        """Acknowledge the event with that id, if its sender wants that."""
        if ack_id is not None:
            # A Socket.IO ACK by the same way as batches, which it must not overtake.
            self.outlet.send(Frames([f"3{ack_id}[{payload.decode()}]"]))

    async def has_room(self) -> None:
        """Wait until a large answer may be sent, or nobody is there to get it."""
        while self.outlet.is_open and not self.outlet.has_room:  # noqa: ASYNC110  an outlet has no event for it
            await asyncio.sleep(RETRY_S)

    def refuse(self, ack_id: int | None, error: str, **more: int) -> None:
        """Answer that it cannot be done."""
        self.answer(ack_id, _encode_json({"ok": False, "error": error, **more}))


class Asking:
    """Answers the calls of version 2 viewers."""

    def __init__(
        self,
        hub: Hub,
        viewers: Viewers,
        tasks: Tasks,
        *,
        clock_ns: Callable[[], int],
        stats: Callable[[], Mapping[str, int]],
        history: History | None = None,
    ) -> None:
        """*history* answers searches; None where none is kept."""
        self._hub = hub
        self._viewers = viewers
        self._tasks = tasks
        self._clock_ns = clock_ns
        self._stats = stats
        self._history = history
        self._askers: dict[str, _Asker] = {}

    def admit(self, eio_sid: str, outlet: Outlet) -> None:
        """The client may ask."""
        self._askers[eio_sid] = _Asker(outlet)

    def dismiss(self, eio_sid: str) -> None:
        """The client has gone: what runs for it ends."""
        asker = self._askers.pop(eio_sid, None)
        if asker is not None:
            for search in tuple(asker.searches):
                search.cancel()

    def call(self, eio_sid: str, name: str, payload: object, ack_id: int | None) -> None:
        """The client sent the event *name*. Those that are none of ours are somebody else's."""
        asker = self._askers.get(eio_sid)
        if asker is None:
            return
        if name == "cancel":
            _cancel(asker, payload)
            return
        if name not in CALLS:
            return
        if not asker.rate.take():
            asker.refuse(ack_id, TOO_OFTEN)
            return
        try:
            if name == "subscribe":
                wanted = parse_subscribe(payload, self._clock_ns())
                asker.answer(ack_id, _encode_json({"ok": True, "head": self._hub.head}))
                self._viewers.subscribe(eio_sid, wanted)
            elif name == "search":
                self._search(asker, parse_search(payload, self._clock_ns()), ack_id)
            else:
                asker.answer(ack_id, _encode_json(self._stats()))
        except QueryError as wrong:
            asker.refuse(ack_id, str(wrong), position=wrong.position)
        except PeerError as wrong:
            asker.refuse(ack_id, str(wrong))

    def send_snapshot(self, eio_sid: str) -> None:
        """Answer `requestLogs`, as to a version 1 viewer; asked twice before that is asked once."""
        asker = self._askers.get(eio_sid)
        if asker is not None and asker.rate.take() and not asker.is_owed_snapshot:
            asker.is_owed_snapshot = True
            self._tasks.start(self._send_snapshot(asker), "answer requestLogs")

    async def _send_snapshot(self, asker: _Asker) -> None:
        await asker.has_room()
        asker.is_owed_snapshot = False
        newest = self._hub.ring.latest(SNAPSHOT_RECORDS)[::-1]
        entries = await _encoded(newest, encode_v1_entry)
        asker.outlet.send(Frames([event("logs", join_v1_logs(entries, self._clock_ns()))]))

    def _search(self, asker: _Asker, asked: Search, ack_id: int | None) -> None:
        if self._history is None:
            raise PeerError(NO_HISTORY)
        if len(asker.searches) >= MAX_SEARCHES:
            raise PeerError(f"{MAX_SEARCHES} searches run for you already. Wait for one of them, or cancel it.")
        work = self._tasks.start(self._answer(self._history, asker, asked, ack_id), "search")
        asker.searches[work] = _Running(asked.id, ack_id)
        work.add_done_callback(lambda done: asker.searches.pop(done, None))

    async def _answer(self, history: History, asker: _Asker, asked: Search, ack_id: int | None) -> None:
        try:
            found = await self._find(history, asker, asked)
            payload = await _answer_to(asked, found)
            await asker.has_room()
            asker.answer(ack_id, payload)
        except QueryError as slow:
            asker.refuse(ack_id, str(slow), position=slow.position)
        except (PeerError, StorageError) as failure:
            asker.refuse(ack_id, str(failure))

    async def _find(self, history: History, asker: _Asker, asked: Search) -> Found:
        if asked.after_seq is not None:
            newer = await history.newer(asked.after_seq, asked.limit)
            return Found(newer, more=len(newer) == asked.limit)
        if asked.around_seq is not None:
            middle = await self._record(history, asked.around_seq)
            return Found(await history.around(middle, asked.span_ms * NS_PER_MS, asked.limit))
        return await history.search(
            asked.query,
            bands=asked.bands,
            before_seq=asked.before_seq,
            limit=asked.limit,
            on_progress=functools.partial(_tell_progress, asker, asked.id) if asked.id is not None else None,
        )

    async def _record(self, history: History, seq: int) -> Record:
        """The record with that number. Raises PeerError when it is not kept any more."""
        try:
            found: Sequence[Record] = self._hub.ring.since(seq - 1, 1)
        except Evicted:
            found = ()
        if not found or found[0].seq != seq:
            found = await history.newer(seq - 1, 1)
        if not found or found[0].seq != seq:
            raise PeerError(f"The record {seq:,} is not kept any more, so what stands around it cannot be found.")
        return found[0]


def _cancel(asker: _Asker, payload: object) -> None:
    wanted = payload.get("id") if isinstance(payload, dict) else None
    for work, running in tuple(asker.searches.items()):
        if wanted is not None and running.id == wanted and not work.done():
            work.cancel()
            del asker.searches[work]
            asker.refuse(running.ack_id, CANCELLED)


def _tell_progress(asker: _Asker, search_id: int | None, progress: Progress) -> None:
    if asker.outlet.has_room:
        told = {"id": search_id, "day": progress.day.isoformat(), "done": progress.done}
        asker.outlet.send(Frames([event("progress", _encode_json(told))]))


async def _answer_to(asked: Search, found: Found) -> bytes:
    """The answer to a search, in the order that Search tells, and no more than MAX_ANSWER_BYTES of it."""
    records, middle = found.records, asked.around_seq
    if middle is not None:
        # What is nearest is kept when it is too much.
        records = sorted(records, key=lambda record: abs(record.seq - middle))
    entries = await _encoded(records, encode_numbered)
    told: dict[str, Any] = {"more": found.more or len(entries) < len(records)}
    if found.problem:
        told.update(problem=found.problem, whole=found.is_whole)
    if middle is not None:
        numbered = zip((record.seq for record in records), entries, strict=False)
        entries = [entry for _, entry in sorted(numbered)]
    return b'{"ok":true,"data":[%b],%b' % (b",".join(entries), _encode_json(told)[1:])


async def _encoded(records: Sequence[Record], encode: Callable[[Record], bytes]) -> list[bytes]:
    """The first of *records* that fit into MAX_ANSWER_BYTES, encoded in slices."""
    entries: list[bytes] = []
    size = 0
    until_s = time.perf_counter() + SLICE_S
    for record in records:
        entry = encode(record)
        size += len(entry) + 1
        if size > MAX_ANSWER_BYTES:
            break
        entries.append(entry)
        if time.perf_counter() >= until_s:
            await asyncio.sleep(0)
            until_s = time.perf_counter() + SLICE_S
    return entries
