"""A test of a connection says what it found, can be stopped, and lets a certificate be accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from desktop_logs.core import connecting
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Certificate, Target, Trust
from desktop_logs.ui.connect_dialog import ConnectDialog, Wanted
from tests.support.asynchronous import soon
from tests.ui.conftest import FakeActions
from tests.ui.connects import FINGERPRINT, button, field, line_of, problem

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


async def test_a_test_that_passes_says_so_and_leaves_the_dialog_open(
    dialog: ConnectDialog, actions: FakeActions, asked: list[Wanted]
) -> None:
    actions.outcomes = [connecting.Tested("Connected. A Desktop Logs hub 0.1.0.")]
    dialog.fill(Target(ServerAddress("http://h"), "s3cret"))
    button(dialog, "&Test").click()
    assert line_of(dialog).is_busy
    assert line_of(dialog).sentence == "Connecting to h…"
    await soon("it has passed", lambda: not line_of(dialog).is_busy)
    assert line_of(dialog).sentence == "Connected. A Desktop Logs hub 0.1.0."
    assert actions.tested == [Target(ServerAddress("http://h"), "s3cret")]
    assert dialog.isVisible()
    assert asked == []


async def test_a_test_is_given_up_by_its_button_by_an_edit_and_by_escape(
    dialog: ConnectDialog, actions: FakeActions, qtbot: QtBot
) -> None:
    field(dialog, "URL").setText("http://h")
    give_up: list[Callable[[], object]] = [
        lambda: button(dialog, "S&top the test").click(),
        lambda: qtbot.keyClicks(field(dialog, "URL"), "x"),
        lambda: qtbot.keyClick(dialog, Qt.Key.Key_Escape),
    ]
    for act in give_up:
        button(dialog, "&Test").click()
        await soon("it is under way", lambda: actions.tested)
        actions.tested.clear()
        act()
        assert not line_of(dialog).is_busy
        assert line_of(dialog).sentence == ""
    assert not dialog.isVisible()
    await soon("nothing goes on", lambda: not len(dialog._tasks))


async def test_what_cannot_be_tested_is_told_like_what_cannot_be_connected(
    dialog: ConnectDialog, actions: FakeActions
) -> None:
    field(dialog, "URL").setText("ftp://h")
    button(dialog, "&Test").click()
    assert problem(dialog) == "'ftp://h' begins with ftp://, which is not http, https, ws or wss."
    assert actions.tested == []


async def test_a_certificate_is_shown_and_accepted_as_an_exception(
    dialog: ConnectDialog, actions: FakeActions, asked: list[Wanted]
) -> None:
    """What is accepted is tested again, and asked for with the server."""
    certificate = Certificate(FINGERPRINT, "self-signed certificate")
    actions.outcomes = [
        connecting.Tested("Its certificate is not trusted.", "certificate", certificate),
        connecting.Tested("Connected."),
    ]
    field(dialog, "URL").setText("https://logs.example")
    button(dialog, "&Test").click()
    await soon("it has failed", lambda: not line_of(dialog).is_busy)
    reason = "Not trusted: self-signed certificate. The fingerprint of its certificate (SHA-256):"
    told = [label for label in dialog.findChildren(QLabel) if label.isVisible()]
    assert any(label.text() == reason for label in told)
    (shown,) = [label for label in told if label.text().replace("\n", "") == certificate.spaced]
    assert shown.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard
    button(dialog, "&Accept this certificate").click()
    await soon("it has passed", lambda: line_of(dialog).sentence == "Connected.")
    assert field(dialog, "Fingerprint of the certificate").text() == certificate.spaced
    assert not shown.isVisible()
    button(dialog, "Connect").click()
    assert [one.target.trust for one in asked] == [Trust(fingerprint=FINGERPRINT)]


async def test_a_fault_of_the_test_itself_is_told(
    dialog: ConnectDialog, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(target: Target) -> connecting.Tested:
        raise ZeroDivisionError

    faults: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["exception"]))
    monkeypatch.setattr(line_of(dialog), "_test", fail)
    field(dialog, "URL").setText("http://h")
    button(dialog, "&Test").click()
    await soon("it is told", lambda: not line_of(dialog).is_busy)
    assert line_of(dialog).sentence.startswith("The test stopped for a fault of this program")
    assert [type(fault) for fault in faults] == [ZeroDivisionError]
