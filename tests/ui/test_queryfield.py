"""The field counts places as Python does, marks a fault, keeps its colours and lets an input method work."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.theme import DARK, LIGHT, Theme


@pytest.fixture
def field(theme: Theme, qtbot: QtBot) -> QueryField:
    made = QueryField(theme)
    qtbot.addWidget(made)
    made.resize(900, 34)
    made.show()
    return made


def has_color(image: QImage, color: str, x_from: int = 0, x_to: int = 900) -> bool:
    """True when some pixel between the columns is nearly of that colour; text has soft edges."""
    wanted = QColor(color)

    def is_near(x: int, y: int) -> bool:
        found = image.pixelColor(x, y)
        return all(
            abs(one - other) < 24
            for one, other in zip(found.getRgb()[:3], wanted.getRgb()[:3], strict=True)  # type: ignore[index]
        )

    return any(is_near(x, y) for x in range(x_from, min(x_to, image.width())) for y in range(6, image.height() - 6))


def test_places_are_characters_also_behind_those_that_qt_counts_twice(field: QueryField) -> None:
    field.setText("😀😀 ab")
    assert field.cursor == 5
    field.replace(3, 5, "level:")
    assert field.text() == "😀😀 level:"
    assert field.cursor == 9
    field.undo()
    assert field.text() == "😀😀 ab"


def test_nothing_is_inserted_at_a_place(field: QueryField) -> None:
    field.setText("ab")
    field.replace(1, 1, "x")
    assert field.text() == "axb"
    field.replace(1, 2, "")
    assert field.text() == "ab"


def test_a_fault_is_underlined_where_it_is(field: QueryField) -> None:
    field.setText("good ) good")
    at = field.x_of(5)
    assert not has_color(field.grab().toImage(), DARK.error, 10, 600)
    field.set_fault(5)
    assert field.property("invalid") is True
    picture = field.grab().toImage()
    assert has_color(picture, DARK.error, at - 1, at + 10)
    assert not has_color(picture, DARK.error, 40, at - 2)
    field.set_fault(None)
    assert field.property("invalid") is False
    assert not has_color(field.grab().toImage(), DARK.error, 10, 600)


def test_what_is_missing_at_the_end_is_marked_there(field: QueryField) -> None:
    field.setText("good OR")
    field.set_fault(7)
    end = field.x_of(7)
    assert has_color(field.grab().toImage(), DARK.error, end, end + 12)


def test_colours_follow_text_and_theme(field: QueryField, theme: Theme) -> None:
    field.setText("level:warn")
    assert has_color(field.grab().toImage(), DARK.warn)
    theme.set_choice("light")
    picture = field.grab().toImage()
    assert has_color(picture, LIGHT.warn)
    field.setText("plain")
    assert not has_color(field.grab().toImage(), LIGHT.warn, 40, 600)


def test_colours_are_no_edit(field: QueryField, qtbot: QtBot) -> None:
    qtbot.keyClicks(field, "level:warn")
    with qtbot.assertNotEmitted(field.textEdited), qtbot.assertNotEmitted(field.textChanged):
        field.set_fault(2)
    field.undo()
    assert field.text() == ""


def test_an_input_methods_piece_is_not_disturbed(field: QueryField) -> None:
    field.setText("a ")
    field.setFocus()
    QApplication.sendEvent(field, QInputMethodEvent("にほ", []))
    assert field.is_composing
    field.set_fault(0)
    assert field.inputMethodQuery(Qt.InputMethodQuery.ImSurroundingText) == "a "
    assert field.displayText() == "a "
    done = QInputMethodEvent()
    done.setCommitString("日本")
    QApplication.sendEvent(field, done)
    assert not field.is_composing
    assert field.text() == "a 日本"


def test_the_star_says_the_name(field: QueryField, qtbot: QtBot) -> None:
    field.set_name("errors")
    assert "errors" in field.star.accessibleName()
    assert has_color(field.grab().toImage(), DARK.accent, 860, 900)
    field.set_name("")
    assert field.star.accessibleName() == "Named queries"
    with qtbot.waitSignal(field.named_requested):
        qtbot.mouseClick(field.star, Qt.MouseButton.LeftButton)


def test_the_magnifier_asks_for_earlier_queries(field: QueryField, qtbot: QtBot) -> None:
    magnifier = field.childAt(QPoint(18, 17))
    assert magnifier is not None
    with qtbot.waitSignal(field.history_requested):
        qtbot.mouseClick(magnifier, Qt.MouseButton.LeftButton)


def test_a_key_on_a_button_is_not_typed_into_the_field(theme: Theme, qtbot: QtBot) -> None:
    heard: list[str] = []

    class Page(QWidget):
        def keyPressEvent(self, event: QKeyEvent) -> None:
            heard.append(event.text())

    page = Page()
    qtbot.addWidget(page)
    field = QueryField(theme, page)
    page.show()
    page.activateWindow()
    field.star.setFocus()
    qtbot.waitUntil(field.star.hasFocus)
    qtbot.keyClicks(field.star, "/e")
    assert heard == ["/", "e"]
    assert field.text() == ""
    with qtbot.waitSignal(field.named_requested):
        qtbot.keyClick(field.star, Qt.Key.Key_Space)
