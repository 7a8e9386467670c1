"""When Python looks for garbage in cycles, so that no frame waits for it. No Qt here, and no timer.

A full collection walks over everything held: 25 ms for what an open window consists of, 16 ms more for each list of a
million records. Python starts it in the middle of whatever allocates, and under load that is a frame.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

_NEVER: Final = 1_000_000_000
OVERDUE_S: Final = 600.0
"""So long garbage may wait for a quiet moment; then it is collected even under load."""


class Collector:
    """Young objects are collected as Python does, 0.1 to 1 ms each time; full collections happen in `look` alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = gc.get_threshold()
        self._last_s = clock()

    def start(self) -> None:
        """From now on Python starts no full collection by itself."""
        young, middle, _ = self._before
        gc.set_threshold(young, middle, _NEVER)

    def settle(self) -> None:
        """Take all objects there are for lasting ones, which no collection walks over any more. Costs nothing.

        To be called once what stays for good is loaded and before what may go again is made: of that, cycles would
        never be collected. What became garbage before is kept too, a few thousand objects after a start.
        """
        gc.freeze()

    def look(self, is_quiet: bool) -> None:
        """Collect everything when there may be something to collect and nobody would notice a pause of a frame.

        To be called every second or so.
        """
        has_grown = gc.get_count()[2] > 0
        if has_grown and (is_quiet or self._clock() - self._last_s >= OVERDUE_S):
            gc.collect()
            self._last_s = self._clock()

    def stop(self) -> None:
        """Leave the collector to Python as it was; what lasts is walked over again."""
        gc.set_threshold(*self._before)
        gc.unfreeze()
