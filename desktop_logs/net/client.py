"""A remote server as a feed: connects, follows its log, and comes back by itself. Knows no window and no terminal."""

from __future__ import annotations

import asyncio
import functools
import random
import time
from collections.abc import Callable, Iterator, Mapping

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError, PeerError
from desktop_logs.core.feed import FeedState
from desktop_logs.core.hub import RING_CAPACITY
from desktop_logs.core.query import parse
from desktop_logs.core.records import Record
from desktop_logs.core.ring import Ring
from desktop_logs.core.safe_text import one_line
from desktop_logs.core.viewing import Hello, parse_hello
from desktop_logs.net.diagnosis import Finding, Unreachable
from desktop_logs.net.fastpath import LogEvent
from desktop_logs.net.faults import PeerFaults
from desktop_logs.net.following import Taken, Version1, Version2
from desktop_logs.net.link import Link, take_large_answers
from desktop_logs.net.remotehistory import RemoteHistory
from desktop_logs.net.turns import Turns
from desktop_logs.tasks import Tasks

HELLO_WAIT_S = 0.2
"""A hub says hello at once; who has not by then is asked for a snapshot as well."""
SNAPSHOT_WAIT_S = 2.0
QUIET_S = 0.5
"""A hub from which nothing comes for so long has nothing more in its memory that was asked for."""
ANSWER_TIMEOUT_S = 10.0
STATS_EVERY_S = 2.0
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 15.0


class RemoteFeed:
    """A server's log as a feed, be it a version 2 hub's or a version 1 server's. Its records get numbers of this
    feed's own, which only grow, whatever the server is replaced by."""

    def __init__(
        self,
        target: Target,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        ring_capacity: int = RING_CAPACITY,
        name: str = "",
        newest: int | None = None,
    ) -> None:
        """*newest*: so many records of a hub's memory are wanted to begin with; all when it is None. Raises QueryError
        for the target's query."""
        self.target = target
        self._name = name or target.address.host
        self._newest = newest
        self._ring = Ring(ring_capacity)
        self._taken = Taken(self._ring, clock_ns, self._wake)
        self._version1 = Version1(self._taken, parse(target.query, clock_ns()).compile())
        self._version2 = Version2(self._taken)
        self._history = RemoteHistory(target.address.host, self._live_link, lambda: self._version2.offset, clock_ns)
        self._state = FeedState("starting", "connecting")
        self._listeners: list[Callable[[], None]] = []
        self._version = 0
        """That the server speaks: 1 or 2; 0 before the first has said."""
        self._has_said = asyncio.Event()
        """Set once it is known what the server speaks that is connected now."""
        self._hello: Hello | None = None
        self._counters: dict[str, int] = {}
        self._link: Link | None = None
        self._attempt_now = asyncio.Event()
        self._first_attempt_over = asyncio.Event()
        self._first_failure: ConnectError | None = None
        self._faults = PeerFaults(lambda problem: None)
        self._tasks = Tasks(self._task_failed)
        self._turns = Turns(self._tasks, f"feed {self.address}: taking")

    # What a window reads

    @property
    def name(self) -> str:
        """The server's host, or the name given."""
        return self._name

    @property
    def server(self) -> ServerAddress:
        """Where the server is."""
        return self.target.address

    @property
    def address(self) -> str:
        """Host, port and path."""
        return f"{self.server.host}{self.server.path}"

    @property
    def state(self) -> FeedState:
        """How the connection is doing."""
        return self._state

    @property
    def history(self) -> RemoteHistory | None:
        """That of a version 2 hub which keeps one; a version 1 server has none that could be asked for."""
        has_one = self._version == 2 and self._hello is not None and self._hello.has_history
        return self._history if has_one else None

    @property
    def head(self) -> int:
        """The number of the newest record."""
        return self._ring.head

    @property
    def unreadable(self) -> int:
        """How many of the entries that came could not be read."""
        return self._taken.unreadable

    def since(self, seq: int, limit: int = 5000) -> list[Record]:
        """As Ring.since."""
        return self._ring.since(seq, limit)

    def stats(self) -> Mapping[str, int]:
        """A version 2 hub's counters, some seconds old, and `unreadable`; of a version 1 server what came from it."""
        if self._version == 2:
            return {**self._counters, "unreadable": self._taken.unreadable}
        return {"received": self._taken.received, "rejected": self._taken.unreadable}

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* when records or the state are new."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # Its life

    def start(self) -> None:
        """Connect, and come back after every loss, until closed."""
        take_large_answers()
        self._tasks.start(self._run(), f"feed {self.address}")

    def retry(self) -> None:
        """Make the next attempt now."""
        self._attempt_now.set()

    async def first_records(self) -> None:
        """Wait until the records that the server holds are there. Raises ConnectError when the first attempt to connect
        failed."""
        await self._first_attempt_over.wait()
        if self._first_failure is not None:
            raise self._first_failure

    async def close(self) -> None:
        """Leave the server."""
        await self._tasks.cancel_all()
        self._become(FeedState("closed", "closed"))

    async def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            try:
                await self._follow()
                failure, delay_s = ConnectError(f"The connection to {self.server.host} was lost."), FIRST_DELAY_S
            except ConnectError as refused:
                failure = _alone(refused)
                if isinstance(failure, Unreachable) and failure.is_refusal:
                    # Only a person can mend that, there or here.
                    delay_s = LONGEST_DELAY_S
            problem = str(failure)
            self._end_first_attempt(failure)
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

    def _end_first_attempt(self, failure: ConnectError | None = None) -> None:
        if not self._first_attempt_over.is_set():
            self._first_failure = failure
            self._first_attempt_over.set()

    async def _follow(self) -> None:
        """Connect and stay until the connection is lost. Raises ConnectError when it could not be made."""
        await self._turns.settled()  # what the lost connection brought
        self._has_said.clear()
        self._version1.begin()
        resume = None if self.target.query else self._version2.position
        link = self._link = Link(self.target, self._take, self._faults, resume)
        try:
            await link.open()
            self._become(FeedState("live", "connected"))
            try:
                await self._begin(link, is_resuming=resume is not None)
                self._end_first_attempt()
                await self._stay(link)
            except Unreachable:
                raise
            except ConnectError:
                await link.lost.wait()  # gone between two words
            if not self._first_attempt_over.is_set():
                raise ConnectError(f"{self.server.host} takes the connection and closes it at once. Is a token needed?")
        finally:
            self._link = None
            await link.close()

    async def _begin(self, link: Link, *, is_resuming: bool) -> None:
        """Find out what the server speaks and let it send what it holds; returns when that has come, unless the feed
        goes on from where it was. Raises ConnectError."""
        deadline_s = time.monotonic() + SNAPSHOT_WAIT_S
        await _first_of(HELLO_WAIT_S, self._has_said, link.lost)
        if not self._speaks_now(2):
            await link.send("requestLogs")
            await _first_of(deadline_s - time.monotonic(), self._has_said, link.lost)
        if link.lost.is_set():
            raise ConnectError(f"The connection to {self.server.host} was lost.")
        if not self._speaks_now(2):
            self._speaks(1)
            await self._await_snapshot(link, deadline_s)
        elif not is_resuming:
            await self._catch_up(link, await self._subscribe(link))

    async def _await_snapshot(self, link: Link, deadline_s: float) -> None:
        while (self._version1.is_waiting or self._turns.is_busy) and not link.lost.is_set():
            if time.monotonic() > deadline_s and not self._turns.is_busy:
                self._turns.do(self._version1.give_up())
            else:
                await asyncio.sleep(0.02)
        if self._version1.is_waiting:
            raise ConnectError(f"The connection to {self.server.host} was lost.")

    async def _subscribe(self, link: Link) -> int:
        """Have the hub send everything from where the feed is; how far its records go. Raises ConnectError."""
        assert self._hello is not None, "subscribed before the hub has said hello"
        position = self._version2.position
        start: object = "ring" if self._newest is None else {"newest": self._newest}
        if position is not None:
            start = {"epoch": position.epoch, "seq": position.seq}
        asked = {"query": self.target.query, "from": start}
        answer = await link.ask("subscribe", asked, ANSWER_TIMEOUT_S)
        if answer.get("ok") is not True:
            error = one_line(str(answer.get("error") or "it gives no reason")).rstrip(".")
            raise Unreachable(Finding(f"{self.server.host} does not send its records: {error}.", "forbidden"))
        head = answer.get("head")
        return head if isinstance(head, int) else self._hello.head

    async def _catch_up(self, link: Link, head: int) -> None:
        """Wait until the records up to *head* are here, or nothing more comes: a query may select none of the last."""
        news = self._taken.news
        while not link.lost.is_set() and head:
            position = self._version2.position
            if position is not None and position.seq >= head:
                return
            news.clear()
            if not await _first_of(QUIET_S, news, link.lost):
                return

    async def _stay(self, link: Link) -> None:
        """Stay until the connection is lost, and ask a hub for its counters meanwhile. Raises ConnectError."""
        while not link.lost.is_set():
            if self._version == 2:
                told = await link.ask("stats", None, ANSWER_TIMEOUT_S)
                self._counters = {one_line(name): count for name, count in told.items() if type(count) is int}
                self._wake()
            await _first_of(STATS_EVERY_S, link.lost)

    # What comes from the server

    def _take(self, events: list[LogEvent]) -> asyncio.Task[None] | None:
        name, payload, ack_id = events[0]
        if name == "hello":
            self._greeted(payload)
        elif name == "progress":
            self._history.progress(payload)
        elif name == "unsubscribed":
            # The query was too slow for the hub: asked again, it would be again.
            error = one_line(str(payload.get("error") or "")) if isinstance(payload, dict) else ""
            self._become(FeedState("live", "connected", f"{self.server.host} sends no more records: {error}"))
        elif name in ("log", "logs"):
            if not self._has_said.is_set():
                self._speaks(1)  # a hub says hello before all else
            if self._version == 1:
                is_live = name == "log"
                payloads = [event.payload for event in events]
                return self._turns.do(self._version1.live(payloads) if is_live else self._version1.snapshot(payload))
        elif self._speaks_now(2):
            work = self._version2.batch(payload) if name == "logBatch" else self._version2.gap(payload)
            return self._turns.do(_then(work, functools.partial(self._acknowledge, self._link, ack_id)))
        return None

    def _acknowledge(self, link: Link | None, ack_id: int | None) -> None:
        """What came with that id over *link* is taken: the hub may send more."""
        if link is not None and ack_id is not None:
            link.acknowledge(ack_id)

    def _greeted(self, payload: object) -> None:
        try:
            self._hello = parse_hello(payload)
        except PeerError:
            self._taken.note_unreadable()
        else:
            self._speaks(2)

    def _speaks(self, version: int) -> None:
        """The server that is connected now speaks *version*."""
        if version == 1 and self._version == 2:
            self._version2.forget()
        self._version = version
        self._has_said.set()

    def _speaks_now(self, version: int) -> bool:
        return self._has_said.is_set() and self._version == version

    def _live_link(self) -> Link | None:
        return self._link if self._link is not None and self._speaks_now(2) and not self._link.lost.is_set() else None

    def _become(self, state: FeedState) -> None:
        if state != self._state:
            self._state = state
            self._wake()

    def _wake(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _task_failed(self, name: str, failure: BaseException) -> None:
        problem = f"The connection to {self.address} failed: {failure!r}"
        self._end_first_attempt(ConnectError(problem))
        self._become(FeedState("failed", "failed", problem))
        # What servers and networks do wrong has its own way: this is a fault of ours.
        asyncio.get_running_loop().call_exception_handler({"message": problem, "exception": failure})


def _alone(failure: ConnectError) -> ConnectError:
    """The same without the frames that it came through, which hold a whole connection."""
    return Unreachable(failure.finding) if isinstance(failure, Unreachable) else ConnectError(str(failure))


def _then(work: Iterator[None], end: Callable[[], None]) -> Iterator[None]:
    """*work*, and *end* after it."""
    yield from work
    end()


async def _first_of(wait_s: float, *events: asyncio.Event) -> bool:
    """Wait until one of *events* is set, *wait_s* at most; False when none was."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=max(wait_s, 0), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    return bool(done)
