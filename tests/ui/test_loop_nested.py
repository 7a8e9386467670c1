"""The loop beside Qt: painting under a flood, callbacks inside menus and dialogs, and what other threads put in."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QWidget

from tests.support.asynchronous import soon
from tests.support.loops import window_loop

Loop = asyncio.AbstractEventLoop


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with window_loop(qapp) as made:
        yield made


# --- fairness ---------------------------------------------------------------------------------------------------------


class Painted(QWidget):
    """Asks for the next paint event in each, and says when there were enough."""

    def __init__(self, enough: int, then: Callable[[], None]) -> None:
        super().__init__()
        self.paints = 0
        self._enough = enough
        self._then = then

    def paintEvent(self, event: QPaintEvent) -> None:
        self.paints += 1
        if self.paints == self._enough:
            self._then()
        self.update()


def test_a_flood_of_callbacks_leaves_qt_its_paint_events_and_timers(loop: Loop) -> None:
    ticks = calls = 0

    def flood() -> None:
        nonlocal calls
        calls += 1
        loop.call_soon(flood)

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    window = Painted(20, loop.stop)
    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(0)
    window.show()
    loop.call_soon(flood)
    loop.run_forever()
    timer.stop()
    window.close()
    assert window.paints >= 20
    assert ticks >= 10
    assert calls > 20, "many callbacks run in one turn"


def test_a_flood_of_qt_events_leaves_asyncio_its_callbacks_and_timers(loop: Loop) -> None:
    window = Painted(1_000_000, lambda: None)
    busy = QTimer()
    busy.timeout.connect(window.repaint)
    busy.start(0)
    window.show()

    async def work() -> None:
        for _ in range(20):
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)

    loop.run_until_complete(work())
    busy.stop()
    window.close()


def test_many_callbacks_run_in_one_turn_of_qt(loop: Loop, qapp: QApplication) -> None:
    turns: list[int] = []
    passes = 0

    def passed() -> None:
        nonlocal passes
        passes += 1

    qapp.eventDispatcher().awake.connect(passed)
    try:
        for _ in range(200):
            loop.call_soon(lambda: turns.append(passes))
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        qapp.eventDispatcher().awake.disconnect(passed)
    # A machine under load may spend a budget on fewer of them, but never a turn on each.
    assert len(set(turns)) < 100


def test_an_idle_loop_asks_nothing_of_qt(loop: Loop, qapp: QApplication) -> None:
    """Nothing wakes Qt between the moment all is done and the one timer that is due."""
    passes: list[int] = []

    def begin() -> None:
        qapp.eventDispatcher().awake.connect(count)

    def count() -> None:
        passes.append(1)

    loop.call_later(0.02, begin)
    loop.call_later(0.4, loop.stop)
    loop.run_forever()
    qapp.eventDispatcher().awake.disconnect(count)
    assert len(passes) < 10


# --- nested loops -----------------------------------------------------------------------------------------------------


def test_callbacks_and_timers_go_on_while_a_menu_is_open(loop: Loop) -> None:
    menu = QMenu()
    menu.addAction("one")
    heard: list[int] = []

    def step(number: int) -> None:
        heard.append(number)
        if number == 50:
            menu.close()
        elif number % 2:
            loop.call_soon(step, number + 1)
        else:
            loop.call_later(0.0005, step, number + 1)

    def open_menu() -> None:
        loop.call_soon(step, 1)
        menu.exec()
        heard.append(-1)
        loop.stop()

    loop.call_soon(open_menu)
    loop.run_forever()
    assert heard == [*range(1, 51), -1]


def test_tasks_go_on_while_the_step_of_one_has_a_dialog_open(loop: Loop) -> None:
    dialog = QDialog()
    current: list[bool] = []

    async def other() -> str:
        for _ in range(5):
            await asyncio.sleep(0.001)
            current.append(asyncio.current_task() is task)
        dialog.accept()
        return "done"

    async def opens() -> str:
        nonlocal task
        mine = asyncio.current_task()
        task = asyncio.ensure_future(other())
        assert dialog.exec() == QDialog.DialogCode.Accepted
        assert asyncio.current_task() is mine
        await asyncio.sleep(0)
        return await task

    task: asyncio.Task[str] | None = None
    assert loop.run_until_complete(opens()) == "done"
    assert current == [True] * 5


def test_what_was_ready_behind_the_callback_that_opens_a_loop_runs_inside_it_and_in_order(loop: Loop) -> None:
    inner = QEventLoop()
    heard: list[str] = []

    def opens() -> None:
        heard.append("opens")
        inner.exec()
        heard.append("returns")

    loop.call_soon(opens)
    for number in range(5):
        loop.call_soon(heard.append, f"inside {number}")
    loop.call_soon(inner.quit)
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    assert heard == ["opens", *(f"inside {number}" for number in range(5)), "returns"]


def test_nested_loops_nest(loop: Loop) -> None:
    heard: list[str] = []

    def opens(depth: int) -> None:
        inner = QEventLoop()
        heard.append(f"in {depth}")
        if depth < 3:
            loop.call_soon(opens, depth + 1)
        loop.call_later(0.002 * (4 - depth), inner.quit)
        inner.exec()
        heard.append(f"out {depth}")
        if depth == 1:
            loop.stop()

    loop.call_soon(opens, 1)
    loop.run_forever()
    assert heard == ["in 1", "in 2", "in 3", "out 3", "out 2", "out 1"]


def test_what_shares_the_context_of_a_callback_on_the_stack_waits_for_it(loop: Loop) -> None:
    """A context cannot be entered twice; asyncio itself would make an error of it and lose the callback."""
    inner = QEventLoop()
    shared = contextvars.copy_context()
    heard: list[str] = []

    def opens() -> None:
        loop.call_soon(shares, context=shared)
        loop.call_soon(heard.append, "does not")
        loop.call_later(0.005, inner.quit)
        inner.exec()
        heard.append("returns")

    def shares() -> None:
        heard.append("shares")
        loop.stop()

    loop.call_soon(opens, context=shared)
    loop.run_forever()
    assert heard == ["does not", "returns", "shares"]


def test_what_was_held_keeps_its_place_before_what_came_after_it(loop: Loop) -> None:
    inner = QEventLoop()
    shared = contextvars.copy_context()
    heard: list[str] = []

    def opens() -> None:
        loop.call_soon(heard.append, "shares", context=shared)
        loop.call_soon(use_up_the_budget)
        loop.call_soon(heard.append, "behind it")
        loop.call_soon(loop.stop)
        inner.exec()
        heard.append("returns")

    def use_up_the_budget() -> None:
        inner.quit()
        time.sleep(0.01)

    loop.call_soon(opens, context=shared)
    loop.run_forever()
    assert heard == ["returns", "shares", "behind it"]


def test_what_was_held_is_not_forgotten_when_the_callback_returns_late_and_all_is_quiet(
    loop: Loop, qapp: QApplication
) -> None:
    """Qt itself ends the inner loop, after the last wake of ours was heard; the budget is long used up then."""
    inner = QEventLoop()
    shared = contextvars.copy_context()
    heard: list[str] = []
    late = QTimer(singleShot=True)
    late.timeout.connect(qapp.exit)

    def opens() -> None:
        loop.call_soon(shares, context=shared)
        QTimer.singleShot(20, inner.quit)
        inner.exec()
        heard.append("returns")
        late.start(5_000)

    def shares() -> None:
        heard.append("shares")
        loop.stop()

    loop.call_soon(opens, context=shared)
    loop.run_forever()
    late.stop()
    assert heard == ["returns", "shares"]


def test_stopping_inside_a_nested_loop_ends_both(loop: Loop) -> None:
    inner = QEventLoop()
    loop.call_soon(inner.exec)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert not inner.isRunning()


def test_an_interrupt_inside_a_nested_loop_ends_both(loop: Loop) -> None:
    heard: list[str] = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    inner = QEventLoop()
    loop.call_soon(inner.exec)
    loop.call_soon(interrupt)
    loop.call_soon(heard.append, "behind it")
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert not inner.isRunning()
    assert heard == []
    loop.run_until_complete(asyncio.sleep(0))
    assert heard == ["behind it"]


def test_processing_qts_events_in_a_callback_loses_none(loop: Loop, qapp: QApplication) -> None:
    heard: list[int] = []

    def step(number: int) -> None:
        qapp.processEvents()
        heard.append(number)
        if len(heard) == 100:
            loop.stop()

    for number in range(100):
        loop.call_soon(step, number)
    loop.run_forever()
    assert sorted(heard) == list(range(100))


# --- threads ----------------------------------------------------------------------------------------------------------


def test_callbacks_of_each_thread_keep_their_order_and_none_is_lost(loop: Loop) -> None:
    heard: list[tuple[int, int]] = []
    threads, each = 6, 500

    def put_in(thread: int) -> None:
        for number in range(each):
            loop.call_soon_threadsafe(heard.append, (thread, number))

    async def work() -> None:
        started = [threading.Thread(target=put_in, args=(thread,)) for thread in range(threads)]
        for thread in started:
            thread.start()
        await soon("all have been heard", lambda: len(heard) == threads * each)
        for thread in started:
            thread.join()

    loop.run_until_complete(asyncio.wait_for(work(), 30))
    assert all([n for t, n in heard if t == thread] == list(range(each)) for thread in range(threads))


def test_a_thread_wakes_a_loop_that_waits_with_nothing_due(loop: Loop) -> None:
    thread = threading.Timer(0.05, loop.call_soon_threadsafe, (loop.stop,))
    thread.start()
    loop.run_forever()
    thread.join()


def test_a_thread_reaches_a_loop_inside_a_nested_one(loop: Loop) -> None:
    inner = QEventLoop()
    thread = threading.Timer(0.02, loop.call_soon_threadsafe, (inner.quit,))

    def opens() -> None:
        thread.start()
        inner.exec()
        loop.stop()

    loop.call_soon(opens)
    loop.run_forever()
    thread.join()


@pytest.mark.timeout(20, method="thread")
def test_a_signal_handler_may_put_in_while_its_thread_is_just_doing_that(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python runs a handler between any two of its steps, as it does a generator's finalizer."""
    interrupted = iter([True])
    is_closed = loop.is_closed

    def look_and_be_interrupted() -> bool:
        if loop._wake_lock._is_owned() and next(interrupted, False):
            signal.raise_signal(signal.SIGTERM)
        return is_closed()

    before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(loop.stop))
    often = QTimer()
    often.timeout.connect(lambda: loop.call_soon_threadsafe(int))
    often.start(1)
    try:
        monkeypatch.setattr(loop, "is_closed", look_and_be_interrupted)
        loop.run_forever()
    finally:
        often.stop()
        signal.signal(signal.SIGTERM, before)
    assert next(interrupted, "it was interrupted") == "it was interrupted"


def test_threads_that_put_in_while_the_loop_closes_hear_of_it(qapp: QApplication) -> None:
    refused: list[str] = []
    begun = threading.Barrier(5)

    def put_in() -> None:
        begun.wait()
        try:
            while True:
                loop.call_soon_threadsafe(int)
                time.sleep(0.0002)  # else they take all of the interpreter
        except RuntimeError as closed:
            refused.append(str(closed))

    threads = [threading.Thread(target=put_in) for _ in range(4)]
    with window_loop(qapp) as loop:
        for thread in threads:
            thread.start()
        begun.wait()
        loop.run_until_complete(asyncio.sleep(0.01))
    for thread in threads:
        thread.join()
    assert refused == ["Event loop is closed"] * 4
