"""What is selected in a table of records, said in their numbers: so it outlives a filter and a reset. No view here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from PySide6.QtCore import QItemSelection, QItemSelectionModel

from desktop_logs.ui.cells import COLUMNS
from desktop_logs.ui.model import RecordModel

MAX_PICKED_ROWS: Final = 300
"""As many are selected again row by row after a filter change; that takes 10 ms."""
Run = tuple[int, int]
_last_of = itemgetter(1)


def selected_ranges(selection: QItemSelectionModel) -> list[tuple[int, int]]:
    """The selected rows, first and last of each stretch, in order."""
    return sorted({(part.top(), part.bottom()) for part in selection.selection()})


def runs_of(model: RecordModel, selection: QItemSelectionModel) -> list[Run]:
    """The selection in numbers: each row by itself, or, of more than a person picks, the ends of each stretch.

    What a filter hid between two such ends belongs to the selection when it is shown again.
    """
    ranges = selected_ranges(selection)
    if sum(last - first + 1 for first, last in ranges) > MAX_PICKED_ROWS:
        return [(model.seq_at(first), model.seq_at(last)) for first, last in ranges]
    rows = (row for first, last in ranges for row in range(first, last + 1))
    return [(seq, seq) for seq in map(model.seq_at, rows)]


def as_selection(model: RecordModel, runs: Sequence[Run], last: int) -> QItemSelection:
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
