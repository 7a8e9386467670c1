"""How long the window's thread was held up. Only measuring; who is to blame, a profiler tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QAbstractEventDispatcher, QObject, Qt, QTimer

INTERVAL_MS: Final = 5
WORK_MS: Final = 2.0
"""A turn of Qt's loop that takes less is not work: a cursor that blinks, a figure that is brought up to date."""
WATCH_MS: Final = 500


class StallMeter(QObject):
    """The longest time that a click would have had to wait.

    Two measures, and the longer one counts. The processor time of each turn of Qt's loop: exact, always taken, 1 µs a
    turn. And the lateness of a timer, which also tells of waiting for the disk, another thread or the processor, and
    reads at most 5 ms low; it ticks only from a turn with work in it until half a second after the last one, so that an
    idle window is not woken by its own meter. Qt's aboutToBlock would not do instead: with GLib it comes after awake
    without anything in between.
    """

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
        work_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._work_clock = work_clock
        self._longest_s = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.tick)
        self._is_running = False
        self._watch_until_s = 0.0
        self._last_s = clock()
        self._last_work_s = work_clock()

    @property
    def longest_ms(self) -> float:
        """The longest stall since the start or the last reset."""
        return self._longest_s * 1000

    @property
    def is_watching(self) -> bool:
        """True while there is work, and shortly after it."""
        return self._timer.isActive()

    def start(self) -> None:
        """Measure from now on."""
        if not self._is_running:
            self._is_running = True
            self._last_work_s = self._work_clock()
            QAbstractEventDispatcher.instance().awake.connect(self.turned)

    def stop(self) -> None:
        """Measure no longer; what was measured stays."""
        if self._is_running:
            self._is_running = False
            QAbstractEventDispatcher.instance().awake.disconnect(self.turned)
            self._timer.stop()

    def reset(self) -> None:
        """Forget what was measured, and what has held the thread up until now."""
        self._longest_s = 0.0
        self._last_s = self._clock()
        self._last_work_s = self._work_clock()

    def turned(self) -> None:
        """Qt's loop has made a turn: what the thread worked since the last one, nobody could interrupt."""
        now_s = self._work_clock()
        work_s = now_s - self._last_work_s
        self._last_work_s = now_s
        if work_s < WORK_MS / 1000:
            return
        self._longest_s = max(self._longest_s, work_s)
        self._watch_until_s = self._clock() + WATCH_MS / 1000
        if not self._timer.isActive():
            self._last_s = self._clock()
            self._timer.start()

    def tick(self) -> None:
        """The timer has come: whatever it is late is a stall."""
        now_s = self._clock()
        self._longest_s = max(self._longest_s, now_s - self._last_s - INTERVAL_MS / 1000)
        self._last_s = now_s
        if now_s >= self._watch_until_s:
            self._timer.stop()
