"""Rows drawn a row at a time look as cell by cell, and nothing is drawn when nothing has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QItemSelectionModel, QObject, QRect
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtWidgets import QTableView, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.ui.cells import LEVEL, MESSAGE, SOURCE, TIME
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.levels import LevelChip
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.table import RecordTable
from desktop_logs.ui.theme import ROW_HEIGHT, Theme
from tests.ui.fakes import FakeFeed, make_record, make_records

ROWS = 40


class CellByCell(RecordTable):
    """The same table drawn by Qt."""

    def paintEvent(self, event: QPaintEvent) -> None:
        QTableView.paintEvent(self, event)


class Pair:
    """Two tables with the same records, one drawn by rows, one by Qt cell by cell."""

    def __init__(self, theme: Theme, qtbot: QtBot) -> None:
        self.tables: list[RecordTable] = []
        for kind in (RecordTable, CellByCell):
            model = RecordModel(parent=None)
            model.append([*make_records(ROWS), make_record(ROWS + 1, "one\ntwo\nthree", level="error")])
            table = kind(model, theme)
            table.model_kept = model  # type: ignore[attr-defined]
            qtbot.addWidget(table)
            table.resize(700, 12 * ROW_HEIGHT + 30)
            table.show()
            self.tables.append(table)

    def do(self, act: Callable[[RecordTable], object]) -> None:
        for table in self.tables:
            act(table)

    def pictures(self, area: QRect | None = None) -> list[QImage]:
        rect = area or self.tables[0].viewport().rect()
        return [table.viewport().grab(rect).toImage() for table in self.tables]


@pytest.fixture
def pair(theme: Theme, qtbot: QtBot) -> Pair:
    return Pair(theme, qtbot)


def select(*rows: int) -> Callable[[RecordTable], None]:
    def act(table: RecordTable) -> None:
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for row in rows:
            table.selectionModel().select(table.model().index(row, 0), flags)

    return act


ARRANGEMENTS: dict[str, Callable[[RecordTable], object]] = {
    "at the end": lambda table: table.set_following(True),
    "in the middle of a row": lambda table: table.verticalScrollBar().setValue(ROW_HEIGHT * 5 + 7),
    "with selected rows": select(ROWS, ROWS - 2, ROWS - 3, 2),
    "with a hidden column": lambda table: table.columns.hideSection(SOURCE),
    "with the first column hidden": lambda table: table.columns.hideSection(TIME),
    "with a moved column": lambda table: table.columns.moveSection(table.columns.visualIndex(LEVEL), 0),
    "scrolled to the side": lambda table: (
        table.columns.resizeSection(MESSAGE, 2_000),
        table.horizontalScrollBar().setValue(133),
    ),
    "without records": lambda table: table.model_kept.clear(),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_rows_look_as_when_drawn_cell_by_cell(pair: Pair, arrangement: str) -> None:
    pair.do(ARRANGEMENTS[arrangement])
    by_rows, by_cells = pair.pictures()
    assert by_rows == by_cells
    part = QRect(150, 3 * ROW_HEIGHT + 5, 260, 2 * ROW_HEIGHT)
    by_rows_part, by_cells_part = pair.pictures(part)
    assert by_rows_part == by_cells_part == by_rows.copy(part)


def test_current_row_that_is_not_selected_is_framed_while_the_table_has_the_keyboard(
    theme: Theme, qtbot: QtBot
) -> None:
    model = RecordModel()
    model.append(make_records(5))
    table = RecordTable(model, theme)
    qtbot.addWidget(table)
    table.resize(700, 400)
    table.show()
    table.activateWindow()
    table.setFocus()
    qtbot.waitUntil(table.hasFocus)
    table.go_to_row(2)
    table.selectionModel().clearSelection()
    y = table.rowViewportPosition(2)
    framed = table.viewport().grab().toImage()
    assert framed.pixelColor(300, y).name() == theme.palette.accent
    table.clearFocus()
    assert table.viewport().grab().toImage().pixelColor(300, y).name() != theme.palette.accent


class Paints(QObject):
    """Counts the paint events of widgets, by their names."""

    def __init__(self, **widgets: QWidget) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._names = {widget: name for name, widget in widgets.items()}
        for widget in self._names:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and isinstance(watched, QWidget):
            self.counts[self._names[watched]] += 1
        return False


def draw_what_waits() -> None:
    QCoreApplication.sendPostedEvents()
    QCoreApplication.processEvents()


@pytest.fixture
def page(theme: Theme, qtbot: QtBot) -> FeedPage:
    made = FeedPage(FakeFeed(), theme, is_local=True)
    qtbot.addWidget(made)
    made.resize(1_400, 800)
    made.show()
    return made


def paints_of(page: FeedPage) -> Paints:
    chips = {f"chip {number}": chip for number, chip in enumerate(page.findChildren(LevelChip))}
    return Paints(table=page.table.viewport(), status=page.status, pill=page.area.pill, **chips)


def test_nothing_is_drawn_when_nothing_has_changed(page: FeedPage, qtbot: QtBot) -> None:
    assert isinstance(page.feed, FakeFeed)
    page.feed.push_many(3_000)
    qtbot.waitUntil(lambda: len(page.model.shown) == 3_000)
    now_s = [1_000.0]
    page.status._clock = lambda: now_s[0]
    for _ in range(3):
        now_s[0] += 10  # the rate is 0 again
        page.status.refresh()
    page.status.set_files_state("files OK", True)
    page.show_figures()
    page.focus_table()
    draw_what_waits()
    draw_what_waits()
    paints = paints_of(page)
    for _ in range(30):
        now_s[0] += 0.5
        page.feed.wake()  # a frame without records
        page.show_figures()
        page.status.refresh()
        page.status.set_files_state("files OK", True)
        draw_what_waits()
    assert paints.counts == {}


def test_a_frame_is_drawn_once_however_many_records_came(page: FeedPage, qtbot: QtBot) -> None:
    assert isinstance(page.feed, FakeFeed)
    page.feed.push_many(3_000)
    paints = paints_of(page)
    qtbot.waitUntil(lambda: len(page.model.shown) == 3_000 and paints.counts["table"] > 0)
    draw_what_waits()
    paints.counts.clear()
    frames: list[None] = []
    page.model.rowsInserted.connect(lambda: frames.append(None))
    for _ in range(5):
        wanted = len(page.model.shown) + 600
        for _ in range(30):
            page.feed.push_many(20)
        qtbot.waitUntil(lambda wanted=wanted: len(page.model.shown) == wanted)
        draw_what_waits()
    assert 0 < paints.counts["table"] <= len(frames) < 150
