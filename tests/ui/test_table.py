"""The table follows or stands still as asked, keeps what was selected, and its columns stay as they were put."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QByteArray, QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.core.query import parse
from desktop_logs.ui import selectionview
from desktop_logs.ui.cells import LEVEL, MESSAGE, SOURCE, TIME
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.table import RecordTable
from desktop_logs.ui.theme import Theme
from tests.ui.fakes import complete_filter, make_record, make_records

ERRORS = frozenset({BANDS.index("error"), BANDS.index("fatal")})
MakeTable = Callable[..., RecordTable]


@pytest.fixture
def make_table(qapp: QApplication, qtbot: QtBot) -> MakeTable:
    theme = Theme(qapp, "dark")

    def make(count: int = 0, capacity: int = 100_000) -> RecordTable:
        model = RecordModel(capacity)
        table = RecordTable(model, theme)
        model.setParent(table)
        qtbot.addWidget(table)
        table.resize(800, 272)
        table.show()
        model.append(make_records(count))
        return table

    return make


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


def test_new_records_are_followed_from_the_start(make_table: MakeTable) -> None:
    table = make_table(100)
    assert table.is_following
    assert bottom_seq(table) == 100
    model_of(table).append(make_records(50, 101))
    assert bottom_seq(table) == 150


def test_scrolling_up_stops_following_and_end_resumes_it(make_table: MakeTable, qtbot: QtBot) -> None:
    table = make_table(100)
    heard: list[bool] = []
    table.following_changed.connect(heard.append)
    bar = table.verticalScrollBar()
    bar.setValue(bar.value() - 240)
    model_of(table).append(make_records(50, 101))
    assert not table.is_following
    qtbot.keyClick(table, Qt.Key.Key_End)
    assert table.is_following
    assert bottom_seq(table) == 150
    assert heard == [False, True]
    bar.setValue(10)
    qtbot.keyClick(table, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    assert bottom_seq(table) == 150


def test_scrolling_down_to_the_last_record_follows_again(make_table: MakeTable) -> None:
    table = make_table(100)
    bar = table.verticalScrollBar()
    bar.setValue(100)
    bar.setValue(bar.maximum())
    assert table.is_following


def test_lines_under_the_eye_stand_still_while_records_come_and_go(make_table: MakeTable) -> None:
    table = make_table(800, capacity=800)
    table.verticalScrollBar().setValue(500 * 24 + 7)
    before = top_line(table)
    assert before == (501, -7)
    for first in range(801, 1_201, 50):
        model_of(table).append(make_records(50, first))
        assert top_line(table) == before
    model_of(table).append(make_records(400, 1_201))
    assert top_line(table) == (model_of(table).record_at(0).seq, 0)
    assert not table.is_following


def test_lines_stand_still_also_where_a_filter_leaves_too_few_to_show_the_place(make_table: MakeTable) -> None:
    table = make_table(60)
    table.verticalScrollBar().setValue(40 * 24)
    model = model_of(table)
    model.set_filter(ALL_BANDS, parse('"message 1"'))  # 1 and 10 to 19, one more than the view has room for
    assert not table.is_following
    before = top_line(table)
    model.append(make_records(30, 100))
    assert top_line(table) == before
    model.append(make_records(30, 130))
    assert top_line(table) == before


def test_following_survives_eviction_and_resizing(make_table: MakeTable) -> None:
    table = make_table(800, capacity=800)
    model_of(table).append(make_records(300, 801))
    assert bottom_seq(table) == 1_100
    table.resize(600, 400)
    assert table.is_following
    assert bottom_seq(table) == 1_100
    table.resize(600, 200)
    assert bottom_seq(table) == 1_100


def test_filter_change_keeps_the_current_line_its_selection_and_its_place(make_table: MakeTable) -> None:
    table = make_table(2_000)
    model = model_of(table)
    row = model.next_row(1_000, ERRORS, 1)
    assert row is not None
    table.verticalScrollBar().setValue((row - 3) * 24)
    table.go_to_row(row)
    seq = model.record_at(row).seq
    y = table.visualRect(table.currentIndex()).y()
    for bands in (ERRORS, ALL_BANDS):
        model.set_filter(bands, parse(""))
        complete_filter(model)
        current = table.current_record()
        assert current is not None
        assert current.seq == seq
        assert [record.seq for record in table.selected_records()] == [seq]
        assert table.visualRect(table.currentIndex()).y() == y


def test_selection_hidden_by_a_filter_comes_back_with_it(make_table: MakeTable) -> None:
    table = make_table(2_000)
    model = model_of(table)
    table.go_to_row(10)
    heard: list[object] = []
    table.current_record_changed.connect(heard.append)
    model.set_filter(frozenset(), parse(""))
    assert table.selected_records() == []
    model.set_filter(ALL_BANDS, parse(""))
    assert [record.seq for record in table.selected_records()] == [11]
    assert heard == []


def test_selection_survives_a_filter_that_hides_some_of_it(make_table: MakeTable) -> None:
    table = make_table(2_000)
    model = model_of(table)
    select(table, 0, 1, 2, 1_500)
    model.set_filter(ALL_BANDS, parse('"Message 2"'))
    complete_filter(model)
    assert [record.seq for record in table.selected_records()] == [2]
    model.set_filter(ALL_BANDS, parse(""))
    complete_filter(model)
    assert [record.seq for record in table.selected_records()] == [1, 2, 3, 1_501]
    model.set_filter(ERRORS, parse(""))
    complete_filter(model)
    select(table, 0)
    chosen = table.selected_records()
    model.set_filter(ALL_BANDS, parse(""))
    complete_filter(model)
    assert table.selected_records() == chosen


@pytest.mark.parametrize("by_mouse", [True, False])
def test_choosing_again_what_a_filter_has_left_chooses_nothing_hidden(
    make_table: MakeTable, qtbot: QtBot, by_mouse: bool
) -> None:
    table = make_table(20)
    model = model_of(table)
    select(table, 2, 3, 4)
    model.set_filter(ALL_BANDS, parse('message:"message 4"'))
    if by_mouse:
        place = table.visualRect(model.index(0, MESSAGE)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    else:
        table.selectAll()
    model.set_filter(ALL_BANDS, parse(""))
    assert [record.seq for record in table.selected_records()] == [4]


def test_selection_of_everything_survives_a_filter_changed_in_the_middle_of_its_scan(make_table: MakeTable) -> None:
    table = make_table(0)
    clock_s = iter(range(10**9))
    model = model_of(table)
    model._clock = lambda: float(next(clock_s))
    model.append(make_records(20_000))
    table.selectAll()
    for text in ("message", "-nothing", ""):
        model.set_filter(ALL_BANDS, parse(text))
        assert text == "" or model.is_filtering
    complete_filter(model)
    assert table.selected_count == 20_000
    model.append(make_records(50, 20_001))
    assert table.selected_count == 20_000


def test_rows_chosen_during_a_scan_are_all_that_is_selected_after_it(make_table: MakeTable) -> None:
    table = make_table(0)
    clock_s = iter(range(10**9))
    model = model_of(table)
    model._clock = lambda: float(next(clock_s))
    model.append(make_records(20_000))
    table.selectAll()
    model.set_filter(ALL_BANDS, parse("-nothing"))
    assert model.is_filtering
    table.go_to_row(model.shown_count - 1)
    complete_filter(model)
    assert [record.seq for record in table.selected_records()] == [20_000]


def test_view_stands_still_while_a_scan_adds_older_records(make_table: MakeTable) -> None:
    table = make_table(0)
    clock_s = iter(range(10**9))
    model = model_of(table)
    model._clock = lambda: float(next(clock_s))
    model.append(make_records(50_000))
    table.go_to_row(49_000)
    seq = model.record_at(49_000).seq
    y = table.visualRect(table.currentIndex()).y()
    model.set_filter(frozenset(range(1, 6)), parse(""))
    assert model.is_filtering
    complete_filter(model)
    assert model.row_of_seq(seq) == table.currentIndex().row()
    assert table.visualRect(table.currentIndex()).y() == y


def test_cleared_view_tells_that_no_record_is_current(make_table: MakeTable) -> None:
    table = make_table(20)
    heard: list[object] = []
    table.current_record_changed.connect(heard.append)
    table.go_to_row(3)
    model_of(table).clear()
    model_of(table).append(make_records(3, 21))
    assert [getattr(record, "seq", None) for record in heard] == [4, None]
    assert table.current_record() is None


def test_next_and_previous_error_are_found_from_the_current_row(make_table: MakeTable) -> None:
    table = make_table(0)
    levels = ["info", "error", "info", "warn", "fatal", "info"]
    model_of(table).append([make_record(at, level=level) for at, level in enumerate(levels, 1)])
    visited = []
    for step in (1, 1, 1, -1, -1):
        found = table.go_to_next(ERRORS, step)
        record = table.current_record()
        visited.append((found, record.seq if record else None))
    assert visited == [(True, 2), (True, 5), (False, 5), (True, 2), (False, 2)]
    assert not table.is_following


def test_going_to_the_last_record_does_not_follow(make_table: MakeTable) -> None:
    """Somebody who was led to a record reads it; it must not be carried off."""
    table = make_table(900)
    table.verticalScrollBar().setValue(0)
    table.go_to_row(899)
    assert not table.is_following
    y = table.visualRect(table.currentIndex()).y()
    model_of(table).append(make_records(50, 901))
    assert table.visualRect(table.currentIndex()).y() == y


def test_backwards_search_without_a_current_row_starts_at_the_lower_edge(make_table: MakeTable) -> None:
    table = make_table(900)
    assert table.go_to_next(ERRORS, -1)
    record = table.current_record()
    assert record is not None
    assert record.seq > 890


def test_keyboard_begins_at_a_row_in_view(make_table: MakeTable, qtbot: QtBot) -> None:
    table = make_table(900)
    table.clearFocus()
    qtbot.waitUntil(table.isActiveWindow)
    table.setFocus()
    assert table.current_record() is None
    qtbot.keyClick(table, Qt.Key.Key_Up)
    record = table.current_record()
    assert record is not None
    assert record.seq == 900
    table = make_table(900)
    table.verticalScrollBar().setValue(100 * 24)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    record = table.current_record()
    assert record is not None
    assert record.seq == 101


def test_copy_puts_the_selected_rows_on_the_clipboard(make_table: MakeTable, qtbot: QtBot) -> None:
    table = make_table(0)
    model_of(table).append([make_record(1, "first\nsecond"), make_record(2, "third", level="error", source="")])
    table.selectAll()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().split("\n")
    assert lines[0].split()[2:] == ["INFO", "api", "first"]
    assert lines[1] == "    second"
    assert lines[2].split()[2:] == ["ERROR", "-", "third"]


def test_copy_of_too_many_rows_is_refused_and_said(
    make_table: MakeTable, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectionview, "MAX_COPIED_ROWS", 5)
    table = make_table(6)
    table.selectAll()
    with qtbot.waitSignal(table.copy_refused) as refused:
        table.copy_selection()
    assert refused.args == [6]


def test_copy_of_huge_rows_is_refused_too(make_table: MakeTable, qtbot: QtBot) -> None:
    table = make_table(0)
    model_of(table).append([make_record(at, "x" * 250_000) for at in range(1, 25)])
    table.selectAll()
    with qtbot.waitSignal(table.copy_refused) as refused:
        table.copy_selection()
    assert refused.args == [24]


def test_current_record_that_is_evicted_is_not_replaced_by_another(make_table: MakeTable) -> None:
    table = make_table(800, capacity=800)
    table.go_to_row(5)
    heard: list[object] = []
    table.current_record_changed.connect(heard.append)
    model_of(table).append(make_records(400, 801))
    assert table.current_record() is None
    assert table.selected_records() == []
    assert heard == []


def test_selected_records_are_in_the_rows_order(make_table: MakeTable) -> None:
    table = make_table(20)
    select(table, 9, 3, 4, 15)
    assert [record.seq for record in table.selected_records()] == [4, 5, 10, 16]


@pytest.mark.parametrize("has_screen_reader", [False, True])
def test_selecting_all_asks_no_row_for_itself(
    make_table: MakeTable, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, has_screen_reader: bool
) -> None:
    """Qt would ask for each cell, once for each column in the header, and for a screen reader."""
    asked = 0
    count = RecordModel.columnCount

    def counting(model: RecordModel, *parent: QModelIndex) -> int:
        nonlocal asked
        asked += 1
        return count(model, *parent)

    monkeypatch.setattr(RecordModel, "columnCount", counting)
    table = make_table(10_000)
    was_active = QAccessible.isActive()
    QAccessible.setActive(has_screen_reader)
    try:
        table.go_to_row(9_999)
        qapp.processEvents()
        asked = 0
        table.selectAll()
        table.repaint()
        table.horizontalHeader().repaint()
        qapp.processEvents()
        table.go_to_row(5_000)
        qapp.processEvents()
    finally:
        QAccessible.setActive(was_active)
    assert table.selected_count == 1
    assert asked < 1_000


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_asks_for_the_detail(make_table: MakeTable, qtbot: QtBot, key: Qt.Key) -> None:
    table = make_table(3)
    with qtbot.waitSignal(table.detail_requested):
        qtbot.keyClick(table, key)


def test_columns_stay_as_they_were_put(make_table: MakeTable) -> None:
    first = make_table(3)
    first.horizontalHeader().moveSection(0, 2)
    first.columns.set_shown(SOURCE, False)
    first.setColumnWidth(LEVEL, 111)
    second = make_table(3)
    assert second.columns.restore(first.columns.saveState())
    assert second.horizontalHeader().isSectionHidden(SOURCE)
    assert second.horizontalHeader().visualIndex(TIME) == 2
    assert second.columnWidth(LEVEL) == 111


@pytest.mark.parametrize("state", [b"", b"rubbish", b"\x00" * 200])
def test_unreadable_columns_are_ignored(make_table: MakeTable, state: bytes) -> None:
    table = make_table(3)
    assert not table.columns.restore(QByteArray(state))
    assert not table.horizontalHeader().isSectionHidden(MESSAGE)
    assert [table.horizontalHeader().visualIndex(column) for column in range(4)] == [0, 1, 2, 3]


def test_last_visible_column_cannot_be_hidden(make_table: MakeTable) -> None:
    table = make_table(3)
    for column in (TIME, LEVEL, SOURCE):
        table.columns.set_shown(column, False)
    menu = QMenu()
    table.columns.fill_menu(menu)
    actions = menu.actions()
    assert [action.isEnabled() for action in actions[:4]] == [True, True, True, False]
    actions[0].trigger()
    assert not table.horizontalHeader().isSectionHidden(TIME)
    actions[-1].trigger()
    assert table.horizontalHeader().hiddenSectionCount() == 0
