"""A context is a tree that opens, copies and never freezes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from desktop_logs.ui.context_model import CHUNK, COPY, KEY, VALUE, ContextModel
from desktop_logs.ui.context_view import ContextView
from desktop_logs.ui.theme import ROW_HEIGHT, Theme
from tests.support.work import calls_of

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

CONTEXT = {
    "job": "render-1182",
    "attempt": 3,
    "ok": False,
    "user": None,
    "request": {"method": "GET", "headers": {"accept": "*/*"}},
    "tags": ["a", "b"],
    "empty": {},
    "none": [],
    "http.status": 502,
}


def rows(model: ContextModel, parent: QModelIndex | None = None) -> list[tuple[str, str]]:
    parent = parent or QModelIndex()
    return [
        (model.index(row, KEY, parent).data(), model.index(row, VALUE, parent).data())
        for row in range(model.rowCount(parent))
    ]


@pytest.fixture
def model(qtmodeltester: ModelTester) -> ContextModel:
    model = ContextModel()
    qtmodeltester.check(model)
    return model


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> ContextView:
    view = ContextView(Theme(qapp, "dark"))
    qtbot.addWidget(view)
    view.resize(360, 100)
    view.show()
    return view


def test_rows_are_the_keys_in_their_order(model: ContextModel) -> None:
    """Values read as JSON does, except that strings need no quotes; groups say how much is in them."""
    model.set_context(CONTEXT)
    assert rows(model) == [
        ("job", "render-1182"),
        ("attempt", "3"),
        ("ok", "false"),
        ("user", "null"),
        ("request", "2 keys"),
        ("tags", "2 items"),
        ("empty", "{}"),
        ("none", "[]"),
        ("http.status", "502"),
    ]
    assert rows(model, model.index(4, KEY)) == [("method", "GET"), ("headers", "1 key")]
    assert rows(model, model.index(5, KEY)) == [("0", "a"), ("1", "b")]
    assert model.node(model.index(0, KEY, model.index(1, KEY, model.index(4, KEY)))).path == "request.headers.accept"
    assert not model.hasChildren(model.index(6, KEY))


def test_the_model_keeps_qts_rules_through_changes(qtmodeltester: ModelTester) -> None:
    """The tester was there before the first change."""
    model = ContextModel()
    qtmodeltester.check(model, force_py=True)
    model.set_context({"deep": {"list": list(range(250))}, "other": 1})
    inner = model.index(0, KEY, model.index(0, KEY))
    assert model.rowCount(inner) == CHUNK + 1
    model.show_more(model.index(CHUNK, KEY, inner))
    model.show_more(model.index(2 * CHUNK, KEY, inner))
    assert [key for key, _ in rows(model, inner)] == [str(number) for number in range(250)]
    model.set_context({})
    assert model.rowCount() == 0


def test_a_long_list_comes_in_parts(model: ContextModel) -> None:
    model.set_context({"n": list(range(30_000))})
    group = model.index(0, KEY)
    assert rows(model, group)[-1] == ("… 29,900 more", "")
    model.show_more(model.index(CHUNK, KEY, group))
    assert rows(model, group)[-1] == ("… 29,800 more", "")
    assert rows(model, group)[CHUNK] == ("100", "100")


def test_keys_and_values_are_made_safe(model: ContextModel) -> None:
    """No control character, bidi mark or newline of a key is obeyed; markup stays text."""
    model.set_context({"<b>k</b>\n\u202e": "<i>v</i>\x1b\nnext"})
    key, value = rows(model)[0]
    assert key == "<b>k</b>↵⟨RLO⟩"
    assert value == "<i>v</i>⟨ESC⟩\nnext"


def test_copy_cells_have_accessible_names(model: ContextModel) -> None:
    model.set_context(CONTEXT)
    name = model.index(0, COPY, model.index(4, KEY)).data(Qt.ItemDataRole.AccessibleTextRole)
    assert name == "Copy value of request.method"


def test_no_index_gives_a_tooltip(model: ContextModel) -> None:
    """Qt takes tooltips for rich text when they look like it, so a log gets none."""
    model.set_context(CONTEXT)
    assert model.index(0, VALUE).data(Qt.ItemDataRole.ToolTipRole) is None


def test_a_small_context_is_open_and_a_large_one_is_not(view: ContextView) -> None:
    view.set_context(CONTEXT)
    assert view.isExpanded(view.model().index(4, KEY))
    view.set_context({"n": list(range(200)), "k": 1})
    assert not view.isExpanded(view.model().index(0, KEY))
    assert view.height() == 2 * ROW_HEIGHT


def test_it_is_as_high_as_its_open_rows(view: ContextView) -> None:
    view.set_context(CONTEXT)
    assert view.height() == (9 + 3 + 2) * ROW_HEIGHT
    view.collapse(view.model().index(4, KEY))
    assert view.height() == (9 + 2) * ROW_HEIGHT
    view.set_context({})
    assert view.height() == 0


def test_a_long_value_takes_more_rows_up_to_eight(view: ContextView) -> None:
    view.set_context({"a": "word " * 30})
    assert ROW_HEIGHT < view.height() < 8 * ROW_HEIGHT
    wide = view.height()
    view.resize(250, view.height())
    assert view.height() > wide
    view.set_context({"a": "word " * 3_000})
    assert view.height() < 9 * ROW_HEIGHT
    assert not view.grab().isNull()


KEYS: list[tuple[Callable[[QtBot, ContextView], None], str]] = [
    (lambda qtbot, view: qtbot.keyClick(view, Qt.Key.Key_Return), "GET"),
    (lambda qtbot, view: qtbot.keyClick(view, Qt.Key.Key_Space), "GET"),
    (lambda qtbot, view: qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier), "GET"),
    (
        lambda qtbot, view: qtbot.keyClick(
            view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        ),
        "request.method=GET",
    ),
]


@pytest.mark.parametrize(("press", "text"), KEYS, ids=["return", "space", "ctrl-c", "ctrl-shift-c"])
def test_the_current_row_is_copied_by_keyboard(view: ContextView, qtbot: QtBot, press: Any, text: str) -> None:
    view.set_context(CONTEXT)
    view.setCurrentIndex(view.model().index(0, KEY, view.model().index(4, KEY)))
    press(qtbot, view)
    assert QApplication.clipboard().text() == text
    assert view.copied.isValid()


def click(qtbot: QtBot, view: ContextView, index: QModelIndex) -> None:
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())


def test_the_copy_cell_copies_its_value_and_says_so(view: ContextView, qtbot: QtBot) -> None:
    view.set_context(CONTEXT)
    click(qtbot, view, view.model().index(0, COPY))
    assert QApplication.clipboard().text() == "render-1182"
    assert view.copied == view.model().index(0, KEY)
    assert not view.grab().isNull()
    qtbot.waitUntil(lambda: not view.copied.isValid(), timeout=5_000)


def test_a_group_opens_and_closes_with_a_click_and_with_arrows(view: ContextView, qtbot: QtBot) -> None:
    view.set_context(CONTEXT)
    group = view.model().index(4, KEY)
    click(qtbot, view, group)
    assert not view.isExpanded(group)
    view.setCurrentIndex(group)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.isExpanded(group)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert not view.isExpanded(group)


def test_more_children_come_by_click_and_by_return(view: ContextView, qtbot: QtBot) -> None:
    """And the keyboard goes on where it was."""
    view.set_context({"n": list(range(350))})
    model = view.model()
    group = model.index(0, KEY)
    view.expand(group)
    click(qtbot, view, model.index(CHUNK, KEY, group))
    assert model.rowCount(group) == 2 * CHUNK + 1
    view.setCurrentIndex(model.index(2 * CHUNK, KEY, group))
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert model.rowCount(group) == 3 * CHUNK + 1
    assert view.currentIndex() == model.index(2 * CHUNK, KEY, group)
    assert view.height() == (1 + 3 * CHUNK + 1) * ROW_HEIGHT


def test_the_asterisk_does_not_open_everything(view: ContextView, qtbot: QtBot) -> None:
    """What Qt does on it would open 64 to the 16th rows in the worst case."""
    view.set_context({f"k{n}": {"a": {"b": list(range(90))}} for n in range(60)})
    view.setCurrentIndex(view.model().index(0, KEY))
    qtbot.keyClick(view, Qt.Key.Key_Asterisk)
    assert view.height() == 60 * ROW_HEIGHT


def test_the_menu_names_both_ways_to_copy(view: ContextView, qtbot: QtBot) -> None:
    view.set_context(CONTEXT)
    view.customContextMenuRequested.emit(view.visualRect(view.model().index(8, KEY)).center())
    actions = {action.text().partition("\t")[0]: action for action in view._menu.actions()}
    actions["Copy key=value"].trigger()
    assert QApplication.clipboard().text() == "http.status=502"
    actions["Copy value"].trigger()
    assert QApplication.clipboard().text() == "502"
    view._menu.hide()


def test_keys_leave_room_for_values_however_long_they_are(view: ContextView) -> None:
    view.set_context({"k" * 500: "value", "x": {"y" * 300: {"z" * 300: 1}}})
    assert view.columnWidth(KEY) <= view.viewport().width() // 2
    assert sum(map(view.columnWidth, (KEY, VALUE, COPY))) <= view.viewport().width()
    assert not view.grab().isNull()


def deep(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"leaf": "value"}
    for level in range(levels):
        inner = {**{f"key{n}": f"value {level} {n}" for n in range(63)}, "deep": inner}
    return inner


@pytest.mark.parametrize(
    "context",
    [deep(15), {"n": list(range(30_000))}, {f"k{n}": "é" * 1_400 for n in range(64)}],
    ids=["64 keys, 16 levels", "a list of 30,000", "64 long values"],
)
def test_the_largest_context_costs_what_is_seen_of_it(view: ContextView, context: dict[str, Any]) -> None:
    """12,000 calls at most, for 64 rows; all rows would take ten times as many."""
    assert calls_of(lambda: view.set_context(context)) < 20_000
