"""The table's model: the records held, those of them that pass the filter, and the scan that finds them. No widgets.

Rows are records in order of their number. Whoever looks for a record after a change finds it by that number, since
rows move when old records leave or a scan adds older ones in front.
"""

from __future__ import annotations

import html
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

from desktop_logs.core.export import traceback_of
from desktop_logs.core.levels import BANDS, band_of
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import one_line, summary
from desktop_logs.core.timestamps import format_clock, format_local

TIME, LEVEL, SOURCE, MESSAGE = range(4)
COLUMNS: Final = ("Time", "Level", "Source", "Message")
ALL_BANDS: Final = frozenset(range(len(BANDS)))
DEFAULT_CAPACITY: Final = 100_000

_SLICE_S: Final = 0.005
_FRAME_S: Final = 1 / 30
_CHUNK: Final = 1_000
_MAX_SLAB: Final = 5_000
_TOOLTIP_CHARACTERS: Final = 1_000
_ROW_CHARACTERS: Final = 2_000
_BAND: Final = tuple(band_of(severity) for severity in range(25))
_seq_of = attrgetter("seq")

Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


class RecordModel(QAbstractTableModel):
    """Up to *capacity* records (and a slab more), filtered by level bands and a query."""

    filtering_changed = Signal(bool)
    """True when a filter change goes on in slices, False when it is complete."""

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(parent)
        self.capacity = capacity
        # Small slabs: freeing records costs 0.1 µs each, and a frame has to do it.
        self._slab = max(min(capacity // 8, _MAX_SLAB), 1)
        self._clock = clock
        self._held: list[Record] = []
        self._shown: list[Record] = []
        self._counts = [0] * len(BANDS)
        self._bands = ALL_BANDS
        self._query = Query()
        self._select = _selector(ALL_BANDS, self._query)
        self._stripe = 0
        self._unscanned = 0
        """How many of the oldest records held the scan under way has not looked at; 0 when none is."""
        self._found: list[list[Record]] = []
        """What the scan found and the rows do not have yet, newest chunk first."""
        self._last_rows_s = 0.0
        self._scan = QTimer(self)
        self._scan.setInterval(0)
        self._scan.timeout.connect(self._scan_slice)

    # What is in it

    @property
    def held(self) -> Sequence[Record]:
        """All records held, oldest first. Not to be changed, and not to be kept over a change."""
        return self._held

    @property
    def shown(self) -> Sequence[Record]:
        """The records that are rows, in their order. Not to be changed, and not to be kept over a change."""
        return self._shown

    @property
    def counts(self) -> Sequence[int]:
        """How many of the records held are in each band of `core.levels.BANDS`."""
        return self._counts

    @property
    def is_filtered(self) -> bool:
        """True when the filter may hide a record."""
        return self._bands != ALL_BANDS or not self._query.is_empty

    @property
    def is_filtering(self) -> bool:
        """True while a filter change still goes through older records."""
        return self._scan.isActive()

    def record_at(self, row: int) -> Record:
        """The record of *row*. Raises IndexError when there is no such row."""
        if row < 0:
            raise IndexError(row)
        return self._shown[row]

    def row_of_seq(self, seq: int) -> int | None:
        """The row of the record numbered *seq*; None when it is not shown. O(log n)."""
        row = self.row_from_seq(seq)
        return row if row < len(self._shown) and self._shown[row].seq == seq else None

    def row_from_seq(self, seq: int) -> int:
        """The first row whose record is numbered *seq* or higher; the row count when there is none. O(log n)."""
        return bisect_left(self._shown, seq, key=_seq_of)

    def next_row(self, row: int, bands: frozenset[int], step: int) -> int | None:
        """The nearest row after (*step* 1) or before (-1) *row* whose level is in *bands*; None when there is none."""
        rows = range(row + 1, len(self._shown)) if step > 0 else range(min(row, len(self._shown)) - 1, -1, -1)
        shown = self._shown
        return next((at for at in rows if _BAND[shown[at].severity] in bands), None)

    def is_striped(self, row: int) -> bool:
        """True for every second row; a record keeps its stripe when rows before it come or go."""
        return bool((row + self._stripe) & 1)

    # Changing it

    def append(self, records: Sequence[Record]) -> int:
        """Hold *records* too, whose numbers grow and are above all held; how many of them became rows.

        One insertion for all of them, and at most one removal of the oldest rows.
        """
        if not records:
            return 0
        if self._held and records[0].seq <= self._held[-1].seq:
            raise ValueError(f"record {records[0].seq} is not newer than {self._held[-1].seq}")
        self._count(records, 1)
        self._held.extend(records)
        passing = self._select(records)
        if passing:
            first = len(self._shown)
            self.beginInsertRows(_ROOT, first, first + len(passing) - 1)
            self._shown.extend(passing)
            self.endInsertRows()
        excess = len(self._held) - self.capacity
        if excess >= self._slab:
            self._evict(excess)
        return len(passing)

    def clear(self) -> None:
        """Hold and show nothing of what came before now."""
        self._stop_scan()
        self.beginResetModel()
        self._held = []
        self._shown = []
        self._counts = [0] * len(BANDS)
        self.endResetModel()

    def set_filter(self, bands: frozenset[int], query: Query) -> None:
        """Show the records whose band is in *bands* and that *query* selects.

        The newest are looked at before this returns, for at most a slice (5 ms); the rest follows in slices, newest
        first, as insertions in front. A change while a scan is under way discards that scan.
        """
        if bands == self._bands and query == self._query:
            return
        self._bands, self._query = bands, query
        self._select = _selector(bands, query)
        self._stop_scan()
        self._unscanned = len(self._held)
        self._look()
        self.beginResetModel()
        self._shown = self._take_found()
        self.endResetModel()
        if self._unscanned:
            self._last_rows_s = self._clock()
            self._scan.start()
            self.filtering_changed.emit(True)

    def finish_filtering(self) -> None:
        """Complete a filter change at once; as long as the records take."""
        while self._scan.isActive():
            self._scan_slice()

    # Qt's side

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        record = self._shown[index.row()]
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

    def _count(self, records: Sequence[Record], step: int) -> None:
        counts = self._counts
        for record in records:
            counts[_BAND[record.severity]] += step

    def _evict(self, excess: int) -> None:
        self._count(self._held[:excess], -1)
        first_kept = self._held[excess].seq if excess < len(self._held) else self._held[-1].seq + 1
        leaving = self.row_from_seq(first_kept)
        if leaving:
            self.beginRemoveRows(_ROOT, 0, leaving - 1)
            del self._shown[:leaving]
            self._stripe += leaving
            self.endRemoveRows()
        del self._held[:excess]
        if self._scan.isActive():
            self._unscanned = max(self._unscanned - excess, 0)
            self._found = [
                kept for chunk in self._found if (kept := chunk[bisect_left(chunk, first_kept, key=_seq_of) :])
            ]

    def _look(self) -> None:
        """Go on with the scan for one slice of time."""
        deadline_s = self._clock() + _SLICE_S
        while self._unscanned:
            start = max(self._unscanned - _CHUNK, 0)
            passing = self._select(self._held[start : self._unscanned])
            self._unscanned = start
            if passing:
                self._found.append(passing)
            if self._clock() >= deadline_s:
                return

    def _scan_slice(self) -> None:
        self._look()
        is_done = not self._unscanned
        # Rows in front once a frame, not once a slice: each insertion costs a layout and a repaint.
        if is_done or self._clock() - self._last_rows_s >= _FRAME_S:
            self._last_rows_s = self._clock()
            older = self._take_found()
            if older:
                self.beginInsertRows(_ROOT, 0, len(older) - 1)
                self._shown[:0] = older
                self._stripe -= len(older)
                self.endInsertRows()
        if is_done:
            self._stop_scan()

    def _take_found(self) -> list[Record]:
        found = [record for chunk in reversed(self._found) for record in chunk]
        self._found = []
        return found

    def _stop_scan(self) -> None:
        self._unscanned = 0
        self._found = []
        if self._scan.isActive():
            self._scan.stop()
            self.filtering_changed.emit(False)


def cell_text(record: Record, column: int) -> str:
    """What a cell says, in one line and safe to draw."""
    if column == TIME:
        return format_clock(record.time_ns)
    if column == LEVEL:
        return one_line(record.level).upper()
    if column == SOURCE:
        return one_line(record.source)
    return first_line(record)[0]


def first_line(record: Record) -> tuple[str, int]:
    """The first line of the message, cut at 2,000 characters, and how many lines more the detail has.

    Those of a traceback in the context count too.
    """
    message = record.message
    if len(message) <= _ROW_CHARACTERS:
        first, more = summary(message)
    else:
        # What is not seen in a row is not made safe either: 256 KiB would cost a frame a millisecond a row.
        bare = message.strip("\r\n")
        first, more = summary(bare[:_ROW_CHARACTERS])[0], bare.count("\n")
    trace = traceback_of(record)
    return first, more + len(trace.splitlines()) if trace else more


def tooltip_text(record: Record, column: int) -> str:
    """The whole of a cell as inert HTML: Qt would take plain text that looks like markup for markup."""
    if column == TIME:
        return format_local(record.time_ns)
    text = {LEVEL: record.level, SOURCE: record.source}.get(column, record.message)
    if len(text) > _TOOLTIP_CHARACTERS:
        text = text[:_TOOLTIP_CHARACTERS] + " …"
    lines = html.escape("\n".join(map(one_line, text.splitlines())), quote=False)
    return f'<p style="white-space: pre-wrap">{lines}</p>'


def accessible_text(record: Record, column: int) -> str:
    """What a screen reader says of a cell."""
    if column != MESSAGE:
        return cell_text(record, column)
    first, more = first_line(record)
    return f"{first}, {more} more {'line' if more == 1 else 'lines'}" if more else first


def _selector(bands: frozenset[int], query: Query) -> Callable[[Sequence[Record]], list[Record]]:
    """A function from records to those that pass; the cheap test of the level comes first."""
    if not query.is_empty:
        matches = query.compile()
        if bands == ALL_BANDS:
            return lambda records: [record for record in records if matches(record)]
        is_wanted = tuple(band in bands for band in _BAND)
        return lambda records: [record for record in records if is_wanted[record.severity] and matches(record)]
    if bands == ALL_BANDS:
        return list
    is_wanted = tuple(band in bands for band in _BAND)
    return lambda records: [record for record in records if is_wanted[record.severity]]
