"""The detail shows a record whole and plain, and gives it away as text, JSON or curl."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.export import text_line
from desktop_logs.core.gaps import gap_record
from desktop_logs.core.records import Record
from desktop_logs.core.wire import decode_json, parse_entry
from desktop_logs.ui.context_model import KEY
from desktop_logs.ui.detail import DetailPane, shown_time
from desktop_logs.ui.plaintext import PIECE_CHARACTERS, ElidedLabel, PlainView
from desktop_logs.ui.theme import LIGHT, Theme
from tests.support.work import calls_of

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

TRACEBACK = 'Traceback (most recent call last):\n  File "worker/codec.py", line 88, in decode\nValueError: bad frame\n'


def record(message: str = "ValueError: bad frame", level: str = "error", **context: Any) -> Record:
    entry = {"message": message, "level": level, "timestamp": "2026-11-22T10:42:35.207Z", "id": "a"}
    return parse_entry({**entry, "context": context}, 7, 0)


USUAL = record(source="worker", traceback=TRACEBACK, job="render-1182", http={"status": 502})


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "dark")


@pytest.fixture
def pane(qtbot: QtBot, theme: Theme) -> DetailPane:
    pane = DetailPane(theme)
    qtbot.addWidget(pane)
    pane.resize(380, 700)
    pane.show()
    return pane


def visible(pane: DetailPane, kind: type[QWidget]) -> list[Any]:
    return [widget for widget in pane.findChildren(kind) if widget.isVisible()]


def shown_lines(pane: DetailPane) -> list[str]:
    return [label.text() for label in visible(pane, QLabel)]


def named(pane: DetailPane, name: str) -> Any:
    return next(widget for widget in pane.findChildren(QWidget) if widget.accessibleName() == name)


def copy_as(pane: DetailPane, name: str) -> str:
    action = next(action for action in named(pane, "Copy record").menu().actions() if action.text() == name)
    action.trigger()
    return QApplication.clipboard().text()


def test_without_a_record_it_says_that_one_can_be_selected(pane: DetailPane) -> None:
    assert shown_lines(pane) == ["Select a record"]
    pane.show_record(USUAL)
    pane.show_record(None)
    assert shown_lines(pane) == ["Select a record"]
    assert pane.record is None


def test_it_shows_level_source_time_message_traceback_and_context(pane: DetailPane) -> None:
    pane.show_record(USUAL)
    assert shown_lines(pane) == ["ERROR", "worker", shown_time(USUAL.time_ns)]
    assert named(pane, "Message").toPlainText() == "ValueError: bad frame"
    assert named(pane, "Traceback").toPlainText() == TRACEBACK.rstrip("\n")
    model = named(pane, "Context").model()
    assert [model.index(row, KEY).data() for row in range(model.rowCount())] == ["job", "http"]


def test_parts_that_a_record_lacks_are_not_there(pane: DetailPane) -> None:
    pane.show_record(USUAL)
    pane.show_record(record("only a message"))
    assert not named(pane, "Traceback").isVisible()
    assert not named(pane, "Context").isVisible()
    assert named(pane, "Message").isVisible()


def test_parts_close_and_stay_closed_for_the_next_record(pane: DetailPane, qtbot: QtBot) -> None:
    pane.show_record(USUAL)
    heading = next(button for button in visible(pane, QWidget) if getattr(button, "text", str)() == "Traceback")
    qtbot.keyClick(heading, Qt.Key.Key_Space)
    assert not named(pane, "Traceback").isVisible()
    pane.show_record(record(traceback=TRACEBACK))
    assert not named(pane, "Traceback").isVisible()
    qtbot.keyClick(heading, Qt.Key.Key_Space)
    assert named(pane, "Traceback").isVisible()


def test_nothing_of_a_record_is_rich_text(pane: DetailPane) -> None:
    """Markup in every field: labels are plain, views are plain, no tooltip carries any of it."""
    pane.show_record(
        record("<h1>m</h1>", "<b>lvl</b>", source="<i>src</i>", traceback="<u>tb</u>", **{"<b>k</b>": "<b>v</b>"})
    )
    assert named(pane, "Message").toPlainText() == "<h1>m</h1>"
    assert named(pane, "Traceback").toPlainText() == "<u>tb</u>"
    assert "<i>src</i>" in shown_lines(pane)
    for label in visible(pane, QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText
    for widget in pane.findChildren(QWidget):
        assert "<" not in widget.toolTip()


def test_control_characters_are_shown_and_not_obeyed(pane: DetailPane) -> None:
    pane.show_record(record("a\x1b[31m\u202eb", "in\nfo", source="s\u202e\n"))
    texts = [*shown_lines(pane), named(pane, "Message").toPlainText()]
    assert not any(set(text) & set("\x1b\u202e\n") for text in texts)


def test_the_whole_record_is_copied_as_text_json_and_curl(pane: DetailPane) -> None:
    pane.set_hub_url("http://127.0.0.1:6000")
    pane.show_record(USUAL)
    assert copy_as(pane, "As text") == text_line(USUAL)
    assert parse_entry(decode_json(copy_as(pane, "As JSON")), 7, 0) == USUAL
    assert copy_as(pane, "As curl command").startswith("curl http://127.0.0.1:6000/api/logs -H")
    assert "DESKTOP_LOGS_TOKEN" not in copy_as(pane, "As curl command")
    pane.set_hub_url("http://127.0.0.1:6000", needs_token=True)
    assert '-H "Authorization: Bearer $DESKTOP_LOGS_TOKEN"' in copy_as(pane, "As curl command")


def test_time_is_local_with_milliseconds() -> None:
    assert shown_time(USUAL.time_ns).endswith(":35.207")
    assert "Nov 2026  " in shown_time(USUAL.time_ns)


@pytest.mark.parametrize("size", [(360, 200), (360, 700), (900, 300)])
def test_it_can_be_small_and_scrolls(pane: DetailPane, size: tuple[int, int]) -> None:
    """Nothing is wider than the pane, and the last part can be reached."""
    pane.show_record(record("word " * 400, source="s" * 150, traceback=TRACEBACK * 5, deep={"a": {"b": "x" * 300}}))
    pane.resize(*size)
    QApplication.processEvents()
    assert (pane.width(), pane.height()) == size
    for widget in [*visible(pane, PlainView), *visible(pane, ElidedLabel)]:
        assert widget.mapTo(pane, widget.rect().topRight()).x() < pane.width()
    named(pane, "Copy record").setFocus()
    pane._scroll.ensureWidgetVisible(named(pane, "Copy record"))
    button = named(pane, "Copy record")
    assert 0 <= button.mapTo(pane, button.rect().center()).y() < pane.height()


def test_everything_is_reached_with_tab(pane: DetailPane, qtbot: QtBot) -> None:
    pane.show_record(USUAL)
    pane.activateWindow()
    qtbot.waitUntil(pane.isActiveWindow)
    named(pane, "Message").setFocus()
    reached = []
    for _ in range(6):
        widget = QApplication.focusWidget()
        reached.append(widget.accessibleName() or widget.text())
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    assert reached[:6] == ["Message", "Traceback", "Traceback", "Context", "Context", "Copy record"]


def test_the_row_the_keyboard_moves_to_is_scrolled_into_view(pane: DetailPane, qtbot: QtBot) -> None:
    pane.resize(380, 200)
    pane.show_record(record("m", **{f"k{n}": n for n in range(60)}))
    view = named(pane, "Context")
    pane.activateWindow()
    qtbot.waitUntil(pane.isActiveWindow)
    view.setFocus()
    view.setCurrentIndex(view.model().index(0, KEY))
    for _ in range(59):
        qtbot.keyClick(view, Qt.Key.Key_Down)
    row = view.visualRect(view.currentIndex())
    assert view.currentIndex().row() == 59
    assert 0 <= view.viewport().mapTo(pane, row.center()).y() < pane.height()


def test_it_follows_the_theme(pane: DetailPane, theme: Theme) -> None:
    pane.show_record(USUAL)
    theme.set_choice("light")
    assert pane.grab().toImage().pixelColor(2, 2).name() == LIGHT.panel


@pytest.mark.parametrize(
    "hard",
    [
        record("x" * 250_000),
        record("\n" * 250_000),
        record("日本" * 40_000),
        record("m", traceback="a\n" * 60_000),
        record("m", **{f"k{n}": {"a": "é" * 1_300} for n in range(64)}),
    ],
    ids=["one word", "empty lines", "wide characters", "traceback", "context"],
)
def test_the_largest_records_come_in_parts(pane: DetailPane, hard: Record) -> None:
    """9,000 calls at most, and no text whole that Qt would lay out for seconds; the rest comes in later turns."""
    pane.show_record(USUAL)
    QApplication.processEvents()
    assert calls_of(lambda: pane.show_record(hard)) < 20_000
    assert all(is_light(view) for view in pane.findChildren(PlainView))


def is_light(view: PlainView) -> bool:
    lines = [view.document().findBlockByNumber(number) for number in range(view.blockCount())]
    return len(lines) <= 1_000 and all(len(line.text()) <= PIECE_CHARACTERS for line in lines)


def test_missing_records_have_a_heading_and_no_level(theme: Theme, qtbot: QtBot) -> None:
    pane = DetailPane(theme)
    qtbot.addWidget(pane)
    pane.show()
    gap = gap_record(7, 1, "slow", 1, 2)
    pane.show_record(gap)
    seen = [label.text() for label in pane.findChildren(QLabel) if label.isVisible()]
    assert "Missing records" in seen
    assert not {"WARN", "desktop-logs"} & set(seen)
    pane.show_record(USUAL)
    seen = [label.text() for label in pane.findChildren(QLabel) if label.isVisible()]
    assert {"ERROR", "worker"} <= set(seen)
