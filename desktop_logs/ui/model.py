"""The table's model: Qt's face of the records held, and the scan that a filter change sets going. No widgets.

Rows are records in order of their number. Whoever looks for a record after a change finds it by that number, since
rows move when old records leave or a scan adds older ones in front.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from desktop_logs.core.completion import Vocabulary
from desktop_logs.core.errors import TooSlow
from desktop_logs.core.held import Held
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from desktop_logs.core.rows import Rows
from desktop_logs.core.scan import Filter
from desktop_logs.core.settings import DEFAULT_HELD_RECORDS
from desktop_logs.ui.cells import COLUMNS, accessible_text, cell_text, tooltip_text

_SLICE_S: Final = 0.005
_FIRST_SLICE_S: Final = 0.016
_FRAME_S: Final = 1 / 30
_SCREEN_ROWS: Final = 40
"""About as many as a window shows."""

Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


@dataclass(slots=True)
class _Stretch:
    """Records held, what of them is wanted, and whether that took too long."""

    held: Held
    filter: Filter
    has_failed: bool = False


class RecordModel(QAbstractTableModel):
    """Up to *capacity* records that came last, filtered by level bands and a query; or others, while it shows a place.

    The newest go on being held meanwhile, and are found as they were left, with their filter.
    """

    filtering_changed = Signal(bool)
    """True when a filter change goes on in slices, False when it is complete."""
    filter_failed = Signal(object)
    """The TooSlow error for which a filter was given up; rows are missing until another filter is set."""

    def __init__(
        self,
        capacity: int = DEFAULT_HELD_RECORDS,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
        work_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._work_clock = work_clock
        self._live = self._shown = _Stretch(Held(capacity), Filter())
        self._last_reveal_s = 0.0
        self._scan_work_s = 0.0
        self._scan = QTimer(self)
        self._scan.setInterval(0)
        self._scan.timeout.connect(self._scan_slice)

    # What is in it

    @property
    def _held(self) -> Held:
        return self._shown.held

    @property
    def is_live(self) -> bool:
        """True while what comes is shown, False while a place is."""
        return self._shown is self._live

    @property
    def live_held(self) -> Rows:
        """All records held of what came, oldest first, as they are now, whatever is shown."""
        return self._live.held.records

    @property
    def held(self) -> Rows:
        """All records held, oldest first, as they are now. Not for every frame: 0.1 ms for a million."""
        return self._held.records

    @property
    def shown(self) -> Rows:
        """The records that are rows, in their order, as they are now. Not for every frame: 0.1 ms for a million."""
        return self._held.rows

    @property
    def held_count(self) -> int:
        """How many records are held."""
        return len(self._held)

    @property
    def shown_count(self) -> int:
        """How many rows there are."""
        return self._held.row_count

    @property
    def counts(self) -> Sequence[int]:
        """How many of the records held are in each band of `core.levels.BANDS`."""
        return self._held.counts

    @property
    def capacity(self) -> int:
        """The most records that are held of what comes."""
        return self._live.held.capacity

    @property
    def room(self) -> int:
        """How many records more can be put in front before the oldest leave."""
        return self._held.room

    @property
    def oldest_seq(self) -> int:
        """The number of the oldest record held; 0 when none is."""
        return self._held.oldest_seq

    @property
    def newest_seq(self) -> int:
        """The number of the newest record held; 0 when none is."""
        return self._held.newest_seq

    @property
    def has_selected(self) -> bool:
        """True while records are held that leave when the filter changes."""
        return self._held.has_selected

    @property
    def is_filtered(self) -> bool:
        """True when the filter may hide a record."""
        return not self._shown.filter.is_everything

    @property
    def is_filtering(self) -> bool:
        """True while a filter change still goes through older records."""
        return self._scan.isActive()

    @property
    def is_complete(self) -> bool:
        """True when every record held that the filter selects is a row."""
        return self._held.is_looked_through and not self._scan.isActive() and not self._shown.has_failed

    @property
    def scan_work_s(self) -> float:
        """How long the last filter change has held the thread, all its slices together."""
        return self._scan_work_s

    def vocabulary(self) -> Vocabulary:
        """The names that the records held have for fields, levels and sources; about 2 ms."""
        return self._held.vocabulary()

    def record_at(self, row: int) -> Record:
        """The record of *row*. Raises IndexError when there is no such row."""
        return self._held.record_at(row)

    def row_of_seq(self, seq: int) -> int | None:
        """The row of the record numbered *seq*; None when it is not shown. O(log n)."""
        row = self._held.row_from_seq(seq)
        return row if row < self._held.row_count and self._held.seq_at(row) == seq else None

    def row_from_seq(self, seq: int) -> int:
        """The first row whose record is numbered *seq* or higher; the row count when there is none. O(log n)."""
        return self._held.row_from_seq(seq)

    def seq_at(self, row: int) -> int:
        """The number of the record of *row*. Raises IndexError when there is no such row."""
        return self._held.seq_at(row)

    def next_row(self, row: int, bands: frozenset[int], step: int) -> int | None:
        """The nearest row after (*step* 1) or before (-1) *row* whose level is in *bands*; None when there is none."""
        return self._held.next_row(row, bands, step)

    def is_striped(self, row: int) -> bool:
        """True for every second row; a record keeps its stripe when rows before it come or go."""
        return bool((row + self._held.origin) & 1)

    # Changing it

    def append(self, records: Sequence[Record]) -> int:
        """Hold *records* too, whose numbers grow and are above all that came; how many of them became rows.

        One insertion for all of them, and at most one removal of the oldest rows. While a place is shown, neither.
        """
        return self._append(self._live, records)

    def extend(self, records: Sequence[Record]) -> int:
        """As `append`, behind the place that is shown."""
        return self._append(self._shown, records)

    def prepend(self, records: Sequence[Record]) -> None:
        """Hold *records*, a slabful (`core.held.slabfuls`), in front of those shown; each is a row. 1.5 µs each.

        They are all that the filter selects of what there was: they leave when it changes, unless that is everything.
        Raises ValueError when they are not older than all there are, or a filter change is under way.
        """
        self._held.check_older(records)
        self.beginInsertRows(_ROOT, 0, len(records) - 1)
        self._held.prepend(records)
        self.endInsertRows()

    def set_capacity(self, capacity: int) -> None:
        """Hold up to *capacity* records of what comes from now on."""
        self._live.held.set_capacity(capacity)
        self._evict(self._live)

    def set_spare(self, spare: int) -> None:
        """Hold up to *spare* records beyond the capacity, of what is shown, from now on."""
        if spare != self._held.spare:
            self._held.spare = spare
            self._evict(self._shown)

    def show_place(self, held: Held) -> None:
        """Show all of *held*, unfiltered, until `show_live`."""
        self._show(_Stretch(held, Filter()))

    def show_live(self) -> None:
        """Show what came again, as it was filtered; a filter change that was under way goes on."""
        self._show(self._live)

    def clear(self) -> None:
        """Hold and show nothing of what is shown now."""
        self.beginResetModel()
        self._held.clear()
        self.endResetModel()
        self._stop_scan()

    def set_filter(self, bands: frozenset[int], query: Query) -> None:
        """Show the records whose band is in *bands* and that *query* selects.

        The newest are looked at before this returns, for a slice (5 ms), or until they fill a screen, for a frame at
        most; the rest follows in slices, newest first, as insertions in front. A change while a scan is under way
        discards that scan. A query that takes too long on a record ends the scan, and `filter_failed` says so.
        """
        wanted = Filter(bands, query, clock=self._clock, work_clock=self._work_clock)
        if wanted == self._shown.filter and not self._shown.has_failed:
            return
        self._shown.filter = wanted
        self._shown.has_failed = False
        self._scan_work_s = 0.0
        self.beginResetModel()
        failure = self._work(lambda: self._held.set_filter(wanted), self._look_first)
        self._held.reveal()
        self.endResetModel()
        if failure is not None:
            self._give_up(self._shown, failure)
        else:
            self._go_on_scanning()

    # Qt's side

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else self._held.row_count

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= self._held.row_count:
            return None
        record = self._held.record_at(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(record, index.column())
        if role == Qt.ItemDataRole.UserRole:
            return record
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(record, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return accessible_text(record, index.column())
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(COLUMNS):
            if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
                return COLUMNS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    # Inside

    def _append(self, stretch: _Stretch, records: Sequence[Record]) -> int:
        if not records:
            return 0
        held = stretch.held
        held.check_newer(records)
        rows: list[int] = []
        failure: TooSlow | None = None
        if not stretch.has_failed:
            try:
                rows = held.rows_of(records)
            except TooSlow as too_slow:
                failure = too_slow
        if rows and stretch is self._shown:
            first = held.row_count
            self.beginInsertRows(_ROOT, first, first + len(rows) - 1)
            held.append(records, rows)
            self.endInsertRows()
        else:
            held.append(records, rows)
        self._evict(stretch)
        if failure is not None:  # last, since whoever hears of it sets another filter
            self._give_up(stretch, failure)
        return len(rows)

    def _evict(self, stretch: _Stretch) -> None:
        slabs, rows = stretch.held.excess()
        if rows and stretch is self._shown:
            self.beginRemoveRows(_ROOT, 0, rows - 1)
            stretch.held.evict(slabs)
            self.endRemoveRows()
        elif slabs:
            stretch.held.evict(slabs)

    def _show(self, stretch: _Stretch) -> None:
        self.beginResetModel()
        self._shown = stretch
        self.endResetModel()
        self._go_on_scanning()

    def _go_on_scanning(self) -> None:
        if self._held.is_looked_through or self._shown.has_failed:
            self._stop_scan()
            return
        self._last_reveal_s = self._clock()
        if not self._scan.isActive():
            self._scan.start()
            self.filtering_changed.emit(True)

    def _look(self) -> None:
        """Go on with the scan for one slice of time."""
        deadline_s = self._clock() + _SLICE_S
        self._held.look(lambda _found: self._clock() < deadline_s)

    def _look_first(self) -> None:
        """Begin the scan. A screen that is full at once is painted once, and a person waits for it."""
        began_s, missing = self._clock(), _SCREEN_ROWS - self._held.row_count
        self._held.look(lambda found: self._clock() - began_s < (_FIRST_SLICE_S if found < missing else _SLICE_S))

    def _scan_slice(self) -> None:
        failure = self._work(self._look)
        if failure is not None:
            self._give_up(self._shown, failure)
            return
        is_done = self._held.is_looked_through
        found, shown = self._held.unrevealed, self._held.row_count
        # Rows in front once a frame, not once a slice, since each insertion costs a layout and a repaint; but at once
        # when they are what the first screen was waiting for.
        fills_a_screen = shown < _SCREEN_ROWS <= shown + found
        if is_done or fills_a_screen or self._clock() - self._last_reveal_s >= _FRAME_S:
            self._last_reveal_s = self._clock()
            if found:
                self.beginInsertRows(_ROOT, 0, found - 1)
                self._held.reveal()
                self.endInsertRows()
            else:
                self._held.reveal()
        if is_done:
            self._stop_scan()

    def _work(self, *parts: Callable[[], None]) -> TooSlow | None:
        """Do a part of the scan, and note how long it took; the error for which it cannot go on."""
        began_s = self._clock()
        try:
            for part in parts:
                part()
        except TooSlow as too_slow:
            return too_slow
        finally:
            self._scan_work_s += self._clock() - began_s
        return None

    def _give_up(self, stretch: _Stretch, failure: TooSlow) -> None:
        if not stretch.has_failed:
            stretch.has_failed = True
            if stretch is self._shown:  # else who comes back to it sets its filter again, and hears of it then
                self._stop_scan()
                self.filter_failed.emit(failure)

    def _stop_scan(self) -> None:
        if self._scan.isActive():
            self._scan.stop()
            self.filtering_changed.emit(False)
