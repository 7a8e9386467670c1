"""Notices stack by key, take no room when there are none, and never read their text as markup."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.ui.notices import Notices
from desktop_logs.ui.theme import Theme


@pytest.fixture
def notices(theme: Theme, qtbot: QtBot) -> Notices:
    made = Notices(theme)
    qtbot.addWidget(made)
    return made


def test_one_notice_for_each_key(notices: Notices) -> None:
    notices.show_notice("port", "taken")
    notices.show_notice("files", "disk full", "error")
    notices.show_notice("port", "still taken")
    assert notices.texts == {"files": "disk full", "port": "still taken"}
    assert not notices.isHidden()
    notices.clear_notice("port")
    notices.clear_notice("never shown")
    notices.clear_notice("files")
    assert notices.texts == {}
    assert notices.isHidden()


def test_actions_are_buttons_and_the_newest_callback_counts(notices: Notices) -> None:
    heard: list[str] = []
    notices.show_notice("port", "taken", actions=[("Use 5648", lambda: heard.append("old"))])
    button = next(button for button in notices.findChildren(QPushButton) if button.text() == "Use 5648")
    notices.show_notice("port", "taken", actions=[("Use 5648", lambda: heard.append("new"))])
    button.click()
    assert heard == ["new"]


def test_dismissed_notice_is_not_told_again_until_it_is_over_or_another(notices: Notices) -> None:
    """A server that is tried every few seconds fails with the same words each time."""
    notices.show_notice("feed", "refused")
    notices._notices["feed"].close_button.click()
    notices.show_notice("feed", "refused")
    assert notices.texts == {}
    notices.show_notice("feed", "no such host")
    assert notices.texts == {"feed": "no such host"}
    notices._notices["feed"].close_button.click()
    notices.clear_notice("feed")
    notices.show_notice("feed", "no such host")
    assert notices.texts == {"feed": "no such host"}


def test_markup_of_a_server_is_shown_as_it_came(notices: Notices) -> None:
    notices.show_notice("feed", "<b>refused</b><img src='http://elsewhere/'>")
    labels = [label for label in notices.findChildren(QLabel) if label.text()]
    assert [label.textFormat() for label in labels] == [Qt.TextFormat.PlainText]


def test_no_line_of_a_long_notice_is_cut_off(theme: Theme, qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    layout = QVBoxLayout(page)
    notices = Notices(theme, page)
    layout.addWidget(notices)
    layout.addStretch(1)
    page.resize(500, 400)
    page.show()
    notices.show_notice("history", "The history of a day was damaged and is set aside. " * 4, "info")
    (label,) = [label for label in notices.findChildren(QLabel) if label.text()]
    qtbot.waitUntil(lambda: label.height() > 2 * label.fontMetrics().height())
    assert label.height() >= label.heightForWidth(label.width())
