"""Watches one filter change in the real window: when the first screen was right and painted, when all was done.

What must be seen is worked out beside the program, by Python's `re` and the level's band, record after record.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt

from desktop_logs.core.levels import ALL_BANDS, BANDS, band_of
from desktop_logs.core.records import Record
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.theme import ROW_HEIGHT
from tests.bench.texts import Filter

GIVE_UP_S = 3.0
"""A view that is not right so long after everything was done never will be."""
_PAINTED = QEvent.Type(QEvent.registerEventType())
_seq_of = attrgetter("seq")


class FilterWatch(QObject):
    """Prepares the reference when made; `begin` puts the filter in force. The view must follow the newest."""

    def __init__(self, page: FeedPage, wanted: Filter) -> None:
        super().__init__()
        self._page = page
        self._wanted = wanted
        self._pattern = re.compile(wanted.pattern, re.IGNORECASE) if wanted.pattern else None
        self._bands = frozenset(map(BANDS.index, wanted.levels)) or ALL_BANDS
        self._screen = page.table.viewport().height() // ROW_HEIGHT
        self._looked_at = 0
        self._expected: list[int] = []
        self._expect(page.model.held)
        self._began_s = self._complete_s = self._right_s = 0.0
        self._is_right = False

    def begin(self) -> None:
        """Change the filter as the bar's field and chips do."""
        self._page.table.viewport().installEventFilter(self)
        self._page.model.filtering_changed.connect(self._filtering_changed)
        self._began_s = time.perf_counter()
        self._page.bar.set_text(self._wanted.text)
        self._page.bar.set_bands(self._bands)
        if not self._page.model.is_filtering:
            self._complete_s = self._complete_s or time.perf_counter()

    @property
    def is_over(self) -> bool:
        """True when the filter change is complete and the view was right, or never will be."""
        late = time.perf_counter() - self._complete_s > GIVE_UP_S
        return bool(self._complete_s) and (bool(self._right_s) or late)

    def result(self) -> dict[str, Any]:
        """What was measured, in ms; *wrong* is how many records are shown or hidden that should not be."""
        self._page.table.viewport().removeEventFilter(self)
        self._page.model.filtering_changed.disconnect(self._filtering_changed)
        model = self._page.model
        shown = {record.seq for record in model.shown}
        expected = {record.seq for record in model.held if self._passes(record)}
        return {
            "complete_ms": (self._complete_s - self._began_s) * 1000,
            "work_ms": model.scan_work_s * 1000,
            "first_screen_ms": (self._right_s - self._began_s) * 1000 if self._right_s else None,
            "shown": len(shown),
            "wrong": len(shown ^ expected),
        }

    # Qt's side

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and not self._is_right and self._view_is_right():
            self._is_right = True
            # Comes when the window has been painted and handed to the screen.
            QCoreApplication.postEvent(self, QEvent(_PAINTED), Qt.EventPriority.HighEventPriority.value)
        return False

    def event(self, event: QEvent) -> bool:
        if event.type() == _PAINTED:
            self._right_s = time.perf_counter()
            return True
        return super().event(event)

    # Inside

    def _filtering_changed(self, is_filtering: bool) -> None:
        if not is_filtering:
            self._complete_s = time.perf_counter()

    def _passes(self, record: Record) -> bool:
        if self._pattern is not None and not self._pattern.search(record.message):
            return False
        return band_of(record.severity) in self._bands

    def _expect(self, records: Sequence[Record]) -> None:
        """Take over what is new; of the first look no more than fills the screen."""
        found: list[int] = []
        for at in range(len(records) - 1, -1, -1):
            record = records[at]
            if record.seq <= self._looked_at or len(found) > self._screen:
                break
            if self._passes(record):
                found.append(record.seq)
        if len(records):
            self._looked_at = records[-1].seq
        self._expected += reversed(found)

    def _view_is_right(self) -> bool:
        model, table = self._page.model, self._page.table
        held = model.held
        self._expect(held[bisect_right(held, self._looked_at, key=_seq_of) :])
        first_kept = held[0].seq if held else 0
        self._expected = [seq for seq in self._expected if seq >= first_kept]
        first, last = table.rowAt(0), table.rowAt(table.viewport().height() - 1)
        if first < 0:
            return not self._expected
        end = len(model.shown) if last < 0 else last + 1
        seen = [model.record_at(row).seq for row in range(first, end)]
        is_full = len(seen) >= min(self._screen, len(self._expected))
        return is_full and seen == self._expected[-len(seen) :]
