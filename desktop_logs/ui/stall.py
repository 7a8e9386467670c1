"""How long the window's thread was held up. Only measuring; who is to blame, a profiler tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer

INTERVAL_MS: Final = 25


class StallMeter(QObject):
    """A timer whose lateness is the stall: what a click would have waited at least. 40 looks at a clock a second."""

    def __init__(self, parent: QObject | None = None, *, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(parent)
        self._clock = clock
        self._longest_s = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.tick)
        self._last_s = clock()

    @property
    def longest_ms(self) -> float:
        """The longest stall since the start or the last reset."""
        return self._longest_s * 1000

    def start(self) -> None:
        """Measure from now on."""
        self._last_s = self._clock()
        self._timer.start()

    def stop(self) -> None:
        """Measure no longer; what was measured stays."""
        self._timer.stop()

    def reset(self) -> None:
        """Forget what was measured, and what has held the thread up until now."""
        self._longest_s = 0.0
        self._last_s = self._clock()

    def tick(self) -> None:
        """The timer has come: whatever it is late is a stall."""
        now_s = self._clock()
        self._longest_s = max(self._longest_s, now_s - self._last_s - INTERVAL_MS / 1000)
        self._last_s = now_s
