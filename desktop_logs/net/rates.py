"""How often one client may ask for something. Pure: the clock is given."""

from __future__ import annotations

from collections.abc import Callable


class Rate:
    """So much a second, and *burst* at once: a bucket that fills by itself."""

    def __init__(self, per_second: float, burst: float, clock_s: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = self._left = burst
        self._clock_s = clock_s
        self._at_s = clock_s()

    def take(self) -> bool:
        """True when one more is within the rate."""
        now_s = self._clock_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
