"""Whether the clock on the wall can be trusted to delete by. Pure beside the two clocks, which are passed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date

DAY_S = 86_400.0
HOUR_S = 3_600.0
# More than a day, however a day itself is rounded.
_JUMP_S = DAY_S + 1.0
# A longer time between two looks was spent asleep, which proves nothing about the clock.
_MAX_BETWEEN_LOOKS_S = 300.0


def running_s() -> float:
    """Seconds that no change of the clock touches, and that go on while the machine sleeps.

    Else a laptop that slept over the weekend would look like a clock that jumped. `time.monotonic` stands still then on
    Linux and macOS, CLOCK_BOOTTIME (Linux) and macOS' CLOCK_MONOTONIC do not: clock_gettime(2), clock_gettime(3).
    On Windows it goes on.
    """
    if sys.platform == "win32":
        seconds = time.monotonic()
    else:
        seconds = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    return seconds


class ClockWatch:
    """Tells when the clock has jumped by more than a day, either way, between two looks, or between two runs.

    *wall* gives seconds since 1970, which no daylight saving moves. A jump is forgotten once it is undone, or after
    24 hours in which the program ran and the clock went steadily. For one thread.
    """

    def __init__(self, wall: Callable[[], float] = time.time, running: Callable[[], float] = running_s) -> None:
        self._wall = wall
        self._running = running
        self._looked_s = running()
        self._offset_s = wall() - self._looked_s
        self._trusted_s = self._offset_s  # what the clock was ahead of the running one when all was well
        self._steady_s = 0.0
        self._at_start = False

    @property
    def is_after_pause(self) -> bool:
        """True while what `look` says comes of a pause of the program, most likely."""
        return self._at_start and self._offset_s > self._trusted_s

    @property
    def running_s(self) -> float:
        """Seconds of the clock that nobody sets."""
        return self._running()

    def begin(self, newest: date | None, today: date) -> None:
        """At the start of a run: *newest* is the day of what an earlier one wrote last, None when there is nothing.

        More than a day ago means that the program was off or that the clock is wrong; an hour of steady clock decides.
        More than a day ahead is a jump back.
        """
        self._looked_s = self._running()
        self._offset_s = self._wall() - self._looked_s
        self._trusted_s = self._offset_s - ((today - newest).days if newest is not None else 0) * DAY_S
        self._at_start = True

    def look(self) -> str:
        """Empty when the clock can be trusted, else one sentence that says why nothing is deleted by age.

        To be called every few minutes: longer times between two looks count as five minutes of steady clock.
        """
        now_s = self._running()
        offset_s = self._wall() - now_s
        self._steady_s += min(now_s - self._looked_s, _MAX_BETWEEN_LOOKS_S)
        if abs(offset_s - self._offset_s) > _JUMP_S:
            self._steady_s = 0.0
        self._looked_s, self._offset_s = now_s, offset_s
        jump_s = offset_s - self._trusted_s
        was_off = self._at_start and jump_s > 0
        if abs(jump_s) <= _JUMP_S or self._steady_s >= (HOUR_S if was_off else DAY_S):
            self._trusted_s = offset_s
            self._at_start = False
            return ""
        days = f"{abs(jump_s) / DAY_S:,.0f} days"
        if was_off:
            return (
                f"Nothing is deleted by age in the first hour, since the newest of what is kept is {days} old and the "
                "clock may be wrong."
            )
        way = "forward" if jump_s > 0 else "back"
        return (
            f"Nothing is deleted by age at present, since the clock has jumped {way} by {days}. "
            "That ends when it is set right, or after 24 hours without another jump."
        )
