"""The stall meter reports how late the window's timer was, and forgets when told to."""

from __future__ import annotations

import time

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.ui.stall import INTERVAL_MS, StallMeter


def test_longest_lateness_beyond_the_interval_is_kept(qapp: QApplication) -> None:
    now_s = [10.0]
    meter = StallMeter(clock=lambda: now_s[0])
    for late_ms in (0, 40, 7):
        now_s[0] += (INTERVAL_MS + late_ms) / 1000
        meter.tick()
    assert meter.longest_ms == pytest.approx(40)
    meter.reset()
    assert meter.longest_ms == 0
    now_s[0] += 0.001
    meter.tick()
    assert meter.longest_ms == 0


def test_a_held_up_thread_is_noticed(qapp: QApplication, qtbot: QtBot) -> None:
    meter = StallMeter()
    meter.start()
    qtbot.wait(60)
    time.sleep(0.12)
    qtbot.waitUntil(lambda: meter.longest_ms > 90)
    meter.stop()
    qtbot.wait(60)
    assert meter.longest_ms < 1_000
