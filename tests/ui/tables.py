"""What the tests of the table ask of it: where it is, and a person's selecting. No assertions but of types here."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel

from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.table import RecordTable

MakeTable = Callable[..., RecordTable]


def model_of(table: RecordTable) -> RecordModel:
    model = table.model()
    assert isinstance(model, RecordModel)
    return model


def top_line(table: RecordTable) -> tuple[int, int]:
    """The number of the record at the upper edge, and how far above the edge it begins."""
    row = table.rowAt(0)
    return model_of(table).record_at(row).seq, table.rowViewportPosition(row)


def bottom_seq(table: RecordTable) -> int:
    row = table.rowAt(table.viewport().height() - 1)
    return model_of(table).record_at(row).seq


def select(table: RecordTable, *rows: int) -> None:
    """Add *rows* to the selection, as Ctrl and a click do."""
    add = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in rows:
        table.selectionModel().select(model_of(table).index(row, 0), add)
