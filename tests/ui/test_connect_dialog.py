"""The connect dialog asks for a server, says what is wrong beside the fields, and never blocks."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QListWidget, QPushButton
from pytestqt.qtbot import QtBot

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.ui.connect_dialog import ConnectDialog, Recent
from desktop_logs.ui.forms import ProblemLabel
from desktop_logs.ui.theme import Theme

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

RECENTS = [Recent("http://localhost:3000", "/llamaproxws"), Recent("https://logs.example"), Recent("http://<b>h</b>")]


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication) -> ConnectDialog:
    dialog = ConnectDialog(Theme(qapp, "dark"), RECENTS)
    qtbot.addWidget(dialog)
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


@pytest.fixture
def asked(dialog: ConnectDialog) -> list[tuple[ServerAddress, str]]:
    asked: list[tuple[ServerAddress, str]] = []
    dialog.connect_requested.connect(lambda address, token: asked.append((address, token)))
    return asked


def field(dialog: ConnectDialog, name: str) -> QLineEdit:
    return next(one for one in dialog.findChildren(QLineEdit) if one.accessibleName() == name)


def button(dialog: ConnectDialog, text: str) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if one.text() == text)


def problem(dialog: ConnectDialog) -> str:
    return dialog.findChild(ProblemLabel).sentence


def recents(dialog: ConnectDialog) -> Any:
    return dialog.findChild(QListWidget)


def test_what_is_typed_is_asked_for_and_the_dialog_closes(
    dialog: ConnectDialog, qtbot: QtBot, asked: list[tuple[ServerAddress, str]]
) -> None:
    """By keyboard alone: Enter anywhere connects."""
    qtbot.keyClicks(field(dialog, "URL"), "ws://localhost:3000")
    qtbot.keyClicks(field(dialog, "Path"), "llamaproxws/")
    qtbot.keyClicks(field(dialog, "Token"), " secret ")
    qtbot.keyClick(field(dialog, "Token"), Qt.Key.Key_Return)
    assert asked == [(ServerAddress("http://localhost:3000", "/llamaproxws"), "secret")]
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    ("url", "path", "sentence", "at_fault"),
    [
        ("", "", "Type the server's URL, for example http://localhost:3000.", "URL"),
        ("ftp://host", "", "'ftp://host' begins with ftp://, which is not http, https, ws or wss.", "URL"),
        ("http://h:99999", "", "The port in 'http://h:99999' is not a number from 1 to 65535.", "URL"),
        ("http://h", "a b", "The path 'a b' cannot be used. Give it like /socket.io, without spaces, ? or #.", "Path"),
    ],
)
def test_a_fault_is_told_below_the_field_at_fault(
    dialog: ConnectDialog,
    qtbot: QtBot,
    asked: list[tuple[ServerAddress, str]],
    url: str,
    path: str,
    sentence: str,
    at_fault: str,
) -> None:
    """No message box: the sentence stands there, the field is marked, and typing takes both away."""
    field(dialog, "URL").setText(url)
    field(dialog, "Path").setText(path)
    button(dialog, "Connect").click()
    assert dialog.isVisible()
    assert asked == []
    assert problem(dialog) == sentence
    assert dialog.findChild(ProblemLabel).isVisible()
    assert field(dialog, at_fault).property("invalid") is True
    assert QApplication.focusWidget() is field(dialog, at_fault)
    qtbot.keyClicks(field(dialog, at_fault), "x")
    assert problem(dialog) == ""
    assert not field(dialog, at_fault).property("invalid")


def test_a_problem_told_in_answer_keeps_it_open(dialog: ConnectDialog) -> None:
    dialog.connect_requested.connect(lambda address, token: dialog.show_problem("That server is connected already."))
    field(dialog, "URL").setText("localhost:3000")
    button(dialog, "Connect").click()
    assert dialog.isVisible()
    assert problem(dialog) == "That server is connected already."
    assert dialog.findChild(ProblemLabel).textFormat() == Qt.TextFormat.PlainText


def test_a_problem_told_later_opens_it_again_as_it_was(dialog: ConnectDialog) -> None:
    field(dialog, "URL").setText("localhost:3000")
    button(dialog, "Connect").click()
    assert not dialog.isVisible()
    dialog.show_problem("localhost:3000 refuses the token. Type the one that its window shows.")
    assert dialog.isVisible()
    assert field(dialog, "URL").text() == "localhost:3000"


def test_it_finishes_once_also_when_its_hearer_closes_it(dialog: ConnectDialog) -> None:
    finished: list[int] = []
    dialog.finished.connect(finished.append)
    dialog.connect_requested.connect(lambda address, token: dialog.accept())
    field(dialog, "URL").setText("localhost:3000")
    button(dialog, "Connect").click()
    assert finished == [1]


def click_row(dialog: ConnectDialog, qtbot: QtBot, row: int) -> None:
    view = recents(dialog)
    where = view.visualItemRect(view.item(row)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)


def test_a_click_on_a_recent_server_fills_the_fields(dialog: ConnectDialog, qtbot: QtBot) -> None:
    click_row(dialog, qtbot, 0)
    assert (field(dialog, "URL").text(), field(dialog, "Path").text()) == ("http://localhost:3000", "/llamaproxws")
    click_row(dialog, qtbot, 1)
    assert (field(dialog, "URL").text(), field(dialog, "Path").text()) == ("https://logs.example", "")
    assert dialog.isVisible()


def test_a_double_click_connects(dialog: ConnectDialog, qtbot: QtBot, asked: list[tuple[ServerAddress, str]]) -> None:
    view = recents(dialog)
    click_row(dialog, qtbot, 1)
    where = view.visualItemRect(view.item(1)).center()
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert asked == [(ServerAddress("https://logs.example"), "")]


@pytest.mark.parametrize(("keys", "url"), [([], "http://localhost:3000"), ([Qt.Key.Key_Down], "https://logs.example")])
def test_recent_servers_are_reached_and_connected_by_keyboard(
    dialog: ConnectDialog, qtbot: QtBot, asked: list[tuple[ServerAddress, str]], keys: list[Qt.Key], url: str
) -> None:
    view = recents(dialog)
    view.setFocus()
    for key in keys:
        qtbot.keyClick(view, key)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert [address.url for address, _ in asked] == [url]


def test_tab_through_the_list_changes_nothing(dialog: ConnectDialog, qtbot: QtBot) -> None:
    """Only a choice fills the fields, not the focus coming by."""
    qtbot.keyClicks(field(dialog, "URL"), "http://typed")
    reached = []
    for _ in range(6):
        widget = QApplication.focusWidget()
        reached.append(widget.accessibleName() or widget.text())
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    assert reached == ["URL", "Path", "Token", "Recent servers", "Cancel", "Connect"]
    assert field(dialog, "URL").text() == "http://typed"
    recents(dialog).setFocus()
    qtbot.keyClick(recents(dialog), Qt.Key.Key_Space)
    assert field(dialog, "URL").text() == "http://localhost:3000"


def test_the_token_is_hidden_and_said_to_be_forgotten(dialog: ConnectDialog) -> None:
    assert field(dialog, "Token").echoMode() == QLineEdit.EchoMode.Password
    told = [label.text() for label in dialog.findChildren(QLabel)]
    assert "The token is kept only until this program ends." in told


def test_labels_lead_to_their_fields(dialog: ConnectDialog) -> None:
    buddies = {label.text(): label.buddy() for label in dialog.findChildren(QLabel) if label.buddy()}
    assert buddies == {
        "&URL": field(dialog, "URL"),
        "&Path": field(dialog, "Path"),
        "&Token": field(dialog, "Token"),
        "&Recent servers": recents(dialog),
    }


def test_escape_closes_it_and_asks_nothing(
    dialog: ConnectDialog, qtbot: QtBot, asked: list[tuple[ServerAddress, str]]
) -> None:
    qtbot.keyClick(field(dialog, "URL"), Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert asked == []


def test_without_recent_servers_there_is_no_list(qtbot: QtBot, qapp: QApplication) -> None:
    dialog = ConnectDialog(Theme(qapp, "light"), [])
    qtbot.addWidget(dialog)
    dialog.open()
    assert recents(dialog) is None


def test_a_long_problem_is_seen_whole(dialog: ConnectDialog) -> None:
    """The dialog grows for it."""
    dialog.show_problem("This server does not answer as a hub does. " * 8 + "/a/long/path" * 20)
    label = dialog.findChild(ProblemLabel)
    assert label.height() >= label.heightForWidth(label.width())
    assert label.geometry().bottom() < button(dialog, "Connect").geometry().top()
