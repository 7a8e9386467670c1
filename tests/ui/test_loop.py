"""Qt and asyncio run on one loop, in asyncio's order: callbacks, timers, their cancellation and their exceptions."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from tests.support.loops import window_loop

Loop = asyncio.AbstractEventLoop


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with window_loop(qapp) as made:
        yield made


def run_all(loop: Loop) -> None:
    """Run until what is ready now, and all that this adds by call_soon, has run."""
    loop.run_until_complete(asyncio.sleep(0.002))


def test_qt_timers_and_coroutines_share_the_loop(loop: Loop, qapp: QApplication) -> None:
    heard: list[str] = []

    async def work() -> str:
        done = loop.create_future()
        QTimer.singleShot(1, lambda: done.set_result("from Qt"))
        await asyncio.sleep(0.001)
        heard.append("from asyncio")
        return str(await done)

    assert loop.run_until_complete(work()) == "from Qt"
    assert heard == ["from asyncio"]
    assert not qapp.quitOnLastWindowClosed()


# --- order ------------------------------------------------------------------------------------------------------------


def test_callbacks_run_in_the_order_they_were_put_in(loop: Loop) -> None:
    heard: list[int] = []
    for number in range(1000):
        loop.call_soon(heard.append, number)
    run_all(loop)
    assert heard == list(range(1000))


def test_what_a_callback_adds_waits_behind_all_that_were_ready(loop: Loop) -> None:
    heard: list[str] = []

    def add(name: str) -> None:
        heard.append(name)
        loop.call_soon(heard.append, f"by {name}")

    for name in ("a", "b", "c"):
        loop.call_soon(add, name)
    run_all(loop)
    assert heard == ["a", "b", "c", "by a", "by b", "by c"]


def test_a_callback_sees_the_context_it_was_put_in_with(loop: Loop) -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name")
    heard: list[str] = []
    for value in ("one", "two"):
        name.set(value)
        loop.call_soon(lambda: heard.append(name.get()))
    given_context = contextvars.copy_context()
    given_context.run(name.set, "given")
    loop.call_soon_threadsafe(lambda: heard.append(name.get()), context=given_context)
    loop.call_later(0, lambda: heard.append(name.get()), context=given_context)
    name.set("later")
    run_all(loop)
    assert heard == ["one", "two", "given", "given"]


class Played:
    """Runs a program, a tree of steps, on a loop; `heard` is the order in which the steps ran."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.heard: list[int] = []
        self.handles: list[asyncio.Handle] = []
        self.step_count = 0

    def put_in(self, steps: list[Any]) -> None:
        for kind, value in steps:
            if kind == "cancel":
                if self.handles:
                    self.handles[value % len(self.handles)].cancel()
                continue
            self.step_count += 1
            self.handles.append(self.loop.call_soon(self._step, self.step_count, value))

    def _step(self, number: int, below: list[Any]) -> None:
        self.heard.append(number)
        self.put_in(below)


CANCEL = st.tuples(st.just("cancel"), st.integers(0, 50))
PROGRAMS = st.recursive(
    st.lists(CANCEL, max_size=2),
    lambda below: st.lists(st.tuples(st.just("soon"), below) | CANCEL, max_size=5),
    max_leaves=25,
)


@settings(max_examples=60, deadline=None)
@given(program=PROGRAMS)
def test_any_program_runs_in_the_order_that_asyncio_gives_it(qapp: QApplication, program: list[Any]) -> None:
    ours, theirs = [], []
    with window_loop(qapp) as loop:
        played = Played(loop)
        played.put_in(program)
        run_all(loop)
        ours = played.heard
    plain = asyncio.SelectorEventLoop()
    try:
        played = Played(plain)
        played.put_in(program)
        run_all(plain)
        theirs = played.heard
    finally:
        plain.close()
    assert ours == theirs


# --- timers -----------------------------------------------------------------------------------------------------------


def test_timers_run_in_the_order_they_are_due_and_ties_as_they_were_set(loop: Loop) -> None:
    heard: list[str] = []
    now_s = loop.time()
    loop.call_at(now_s + 0.010, heard.append, "last")
    for number in range(20):
        loop.call_at(now_s + 0.005, heard.append, f"tie {number}")
    loop.call_at(now_s + 0.001, heard.append, "early")
    loop.call_at(now_s - 10, heard.append, "past")
    loop.call_later(-1, heard.append, "less past")
    loop.call_at(now_s + 0.012, loop.stop)
    loop.run_forever()
    assert heard == ["past", "less past", "early", *(f"tie {number}" for number in range(20)), "last"]


def test_a_timer_is_never_early(loop: Loop) -> None:
    early: list[float] = []
    for number in range(1, 30):
        due_s = loop.time() + number * 0.0007
        loop.call_at(due_s, lambda due_s=due_s: early.append(loop.time() - due_s))
    loop.run_until_complete(asyncio.sleep(0.03))
    assert len(early) == 29
    assert min(early) >= -1e-6


def test_an_earlier_timer_is_heard_although_a_later_one_was_set_first(loop: Loop) -> None:
    loop.call_later(3600, lambda: pytest.fail("an hour has not passed"))
    loop.run_until_complete(asyncio.wait_for(asyncio.sleep(0.001), 30))


def test_a_timer_beyond_what_qt_can_count_is_taken(loop: Loop) -> None:
    timer = loop.call_later(10 * 365 * 24 * 3600, lambda: None)
    run_all(loop)
    timer.cancel()


def test_timers_set_by_a_slot_of_qt_are_heard(loop: Loop) -> None:
    QTimer.singleShot(0, lambda: loop.call_later(0.001, loop.stop))
    loop.run_forever()


class Posted(QObject):
    """Calls in Qt's next pass, before its timers."""

    told = Signal()


def test_a_timer_that_is_due_when_the_budget_is_used_up_is_heard_in_the_next_turn(
    loop: Loop, qapp: QApplication
) -> None:
    """Whether Qt calls it before or after the wake that begins a turn differs from system to system."""
    posted = Posted()
    heard: list[str] = []
    late = QTimer(singleShot=True)
    late.timeout.connect(qapp.exit)
    late.start(5_000)

    def due() -> None:
        heard.append("due")
        loop.stop()

    def due_too_late() -> None:
        loop._due_timer.stop()  # as Qt has a timer that it calls
        loop._timer_due()

    def use_up_the_budget() -> None:
        loop.call_later(0.001, due)
        time.sleep(0.01)
        posted.told.emit()

    posted.told.connect(due_too_late, Qt.ConnectionType.QueuedConnection)
    loop.call_soon(use_up_the_budget)
    loop.run_forever()
    late.stop()
    assert heard == ["due"]


# --- cancellation -----------------------------------------------------------------------------------------------------


def test_cancelled_callbacks_do_not_run(loop: Loop) -> None:
    heard: list[str] = []
    second: list[asyncio.Handle] = []
    loop.call_soon(heard.append, "cancelled before").cancel()
    loop.call_soon(lambda: second[0].cancel())
    second.append(loop.call_soon(heard.append, "cancelled by the first"))
    loop.call_later(0, heard.append, "timer").cancel()
    loop.call_soon_threadsafe(heard.append, "from a thread").cancel()
    run_all(loop)
    assert heard == []


def test_cancelled_timers_do_not_pile_up(loop: Loop) -> None:
    kept = loop.call_later(3600, lambda: None)
    for _ in range(10_000):
        loop.call_later(3600, lambda: None).cancel()
    assert len(loop._scheduled) <= 250
    heard: list[str] = []
    loop.call_later(0.001, heard.append, "after the purge")
    loop.run_until_complete(asyncio.sleep(0.005))
    assert heard == ["after the purge"]
    kept.cancel()


# --- exceptions -------------------------------------------------------------------------------------------------------


def test_an_exception_goes_to_the_handler_with_its_handle_and_the_rest_runs(loop: Loop) -> None:
    told: list[dict[str, Any]] = []
    heard: list[str] = []
    loop.set_exception_handler(lambda _loop, context: told.append(context))
    assert loop.get_exception_handler() is not None
    handles = [loop.call_soon(lambda: 1 / 0), loop.call_later(0, lambda: 1 / 0)]
    loop.call_soon(heard.append, "the next")
    run_all(loop)
    assert heard == ["the next"]
    assert [context["handle"] for context in told] == handles
    assert all(isinstance(context["exception"], ZeroDivisionError) for context in told)
    assert all(context["message"].startswith("Exception in callback") for context in told)


def test_without_a_handler_an_exception_is_logged(loop: Loop, background_errors: list[str]) -> None:
    loop.call_soon(lambda: 1 / 0)
    run_all(loop)
    (text,) = background_errors
    assert "Exception in callback" in text
    assert "ZeroDivisionError" in text
    background_errors.clear()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_run_and_nothing_that_was_ready_is_lost(loop: Loop, kind: type[BaseException]) -> None:
    heard: list[str] = []

    def interrupt() -> None:
        raise kind

    loop.call_soon(interrupt)
    loop.call_soon(heard.append, "ready behind it")
    with pytest.raises(kind):
        loop.run_forever()
    assert heard == []
    run_all(loop)
    assert heard == ["ready behind it"]


def test_an_interrupt_in_a_task_comes_out_of_run_until_complete(loop: Loop) -> None:
    async def leave() -> None:
        await asyncio.sleep(0)
        raise SystemExit(3)

    with pytest.raises(SystemExit) as left:
        loop.run_until_complete(leave())
    assert left.value.code == 3
