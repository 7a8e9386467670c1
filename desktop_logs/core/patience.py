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

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s = 0.0

    def begin(self) -> None:
        """From now on, for PATIENCE_S."""
        self._until_s = self._clock() + PATIENCE_S

    def left_s(self) -> float:
        """How much of it is left; 0 or less when it is over."""
        return self._until_s - self._clock()

    def check(self, expression: SafePattern | None = None) -> None:
        """Raises TooSlow, for *expression* where that is what takes the time, when it is over."""
        if self._clock() <= self._until_s:
            return
        if expression is not None:
            raise expression.too_slow()
        raise TooSlow("The query takes too long on so many records. Leave out some of its parts.", 0)
