"""What is kept of queries comes back, and two windows add to one another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.remembered import Remembered
from desktop_logs.ui.savedqueries import NamedQuery

ERRORS = NamedQuery("Errors", "level>=error", ALL_BANDS)
SLOW = NamedQuery("slow", "ms>1000", frozenset({3, 4}))


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "window.ini")


def open_book(file: str) -> QueryBook:
    return QueryBook(Remembered(QSettings(file, QSettings.Format.IniFormat)))


def test_history_and_names_come_back(file: str, qtbot: QtBot) -> None:
    book = open_book(file)
    for text in ("a", '"b c"', "a"):
        book.keep(text)
    book.put(SLOW)
    book.put(ERRORS)
    again = open_book(file)
    assert again.history == ["a", '"b c"']
    assert again.named == [ERRORS, SLOW]


def test_two_windows_add_to_one_another(file: str, qtbot: QtBot) -> None:
    one, other = open_book(file), open_book(file)
    one.keep("one")
    other.keep("other")
    one.put(ERRORS)
    other.put(SLOW)
    assert open_book(file).history == ["other", "one"]
    assert open_book(file).named == [ERRORS, SLOW]


def test_a_name_belongs_to_one_query_in_any_letter_case(qtbot: QtBot) -> None:
    book = QueryBook()
    book.put(ERRORS)
    assert book.find(" errors ") == ERRORS
    other = NamedQuery("errors", "fatal", ALL_BANDS)
    book.put(other)
    assert book.named == [other]


def test_a_renamed_query_leaves_its_old_name(qtbot: QtBot) -> None:
    book = QueryBook()
    book.put(SLOW)
    with qtbot.waitSignal(book.changed):
        book.put(NamedQuery("slower", SLOW.text, SLOW.bands), instead_of="slow")
    assert [one.name for one in book.named] == ["slower"]
    book.remove("Slower")
    assert book.named == []


def test_the_name_of_a_filter_counts_its_levels(qtbot: QtBot) -> None:
    book = QueryBook()
    book.put(SLOW)
    assert book.name_of("ms>1000", frozenset({3, 4})) == "slow"
    assert book.name_of("ms>1000", ALL_BANDS) == ""
