"""What qasync's own tests claim of its loop, claimed of the window's; start, stop, executors, shutdown and close.

The claims are those of tests/test_qeventloop.py and tests/test_run.py of qasync 0.28 (its source archive has no tests),
put in this project's words and without its private names. Those about sockets, subprocesses and order stand in
test_loop_sockets.py and test_loop.py. Left out, for they are not the loop's contract: QThreadExecutor and its threads
(the loop has asyncio's executor), `qasync.run` and its policy, asyncSlot and asyncClose, and that a notifier is
disabled while its callback runs (that the callback is not entered twice is claimed instead).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import qasync
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from tests.support.loops import window_loop

Loop = asyncio.AbstractEventLoop
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with window_loop(qapp) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


# --- running and stopping ---------------------------------------------------------------------------------------------


def test_it_is_qasyncs_loop_and_its_own_context_manager(qapp: QApplication, loop: Loop) -> None:
    assert isinstance(loop, qasync.QEventLoop)
    with loop as entered:
        entered.call_soon(entered.stop)
        entered.run_forever()
    assert loop.is_closed()


def test_it_is_the_running_loop_while_it_runs_and_may_run_again(loop: Loop) -> None:
    async def look() -> bool:
        return loop.is_running() and asyncio.get_running_loop() is loop

    for _ in range(3):
        assert not loop.is_running()
        assert loop.run_until_complete(look())
        assert asyncio._get_running_loop() is None


def test_it_is_not_running_as_soon_as_it_was_stopped(loop: Loop) -> None:
    async def stop() -> None:
        await asyncio.sleep(0)
        loop.stop()
        assert not loop.is_running()

    loop.run_until_complete(stop())


def test_it_does_not_run_inside_itself(loop: Loop) -> None:
    async def run_again() -> None:
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_forever()

    loop.run_until_complete(run_again())


def test_a_future_that_is_not_done_when_the_loop_stops_is_an_error(loop: Loop) -> None:
    loop.call_later(0.001, loop.stop)
    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(loop.create_future())


def test_qt_leaving_its_loop_by_itself_is_an_error_too(loop: Loop, qapp: QApplication) -> None:
    loop.call_soon(qapp.exit)
    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(loop.create_future())


def test_what_is_ready_when_it_stops_runs_in_that_round_and_what_this_adds_in_the_next_run(loop: Loop) -> None:
    heard: list[str] = []
    loop.call_soon(loop.stop)
    loop.call_soon(time.sleep, 0.01)  # longer than the budget of a turn
    loop.call_soon(heard.append, "same round")
    loop.call_soon(loop.call_soon, heard.append, "next run")
    loop.run_forever()
    assert heard == ["same round"]
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert heard == ["same round", "next run"]


def test_stopped_before_it_runs_it_runs_one_round(loop: Loop) -> None:
    heard: list[str] = []
    loop.call_soon(heard.append, "ready")
    loop.stop()
    loop.run_forever()
    assert heard == ["ready"]


def test_callbacks_do_not_run_while_only_qt_does(loop: Loop, qapp: QApplication) -> None:
    heard: list[str] = []
    loop.call_soon(heard.append, "callback")
    loop.call_later(0, heard.append, "timer")
    qapp.processEvents()
    assert heard == []
    loop.run_until_complete(asyncio.sleep(0.002))
    assert heard == ["callback", "timer"]


def test_what_qt_has_passed_over_is_heard_when_it_runs(loop: Loop, qapp: QApplication) -> None:
    heard: list[str] = []
    loop.call_soon(heard.append, "callback")
    loop.call_soon(loop.stop)
    qapp.processEvents()
    late = QTimer(singleShot=True)
    late.timeout.connect(qapp.exit)
    late.start(5_000)
    loop.run_forever()
    late.stop()
    assert heard == ["callback"]


# --- what is refused --------------------------------------------------------------------------------------------------


async def coroutine_function() -> None:
    """Never called."""


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("wrong", [coroutine_function, object()], ids=["a coroutine function", "not callable"])
def test_what_cannot_be_a_callback_is_a_type_error(loop: Loop, wrong: object, debug: bool) -> None:
    loop.set_debug(debug)
    assert loop.get_debug() is debug
    for put_in in (loop.call_soon, lambda callback: loop.call_later(1, callback)):
        with pytest.raises(TypeError):
            put_in(wrong)
    with pytest.raises(TypeError):
        loop.call_at(None, print)


def test_debug_mode_refuses_another_thread_and_names_slow_callbacks(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    refused: list[str] = []

    def from_a_thread() -> None:
        try:
            loop.call_soon(print)
        except RuntimeError as wrong:
            refused.append(str(wrong))

    async def work() -> None:
        await loop.run_in_executor(None, from_a_thread)
        time.sleep(0.02)  # noqa: ASYNC251 (holding the loop up is the point)

    loop.set_debug(True)
    loop.slow_callback_duration = 0.02
    with caplog.at_level(logging.WARNING, logger="asyncio"):
        loop.run_until_complete(work())
    assert refused
    assert refused[0].startswith("Non-thread-safe operation")
    assert any("Executing" in text and "took" in text and "seconds" in text for text in caplog.messages)


def test_it_cannot_be_closed_while_it_runs(loop: Loop) -> None:
    async def close() -> None:
        with pytest.raises(RuntimeError, match="running"):
            loop.close()

    loop.run_until_complete(close())
    assert not loop.is_closed()


def test_a_closed_loop_refuses_work_and_may_be_closed_again(loop: Loop, pair: Pair) -> None:
    here, _ = pair
    loop.call_soon(pytest.fail, "never runs")
    loop.add_reader(here, lambda: None)
    loop.close()
    loop.close()
    refusing = [
        lambda: loop.call_soon(print),
        lambda: loop.call_later(1, print),
        lambda: loop.call_soon_threadsafe(print),
        lambda: loop.add_reader(here, print),
        lambda: loop.add_writer(here, print),
        loop.run_forever,
    ]
    for refused in refusing:
        with pytest.raises(RuntimeError, match="closed"):
            refused()
    assert not loop.remove_reader(here)
    assert not loop.remove_writer(here)


# --- exceptions -------------------------------------------------------------------------------------------------------


def test_the_exception_of_a_task_that_nobody_waits_for_reaches_the_handler(loop: Loop) -> None:
    told: list[object] = []

    async def fails() -> None:
        loop.stop()
        raise ZeroDivisionError

    loop.set_exception_handler(lambda _loop, context: told.append(context.get("exception")))
    task = loop.create_task(fails())
    loop.run_forever()
    del task
    assert [type(failure) for failure in told] == [ZeroDivisionError]


def test_a_handler_that_fails_is_logged_and_the_loop_goes_on(loop: Loop, background_errors: list[str]) -> None:
    def fails(_loop: Loop, _context: object) -> None:
        raise LookupError("in the handler")

    loop.set_exception_handler(fails)
    loop.call_soon(lambda: 1 / 0)
    loop.run_until_complete(asyncio.sleep(0.001))
    (text,) = background_errors
    assert "in the handler" in text
    background_errors.clear()


# --- executors and shutdown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [False, True], ids=["the default executor", "one of its own"])
def test_an_executor_returns_and_raises_across_threads(loop: Loop, own: bool) -> None:
    executor = ThreadPoolExecutor(1) if own else None

    async def work() -> int:
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(executor, lambda: 1 / 0)
        return await loop.run_in_executor(executor, threading.get_ident)

    assert loop.run_until_complete(work()) != threading.get_ident()
    if executor is not None:
        executor.shutdown()


def test_generators_and_the_executor_are_shut_down(loop: Loop) -> None:
    heard: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            heard.append("closed")

    generator = numbers()

    async def work() -> None:
        assert await anext(generator) == 1
        await loop.run_in_executor(None, heard.append, "in a thread")

    loop.run_until_complete(work())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    assert heard == ["in a thread", "closed"]

    async def too_late() -> None:
        with pytest.raises(RuntimeError, match="shutdown"):
            await loop.run_in_executor(None, print)

    loop.run_until_complete(too_late())


def test_time_goes_forward_and_is_the_clock_of_its_timers(loop: Loop) -> None:
    before_s = loop.time()
    loop.run_until_complete(asyncio.sleep(0.003))
    assert loop.time() >= before_s + 0.003


def test_an_asyncio_runner_runs_on_it(qapp: QApplication) -> None:
    """asyncio.run's machinery: tasks that are left over are cancelled, and the loop is closed."""
    made: list[Loop] = []
    cancelled: list[bool] = []

    def make() -> Loop:
        from desktop_logs.ui.loop import make_loop

        made.append(make_loop(qapp))
        return made[0]

    async def left_over() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)

    async def work() -> None:
        made_task.append(asyncio.ensure_future(left_over()))
        await asyncio.sleep(0.001)

    made_task: list[asyncio.Future[None]] = []
    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(work())
    assert cancelled == [True]
    assert made[0].is_closed()
