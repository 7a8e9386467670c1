"""The dialog of a crash report shows it plain and whole, copies it, and fits a small window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.ui import report_dialog
from desktop_logs.ui.report_dialog import ReportDialog
from desktop_logs.ui.theme import Theme

TEXT = "A fault in Desktop Logs\n\nWhat  <b>KeyError</b> in f\x1b[31m\n"
MakeDialog = Callable[..., ReportDialog]


@pytest.fixture
def make_dialog(qtbot: QtBot, theme: Theme, tmp_path: Path) -> MakeDialog:
    def make(parent: QWidget | None = None) -> ReportDialog:
        dialog = ReportDialog("It ended.", TEXT, tmp_path / "crash.txt", parent)
        if parent is None:
            qtbot.addWidget(dialog)
        dialog.open()
        return dialog

    return make


def button(dialog: ReportDialog, name: str) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.text() == name)


def said(dialog: ReportDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel) if label.isVisible())


def test_it_shows_the_whole_report_and_obeys_nothing_in_it(make_dialog: MakeDialog) -> None:
    dialog = make_dialog()
    (view,) = dialog.findChildren(QPlainTextEdit)
    assert view.toPlainText() == TEXT.replace("\x1b", "⟨ESC⟩")
    assert view.isReadOnly()
    assert "It ended." in said(dialog)
    assert "was sent to nobody" in said(dialog)


def test_it_is_copied_as_it_was_written(make_dialog: MakeDialog) -> None:
    dialog = make_dialog()
    button(dialog, "Copy").click()
    assert QGuiApplication.clipboard().text() == TEXT


def test_its_folder_is_opened_or_named(
    make_dialog: MakeDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    answers = [True, False]

    def open_folder(folder: Path) -> bool:
        asked.append(folder)
        return answers.pop(0)

    monkeypatch.setattr(report_dialog, "open_folder", open_folder)
    dialog = make_dialog()
    button(dialog, "Open &folder").click()
    assert "No program opens folders" not in said(dialog)
    button(dialog, "Open &folder").click()
    assert f"The report is in {tmp_path}" in said(dialog).replace("\u200b", "")
    assert asked == [tmp_path, tmp_path]


def test_enter_and_escape_close_it(make_dialog: MakeDialog, qtbot: QtBot) -> None:
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        dialog = make_dialog()
        dialog.activateWindow()
        qtbot.waitUntil(dialog.isActiveWindow)
        QTest.keyClick(dialog, key)
        assert not dialog.isVisible()


def test_every_control_has_a_name_and_tab_leaves_the_text(make_dialog: MakeDialog, qtbot: QtBot) -> None:
    dialog = make_dialog()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    (view,) = dialog.findChildren(QPlainTextEdit)
    assert view.accessibleName() == "Report"
    reached = set()
    for _ in range(8):
        focused = dialog.focusWidget()
        assert focused is not None
        reached.add(focused.accessibleName() or focused.property("text"))
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert {"Report", "Copy the report", "Open &folder", "Close"} <= reached


def test_it_fits_into_a_small_window(make_dialog: MakeDialog, qtbot: QtBot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.resize(600, 400)
    dialog = make_dialog(parent)
    assert (dialog.width(), dialog.height()) < (600, 400)
    assert dialog.height() < 400
