"""Suggestions open below the field while the field keeps the keyboard; earlier queries come by the arrow keys."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.completion import Completion, Option, Vocabulary
from desktop_logs.ui.completer import QueryCompleter
from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.suggestions import MAX_VISIBLE
from desktop_logs.ui.theme import Theme

KNOWN = Vocabulary(
    ("user", "http.status", "host", *(f"key{number}" for number in range(9))), ("warn", "error"), ("api", "auth")
)
VALUES = {"level": KNOWN.levels, "source": KNOWN.sources}


def stand_in(text: str, cursor: int, known: Vocabulary) -> Completion:
    """Fields at the start of a word, levels and sources behind theirs: just what these tests need."""
    before = text[:cursor]
    value = re.search(r"(\w+)[:=<>]+(\w*)$", before)
    if value is not None:
        found = tuple(Option(name, name, "") for name in VALUES.get(value[1], ()) if name.startswith(value[2]))
        return Completion(value.start(2), cursor, found)
    start = cursor - len(before.split(" ")[-1])
    fields = ("level", "source", *known.fields)
    word = before[start:]
    return Completion(start, cursor, tuple(Option(f"{name}:", name, "field") for name in fields if word in name))


class Bench:
    """A field with its completer in a window."""

    def __init__(self, theme: Theme) -> None:
        self.window = QWidget()
        self.window.resize(800, 500)
        self.history = ["newest", "middle", "oldest"]
        self.asked = 0
        self.field = QueryField(theme, self.window)
        self.other = QLineEdit(self.window)
        layout = QVBoxLayout(self.window)
        layout.addWidget(self.field)
        layout.addWidget(self.other)
        layout.addStretch(1)
        self.completer = QueryCompleter(self.field, theme, self.vocabulary, lambda: self.history, stand_in)

    def vocabulary(self) -> Vocabulary:
        self.asked += 1
        return KNOWN

    @property
    def labels(self) -> list[str]:
        """What is listed; empty while the list is closed."""
        return [label for label, _ in self.completer.list.rows] if self.completer.is_open else []


@pytest.fixture
def bench(theme: Theme, qtbot: QtBot) -> Bench:
    made = Bench(theme)
    qtbot.addWidget(made.window)
    made.window.show()
    made.window.activateWindow()
    qtbot.waitUntil(made.window.isActiveWindow)
    made.field.setFocus()
    return made


def test_typing_a_word_opens_what_it_could_become(bench: Bench, qtbot: QtBot) -> None:
    assert bench.asked == 0
    qtbot.keyClicks(bench.field, "h")
    assert bench.labels == ["http.status", "host"]
    qtbot.keyClicks(bench.field, "o")
    assert bench.labels == ["host"]
    assert bench.field.hasFocus()
    qtbot.keyClicks(bench.field, "x")
    assert bench.labels == []


def test_nothing_opens_between_words_or_for_what_stands_there_already(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "level:warn")
    assert bench.labels == []
    qtbot.keyClicks(bench.field, " ")
    assert bench.labels == []


def test_what_is_only_inside_a_name_is_listed_when_asked_for(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "tat")
    assert bench.labels == []
    qtbot.keyClick(bench.field, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert bench.labels == ["http.status"]
    qtbot.keyClicks(bench.field, "u")
    assert bench.labels == ["http.status"]
    qtbot.keyClicks(bench.field, " o")
    assert bench.labels == []


def test_a_chosen_field_leads_on_to_its_values_and_undo_takes_them_back(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "x lev")
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    qtbot.keyClick(bench.field, Qt.Key.Key_Return)
    assert bench.field.text() == "x level:"
    assert bench.field.cursor == 8
    assert bench.labels == ["warn", "error"]
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    qtbot.keyClick(bench.field, Qt.Key.Key_Tab)
    assert bench.field.text() == "x level:error"
    assert bench.labels == []
    assert bench.field.hasFocus()
    qtbot.keyClick(bench.field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert bench.field.text() == "x level:"
    qtbot.keyClick(bench.field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert bench.field.text() == "x lev"


def test_tab_takes_the_first_and_leaves_the_field_when_nothing_is_open(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "sour")
    qtbot.keyClick(bench.field, Qt.Key.Key_Tab)
    assert bench.field.text() == "source:"
    qtbot.keyClick(bench.field, Qt.Key.Key_Escape)
    qtbot.keyClick(bench.field, Qt.Key.Key_Tab)
    assert not bench.field.hasFocus()


def test_enter_without_a_choice_is_the_fields(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "lev")
    with qtbot.waitSignal(bench.field.returnPressed):
        qtbot.keyClick(bench.field, Qt.Key.Key_Return)
    assert bench.field.text() == "lev"
    assert bench.labels == []


def test_arrows_go_round(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "h")
    qtbot.keyClick(bench.field, Qt.Key.Key_Up)
    assert bench.completer.list.current == 1
    assert bench.field.accessibleDescription() == "host, field"
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    assert bench.completer.list.current == 0
    assert bench.field.text() == "h"


def test_escape_closes_until_the_next_word_then_clears(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "ho")
    qtbot.keyClick(bench.field, Qt.Key.Key_Escape)
    assert bench.field.text() == "ho"
    qtbot.keyClicks(bench.field, "s")
    assert bench.labels == []
    qtbot.keyClicks(bench.field, " ho")
    assert bench.labels == ["host"]
    qtbot.keyClick(bench.field, Qt.Key.Key_Escape)
    qtbot.keyClick(bench.field, Qt.Key.Key_Escape)
    assert bench.field.text() == ""
    qtbot.keyClicks(bench.field, "ho")
    assert bench.labels == ["host"]


@pytest.mark.parametrize(
    ("key", "modifier"),
    [(Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier), (Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)],
)
def test_it_can_be_called_anywhere(bench: Bench, qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier) -> None:
    qtbot.keyClick(bench.field, key, modifier)
    assert bench.labels[:3] == ["level", "source", "user"]
    row = bench.completer.list.sizeHintForRow(0)
    assert bench.completer.list.viewport().height() // row == MAX_VISIBLE
    bench.completer.close()
    bench.field.setText("zzz")
    qtbot.keyClick(bench.field, key, modifier)
    assert bench.labels == bench.history


def test_a_click_accepts_and_leaves_the_keyboard_where_it_is(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "h")
    shown = bench.completer.list
    middle = shown.visualRect(shown.model().index(1, 0)).center()
    qtbot.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert bench.field.text() == "host:"
    assert bench.field.hasFocus()


def test_it_closes_when_the_field_is_left_the_cursor_goes_or_the_window_changes(bench: Bench, qtbot: QtBot) -> None:
    def typed() -> None:
        bench.field.clear()
        bench.field.setFocus()
        qtbot.keyClicks(bench.field, "ho")
        assert bench.labels

    typed()
    bench.other.setFocus()
    assert bench.labels == []
    typed()
    qtbot.keyClick(bench.field, Qt.Key.Key_Left)
    assert bench.labels == []
    typed()
    bench.window.resize(700, 500)
    assert bench.labels == []


def test_it_stays_inside_a_small_window(bench: Bench, qtbot: QtBot) -> None:
    bench.history = [f"{number} " + "very long query " * 20 for number in range(30)]
    for width, height in ((800, 500), (480, 320)):
        bench.window.resize(width, height)
        qtbot.keyClick(bench.field, Qt.Key.Key_Down)
        assert bench.window.rect().contains(bench.completer.list.geometry())
        top = bench.completer.list.mapTo(bench.window, QPoint(0, 0)).y()
        assert top >= bench.field.geometry().bottom()
        bench.completer.close()


def test_it_goes_along_into_another_window(bench: Bench, theme: Theme, qtbot: QtBot) -> None:
    other = QWidget()
    qtbot.addWidget(other)
    other.resize(600, 400)
    bench.field.setParent(other)
    other.show()
    other.activateWindow()
    bench.field.setFocus()
    bench.completer.open()
    assert bench.completer.list.parentWidget() is other


def test_rows_are_read_out_whole_and_control_characters_are_shown(bench: Bench, qtbot: QtBot) -> None:
    bench.history = ["a\x1b[31m\u202eb"]
    bench.completer.open_history()
    model = bench.completer.list.model()
    assert model.index(0, 0).data() == "a⟨ESC⟩[31m⟨RLO⟩b"
    bench.completer.close()
    qtbot.keyClicks(bench.field, "h")
    assert model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "http.status, field"
    assert bench.completer.list.accessibleName() == "Suggestions"


def test_an_input_method_is_left_alone(bench: Bench, qtbot: QtBot) -> None:
    QApplication.sendEvent(bench.field, QInputMethodEvent("h", []))
    assert bench.labels == []
    done = QInputMethodEvent()
    done.setCommitString("ho")
    QApplication.sendEvent(bench.field, done)
    assert bench.labels == ["host"]


# Earlier queries


def test_up_goes_back_and_down_forth_to_what_was_typed(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClicks(bench.field, "zzz")
    seen = []
    for key in (Qt.Key.Key_Up,) * 4 + (Qt.Key.Key_Down,) * 3:
        qtbot.keyClick(bench.field, key)
        seen.append(bench.field.text())
        assert bench.labels == []
    assert seen == ["newest", "middle", "oldest", "oldest", "middle", "newest", "zzz"]


def test_an_earlier_query_comes_as_if_typed(bench: Bench, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bench.field.textEdited):
        qtbot.keyClick(bench.field, Qt.Key.Key_Up)
    assert bench.field.cursor == len("newest")


def test_down_in_the_empty_field_lists_them_and_one_is_applied_at_once(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    assert bench.labels == bench.history
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    with qtbot.waitSignal(bench.completer.query_chosen):
        qtbot.keyClick(bench.field, Qt.Key.Key_Return)
    assert bench.field.text() == "middle"
    assert bench.labels == []


def test_nothing_opens_without_a_history(bench: Bench, qtbot: QtBot) -> None:
    bench.history = []
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    qtbot.keyClick(bench.field, Qt.Key.Key_Up)
    assert bench.labels == []
    assert bench.field.text() == ""


def test_escape_from_the_list_of_earlier_queries_leaves_completion_on(bench: Bench, qtbot: QtBot) -> None:
    qtbot.keyClick(bench.field, Qt.Key.Key_Down)
    qtbot.keyClick(bench.field, Qt.Key.Key_Escape)
    qtbot.keyClicks(bench.field, "ho")
    assert bench.labels == ["host"]
