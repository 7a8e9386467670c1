"""What tests of the connect dialog find in it and do to it. No assertions of their own."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Trust
from desktop_logs.ui.connect_dialog import ConnectDialog
from desktop_logs.ui.connectiontest import ConnectionTest
from desktop_logs.ui.forms import ProblemLabel
from desktop_logs.ui.trustfields import TrustFields

FINGERPRINT = "0123456789abcdef" * 4
RECENTS = [
    Target(ServerAddress("http://localhost:3000", "/llamaproxws")),
    Target(ServerAddress("https://logs.example"), trust=Trust(fingerprint=FINGERPRINT), query="level>=warn"),
    Target(ServerAddress("http://<b>h</b>")),
]


def field(dialog: ConnectDialog, name: str) -> QLineEdit:
    return next(one for one in dialog.findChildren(QLineEdit) if one.accessibleName() == name)


def button(dialog: ConnectDialog, text: str) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.text() == text)


def problem(dialog: ConnectDialog) -> str:
    return dialog.findChild(ProblemLabel).sentence


def trust(dialog: ConnectDialog) -> QComboBox:
    found = dialog.findChild(TrustFields)
    assert isinstance(found, TrustFields)
    return found.choice


def line_of(dialog: ConnectDialog) -> ConnectionTest:
    found = dialog.findChild(ConnectionTest)
    assert isinstance(found, ConnectionTest)
    return found


def recents(dialog: ConnectDialog) -> Any:
    return dialog.findChild(QListWidget)


def click_row(dialog: ConnectDialog, qtbot: QtBot, row: int) -> None:
    view = recents(dialog)
    where = view.visualItemRect(view.item(row)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)
