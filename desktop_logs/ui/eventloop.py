"""asyncio's loop inside Qt's: all ready callbacks in one turn of Qt, within a budget. Made by `loop.make_loop` only."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
import sys
import threading
import time
from collections.abc import Callable
from inspect import CO_COROUTINE
from types import FunctionType
from typing import Any, Final

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSocketNotifier, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from desktop_logs.ui.readiness import ReadyHandle, fileno_of

# Chained callbacks a second, one run: 93,000 with 1 ms, 154,000 with 2, 195,000 with 4, 185,000 with 8.
BUDGET_S: Final = 0.004
MAX_TIMER_MS: Final = 24 * 3600 * 1000
MANY_TIMERS: Final = 100
_NEVER: Final = math.inf

_asyncio = asyncio.BaseEventLoop
_log = logging.getLogger("asyncio")


class _Wake(QObject):
    """A word to the loop through Qt's queue, from any thread."""

    called = Signal()

    def __init__(self, hear: Callable[[], None]) -> None:
        super().__init__()
        self._hear = hear
        # A method of an object of the loop's own thread: Qt calls it there, whoever has emitted.
        self.called.connect(self._heard, Qt.ConnectionType.QueuedConnection)

    def _heard(self) -> None:
        self._hear()


class TurnLoop(QEventLoop):
    """qasync's loop with asyncio's contract: its order, its exceptions, its timers, its shutdown.

    A *turn* runs callbacks inside one event of Qt: a wake from Qt's queue, a ready socket, or the timer. Between two
    wakes all turns together have BUDGET_S (one callback may exceed it); what is left waits for the next wake, behind
    the input, paint events and timers that came meanwhile. Neither side can starve the other.

    While callbacks wait or run there is a wake in Qt's queue. So they also go on inside a nested Qt loop (a menu's
    `exec`, a dialog, a drag, the resizing of a window), in order, while the callback that opened it stays on the stack.
    That callback may be the step of a task: it is not the current task for the others meanwhile. What shares the very
    context object of a callback on the stack waits for that one to return, for a context cannot be entered twice.

    As in qasync, `is_running()` is false as soon as `stop()` was called. All callbacks of that round still run.

    A KeyboardInterrupt or SystemExit out of a callback ends Qt's loop and comes out of `run_forever`. One that Python
    raises while Qt waits, at Ctrl+C without a handler of one's own, belongs to no callback: Qt hands it to
    `sys.excepthook`.
    """

    # What qasync replaced, as asyncio has it: shutdown_default_executor, get_exception_handler, contexts, the checks in
    # debug mode and a loop that stops as soon as its future is done all depend on these.
    call_later = _asyncio.call_later
    call_soon_threadsafe = _asyncio.call_soon_threadsafe
    run_until_complete = _asyncio.run_until_complete
    run_in_executor = _asyncio.run_in_executor
    set_default_executor = _asyncio.set_default_executor
    set_exception_handler = _asyncio.set_exception_handler
    default_exception_handler = _asyncio.default_exception_handler
    call_exception_handler = _asyncio.call_exception_handler

    def __init__(self, app: QApplication) -> None:
        self._wake_up = _Wake(self._woken)
        # Reentrant: a signal handler, or the finalizer of a generator that is collected, may call in from inside it.
        self._wake_lock = threading.RLock()
        self._is_woken = False
        self._deadline_s = _NEVER
        """When the turns of this pass of Qt have used up their budget; _NEVER before the first."""
        self._turn_timer = QTimer(self._wake_up, singleShot=True, interval=0)
        self._turn_timer.timeout.connect(self._woken)
        self._due_timer = QTimer(self._wake_up, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._due_timer.timeout.connect(self._timer_due)
        self._armed_s = _NEVER
        """What the timer is set to. It may be earlier than any callback is due, never later."""
        self._order = itertools.count()
        self._readers: dict[int, ReadyHandle] = {}
        self._writers: dict[int, ReadyHandle] = {}
        self._running: asyncio.Handle | None = None
        """The innermost callback on the stack."""
        self._entered: list[Any] = []
        """The contexts of the callbacks below it."""
        self._held: list[asyncio.Handle] = []
        self._failure: BaseException | None = None
        super().__init__(app)

    # --- the way in -------------------------------------------------------------------------------------------------

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        self._check_call(callback, "call_soon")
        handle = self._call_soon(callback, args, context)
        if handle._source_traceback:
            del handle._source_traceback[-1]
        if not self._is_woken:
            self._wake()
        return handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        if when is None:
            raise TypeError("when cannot be None")
        self._check_call(callback, "call_at")
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if timer._source_traceback:
            del timer._source_traceback[-1]
        # The number keeps the order of those that are due at the same time; asyncio leaves it open.
        heapq.heappush(self._scheduled, (when, next(self._order), timer))
        timer._scheduled = True
        if when < self._armed_s:
            self._arm(when)
        return timer

    def _check_call(self, callback: Any, method: str) -> None:
        """What a caller did wrong. asyncio looks at the callback in debug mode only, and qasync always."""
        self._check_closed()
        if self._debug:
            self._check_thread()
            self._check_callback(callback, method)
        elif not callable(callback):
            raise TypeError(f"a callable object was expected by {method}(), got {callback!r}")
        elif callback.__class__ is FunctionType and callback.__code__.co_flags & CO_COROUTINE:
            raise TypeError(f"coroutines cannot be used with {method}()")

    def _wake(self) -> None:
        """Have a turn in Qt's next pass; from the loop's thread."""
        # A timer and no posted event: under glib those come before timers, and let them wait for three passes.
        # Started anew each time: Qt does not call a timer that is on the stack, as it is in a nested loop.
        self._is_woken = True
        self._turn_timer.start()

    def _write_to_self(self) -> None:
        """Have a turn soon; from any thread. asyncio's name for it, by which call_soon_threadsafe calls it."""
        # This order, and the contrary one in _woken: what another thread has put in is seen, or else wakes once more.
        if not self._is_woken:
            with self._wake_lock:
                if not self.is_closed():
                    self._is_woken = True
                    self._wake_up.called.emit()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        super()._timer_handle_cancelled(handle)
        if self._timer_cancelled_count > MANY_TIMERS and self._timer_cancelled_count * 2 > len(self._scheduled):
            for entry in self._scheduled:
                entry[2]._scheduled = not entry[2]._cancelled
            self._scheduled[:] = [entry for entry in self._scheduled if entry[2]._scheduled]
            heapq.heapify(self._scheduled)
            self._timer_cancelled_count = 0

    # --- turns ------------------------------------------------------------------------------------------------------

    def _woken(self) -> None:
        self._is_woken = False
        self._deadline_s = _NEVER
        if self._ready or (self._scheduled and self._armed_s == _NEVER):
            self._turn()

    def _timer_due(self) -> None:
        self._armed_s = _NEVER  # by which the next wake sees that nothing else tells of what is due
        self._turn()

    def _ready_to_run(self, handle: asyncio.Handle) -> None:
        self._ready.append(handle)
        self._turn()

    def _arm(self, when: float) -> None:
        self._armed_s = when
        self._due_timer.start(min(max(0, math.ceil((when - self.time()) * 1000)), MAX_TIMER_MS))

    def _turn(self) -> None:
        """Run what is ready, unless the turns of this pass of Qt have had their time."""
        now_s = self.time()
        if self._deadline_s == _NEVER:
            self._deadline_s = now_s + BUDGET_S
        if now_s >= self._deadline_s or not self.is_running():
            return
        if not self._is_woken:
            self._wake()
        outer = self._running
        try:
            if outer is None:
                self._run_rounds(now_s)
            else:
                self._run_above(outer, now_s)
        except (KeyboardInterrupt, SystemExit) as failure:
            # PySide prints what leaves a slot, and goes on.
            self._failure = failure
            self.stop()
        finally:
            self._running = outer
            if self._ready and not self._is_woken:
                # A callback had Qt process its events, which took the wake out of Qt's queue, and what was held for it
                # is ready only now.
                self._wake()

    def _run_above(self, outer: asyncio.Handle, now_s: float) -> None:
        """Run callbacks while *outer* has not returned: it has opened a Qt loop, or has Qt process its events."""
        task = asyncio.current_task(self)
        if task is not None:
            # Else no other task could make a step, and the error would be theirs.
            asyncio.tasks._leave_task(self, task)
        self._entered.append(outer._context)
        try:
            self._run_rounds(now_s)
        finally:
            self._entered.pop()
            if task is not None:
                asyncio.tasks._enter_task(self, task)

    def _run_rounds(self, now_s: float) -> None:
        """Round after round as asyncio's: those that are ready at its beginning; what they add waits for the next."""
        ready, entered, deadline_s = self._ready, self._entered, self._deadline_s
        while True:
            self._collect_due(now_s)
            todo = len(ready)
            # A nested loop in a callback runs those behind it, so the queue may end before the round does.
            while todo and ready:
                todo -= 1
                handle = ready.popleft()
                if handle._cancelled:
                    continue
                if entered and any(handle._context is context for context in entered):
                    self._held.append(handle)
                    continue
                self._running = handle
                if self._debug:
                    self._run_observed(handle)
                else:
                    handle._run()
                if self._held:
                    ready.extendleft(reversed(self._held))
                    self._held.clear()
                if self._failure is not None:
                    return
                now_s = time.monotonic()
                if now_s >= deadline_s and not self._stopping:
                    return
            if not ready or self._stopping:
                return

    def _run_observed(self, handle: asyncio.Handle) -> None:
        self._current_handle = handle
        began_s = self.time()
        try:
            handle._run()
        finally:
            self._current_handle = None
        took_s = self.time() - began_s
        if took_s >= self.slow_callback_duration:
            _log.warning("Executing %r took %.3f seconds", handle, took_s)

    def _collect_due(self, now_s: float) -> None:
        """Queue the timers that are due, and set Qt's timer for the next."""
        scheduled = self._scheduled
        end_s = now_s + self._clock_resolution
        while scheduled and (scheduled[0][0] < end_s or scheduled[0][2]._cancelled):
            timer = heapq.heappop(scheduled)[2]
            timer._scheduled = False
            if timer._cancelled:
                self._timer_cancelled_count -= 1
            else:
                self._ready.append(timer)
        if scheduled and scheduled[0][0] < self._armed_s:
            self._arm(scheduled[0][0])

    # --- start, stop and close --------------------------------------------------------------------------------------

    def run_forever(self) -> None:
        self._check_closed()
        self._check_running()
        if self._stopping:
            # Stopped before it ran: asyncio runs what is ready, and nothing more.
            self._stopping = False
            self.call_soon(self.stop)
        hooks_before = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook)
        self._set_coroutine_origin_tracking(self._debug)
        self._thread_id = threading.get_ident()
        self._wake()  # the last one may have been heard, and left aside, between two runs
        try:
            super().run_forever()
        finally:
            self._stopping = False
            self._thread_id = None
            self._set_coroutine_origin_tracking(False)
            sys.set_asyncgen_hooks(*hooks_before)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def stop(self) -> None:
        self._stopping = True
        super().stop()

    def close(self) -> None:
        if self.is_closed():
            return
        super().close()
        for handle in (*self._readers.values(), *self._writers.values(), *self._held):
            handle.cancel()
        self._readers.clear()
        self._writers.clear()
        self._held.clear()
        # At once and here: the collector would do it in whichever thread it runs, and Qt's objects belong to this one.
        with self._wake_lock:
            self._wake_up.deleteLater()
            QCoreApplication.sendPostedEvents(self._wake_up, QEvent.Type.DeferredDelete.value)

    # --- readers and writers ----------------------------------------------------------------------------------------

    def _add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> ReadyHandle:
        return self._watch(self._readers, QSocketNotifier.Type.Read, fd, callback, args)

    def _add_writer(self, fd: Any, callback: Callable[..., Any], *args: Any) -> ReadyHandle:
        return self._watch(self._writers, QSocketNotifier.Type.Write, fd, callback, args)

    def _remove_reader(self, fd: Any) -> bool:
        return self._unwatch(self._readers, fd)

    def _remove_writer(self, fd: Any) -> bool:
        return self._unwatch(self._writers, fd)

    def _watch(
        self,
        watched: dict[int, ReadyHandle],
        kind: QSocketNotifier.Type,
        fd: Any,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
    ) -> ReadyHandle:
        self._check_closed()
        number = fileno_of(fd)
        if number < 0:
            raise ValueError(f"Invalid file descriptor: {number}")
        self._unwatch(watched, number)  # first: Qt allows one notifier for each
        handle = ReadyHandle(fd, number, kind, self._ready_to_run, callback, args, self, self._wake_up)
        watched[number] = handle
        return handle

    @staticmethod
    def _unwatch(watched: dict[int, ReadyHandle], fd: Any) -> bool:
        number = fileno_of(fd)
        if number < 0:
            # Closed already; the caller may still be known by the object.
            number = next((known for known, handle in watched.items() if handle.fileobj is fd), number)
        handle = watched.pop(number, None)
        if handle is None:
            return False
        handle.cancel()
        return True
