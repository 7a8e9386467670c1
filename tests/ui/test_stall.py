"""The stall meter tells the longest time the thread was held up, and does not wake a window that is idle."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QAbstractEventDispatcher, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.ui.stall import INTERVAL_MS, WATCH_MS, StallMeter


class Clocks:
    """The time of day and the thread's work, as a test moves them on."""

    def __init__(self) -> None:
        self.now_s = 10.0
        self.work_s = 1.0
        self.meter = StallMeter(clock=lambda: self.now_s, work_clock=lambda: self.work_s)

    def turn(self, work_ms: float, waited_ms: float = 0.0) -> None:
        """One turn of Qt's loop."""
        self.now_s += (work_ms + waited_ms) / 1000
        self.work_s += work_ms / 1000
        self.meter.turned()


@pytest.fixture
def clocks(qapp: QApplication) -> Clocks:
    return Clocks()


def test_longest_lateness_of_the_timer_beyond_its_interval_is_kept(clocks: Clocks) -> None:
    for late_ms in (0, 40, 7):
        clocks.now_s += (INTERVAL_MS + late_ms) / 1000
        clocks.meter.tick()
    assert clocks.meter.longest_ms == pytest.approx(40)
    clocks.meter.reset()
    assert clocks.meter.longest_ms == 0
    clocks.now_s += 0.001
    clocks.meter.tick()
    assert clocks.meter.longest_ms == 0


def test_a_turn_that_worked_long_is_a_stall_and_one_that_waited_for_events_is_none(clocks: Clocks) -> None:
    clocks.turn(0.2, waited_ms=5_000)
    assert clocks.meter.longest_ms == 0
    clocks.turn(80)
    clocks.turn(30)
    assert clocks.meter.longest_ms == pytest.approx(80)


def test_the_timer_ticks_while_there_is_work_and_a_little_longer(clocks: Clocks) -> None:
    meter = clocks.meter
    clocks.turn(0.2)
    assert not meter.is_watching
    clocks.turn(3)
    assert meter.is_watching
    clocks.now_s += WATCH_MS / 1000 - 0.001
    meter.tick()
    clocks.turn(3)
    clocks.now_s += WATCH_MS / 1000 - 0.001
    meter.tick()
    assert meter.is_watching
    clocks.now_s += 0.002
    meter.tick()
    assert not meter.is_watching


def test_a_thread_held_up_by_work_or_by_waiting_is_noticed(qapp: QApplication, qtbot: QtBot) -> None:
    def work() -> None:
        until_s = time.thread_time() + 0.12
        while time.thread_time() < until_s:
            pass

    meter = StallMeter()
    meter.start()
    QTimer.singleShot(0, meter, work)
    qtbot.waitUntil(lambda: meter.longest_ms >= 115)
    meter.reset()
    QTimer.singleShot(20, meter, lambda: time.sleep(0.2))
    qtbot.waitUntil(lambda: meter.longest_ms >= 190)
    meter.stop()


def test_a_loop_without_work_is_not_woken(qapp: QApplication, qtbot: QtBot) -> None:
    meter = StallMeter(work_clock=lambda: 0.0)
    meter.start()
    turns: list[None] = []
    awake = QAbstractEventDispatcher.instance().awake
    counting = awake.connect(lambda: turns.append(None))
    qtbot.wait(300)
    awake.disconnect(counting)
    meter.stop()
    assert not meter.is_watching
    assert len(turns) < 300 / INTERVAL_MS / 2
