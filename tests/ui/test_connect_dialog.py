"""The connect dialog asks for a server, says what is wrong beside the fields, and never blocks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Certificate, Target, Trust
from desktop_logs.ui.connect_dialog import ConnectDialog, Wanted
from desktop_logs.ui.forms import ProblemLabel
from desktop_logs.ui.theme import FIELD_HEIGHT, Theme
from tests.support.asynchronous import soon
from tests.ui.conftest import FakeActions
from tests.ui.connects import FINGERPRINT, RECENTS, button, click_row, field, problem, recents, trust

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


async def test_what_is_typed_is_asked_for_and_the_dialog_closes(
    dialog: ConnectDialog, qtbot: QtBot, asked: list[Wanted]
) -> None:
    """By keyboard alone: Enter anywhere connects."""
    qtbot.keyClicks(field(dialog, "URL"), "ws://localhost:3000")
    qtbot.keyClicks(field(dialog, "Path"), "llamaproxws/")
    qtbot.keyClicks(field(dialog, "Token"), " secret ")
    qtbot.keyClick(field(dialog, "Token"), Qt.Key.Key_Return)
    assert asked == [Wanted(Target(ServerAddress("http://localhost:3000", "/llamaproxws"), "secret"), None)]
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
async def test_a_fault_is_told_below_the_field_at_fault(
    dialog: ConnectDialog,
    qtbot: QtBot,
    asked: list[Wanted],
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


async def test_a_problem_told_in_answer_keeps_it_open(dialog: ConnectDialog) -> None:
    dialog.connect_requested.connect(lambda wanted: dialog.show_problem("That server is connected already."))
    field(dialog, "URL").setText("localhost:3000")
    button(dialog, "Connect").click()
    assert dialog.isVisible()
    assert problem(dialog) == "That server is connected already."
    assert dialog.findChild(ProblemLabel).textFormat() == Qt.TextFormat.PlainText


async def test_a_problem_told_later_opens_it_again_as_it_was(dialog: ConnectDialog) -> None:
    field(dialog, "URL").setText("localhost:3000")
    button(dialog, "Connect").click()
    assert not dialog.isVisible()
    dialog.show_problem("localhost:3000 refuses the token. Type the one that its window shows.")
    assert dialog.isVisible()
    assert field(dialog, "URL").text() == "localhost:3000"


async def test_it_finishes_once_also_when_its_hearer_closes_it(dialog: ConnectDialog) -> None:
    finished: list[int] = []
    dialog.finished.connect(finished.append)
    dialog.connect_requested.connect(lambda wanted: dialog.accept())
    field(dialog, "URL").setText("localhost:3000")
    button(dialog, "Connect").click()
    assert finished == [1]


async def test_a_click_on_a_recent_server_fills_the_fields(dialog: ConnectDialog, qtbot: QtBot) -> None:
    click_row(dialog, qtbot, 0)
    assert (field(dialog, "URL").text(), field(dialog, "Path").text()) == ("http://localhost:3000", "/llamaproxws")
    click_row(dialog, qtbot, 1)
    assert (field(dialog, "URL").text(), field(dialog, "Path").text()) == ("https://logs.example", "")
    assert dialog.isVisible()


async def test_a_double_click_connects(dialog: ConnectDialog, qtbot: QtBot, asked: list[Wanted]) -> None:
    view = recents(dialog)
    click_row(dialog, qtbot, 1)
    where = view.visualItemRect(view.item(1)).center()
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)
    await soon("it is asked for", lambda: asked)
    assert [one.target for one in asked] == [RECENTS[1]]


@pytest.mark.parametrize(("keys", "url"), [([], "http://localhost:3000"), ([Qt.Key.Key_Down], "https://logs.example")])
async def test_recent_servers_are_reached_and_connected_by_keyboard(
    dialog: ConnectDialog, qtbot: QtBot, asked: list[Wanted], keys: list[Qt.Key], url: str
) -> None:
    view = recents(dialog)
    view.setFocus()
    for key in keys:
        qtbot.keyClick(view, key)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    await soon("it is asked for", lambda: asked)
    assert [one.target.address.url for one in asked] == [url]


async def test_tab_through_the_list_changes_nothing(dialog: ConnectDialog, qtbot: QtBot) -> None:
    """Only a choice fills the fields, not the focus coming by."""
    qtbot.keyClicks(field(dialog, "URL"), "http://typed")
    reached = []
    for _ in range(9):
        widget = QApplication.focusWidget()
        reached.append(widget.accessibleName() or widget.text())
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    named = ["URL", "Path", "Token", "Show the token", "Only"]
    listed = ["Recent servers", "Remove from the recent servers"]
    assert reached == [*named, *listed, "&Test", "Cancel"]
    assert field(dialog, "URL").text() == "http://typed"
    recents(dialog).setFocus()
    qtbot.keyClick(recents(dialog), Qt.Key.Key_Space)
    assert field(dialog, "URL").text() == "http://localhost:3000"


async def test_labels_lead_to_their_fields(dialog: ConnectDialog) -> None:
    buddies = {label.text(): label.buddy() for label in dialog.findChildren(QLabel) if label.buddy()}
    assert buddies == {
        "&URL": field(dialog, "URL"),
        "&Path": field(dialog, "Path"),
        "T&oken": field(dialog, "Token"),
        "On&ly": field(dialog, "Only"),
        "&Certificates": trust(dialog),
        "&Recent servers": recents(dialog),
    }


async def test_escape_closes_it_and_asks_nothing(dialog: ConnectDialog, qtbot: QtBot, asked: list[Wanted]) -> None:
    qtbot.keyClick(field(dialog, "URL"), Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert asked == []


async def test_without_recent_servers_there_is_no_list(qtbot: QtBot, theme: Theme, actions: FakeActions) -> None:
    dialog = ConnectDialog(theme, actions, [])
    qtbot.addWidget(dialog)
    dialog.open()
    assert not recents(dialog).isVisible()
    dialog.reject()


async def test_a_long_problem_is_seen_whole(dialog: ConnectDialog) -> None:
    """The dialog grows for it."""
    dialog.show_problem("This server does not answer as a hub does. " * 8 + "/a/long/path" * 20)
    label = dialog.findChild(ProblemLabel)
    assert label.height() >= label.heightForWidth(label.width())
    assert label.geometry().bottom() < button(dialog, "Connect").geometry().top()


# What is wanted of a server


async def test_it_grows_for_a_field_that_comes(dialog: ConnectDialog, qtbot: QtBot) -> None:
    """Qt would cut it off, since it does not count lines that wrap."""
    field(dialog, "URL").setText("https://logs.example")
    choice = trust(dialog)
    choice.setCurrentIndex(1)
    choice.activated.emit(1)
    file = field(dialog, "Certificate file")
    await soon("it is laid out", lambda: file.isVisible() and file.height() >= FIELD_HEIGHT)
    assert file.mapTo(dialog, file.rect().bottomLeft()).y() < field(dialog, "Token").mapTo(dialog, QPoint()).y()
    assert dialog.rect().contains(button(dialog, "Connect").geometry())


async def test_certificates_are_asked_for_where_there_are_any(dialog: ConnectDialog, qtbot: QtBot) -> None:
    for url, is_asked in (
        ("", False),
        ("localhost:1", False),
        ("https://h", True),
        ("wss://h", True),
        ("ws://h", False),
    ):
        field(dialog, "URL").setText(url)
        assert trust(dialog).isVisible() == is_asked, url


@pytest.mark.parametrize(
    ("chosen", "name", "typed", "sentence"),
    [
        (1, "Certificate file", "", "Choose the certificate file, or trust those that the system trusts."),
        (1, "Certificate file", "/no/such.pem", "There is no file /no/such.pem"),
        (
            *(2, "Fingerprint of the certificate", "AB:CD"),
            "A fingerprint (SHA-256) is 64 hexadecimal digits. To see the server's, trust the system's and press Test.",
        ),
    ],
)
async def test_a_trust_that_cannot_be_used_is_told_at_its_field(
    dialog: ConnectDialog, asked: list[Wanted], chosen: int, name: str, typed: str, sentence: str
) -> None:
    field(dialog, "URL").setText("https://logs.example")
    choose(dialog, chosen)
    field(dialog, name).setText(typed)
    button(dialog, "Connect").click()
    assert asked == []
    assert problem(dialog) == sentence
    assert field(dialog, name).property("invalid") is True
    choose(dialog, 0)
    button(dialog, "Connect").click()
    assert [one.target.trust for one in asked] == [Trust()]


def choose(dialog: ConnectDialog, chosen: int) -> None:
    trust(dialog).setCurrentIndex(chosen)
    trust(dialog).activated.emit(chosen)


async def test_a_trust_is_asked_for_with_the_server(dialog: ConnectDialog, asked: list[Wanted], tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("")
    dialog.fill(Target(ServerAddress("https://logs.example"), trust=Trust(ca_file=str(authority))))
    button(dialog, "Connect").click()
    dialog.open()
    choose(dialog, 2)
    field(dialog, "Fingerprint of the certificate").setText(Certificate(FINGERPRINT, "").spaced)
    button(dialog, "Connect").click()
    assert [one.target.trust for one in asked] == [Trust(ca_file=str(authority)), Trust(fingerprint=FINGERPRINT)]


async def test_a_query_that_is_none_is_marked_at_its_place(dialog: ConnectDialog, asked: list[Wanted]) -> None:
    field(dialog, "URL").setText("localhost:3000")
    only = field(dialog, "Only")
    only.setText("level>=warn (api")
    button(dialog, "Connect").click()
    assert asked == []
    assert problem(dialog).startswith("Only: ")
    assert isinstance(only.fault, int)
    only.setText(" level>=warn ")
    button(dialog, "Connect").click()
    assert [one.target.query for one in asked] == ["level>=warn"]


async def test_escape_in_the_query_closes_the_dialog(dialog: ConnectDialog, qtbot: QtBot) -> None:
    field(dialog, "Only").setText("api")
    qtbot.keyClick(field(dialog, "Only"), Qt.Key.Key_Escape)
    assert not dialog.isVisible()


async def test_what_is_edited_is_shown_with_its_token_and_trust(dialog: ConnectDialog, asked: list[Wanted]) -> None:
    target = Target(ServerAddress("https://h:1", "/x"), "s3cret", Trust(fingerprint=FINGERPRINT), "api")
    dialog.fill(target)
    button(dialog, "Connect").click()
    assert [one.target for one in asked] == [target]


# The token


async def test_the_token_is_hidden_until_it_is_to_be_seen(dialog: ConnectDialog) -> None:
    assert field(dialog, "Token").echoMode() == QLineEdit.EchoMode.Password
    button(dialog, "Show").click()
    assert field(dialog, "Token").echoMode() == QLineEdit.EchoMode.Normal
    button(dialog, "Hide").click()
    assert field(dialog, "Token").echoMode() == QLineEdit.EchoMode.Password


async def test_without_a_keyring_it_is_said_how_long_the_token_is_kept(dialog: ConnectDialog) -> None:
    (kept,) = [label for label in dialog.findChildren(QLabel) if label.text().startswith("The token is kept only")]
    await soon("it is said", kept.isVisible)
    assert kept.text() == "The token is kept only until this program ends: this system has no keyring."
    assert not dialog.findChild(QCheckBox).isVisible()


async def test_with_a_keyring_it_is_a_choice(qtbot: QtBot, theme: Theme, actions: FakeActions) -> None:
    actions.has_keyring = True
    dialog = ConnectDialog(theme, actions, [])
    qtbot.addWidget(dialog)
    asked: list[Wanted] = []
    dialog.connect_requested.connect(asked.append)
    for keeps in (True, False):
        dialog.open()
        keep = dialog.findChild(QCheckBox)
        await soon("the choice is offered", keep.isVisible)
        keep.setChecked(keeps)
        field(dialog, "URL").setText("localhost:3000")
        button(dialog, "Connect").click()
        assert asked[-1].keeps_token is keeps


async def test_a_recent_server_comes_with_its_kept_token(
    dialog: ConnectDialog, actions: FakeActions, asked: list[Wanted], qtbot: QtBot
) -> None:
    """Also by a double click, which does not wait for it; what is typed meanwhile is not overwritten."""
    actions.keyring[RECENTS[1].address] = "kept"
    click_row(dialog, qtbot, 1)
    await soon("the token is filled in", lambda: field(dialog, "Token").text() == "kept")
    click_row(dialog, qtbot, 0)
    assert field(dialog, "Token").text() == ""
    click_row(dialog, qtbot, 1)
    qtbot.keyClicks(field(dialog, "Token"), "typed")
    for _ in range(3):
        await asyncio.sleep(0)
    assert field(dialog, "Token").text() == "typed"
    recents(dialog).setFocus()
    qtbot.keyClick(recents(dialog), Qt.Key.Key_Return)
    await soon("it is asked for", lambda: asked)
    assert [one.target.token for one in asked] == ["kept"]
