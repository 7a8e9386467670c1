"""The panel below the star names the filter in force, and uses, renames and removes the named ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.ui.namedpanel import NamedPanel
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.savedqueries import NamedQuery
from desktop_logs.ui.theme import Theme

ERRORS = NamedQuery("Errors", "level>=error", ALL_BANDS)
SLOW = NamedQuery("slow", "ms>1000", frozenset({3, 4}))
Open = Callable[..., NamedPanel]


@pytest.fixture
def book(qtbot: QtBot) -> QueryBook:
    made = QueryBook()
    made.put(ERRORS)
    made.put(SLOW)
    return made


@pytest.fixture
def open_panel(book: QueryBook, theme: Theme, qtbot: QtBot) -> Open:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(800, 500)
    button = QPushButton(window)
    window.show()

    def make(text: str = "", bands: frozenset[int] = ALL_BANDS) -> NamedPanel:
        panel = NamedPanel(book, theme, NamedQuery("", text, bands), window)
        # Tests look at what a closed panel has done.
        panel.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        panel.open_below(button)
        return panel

    return make


def test_a_name_keeps_query_and_levels(open_panel: Open, book: QueryBook, qtbot: QtBot) -> None:
    panel = open_panel("retry", frozenset({4, 5}))
    qtbot.keyClicks(panel.name, " retries ")
    qtbot.keyClick(panel.name, Qt.Key.Key_Return)
    assert book.find("retries") == NamedQuery("retries", "retry", frozenset({4, 5}))
    assert panel.isHidden()


def test_a_name_that_is_taken_is_told_and_replaced_only_when_asked_again(
    open_panel: Open, book: QueryBook, qtbot: QtBot
) -> None:
    panel = open_panel("new")
    qtbot.keyClicks(panel.name, "errors")
    panel.keep.click()
    assert panel.problem.sentence == "“Errors” is the name of another query: level>=error"
    assert panel.keep.text() == "Replace"
    assert book.find("errors") == ERRORS
    qtbot.keyClicks(panel.name, "2")
    assert (panel.problem.sentence, panel.keep.text()) == ("", "Keep")
    qtbot.keyClick(panel.name, Qt.Key.Key_Backspace)
    panel.keep.click()
    panel.keep.click()
    assert book.find("errors") == NamedQuery("errors", "new", ALL_BANDS)
    assert panel.isHidden()


def test_without_a_name_nothing_is_kept(open_panel: Open, book: QueryBook) -> None:
    panel = open_panel("new")
    panel.keep.click()
    assert panel.problem.sentence == "Type a name first."
    assert len(book.named) == 2


def test_choosing_one_tells_it_and_closes(open_panel: Open, qtbot: QtBot) -> None:
    panel = open_panel()
    with qtbot.waitSignal(panel.chosen) as chosen:
        qtbot.keyClick(panel.rows[1].use, Qt.Key.Key_Return)
    assert chosen.args == [SLOW]
    assert panel.isHidden()


def test_one_is_renamed_in_its_place(open_panel: Open, book: QueryBook, qtbot: QtBot) -> None:
    panel = open_panel()
    row = panel.rows[1]
    row.rename.click()
    field = row.findChild(QLineEdit)
    assert field is not None
    assert field.selectedText() == "slow"
    qtbot.keyClicks(field, "errors")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "another query" in panel.problem.sentence
    assert book.named == [ERRORS, SLOW]
    field.clear()
    qtbot.keyClicks(field, "Slow ones")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert [one.name for one in book.named] == ["Errors", "Slow ones"]
    assert [one.use.accessibleName() for one in panel.rows] == ["Errors", "Slow ones"]
    assert panel.focusWidget() is panel.rows[1].use
    assert not panel.isHidden()


def test_one_is_removed_and_brought_back(open_panel: Open, book: QueryBook, qtbot: QtBot) -> None:
    panel = open_panel()
    panel.rows[0].remove.click()
    assert book.named == [SLOW]
    assert [row.use.accessibleName() for row in panel.rows] == ["slow"]
    assert panel.focusWidget() is panel.undo
    qtbot.keyClick(panel.undo, Qt.Key.Key_Return)
    assert book.named == [ERRORS, SLOW]
    assert not panel.undo.isVisible()
    assert panel.focusWidget() is panel.rows[0].use


def test_a_filter_that_has_a_name_is_not_named_again(open_panel: Open) -> None:
    panel = open_panel(SLOW.text, SLOW.bands)
    assert not panel.name.isVisible()
    assert panel.rows[1].use.accessibleName() == "slow, in force"
    assert open_panel(SLOW.text).name.isVisible()


def test_an_empty_panel_says_what_it_is_for(theme: Theme, open_panel: Open, book: QueryBook) -> None:
    book.remove("slow")
    book.remove("errors")
    panel = open_panel()
    assert not panel.name.isVisible()
    assert panel._hint.isVisible()


def test_keys_go_through_it(open_panel: Open, qtbot: QtBot) -> None:
    panel = open_panel("new")
    assert panel.focusWidget() is panel.name
    row = panel.rows[0]
    row.use.setFocus()
    qtbot.keyClick(row.use, Qt.Key.Key_Down)
    assert panel.focusWidget() is not row.use
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert panel.isHidden()


def test_it_fits_its_window(open_panel: Open, book: QueryBook) -> None:
    for number in range(30):
        book.put(NamedQuery(f"{number} " + "n" * 50, "word " * 100, ALL_BANDS))
    panel = open_panel("word " * 100)
    assert panel.height() < 460
    assert panel.width() <= 784
    assert all(row.width() <= panel.width() for row in panel.rows)
