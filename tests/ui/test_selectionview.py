"""What is selected stays so through filters and scans, and can be copied when it is not too much."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.core.query import parse
from desktop_logs.ui import selectionview
from desktop_logs.ui.cells import MESSAGE
from desktop_logs.ui.model import RecordModel
from tests.ui.fakes import complete_filter, make_record, make_records
from tests.ui.tables import MakeTable, model_of, select

ERRORS = frozenset({BANDS.index("error"), BANDS.index("fatal")})


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
