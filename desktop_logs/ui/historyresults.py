"""What a search of the history found: its model and its table, newest first. Searching is historysearch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QWidget

from desktop_logs.core.export import text_line
from desktop_logs.core.levels import BANDS, band_of
from desktop_logs.core.records import Record
from desktop_logs.ui.cells import COLUMNS, TIME, accessible_text, cell_text, tooltip_text
from desktop_logs.ui.columns import DATED_CHARACTERS, Columns
from desktop_logs.ui.delegate import RecordDelegate
from desktop_logs.ui.rowview import RowView
from desktop_logs.ui.selectionview import MAX_COPIED_CHARACTERS, MAX_COPIED_ROWS
from desktop_logs.ui.theme import ROW_HEIGHT, Palette, Theme, fixed_font, interface_font

_ROWS_BEFORE_END: Final = 3
"""So near to its end the view asks for more."""
_ERRORS: Final = frozenset({BANDS.index("error"), BANDS.index("fatal")})
_WARNINGS: Final = frozenset({BANDS.index("warn")})
_GOING_KEYS: Final = {"e": (_ERRORS, 1), "E": (_ERRORS, -1), "w": (_WARNINGS, 1), "W": (_WARNINGS, -1)}
"""To the next row of such levels, and back to the one before: as in the page's table."""
_ROOT: Final = QModelIndex()
Index = QModelIndex | QPersistentModelIndex


class ResultsModel(QAbstractTableModel):
    """Records in the order in which they were found. They only grow at the end, or are all taken away."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._records: list[Record] = []

    @property
    def records(self) -> Sequence[Record]:
        """All records, as they are now."""
        return tuple(self._records)

    @property
    def last_seq(self) -> int | None:
        """The number of the last record, the oldest; None when there is none."""
        return self._records[-1].seq if self._records else None

    def record_at(self, row: int) -> Record:
        """The record of *row*. Raises IndexError when there is no such row."""
        return self._records[row]

    def is_striped(self, row: int) -> bool:
        """True for every second row."""
        return bool(row & 1)

    def append(self, records: Sequence[Record]) -> None:
        """Add *records* below the others."""
        if records:
            first = len(self._records)
            self.beginInsertRows(_ROOT, first, first + len(records) - 1)
            self._records += records
            self.endInsertRows()

    def clear(self) -> None:
        """Take all records away."""
        self.beginResetModel()
        self._records.clear()
        self.endResetModel()

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._records)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._records):
            return None
        record, column = self._records[index.row()], index.column()
        if role == Qt.ItemDataRole.UserRole:
            return record
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) and column == TIME:
            return cell_text(record, TIME, dated=True)
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(record, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return accessible_text(record, column)
        return tooltip_text(record, column) if role == Qt.ItemDataRole.ToolTipRole else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(COLUMNS):
            if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
                return COLUMNS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None


class ResultsTable(RowView):
    """A view on a ResultsModel that looks like the page's table, with the date beside each time."""

    record_selected = Signal(object)
    """The Record that became current; None when there is none any more."""
    record_chosen = Signal(object)
    """Enter or a double click: somebody wants to go to this Record."""
    end_reached = Signal()
    """Somebody scrolled to the last records; comes again with each further step."""
    copy_refused = Signal(int)
    """How many rows somebody wanted to copy, when they are too many or too long."""

    def __init__(self, model: ResultsModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results = model
        self.setAccessibleName("Records found in the history")
        font = fixed_font()
        self.setFont(font)
        self._delegate = RecordDelegate(theme.palette, font, self, dated=True)
        self.setItemDelegate(self._delegate)
        self.setModel(model)
        self._prepare_headers()
        model.modelReset.connect(self._emptied)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        theme.changed.connect(self._theme_changed)

    def current_record(self) -> Record | None:
        """The record of the current row; None when there is none."""
        index = self.currentIndex()
        return self._results.record_at(index.row()) if index.isValid() else None

    def selected_records(self) -> list[Record]:
        """The records of the selected rows, in their order."""
        parts = sorted({(part.top(), part.bottom()) for part in self.selectionModel().selection()})
        return [self._results.record_at(row) for first, last in parts for row in range(first, last + 1)]

    def go_to_next(self, bands: frozenset[int], step: int) -> None:
        """Go to the nearest row of *bands* below (*step* 1) or above (-1); below the last there may be more to load."""
        count = self._results.rowCount()
        current = self.currentIndex().row() if self.currentIndex().isValid() else (-1 if step > 0 else count)
        for row in range(current + step, count if step > 0 else -1, step):
            if band_of(self._results.record_at(row).severity) in bands:
                self._go_to_row(row)
                return
        if step > 0:
            self.end_reached.emit()

    def copy_selection(self) -> None:
        """Put the selected rows on the clipboard as text, a record after another."""
        records = self.selected_records()
        characters = sum(len(record.message) + len(record.context) for record in records)
        if len(records) > MAX_COPIED_ROWS or characters > MAX_COPIED_CHARACTERS:
            self.copy_refused.emit(len(records))
        elif records:
            QGuiApplication.clipboard().setText("\n".join(map(text_line, records)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, keys = event.key(), event.modifiers() & Qt.KeyboardModifier.ControlModifier
        text = "" if keys else event.text()
        record = self.current_record()
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) or text == "s":
            if record is not None:
                self.record_chosen.emit(record)
        elif text in _GOING_KEYS:
            self.go_to_next(*_GOING_KEYS[text])
        elif key == Qt.Key.Key_Home:
            self._go_to_row(0)
        elif key == Qt.Key.Key_End:
            self._go_to_row(self._results.rowCount() - 1)
        elif key == Qt.Key.Key_Escape or (text and text.isprintable()):
            event.ignore()  # the panel's and the page's keys, not a search for a cell that begins so
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.record_chosen.emit(self._results.record_at(index.row()))

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().currentChanged(current, previous)
        if current.isValid() and current.row() != previous.row():
            self.record_selected.emit(self._results.record_at(current.row()))

    # Inside

    def _go_to_row(self, row: int) -> None:
        if row >= 0:
            self.setCurrentIndex(self._results.index(row, self.columns.first))

    def _emptied(self) -> None:
        self._delegate.forget()
        self.record_selected.emit(None)

    def _scrolled(self, value: int) -> None:
        if value >= self.verticalScrollBar().maximum() - _ROWS_BEFORE_END * ROW_HEIGHT:
            self.end_reached.emit()

    def _prepare_headers(self) -> None:
        self.columns = Columns(self, time_characters=DATED_CHARACTERS)
        self.columns.setFont(interface_font())
        self.setHorizontalHeader(self.columns)
        self.columns.reset_columns()
        self.columns.changed.connect(self._columns_changed)

    def _columns_changed(self) -> None:
        self._delegate.first_column = self.columns.first
        self.viewport().update()

    def _theme_changed(self, palette: Palette) -> None:
        self._delegate.set_palette(palette)
        self.viewport().update()
