"""How often a page has a frame, and how much of what is new a frame takes over. No widgets, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from desktop_logs.core.feed import FeedState
from desktop_logs.core.records import Record

LEAST: Final = 200
"""Records that a frame takes over, however long it took."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often there is a frame, and how much of what is new it takes over."""

    frame_ms: int
    budget_s: float
    most: int
    most_characters: int
    """Usual records are not held up by it; so many of the largest would hold up the window for a second."""


LIVE: Final = Pace(33, 0.008, 5_000, 1_000_000)
LOADING: Final = Pace(60, 0.016, 8_000, 2_000_000)
"""While a file is read in: a quarter of the time, as making records of its lines takes three times as long as this.
Each frame is painted, which takes as long as a thousand records do."""


def pace_of(state: FeedState) -> Pace:
    """The pace for a feed of that *state*."""
    return LOADING if state.is_file and state.phase == "starting" else LIVE


class Portion:
    """How many records a frame takes over: as many as there is time for, by what the last ones took."""

    def __init__(self) -> None:
        self._records = LIVE.most

    @property
    def records(self) -> int:
        """The most records that are taken over now."""
        return self._records

    def begin_small(self) -> None:
        """What a record costs is unknown: few are taken over until it has shown."""
        self._records = LEAST

    def of(self, records: Sequence[Record], pace: Pace) -> Sequence[Record]:
        """So many of *records* as have no more characters together than *pace* allows; at least one."""
        sizes = accumulate(len(record.message) + len(record.context) for record in records)
        return records[: max(sum(size <= pace.most_characters for size in sizes), 1)]

    def learn(self, took_s: float, pace: Pace) -> None:
        """The last frame took *took_s*. Where that is more than there is time for, or less than half of it, the next
        takes three quarters, as far as twice or half as many records do it."""
        if not pace.budget_s / 2 <= took_s <= pace.budget_s:
            factor = min(max(0.75 * pace.budget_s / max(took_s, 1e-6), 0.5), 2.0)
            self._records = min(max(round(self._records * factor), LEAST), pace.most)
