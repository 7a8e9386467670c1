"""The share dialog says where the hub is and how others get in, shows no token unasked, and has all copied."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from desktop_logs.ui.actions import Sharing
from desktop_logs.ui.share_dialog import ShareDialog
from desktop_logs.ui.theme import Theme

OPEN = Sharing("http://0.0.0.0:5647", is_local=False, viewer_token="view-me", producer_token="send-me")
MakeDialog = Callable[[Sharing], ShareDialog]


@pytest.fixture
def make_dialog(qtbot: QtBot, theme: Theme) -> MakeDialog:
    def make(sharing: Sharing) -> ShareDialog:
        dialog = ShareDialog(sharing)
        qtbot.addWidget(dialog)
        dialog.open()
        return dialog

    return make


def said(dialog: ShareDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


def fields(dialog: ShareDialog) -> dict[str, QLineEdit]:
    return {field.accessibleName(): field for field in dialog.findChildren(QLineEdit)}


def button(dialog: ShareDialog, name: str) -> QPushButton:
    return next(one for one in dialog.findChildren(QPushButton) if name in (one.text(), one.accessibleName()))


def test_a_hub_of_this_machine_says_how_it_is_shared(make_dialog: MakeDialog) -> None:
    dialog = make_dialog(Sharing("http://127.0.0.1:5647", is_local=True))
    assert "Only programs on this machine reach it." in said(dialog)
    assert {name: field.text() for name, field in fields(dialog).items()} == {
        "Address": "http://127.0.0.1:5647",
        "Command": "desktop-logs --host 0.0.0.0",
    }
    assert "TLS" not in said(dialog)


def test_tokens_are_hidden_until_shown_and_copied_unseen(make_dialog: MakeDialog) -> None:
    dialog = make_dialog(OPEN)
    assert fields(dialog)["Viewer token"].text() == "view-me"
    for name, token in (("Viewer token", "view-me"), ("Producer token", "send-me")):
        assert fields(dialog)[name].echoMode() == QLineEdit.EchoMode.Password
        button(dialog, f"Copy the {name.lower()}").click()
        assert QGuiApplication.clipboard().text() == token
    button(dialog, "&Show the tokens").click()
    assert fields(dialog)["Viewer token"].echoMode() == QLineEdit.EchoMode.Normal
    button(dialog, "&Hide the tokens").click()
    assert fields(dialog)["Viewer token"].echoMode() == QLineEdit.EchoMode.Password


def test_what_it_means_without_tls_is_said(make_dialog: MakeDialog) -> None:
    assert "whoever can listen on the network reads the records and the tokens" in said(make_dialog(OPEN))
    closed = Sharing("https://logs.example:5647", is_local=False, has_tls=True, viewer_token="a", producer_token="b")
    assert "encrypted on their way" in said(make_dialog(closed))


def test_what_is_missing_is_said(make_dialog: MakeDialog) -> None:
    assert "does not listen" in said(make_dialog(Sharing("", is_local=True)))
    broken = Sharing("http://0.0.0.0:1", is_local=False, problem="tokens.json cannot be read.")
    assert "tokens.json cannot be read." in said(make_dialog(broken))


def test_no_token_is_in_what_python_shows_of_it() -> None:
    assert "view-me" not in repr(OPEN)
