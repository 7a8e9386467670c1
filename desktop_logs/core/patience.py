"""How long a query may hold the thread in one go, told by a clock that the caller gives. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from desktop_logs.core.errors import TooSlow
from desktop_logs.core.query_regex import SafePattern

Clock = Callable[[], float]
"""Seconds from anywhere."""

PATIENCE_S: Final = 0.03
"""How long a query may take over a slab; a usual one takes half a millisecond."""


class Patience:
    """How long a query may go on over a slab or over records that came together. All of its parts share it."""

    def __init__(self, clock: Clock, work_clock: Clock | None = None) -> None:
        """*work_clock* stands still while the thread does not run: what other programs take is not the query's fault.

        It may be slow to ask (1 µs), so *clock* is asked first; without it *clock* counts.
        """
        self._clock = clock
        self._work_clock = work_clock or clock
        self._until_s = self._work_until_s = 0.0

    def begin(self) -> None:
        """From now on, for PATIENCE_S."""
        self._until_s = self._clock() + PATIENCE_S
        self._work_until_s = self._work_clock() + PATIENCE_S

    def left_s(self) -> float:
        """How much of it is left; 0 or less when it is over."""
        left_s = self._until_s - self._clock()
        if left_s > 0:
            return left_s
        left_s = self._work_until_s - self._work_clock()
        self._until_s = self._clock() + left_s
        return left_s

    def check(self, expression: SafePattern | None = None) -> None:
        """Raises TooSlow, for *expression* where that is what takes the time, when it is over."""
        if self.left_s() > 0:
            return
        if expression is not None:
            raise expression.too_slow()
        raise TooSlow("The query takes too long on so many records. Leave out some of its parts.", 0)
