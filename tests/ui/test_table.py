"""The table follows or stands still as asked, finds what it is led to, and its columns stay as they were put."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from desktop_logs.core.held import Held
from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.core.query import parse
from desktop_logs.ui.cells import LEVEL, MESSAGE, SOURCE, TIME
from tests.ui.fakes import complete_filter, make_record, make_records
from tests.ui.tables import MakeTable, bottom_seq, model_of, select, top_line

ERRORS = frozenset({BANDS.index("error"), BANDS.index("fatal")})


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


def test_current_record_that_is_evicted_is_not_replaced_by_another(make_table: MakeTable) -> None:
    table = make_table(800, capacity=800)
    table.go_to_row(5)
    heard: list[object] = []
    table.current_record_changed.connect(heard.append)
    model_of(table).append(make_records(400, 801))
    assert table.current_record() is None
    assert table.selected_records() == []
    assert heard == []


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


def test_it_tells_when_somebody_comes_to_either_end(make_table: MakeTable, qtbot: QtBot) -> None:
    table = make_table(500)
    heard: list[str] = []
    table.older_wanted.connect(lambda: heard.append("older"))
    table.newer_wanted.connect(lambda: heard.append("newer"))
    table.go_to_row(0)
    assert heard == [], "who is led to a row has not asked for those beyond"
    bar = table.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    assert heard == []
    bar.setValue(table.viewport().height())
    assert heard == ["older"]
    bar.setValue(0)
    qtbot.keyClick(table, Qt.Key.Key_PageUp)
    assert set(heard) == {"older"}
    heard.clear()
    bar.setValue(bar.maximum() - 1)
    assert heard == ["newer"]


def test_place_that_was_left_is_found_again(make_table: MakeTable) -> None:
    table = make_table(500)
    model = model_of(table)
    table.verticalScrollBar().setValue(200 * 24 + 7)
    select(table, 203, 205)
    before = top_line(table), table.selected_count
    place = table.leave_place()
    other = Held(1_000)
    other.append(make_records(90, 2_000), range(90))
    model.show_place(other)
    assert table.selected_count == 0
    assert table.current_record() is None
    table.go_to_middle(45)
    assert abs(table.rowAt(table.viewport().height() // 2) - 45) <= 1
    wanted: list[bool] = []
    table.live_wanted.connect(lambda: wanted.append(True))
    table.set_following(True)
    assert wanted == [True]
    assert not table.is_following
    model.append(make_records(30, 501))
    model.show_live()
    table.return_to(place)
    assert (top_line(table), table.selected_count) == before
    table.set_following(True)
    assert bottom_seq(table) == 530
