"""A remote server as a feed: connects, follows its log, and comes back by itself. Knows no window and no terminal."""

from __future__ import annotations

import asyncio
import functools
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import socketio
from socketio.exceptions import SocketIOError

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.errors import ConnectError, EntryError
from desktop_logs.core.feed import FeedState
from desktop_logs.core.hub import RING_CAPACITY
from desktop_logs.core.merge import SnapshotMerge
from desktop_logs.core.records import Record
from desktop_logs.core.ring import Ring
from desktop_logs.core.safe_text import one_line
from desktop_logs.core.wire import parse_entry, unwrap_many
from desktop_logs.net.diagnosis import connection_problem, diagnose
from desktop_logs.net.engine import take_large_requests
from desktop_logs.net.fastpath import TURN_S, FeedWebSocket, LogEvent, ShortWay
from desktop_logs.net.faults import PeerFaults, quiet_logger
from desktop_logs.tasks import Tasks

MAX_MESSAGE_BYTES = 64_000_000  # a snapshot of 500 entries of a server that cuts nothing
CONNECT_TIMEOUT_S = 10.0
SNAPSHOT_WAIT_S = 2.0
GOODBYE_S = 1.0
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 15.0


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What came with one `logs` event, or that none came in time."""

    entries: list[object] | None


class RemoteFeed:
    """A version 1 server's log as a feed. Its records get numbers of this feed's own."""

    def __init__(
        self,
        address: ServerAddress,
        token: str = "",
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        ring_capacity: int = RING_CAPACITY,
        name: str = "",
    ) -> None:
        self.server = address
        self._token = token
        self._name = name or address.host
        self._clock_ns = clock_ns
        self._ring = Ring(ring_capacity)
        self._merge = SnapshotMerge()
        self._state = FeedState("starting", "connecting")
        self._listeners: list[Callable[[], None]] = []
        self._rejected = 0
        self._received = 0
        self._attempt_now = asyncio.Event()
        self._first_attempt_over = asyncio.Event()
        self._first_problem = ""
        self._digesting: asyncio.Task[None] | None = None
        self._undigested: deque[_Snapshot | list[object]] = deque()
        self._faults = PeerFaults(lambda problem: None)
        self._tasks = Tasks(self._task_failed)

    # What a window reads

    @property
    def name(self) -> str:
        """The server's host, or the name given."""
        return self._name

    @property
    def address(self) -> str:
        """Host, port and path."""
        return f"{self.server.host}{self.server.path}"

    @property
    def state(self) -> FeedState:
        """How the connection is doing."""
        return self._state

    @property
    def history(self) -> None:
        """A version 1 server has none that could be asked for."""
        return None

    @property
    def head(self) -> int:
        """The number of the newest record."""
        return self._ring.head

    def since(self, seq: int, limit: int = 5000) -> list[Record]:
        """As Ring.since."""
        return self._ring.since(seq, limit)

    def stats(self) -> Mapping[str, int]:
        """What is known of a version 1 server: what came from it."""
        return {"received": self._received, "rejected": self._rejected}

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* when records or the state are new."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # Its life

    def start(self) -> None:
        """Connect, and come back after every loss, until closed."""
        take_large_requests()
        self._tasks.start(self._run(), f"feed {self.address}")

    def retry(self) -> None:
        """Make the next attempt now."""
        self._attempt_now.set()

    async def first_records(self) -> None:
        """Wait until the first snapshot is there. Raises ConnectError when the first attempt to connect failed."""
        await self._first_attempt_over.wait()
        if self._first_problem:
            raise ConnectError(self._first_problem)

    async def close(self) -> None:
        """Leave the server."""
        await self._tasks.cancel_all()
        self._become(FeedState("closed", "closed"))

    async def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            connected_s = 0.0
            try:
                connected_s = await self._follow()
                problem = f"The connection to {self.server.host} was lost."
            except ConnectError as failure:
                problem = str(failure)
            if not self._first_attempt_over.is_set():
                self._first_problem = problem
                self._first_attempt_over.set()
            if connected_s:
                delay_s = FIRST_DELAY_S
            # Jitter: a hundred viewers of a server that restarts should not all return in the same moment.
            wait_s = delay_s * random.uniform(0.8, 1.2)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)
            self._attempt_now.clear()
            self._become(FeedState("waiting", "reconnecting", problem, time.monotonic() + wait_s))
            try:
                async with asyncio.timeout(wait_s):
                    await self._attempt_now.wait()
            except TimeoutError:
                pass  # the time to try again has come by itself
            self._become(FeedState("starting", "connecting", problem))

    async def _follow(self) -> float:
        """Connect and stay until the connection is lost; how long it lasted, in seconds. Raises ConnectError."""
        lost = asyncio.Event()
        refused: list[object] = []
        short_way = ShortWay(self._take, MAX_MESSAGE_BYTES, quiet_logger("desktop_logs.events", self._faults))
        websocket: Any = functools.partial(FeedWebSocket, short_way)
        async with aiohttp.ClientSession(ws_response_class=websocket) as session:
            client = self._new_client(session, lost, refused)
            try:
                await self._connect(client, session, refused)
                began_s = time.monotonic()
                try:
                    await self._ask_for_snapshot(client, lost)
                except SocketIOError:
                    lost.set()  # gone between the handshake and our first word
                if lost.is_set() and not self._first_attempt_over.is_set():
                    raise ConnectError(
                        f"{self.server.host} takes the connection and closes it at once. Is a token needed?"
                    )
                await lost.wait()
                return time.monotonic() - began_s
            finally:
                await _leave(client)

    def _new_client(
        self, session: aiohttp.ClientSession, lost: asyncio.Event, refused: list[object]
    ) -> socketio.AsyncClient:
        client = socketio.AsyncClient(
            reconnection=False,  # done here, so that the state and the next attempt can be shown
            handle_sigint=False,
            http_session=session,
            websocket_extra_options={"max_msg_size": MAX_MESSAGE_BYTES},
            logger=quiet_logger("desktop_logs.socketio.client", self._faults),
            engineio_logger=quiet_logger("desktop_logs.engineio.client", self._faults),
        )
        client.on("log", self._on_log)
        client.on("logs", self._on_logs)
        client.on("connect_error", lambda *reason: refused.extend(reason))
        client.on("disconnect", lambda *reason: lost.set())
        return client

    async def _connect(
        self, client: socketio.AsyncClient, session: aiohttp.ClientSession, refused: list[object]
    ) -> None:
        """WebSocket first, since many servers allow nothing else; polling where only that works."""
        failure = await self._attempt(client, ["websocket"])
        if failure is None:
            return
        if _is_refusal(failure):
            raise ConnectError(f"{self.server.host} refuses the connection: {_said(refused)}.")
        polls, problem = await diagnose(self.server, session)
        if polls:
            refused.clear()
            failure = await self._attempt(client, ["polling"])
            if failure is None:
                return
            if _is_refusal(failure):
                raise ConnectError(f"{self.server.host} refuses the connection: {_said(refused)}.")
        raise ConnectError(problem or connection_problem(self.server, failure))

    async def _attempt(self, client: socketio.AsyncClient, transports: list[str]) -> BaseException | None:
        if self._digesting is not None:
            await asyncio.wait([self._digesting])  # what the lost connection brought
        self._merge.begin()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await client.connect(
                    self.server.url,
                    headers={},
                    auth={"token": self._token} if self._token else None,
                    transports=transports,
                    socketio_path=self.server.path,
                    wait_timeout=CONNECT_TIMEOUT_S,
                )
        except (SocketIOError, aiohttp.ClientError, OSError, TimeoutError, ValueError, IndexError, KeyError) as failure:
            # ValueError, IndexError, KeyError: what python-socketio makes of an answer that is no handshake.
            return failure
        return None

    async def _ask_for_snapshot(self, client: socketio.AsyncClient, lost: asyncio.Event) -> None:
        self._become(FeedState("live", "connected"))
        await client.emit("requestLogs")
        deadline_s = time.monotonic() + SNAPSHOT_WAIT_S
        while (self._merge.is_waiting or self._digesting) and not lost.is_set():
            if time.monotonic() > deadline_s and not self._digesting:
                self._digest_soon(_Snapshot(None))
            else:
                await asyncio.sleep(0.02)
        if not self._merge.is_waiting:
            self._first_attempt_over.set()

    # What comes from the server

    def _take(self, events: list[LogEvent]) -> asyncio.Task[None] | None:
        if events[0].name == "log":
            return self._take_live([event.payload for event in events])
        return self._take_snapshot(events[0].payload)

    def _on_log(self, payload: object = None, *more: Any) -> None:
        self._take_live([payload])

    def _on_logs(self, payload: object = None, *more: Any) -> None:
        self._take_snapshot(payload)

    def _take_live(self, payloads: list[object]) -> asyncio.Task[None] | None:
        if self._digesting is not None:
            self._undigested.append(payloads)
            return self._digesting
        self._append([fresh for payload in payloads for fresh in self._merge.live(payload)])
        return None

    def _take_snapshot(self, payload: object) -> asyncio.Task[None] | None:
        try:
            entries = unwrap_many(payload)
        except EntryError:
            self._rejected += 1
            self._wake()
            return None
        return self._digest_soon(_Snapshot(entries))

    def _digest_soon(self, snapshot: _Snapshot) -> asyncio.Task[None]:
        self._undigested.append(snapshot)
        if self._digesting is None:
            # A task of the feed's: the connection may be lost meanwhile, and the snapshot is merged as a whole.
            self._digesting = self._tasks.start(self._digest(), f"snapshot of {self.address}")
        return self._digesting

    async def _digest(self) -> None:
        """Take snapshots, and the live events that came behind them, in turns of the loop."""
        try:
            turn_ends_s = time.perf_counter() + TURN_S
            while self._undigested:
                came = self._undigested.popleft()
                for fresh in self._merged(came):
                    self._append(fresh)
                    if time.perf_counter() >= turn_ends_s:
                        await asyncio.sleep(0)
                        turn_ends_s = time.perf_counter() + TURN_S
        finally:
            self._digesting = None

    def _merged(self, came: _Snapshot | list[object]) -> Iterator[list[object]]:
        if not isinstance(came, _Snapshot):
            return (self._merge.live(payload) for payload in came)
        return self._merge.give_up() if came.entries is None else self._merge.snapshot(came.entries)

    def _append(self, payloads: list[object]) -> None:
        records: list[Record] = []
        seq = self._ring.head
        now_ns = self._clock_ns()
        for payload in payloads:
            self._received += 1
            try:
                records.append(parse_entry(payload, seq + 1, now_ns))
            except EntryError:
                self._rejected += 1
            else:
                seq += 1
        self._ring.extend(records)
        if payloads:
            self._wake()

    def _become(self, state: FeedState) -> None:
        if state != self._state:
            self._state = state
            self._wake()

    def _wake(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _task_failed(self, name: str, failure: BaseException) -> None:
        self._first_problem = f"The connection to {self.address} failed: {failure!r}"
        self._first_attempt_over.set()
        self._become(FeedState("failed", "failed", self._first_problem))


async def _leave(client: socketio.AsyncClient) -> None:
    """Say goodbye, without waiting for a server that does not answer it: closing the session ends the rest."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await client.disconnect()
    except TimeoutError:
        for task in (client.eio.read_loop_task, client.eio.write_loop_task):
            if task is not None:
                task.cancel()


def _is_refusal(failure: BaseException) -> bool:
    """True when the server took the transport and refused the namespace; python-socketio tells it by this text only."""
    return isinstance(failure, SocketIOError) and "namespaces failed" in str(failure)


def _said(refused: list[object]) -> str:
    """What a server said when it refused a namespace: a text, or an object with a message."""
    for reason in refused:
        if isinstance(reason, dict) and isinstance(reason.get("message"), str):
            reason = reason["message"]
        if isinstance(reason, str) and reason.strip():
            return one_line(reason.strip().rstrip(".")[:200])
    return "it gives no reason"
