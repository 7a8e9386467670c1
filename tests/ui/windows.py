"""What tests of the window do to it as a person would, and read of it. No assertions of their own."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from desktop_logs.ui.window import MainWindow

MakeWindow = Callable[..., MainWindow]


def tab_texts(window: MainWindow) -> list[str]:
    tabs = window._pages.strip.tabs
    return [tabs.tabText(index) for index in range(tabs.count())]


def dialog_of(window: MainWindow, kind: type[QDialog]) -> QDialog:
    found = [dialog for dialog in window.findChildren(kind) if dialog.isVisible()]
    assert len(found) == 1
    return found[0]


def press(window: MainWindow, qtbot: QtBot, key: Qt.Key, *, shift: bool = False) -> None:
    keys = Qt.KeyboardModifier.ControlModifier
    if shift:
        keys |= Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window.focusWidget() or window, key, keys)


def action(window: MainWindow, name: str) -> None:
    next(one for one in window.actions() if one.text() == name).trigger()
