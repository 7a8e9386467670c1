"""A view of records and what is selected in it: that outlives filters and resets. Where the view is stands in table."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from desktop_logs.core.export import text_line
from desktop_logs.core.records import Record
from desktop_logs.ui.cells import COLUMNS
from desktop_logs.ui.columns import Columns
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.rowview import RowView

MAX_COPIED_ROWS: Final = 5_000
MAX_COPIED_CHARACTERS: Final = 5_000_000
"""More would hold the window for longer than a frame; the export is for those."""
MAX_PICKED_ROWS: Final = 300
"""As many are selected again row by row after a filter change; that takes 10 ms."""
SelectRows: Final = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
Run = tuple[int, int]
_last_of = itemgetter(1)


class SelectionView(RowView):
    """Knows what is selected by the numbers of the records. Who changes rows sets `_is_changing` meanwhile."""

    current_record_changed = Signal(object)
    """The Record that became current by a person's doing; None when all were cleared."""
    copy_refused = Signal(int)
    """How many rows somebody wanted to copy, when they are too many or too long."""

    columns: Columns

    def __init__(self, model: RecordModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._records = model
        self._is_changing = False
        self._current_seq: int | None = None
        self._selected: list[Run] = []
        """What was selected when a filter changed, as runs of numbers, first and last, until somebody selects else.

        The selection model knows only what is shown by now: a scan may still go on, or the filter hides some of it.
        """

    def selected_records(self) -> list[Record]:
        """The records of the selected rows, in their order; 2 µs each, so look at their number first."""
        at = self._records.record_at
        return [at(row) for first, last in self._selected_ranges() for row in range(first, last + 1)]

    def selected(self) -> Sequence[Record]:
        """The records of the selected rows as they are now, in their order, made when they are asked for."""
        return self._records.shown.part(self._selected_ranges())

    @property
    def selected_count(self) -> int:
        """How many rows are selected."""
        return sum(last - first + 1 for first, last in self._selected_ranges())

    def current_record(self) -> Record | None:
        """The record of the current row; None when there is none."""
        index = self.currentIndex()
        return self._records.record_at(index.row()) if index.isValid() else None

    def copy_selection(self) -> None:
        """Put the selected rows on the clipboard as text, a record after another."""
        count = self.selected_count
        records = self.selected_records() if count <= MAX_COPIED_ROWS else []
        characters = sum(len(record.message) + len(record.context) for record in records)
        if count > len(records) or characters > MAX_COPIED_CHARACTERS:
            self.copy_refused.emit(count)
        elif records:
            QGuiApplication.clipboard().setText("\n".join(map(text_line, records)))

    # Qt's side

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().currentChanged(current, previous)
        if self._is_changing or not current.isValid():
            return
        record = self._records.record_at(current.row())
        if record.seq != self._current_seq:
            self._current_seq = record.seq
            self.current_record_changed.emit(record)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._is_changing:
            self._selected = []

    def selectionCommand(
        self, index: QModelIndex | QPersistentModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        # Who chooses again just what is selected already has chosen nothing that is hidden, and no signal tells.
        command = super().selectionCommand(index, event)
        if command != QItemSelectionModel.SelectionFlag.NoUpdate and not self._is_changing:
            self._selected = []
        return command

    def selectAll(self) -> None:
        self._selected = []
        super().selectAll()

    # Inside

    def _forget(self) -> None:
        """Nothing is selected any more, and nothing current."""
        self.clearSelection()
        self.selectionModel().clearCurrentIndex()
        self._selected = []
        if self._current_seq is not None:
            self._current_seq = None
            self.current_record_changed.emit(None)

    def _restore_selection(self, last: int) -> None:
        """Select again, by number, what a reset has made Qt forget of the rows up to *last*, which are new."""
        selection = self.selectionModel()
        column = self.columns.first
        if self._current_seq is not None and not self.currentIndex().isValid():
            row = self._records.row_of_seq(self._current_seq)
            if row is not None:
                index = self._records.index(row, column)
                selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        if self._selected and last >= 0:
            select = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
            selection.select(_as_selection(self._records, self._selected, last), select)

    def _selected_ranges(self) -> list[tuple[int, int]]:
        return _ranges_of(self.selectionModel())

    def _selected_runs(self) -> list[Run]:
        return _runs_of(self._records, self.selectionModel())


def _ranges_of(selection: QItemSelectionModel) -> list[tuple[int, int]]:
    """The selected rows, first and last of each stretch, in order."""
    return sorted({(part.top(), part.bottom()) for part in selection.selection()})


def _runs_of(model: RecordModel, selection: QItemSelectionModel) -> list[Run]:
    """The selection in numbers: each row by itself, or, of more than a person picks, the ends of each stretch.

    What a filter hid between two such ends belongs to the selection when it is shown again.
    """
    ranges = _ranges_of(selection)
    if sum(last - first + 1 for first, last in ranges) > MAX_PICKED_ROWS:
        return [(model.seq_at(first), model.seq_at(last)) for first, last in ranges]
    rows = (row for first, last in ranges for row in range(first, last + 1))
    return [(seq, seq) for seq in map(model.seq_at, rows)]


def _as_selection(model: RecordModel, runs: Sequence[Run], last: int) -> QItemSelection:
    """Those of the rows 0 to *last* that are in *runs* of numbers, which are in order."""
    selection = QItemSelection()
    started: int | None = None
    ended = -1
    oldest, newest = model.seq_at(0), model.seq_at(last)
    for first_seq, last_seq in runs[bisect_left(runs, oldest, key=_last_of) :]:
        if first_seq > newest:
            break
        first, after = model.row_from_seq(first_seq), model.row_from_seq(last_seq + 1)
        if first == after:
            continue
        if started is None or first > ended:
            _add_rows(model, selection, started, ended)
            started = first
        ended = min(after, last + 1)
    _add_rows(model, selection, started, ended)
    return selection


def _add_rows(model: RecordModel, selection: QItemSelection, first: int | None, after: int) -> None:
    if first is not None:
        selection.select(model.index(first, 0), model.index(after - 1, len(COLUMNS) - 1))
