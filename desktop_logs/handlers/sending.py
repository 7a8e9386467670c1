"""`DesktopLogsHandler`: sends a program's records to a hub. The handler and its own thread; only the standard library
is imported, so that logging costs a program no dependency and no start-up time."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
import uuid
from collections import deque
from queue import Empty, SimpleQueue
from typing import Final

from desktop_logs.handlers.base import LockFreeHandler
from desktop_logs.handlers.entries import Captured, capture, encode_line, entry_of, own_entry
from desktop_logs.handlers.posting import Answer, Batch, HubConnection, Verdict
from desktop_logs.handlers.process import (
    EXIT_PATIENCE_S,
    MAX_DEPTH,
    exit_budget,
    flush_when_child_ends,
    here,
    ignore_forks,
    say,
    watch_exit,
    watch_forks,
)
from desktop_logs.handlers.queueing import BoundedQueue

# The hub takes 1 MB a request (protocol.md).
MAX_BODY_BYTES: Final = 900_000
_FIRST_BACKOFF_S = 0.25
_MAX_BACKOFF_S = 15.0
# What an item costs besides its text: the tuple, its numbers, its place in the queue.
_ITEM_BYTES = 400
# Batches that may follow each other at once, after a pause of as many times batch_ms. A short-lived program or a worker
# of multiprocessing.Pool, which is ended without a word, has sent nearly all by then.
_BURST_BATCHES = 10
_START_AGAIN_S = 1.0
_JOIN_S = 0.1


class _Waiter:
    """Somebody in `flush`, who waits until all up to *number* is settled."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.done = threading.Event()
        self.is_gone = False


class DesktopLogsHandler(LockFreeHandler):
    """Sends records to the hub at *url*, in batches, from a thread of its own.

    A logging call formats its message, appends it to a bounded queue and returns; it never waits for the network and
    never raises. A batch is kept until the hub has answered that it is stored. While the hub is away the handler tries
    again, ever more rarely, and holds *capacity* records or *max_bytes* at most; beyond that the oldest below error go
    first, and the next batch tells how many.

    *source* names the program in `context.source`; without it every logger's name does. *token* is for a hub that is
    not on this machine. A record is sent at once after a pause, with all that came while the batch before it was under
    way; in a steady stream a batch goes every *batch_ms*.

    For `logging.config.dictConfig`: `{"class": "desktop_logs.DesktopLogsHandler", "url": …, "source": …}`.
    Raises ValueError when an argument cannot be.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:5647",
        *,
        source: str | None = None,
        level: int | str = logging.NOTSET,
        token: str | None = None,
        capacity: int = 100_000,
        max_bytes: int = 16_000_000,
        batch_records: int = 500,
        batch_ms: int = 100,
        timeout_s: float = 10.0,
    ) -> None:
        for name, value in (("capacity", capacity), ("batch_records", batch_records), ("timeout_s", timeout_s)):
            if value <= 0:
                raise ValueError(f"{name} must be above 0, not {value!r}.")
        if max_bytes < MAX_BODY_BYTES:
            raise ValueError(f"max_bytes must be at least {MAX_BODY_BYTES:,}, not {max_bytes!r}.")
        if batch_ms < 0:
            raise ValueError(f"batch_ms must not be below 0, not {batch_ms!r}.")
        # What may be refused comes before logging knows of this handler: it would flush and close a half-built one too.
        self._hub = HubConnection(url, token, timeout_s)
        super().__init__(level)
        self.source = source
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._batch_records = batch_records
        self._batch_s = batch_ms / 1000
        self._is_closed = False
        self._begin()
        watch_exit()
        watch_forks(self)

    def _begin(self) -> None:
        """All that is one process's own."""
        self._queue: BoundedQueue[Captured] = BoundedQueue(self._capacity, self._max_bytes)
        self._wakes: SimpleQueue[_Waiter | None] = SimpleQueue()  # its put is re-entrant; an Event's set is not
        self._waiters: list[_Waiter] = []
        self._producer = str(uuid.uuid4())
        self._thread: threading.Thread | None = None
        self._start_at_s = -60.0
        self._gave_up_at_s = -60.0
        self._is_idle = True
        self._is_gathering = False
        self._is_ending = False
        self._delivering = threading.Lock()
        self._settled = 0
        self._sent = 0
        self._rejected = 0
        self._faults = 0
        self._dropped_told = 0
        self._told: set[str] = set()
        # The rest belongs to the thread.
        self._next_number = 1
        self._batch: Batch | None = None
        self._hand: deque[tuple[int, Captured]] = deque()  # taken from the queue, not yet in a batch
        self._failures = 0
        self._next_at_s = -math.inf  # when the stream may go on with a batch that is not full

    # In the program's threads

    def emit(self, record: logging.LogRecord) -> None:
        """Take *record*; a few microseconds. Nothing happens once the handler is closed."""
        if self._is_closed or here.depth >= MAX_DEPTH:
            return
        try:
            captured = capture(record, self.formatter)
            # 9 message, 10 traceback, 11 stack, 12 extra, which is bounded in itself.
            size = len(captured[9]) + _ITEM_BYTES
            if captured[10] or captured[11] or captured[12]:
                size += len(captured[10] or "") + len(captured[11] or "") + 2_000
            waiting = self._queue.put(captured, size, record.levelno >= logging.ERROR)
            if self._is_idle or (self._is_gathering and waiting >= self._batch_records):
                self._is_idle = self._is_gathering = False
                if self._thread is not None:
                    self._wakes.put(None)
                else:
                    self._start()
        except Exception:  # noqa: BLE001 - a handler never raises into the program; counted as dropped
            self._faults += 1

    def flush(self, timeout_s: float = EXIT_PATIENCE_S) -> None:
        """Wait until all that was logged before is settled (stored, or refused by the hub), *timeout_s* at most."""
        number = self._queue.arrived
        if self._settled >= number or here.depth >= MAX_DEPTH:
            return
        timeout_s = exit_budget.allow(timeout_s)
        started_s = time.monotonic()
        if self._thread is None:
            self._start()
        if self._thread is None:
            self._deliver_here(started_s + timeout_s)
        else:
            waiter = _Waiter(number)
            self._wakes.put(waiter)
            if not waiter.done.wait(timeout_s):
                waiter.is_gone = True
                self._gave_up_at_s = time.monotonic()
        exit_budget.spend(started_s)

    def close(self, timeout_s: float = EXIT_PATIENCE_S) -> None:
        """Flush for *timeout_s* at most, and take nothing more. What is still here then counts as dropped."""
        if self._is_closed:
            return
        self._is_closed = True
        # logging.shutdown flushes first; what did not succeed then is not waited for twice.
        if not 0 <= time.monotonic() - self._gave_up_at_s < 1.0:
            self.flush(timeout_s)
        self._is_ending = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._wakes.put(None)
            self._hub.abort()
            thread.join(_JOIN_S)
        if thread is None:
            self._end()
        ignore_forks(self)
        super().close()

    def stats(self) -> dict[str, int]:
        """What became of the records so far: `sent` (stored by the hub), `dropped` here, `rejected` by the hub, and
        `queued`, which are still here. Together they are all that were logged."""
        batch = self._batch
        on_the_way = (batch.records if batch else 0) + len(self._hand)
        return {
            "sent": self._sent,
            "dropped": self._queue.dropped + self._faults,
            "rejected": self._rejected,
            "queued": len(self._queue) + on_the_way,
        }

    def after_fork_in_child(self) -> None:
        """Begin anew: the parent sends what is the parent's, this process numbers its own records."""
        self._hub.forget()
        self._begin()

    def _start(self) -> None:
        now_s = time.monotonic()
        if now_s < self._start_at_s:
            self._is_idle = True  # or nobody would ask again
            return
        self._start_at_s = now_s + _START_AGAIN_S
        thread = threading.Thread(target=self._run, name="desktop-logs-sender", daemon=True)
        self._thread = thread  # before it starts, so that no record made meanwhile starts another
        try:
            thread.start()
            flush_when_child_ends(self.flush)
        except RuntimeError:
            # The interpreter is leaving, or the system has no thread left: flush delivers, or a later record tries.
            self._thread = None
            self._is_idle = True

    def _deliver_here(self, until_s: float) -> None:
        """Send what waits from the calling thread, where no other can be started; the exit waits for it."""
        if not self._delivering.acquire(blocking=False):
            return
        here.depth += MAX_DEPTH
        try:
            while (left_s := until_s - time.monotonic()) > 0 and (self._batch or self._build()):
                if self._attempt(left_s) is not None:
                    break
            self._settle()
        except Exception:  # noqa: BLE001 - a handler never raises into the program; what remains is dropped and counted
            self._faults += 1
        finally:
            here.depth -= MAX_DEPTH
            self._delivering.release()

    # In the handler's own thread

    def _run(self) -> None:
        here.depth = MAX_DEPTH  # whatever is logged on this thread is not for the hub
        with self._delivering:
            while not self._is_ending:
                try:
                    self._turn()
                except Exception as fault:  # noqa: BLE001 - a fault of ours must not end the thread; said, tried again
                    self._tell("fault", f"sending logs failed: {type(fault).__name__}: {fault}. It is tried again.")
                    self._sleep(_MAX_BACKOFF_S, may_hurry=True)
            self._end()

    def _turn(self) -> None:
        """Wait for records, and for more where a batch went just now; send one batch as often as it takes."""
        self._settle()
        if self._batch is None:
            if len(self._queue) == 0 and not self._hand:
                self._is_idle = True
                # Looked at again, since a record may have come before the flag was up; it woke nobody then.
                if len(self._queue) == 0:
                    self._listen(None)
                self._is_idle = False
            self._is_gathering = True
            while not self._is_pressed() and (rest_s := self._next_at_s - time.monotonic()) > 0:
                self._listen(rest_s)
            self._is_gathering = False
            if not self._build():
                return
        delay = self._attempt()
        if delay is not None:
            self._sleep(*delay)

    def _is_pressed(self) -> bool:
        if self._is_ending or len(self._queue) >= self._batch_records:
            return True
        return any(not waiter.is_gone for waiter in self._waiters)

    def _build(self) -> bool:
        """Make the next batch of what waits. False when nothing does."""
        lines: list[bytes] = []
        own = size = 0
        dropped = self._queue.dropped
        if dropped > self._dropped_told:
            lines.append(encode_line(own_entry(self._report(dropped - self._dropped_told), self.source)))
            own, size = 1, len(lines[0])
        if not self._hand:
            # All at once: each visit to the queue's lock may stop a logging call.
            self._hand.extend(self._queue.take(self._batch_records, MAX_BODY_BYTES))
        while self._hand:
            try:
                line = encode_line(entry_of(self._hand[0][1], self.source))
            except Exception:  # noqa: BLE001 - a record made by hand of things that are no JSON; counted as dropped
                self._hand.popleft()
                self._faults += 1
                continue
            if size + len(line) > MAX_BODY_BYTES:
                break
            self._hand.popleft()
            lines.append(line)
            size += len(line)
        if len(lines) == own:
            return False
        self._dropped_told = dropped
        self._batch = Batch(self._producer, self._next_number, lines, own)
        self._next_number += len(lines)
        return True

    def _report(self, count: int) -> str:
        what = "1 record was" if count == 1 else f"{count:,} records were"
        return f"{what} dropped by this program's log handler: the hub at {self._hub.url} could not be reached in time"

    def _attempt(self, longest_s: float | None = None) -> tuple[float, bool] | None:
        """Send the batch once, in *longest_s* at most. None when it is settled, else the seconds to wait before the
        next attempt, and whether somebody in `flush` may cut them short."""
        batch = self._batch
        assert batch is not None
        earliest_s = time.monotonic() - (_BURST_BATCHES - 1) * self._batch_s
        self._next_at_s = max(self._next_at_s, earliest_s) + self._batch_s
        answer = self._hub.post(batch, longest_s)
        if answer.verdict is Verdict.LATER:
            return self._delay(answer)
        self._failures = 0
        self._batch = None
        if answer.verdict is Verdict.STORED:
            rejected = min(answer.rejected, batch.records)
            self._sent += batch.records - rejected
            self._rejected += rejected
            if rejected:
                self._tell("entry", f"the hub at {self._hub.url} did not take a record: {answer.reason}")
        else:
            self._rejected += batch.records
            self._tell(
                answer.reason,
                f"the hub at {self._hub.url} refuses this program's records: {answer.reason}. {answer.advice}",
            )
        return None

    def _delay(self, answer: Answer) -> tuple[float, bool]:
        """Full jitter, so that many programs do not come back at the same moment; never sooner than asked."""
        longest_s = min(_FIRST_BACKOFF_S * 2**self._failures, _MAX_BACKOFF_S)
        self._failures = min(self._failures + 1, 10)
        jitter_s = random.uniform(0.0, longest_s)
        if answer.retry_after_s is None:
            return jitter_s, True
        return answer.retry_after_s + min(jitter_s, _FIRST_BACKOFF_S), False

    def _sleep(self, delay_s: float, may_hurry: bool) -> None:
        until_s = time.monotonic() + delay_s
        known = len(self._waiters)
        while not self._is_ending and (rest_s := until_s - time.monotonic()) > 0:
            self._listen(rest_s)
            if may_hurry and len(self._waiters) > known:
                self._failures = 0
                return

    def _listen(self, timeout_s: float | None) -> None:
        """Wait until somebody logs, flushes or closes, and note who waits."""
        try:
            wake = self._wakes.get(timeout=timeout_s)
            while True:
                if wake is not None:
                    self._waiters.append(wake)
                wake = self._wakes.get_nowait()
        except Empty:
            return

    def _settle(self) -> None:
        """Find out how far all is settled (stored, refused or dropped), and tell those who wait for it."""
        if self._batch is not None:
            return
        arrived = self._queue.arrived  # read first: what comes after it is not settled yet
        oldest = self._hand[0][0] if self._hand else self._queue.oldest()
        self._settled = arrived if oldest is None else oldest - 1
        waiting, self._waiters = self._waiters, []
        for waiter in waiting:
            if waiter.number <= self._settled:
                waiter.done.set()
            elif not waiter.is_gone:
                self._waiters.append(waiter)

    def _end(self) -> None:
        batch, self._batch = self._batch, None
        self._faults += (batch.records if batch else 0) + len(self._hand)
        self._hand.clear()
        self._queue.drop_all()
        self._hub.close()
        self._listen(0)
        for waiter in self._waiters:
            waiter.done.set()

    def _tell(self, key: str, text: str) -> None:
        """Say it on stderr, once."""
        if key not in self._told and len(self._told) < 20:
            self._told.add(key)
            say(text)
