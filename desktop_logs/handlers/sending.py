"""`DesktopLogsHandler`: sends a program's records to a hub. The handler and its own thread; only the standard library
is imported, so that logging costs a program no dependency and no start-up time."""

from __future__ import annotations

import logging
import math
import os
import random
import threading
import time

from desktop_logs.handlers.base import LockFreeHandler
from desktop_logs.handlers.batches import MAX_BODY_BYTES, MAX_HEAD_BYTES, Batch
from desktop_logs.handlers.entries import SMALL_CHARACTERS, capture
from desktop_logs.handlers.outbox import Outbox
from desktop_logs.handlers.posting import Answer, HubConnection, Verdict
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
from desktop_logs.handlers.spool import Spool, state_folder
from desktop_logs.handlers.waiting import Waiters

_FIRST_BACKOFF_S = 0.25
_MAX_BACKOFF_S = 15.0
_MAX_LATE_S = 1.0  # beyond what the hub asked for
# Batches that may follow each other at once, after a pause of as many times batch_ms. A short-lived program or a worker
# of multiprocessing.Pool, which is ended without a word, has sent nearly all by then.
_BURST_BATCHES = 10
_START_AGAIN_S = 1.0
_JOIN_S = 0.1


class DesktopLogsHandler(LockFreeHandler):
    """Sends records to the hub at *url*, in batches, from a thread of its own.

    A logging call formats its message, appends it to a bounded queue and returns; it never waits for the network and
    never raises. A batch is kept until the hub has answered that it is stored. While the hub is away the handler tries
    again, ever more rarely, and holds *capacity* records or *max_bytes* at most; beyond that the oldest below error go
    first, and the next batch tells how many.

    What could not be sent when the program ends goes into a file in *spool_dir*, by default in the state folder of this
    user, and the next handler that is made for the same hub sends it, in whichever program. Such files hold
    *max_spool_bytes* together, errors first, the oldest file goes when there are more; 0 keeps nothing. A program that
    is killed, or leaves by `os._exit`, writes none.

    *source* names the program in `context.source`; without it every logger's name does. *token* is for a hub that is
    not on this machine: its producer token. Over https the system says whose certificates are believed, or a PEM file
    that the environment variable SSL_CERT_FILE names. A record is sent at once after a pause, with all that came while
    the batch before it was under way; in a steady stream a batch goes every *batch_ms*.

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
        spool_dir: str | os.PathLike[str] | None = None,
        max_spool_bytes: int = 16_000_000,
    ) -> None:
        for name, value in (("capacity", capacity), ("batch_records", batch_records), ("timeout_s", timeout_s)):
            if value <= 0:
                raise ValueError(f"{name} must be above 0, not {value!r}.")
        for name, value in (("batch_ms", batch_ms), ("max_spool_bytes", max_spool_bytes)):
            if value < 0:
                raise ValueError(f"{name} must not be below 0, not {value!r}.")
        if max_bytes < MAX_BODY_BYTES:
            raise ValueError(f"max_bytes must be at least {MAX_BODY_BYTES:,}, not {max_bytes!r}.")
        # What may be refused comes before logging knows of this handler: it would flush and close a half-built one too.
        self._hub = HubConnection(url, token, timeout_s)
        folder = state_folder() if spool_dir is None else os.path.abspath(spool_dir)
        super().__init__(level)
        self.source = source
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._batch_records = batch_records
        self._batch_s = batch_ms / 1000
        self._is_closed = False
        self._spool = Spool(folder, self._hub.url, source, max_spool_bytes)
        self._begin()
        watch_exit()
        watch_forks(self)
        if self._spool.has_files():
            self._has_old = True
            self._start()

    def _begin(self) -> None:
        """All that is one process's own."""
        self._box = Outbox(self._hub.url, self.source, self._capacity, self._max_bytes, self._batch_records)
        self._queue = self._box.queue
        self._put = self._queue.put
        self._waiters = Waiters()
        self._thread: threading.Thread | None = None
        self._start_at_s = -60.0
        self._gave_up_at_s = -60.0
        self._is_idle = True
        self._is_gathering = False
        self._is_ending = False
        self._is_ended = False
        self._delivering = threading.Lock()
        # Held by who builds a batch or settles one. Whoever closes the handler while its thread is stuck in the network
        # takes the rest out under it.
        self._holding = threading.RLock()
        self._settled = 0
        self._told: set[str] = set()
        # What an earlier run has left is the parent's to send, not its children's.
        self._has_old = False
        # The rest belongs to the thread.
        self._old: Batch | None = None  # out of the spool, on its way
        self._was_old = False
        self._failures = 0
        self._next_at_s = -math.inf  # when the stream may go on with a batch that is not full

    # In the program's threads

    def emit(self, record: logging.LogRecord) -> None:
        """Take *record*; a few microseconds. Nothing happens once the handler is closed."""
        if self._is_closed or here.depth >= MAX_DEPTH:
            return
        try:
            captured = capture(record, self.formatter)
            _, _, _, _, _, _, _, _, _, message, traceback, stack, extra, number = captured
            is_plain = traceback is None and stack is None and extra is None and number < logging.ERROR
            if is_plain and len(message) <= SMALL_CHARACTERS and message.isascii():
                self._put(captured)
            else:
                self._queue.put_other(captured)
            if self._is_idle or (self._is_gathering and len(self._queue) >= self._batch_records):
                self._is_idle = self._is_gathering = False
                if self._thread is not None:
                    self._waiters.wake()
                else:
                    self._start()
        except Exception:  # noqa: BLE001 - a handler never raises into the program; counted as dropped
            self._box.lost += 1

    def flush(self, timeout_s: float = EXIT_PATIENCE_S) -> None:
        """Wait until all that was logged before is settled (stored, or refused by the hub), *timeout_s* at most."""
        self._wait(timeout_s, with_old=False)

    def close(self, timeout_s: float = EXIT_PATIENCE_S) -> None:
        """Flush for *timeout_s* at most, what an earlier run has left too, and take nothing more. What is still here
        then is kept in a file for the next start; what has no place there counts as dropped."""
        if self._is_closed:
            return
        self._is_closed = True
        # logging.shutdown flushes first; what did not succeed then is not waited for twice.
        if not 0 <= time.monotonic() - self._gave_up_at_s < 1.0:
            self._wait(timeout_s, with_old=True)
        self._is_ending = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._waiters.wake()
            self._hub.abort()
            thread.join(_JOIN_S)
        if thread is not threading.current_thread():
            # Its thread has done it, or is at it and waited for; or is stuck in the network, or there is none.
            self._end()
        if thread is None:
            self._hub.close()
        ignore_forks(self)
        super().close()

    def stats(self) -> dict[str, int]:
        """What became of the records so far: `sent` (stored by the hub), `dropped` here, `rejected` by the hub,
        `queued`, which are still here, and `spooled`, which the next start sends. Together they are all that were
        logged."""
        return self._box.stats()

    def after_fork_in_child(self) -> None:
        """Begin anew: the parent sends what is the parent's, this process numbers its own records."""
        self._hub.forget()
        self._spool.release()
        self._begin()

    def _wait(self, timeout_s: float, with_old: bool) -> None:
        number = self._queue.arrived()
        is_done = self._settled >= number and not (with_old and self._has_old)
        if is_done or here.depth >= MAX_DEPTH:
            return
        timeout_s = exit_budget.allow(timeout_s)
        started_s = time.monotonic()
        if self._thread is None:
            self._start()
        if self._thread is None:
            self._deliver_here(started_s + timeout_s)
        elif not self._waiters.wait(number, with_old, timeout_s):
            self._gave_up_at_s = time.monotonic()
        exit_budget.spend(started_s)

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
            flush_when_child_ends(self._leave_child)
        except RuntimeError:
            # The interpreter is leaving, or the system has no thread left: flush delivers, or a later record tries.
            self._thread = None
            self._is_idle = True

    def _leave_child(self) -> None:
        # Some children end here, others call atexit's hooks and may still log: open, unless something must be kept now.
        self.flush()
        if self.stats()["queued"]:
            self.close()

    def _deliver_here(self, until_s: float) -> None:
        """Send what waits from the calling thread, where no other can be started; the exit waits for it."""
        if not self._delivering.acquire(blocking=False):
            return
        here.depth += MAX_DEPTH
        try:
            while (left_s := until_s - time.monotonic()) > 0 and (self._box.batch or self._build()):
                if self._attempt(left_s) is not None:
                    break
            self._settle()
        except Exception as fault:  # noqa: BLE001 - a handler never raises into the program
            self._tell_fault(fault)
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
                    self._tell_fault(fault)
                    self._sleep(_MAX_BACKOFF_S, may_hurry=True)
            self._end()
            self._hub.close()

    def _turn(self) -> None:
        """Wait for records, and for more where a batch went just now; send one batch as often as it takes."""
        self._settle()
        if self._box.batch is None and self._old is None and not self._next_old():
            if self._box.is_empty():
                self._is_idle = True
                # Looked at again, since a record may have come before the flag was up; it woke nobody then.
                if len(self._queue) == 0:
                    self._waiters.listen(None)
                self._is_idle = False
            self._is_gathering = True
            while not self._is_pressed() and (rest_s := self._next_at_s - time.monotonic()) > 0:
                self._waiters.listen(rest_s)
            self._is_gathering = False
            if not self._build():
                return
        delay = self._attempt()
        if delay is not None:
            self._sleep(*delay)

    def _is_pressed(self) -> bool:
        return self._is_ending or len(self._queue) >= self._batch_records or self._waiters.are_there(self._settled)

    def _build(self) -> bool:
        with self._holding:
            return not self._is_ended and self._box.build()

    def _next_old(self) -> bool:
        """Take a batch that an earlier run has left: in turn with the new ones, and after them when somebody waits."""
        if not self._has_old or (not self._box.is_empty() and (self._was_old or self._waiters.are_there(self._settled))):
            self._was_old = False
            return False
        with self._holding:
            self._old = None if self._is_ended else self._spool.next()
        self._has_old = self._was_old = self._old is not None
        for path in self._spool.damaged:
            self._tell(
                path, f"the records that an earlier run left cannot all be read. The rest is set aside as {path}"
            )
        self._spool.damaged.clear()
        if not self._has_old:
            self._settle()  # somebody may have waited for this
        return self._has_old

    def _attempt(self, longest_s: float | None = None) -> tuple[float, bool] | None:
        """Send the batch once, in *longest_s* at most. None when it is settled, else the seconds to wait before the
        next attempt, and whether somebody in `flush` may cut them short."""
        batch = self._old or self._box.batch
        assert batch is not None
        if batch is not self._old:
            earliest_s = time.monotonic() - (_BURST_BATCHES - 1) * self._batch_s
            self._next_at_s = max(self._next_at_s, earliest_s) + self._batch_s
        answer = self._hub.post(batch, longest_s)
        with self._holding:
            if self._is_ended:  # closed meanwhile, which took care of the batch
                return None
            if answer.verdict is Verdict.LATER:
                return self._delay(answer)
            self._failures = 0
            if batch is self._old:
                self._settle_old(answer)
            elif answer.verdict is Verdict.STORED:
                self._box.stored(answer.rejected)
            else:
                self._box.refused()
        if answer.verdict is Verdict.REFUSED:
            self._tell(
                answer.reason,
                f"the hub at {self._hub.url} refuses this program's records: {answer.reason}. {answer.advice}",
            )
        elif answer.rejected:
            self._tell("entry", f"the hub at {self._hub.url} did not take a record: {answer.reason}")
        return None

    def _settle_old(self, answer: Answer) -> None:
        self._old = None
        if answer.verdict is Verdict.STORED or answer.is_of_batch:
            self._spool.done()
        else:  # another token or address may be right: the file stays for who has it
            self._spool.release()
            self._has_old = False

    def _delay(self, answer: Answer) -> tuple[float, bool]:
        """Full jitter, so that many programs do not come back at the same moment; never sooner than asked."""
        longest_s = min(_FIRST_BACKOFF_S * 2**self._failures, _MAX_BACKOFF_S)
        self._failures = min(self._failures + 1, 10)
        if answer.retry_after_s is None:
            return random.uniform(0.0, longest_s), True
        return answer.retry_after_s + random.uniform(0.0, min(longest_s, _MAX_LATE_S)), False

    def _sleep(self, delay_s: float, may_hurry: bool) -> None:
        until_s = time.monotonic() + delay_s
        known = self._waiters.count
        while not self._is_ending and (rest_s := until_s - time.monotonic()) > 0:
            self._waiters.listen(rest_s)
            if may_hurry and self._waiters.count > known:
                self._failures = 0
                return

    def _settle(self) -> None:
        """Find out how far all is settled (stored, refused or dropped), and tell those who wait for it."""
        if self._box.batch is None:
            self._settled = self._box.settled()
        is_old_done = not self._has_old or self._failures > 0
        self._waiters.answer(self._settled, is_old_done)

    def _end(self) -> None:
        """Keep what is still here for the next start. Once, in whichever thread is the first."""
        with self._holding:
            if self._is_ended:
                return
            self._is_ended = True
            self._old = None
            try:
                self._keep()
            except Exception as why:  # noqa: BLE001 - no home, a full disk: nobody is left to be told but the person
                count = self._box.give_up()
                self._tell("spool", f"{count:,} records are lost, they could not be kept for the next start: {why}")
        self._waiters.answer_all()

    def _keep(self) -> None:
        spool, box = self._spool, self._box
        spool.release()
        batches = box.leave(spool.max_bytes)
        if not spool.max_bytes or not (batches or box.untold()):
            return
        dropped = spool.make_room(sum(len(batch.body) + MAX_HEAD_BYTES for batch in batches))
        report = box.report(dropped)
        spool.keep([*batches, report] if report else batches)

    def _tell_fault(self, fault: Exception) -> None:
        self._tell("fault", f"sending logs failed: {type(fault).__name__}: {fault}. It is tried again.")

    def _tell(self, key: str, text: str) -> None:
        """Say it on stderr, once."""
        if key not in self._told and len(self._told) < 20:
            self._told.add(key)
            say(text)
