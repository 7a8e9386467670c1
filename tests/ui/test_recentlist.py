"""The recent servers: picked, wanted and removed by mouse and by keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop_logs.core.connecting import Target
from desktop_logs.ui.connect_dialog import ConnectDialog
from desktop_logs.ui.recentlist import target_text
from tests.ui.connects import RECENTS, button, field, recents

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


async def test_a_recent_server_is_removed_by_key_and_by_button(dialog: ConnectDialog, qtbot: QtBot) -> None:
    removed: list[Target] = []
    dialog.recent_removed.connect(removed.append)
    recents(dialog).setFocus()
    qtbot.keyClick(recents(dialog), Qt.Key.Key_Delete)
    button(dialog, "Remove").click()
    assert removed == RECENTS[:2]
    assert recents(dialog).count() == 1
    assert field(dialog, "URL").text() == ""  # the next one is not picked by that
    button(dialog, "Remove").click()
    assert not recents(dialog).isVisible()


async def test_the_list_says_what_is_not_usual(dialog: ConnectDialog) -> None:
    assert [target_text(one) for one in RECENTS] == [
        "http://localhost:3000/llamaproxws",
        "https://logs.example  ·  only level>=warn  ·  own certificate",
        "http://<b>h</b>",
    ]
    assert recents(dialog).item(0).text() == target_text(RECENTS[0])
