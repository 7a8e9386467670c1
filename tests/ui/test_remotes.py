"""Remote servers in the window: connected once, remembered without secrets, back at the next start, explained."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.feed import Phase
from desktop_logs.ui.connect_dialog import ConnectDialog, Wanted
from desktop_logs.ui.window import MainWindow
from tests.support.asynchronous import soon
from tests.ui.conftest import FakeActions
from tests.ui.fakes import FakeFeed
from tests.ui.windows import MakeWindow, dialog_of, press, tab_texts

SERVER = Target(ServerAddress("http://localhost:3000", "/llamaproxws"))


def stored(path: Path) -> str:
    return path.read_text()


async def test_dialog_connects_and_the_server_is_remembered_without_its_token(
    window: MainWindow, actions: FakeActions, store_path: Path, qtbot: QtBot
) -> None:
    press(window, qtbot, Qt.Key.Key_T)
    dialog = dialog_of(window, ConnectDialog)
    target = replace(SERVER, token="s3cret")
    dialog.connect_requested.emit(Wanted(target, None))
    assert actions.connected == [target]
    assert window.current_page is window.pages[1]
    assert window._remembered.recents == [SERVER]
    assert actions.keyring == {}
    window.close()
    assert "s3cret" not in stored(store_path)


async def test_the_token_goes_into_the_keyring_when_asked_and_its_refusal_is_told(
    window: MainWindow, actions: FakeActions
) -> None:
    target = replace(SERVER, token="s3cret")
    window.open_connect_dialog()
    dialog_of(window, ConnectDialog).connect_requested.emit(Wanted(target, True))
    await soon("it is kept", lambda: actions.keyring == {SERVER.address: "s3cret"})
    dialog_of(window, ConnectDialog).connect_requested.emit(Wanted(target, False))
    await soon("it is forgotten", lambda: actions.keyring == {SERVER.address: ""})
    actions.keyring_problem = "The keyring is locked."
    dialog_of(window, ConnectDialog).connect_requested.emit(Wanted(target, True))
    notices = window.pages[1].notices
    await soon("that is told", lambda: notices.texts == {"keyring": "The keyring is locked."})
    notices.findChild(QToolButton).click()
    assert notices.texts == {}
    dialog_of(window, ConnectDialog).connect_requested.emit(Wanted(target, True))
    await soon("and told again", lambda: notices.texts == {"keyring": "The keyring is locked."})
    await window.remotes.finish()


async def test_closing_the_window_closes_the_dialog_and_its_test(window: MainWindow, actions: FakeActions) -> None:
    window.open_connect_dialog()
    dialog = dialog_of(window, ConnectDialog)
    assert isinstance(dialog, ConnectDialog)
    dialog.fill(SERVER)
    dialog._test_button.click()
    await soon("the test is under way", lambda: actions.tested)
    window.close()
    await soon("nothing goes on", lambda: not len(dialog._tasks))


async def test_a_recent_server_that_is_removed_is_forgotten(window: MainWindow) -> None:
    window._remembered.add_recent(SERVER)
    window.open_connect_dialog()
    dialog_of(window, ConnectDialog).recent_removed.emit(SERVER)
    assert window._remembered.recents == []


def test_same_server_again_goes_to_its_tab(window: MainWindow, actions: FakeActions) -> None:
    for _ in range(2):
        window.remotes.open(SERVER)
        window._pages.strip.tabs.setCurrentIndex(0)
    assert len(window.pages) == 2
    assert len(actions.feeds) == 1


def test_another_path_or_query_is_another_tab(window: MainWindow, actions: FakeActions) -> None:
    window.remotes.open(SERVER)
    window.remotes.open(replace(SERVER, query="level>=warn"))
    window.remotes.open(Target(ServerAddress("http://localhost:3000")))
    here = "localhost:3000"
    assert tab_texts(window)[1:] == [f"{here} /llamaproxws", f"{here} /llamaproxws  level>=warn", here]


def test_the_same_server_with_another_token_takes_the_place_of_the_tab(
    window: MainWindow, actions: FakeActions
) -> None:
    """The first one was wrong, most likely."""
    window.remotes.open(SERVER)
    window.remotes.open(Target(ServerAddress("http://b")))
    first = actions.feeds[0]
    window.remotes.open(replace(SERVER, token="s3cret"))
    assert tab_texts(window)[1:] == ["localhost:3000 /llamaproxws", "b"]
    assert window.current_page is window.pages[1]
    assert window.pages[1].feed is actions.feeds[2]
    assert actions.disconnected == [first]


async def test_tabs_come_back_in_their_order_with_the_tokens_of_the_keyring(
    make_window: MakeWindow, actions: FakeActions
) -> None:
    """A token that the keyring does not have is asked for; what was opened for once does not come back."""
    window = make_window()
    window.remotes.reopen()
    await asyncio.sleep(0)
    kept, lost = Target(ServerAddress("http://kept"), "one"), Target(ServerAddress("https://lost"), "two")
    actions.keyring[kept.address] = "one"
    for target in (kept, lost, SERVER):
        window.remotes.open(target)
    window.remotes.open(Target(ServerAddress("http://127.0.0.1:5647")), is_passing=True)
    window.remotes.open(replace(lost, query="api"), replaced=actions.feeds[1])
    window.close()
    again = make_window()
    assert again.remotes.has_any
    actions.connected.clear()
    again.remotes.reopen()
    await soon("they are there", lambda: len(again.pages) == 4)
    assert actions.connected == [kept, replace(lost, token="", query="api"), SERVER]
    assert again.current_page is again.pages[0]
    lost_page = again.pages[2]
    feed = lost_page.feed
    assert isinstance(feed, FakeFeed)
    phases: tuple[Phase, ...] = ("failed", "waiting")
    for phase in phases:
        lost_page.notices.clear_notice("feed")
        feed.set_state(phase, "refused", "This hub needs a token.")
        again._state_changed(lost_page)
        told = "This hub needs a token. The token was kept only until the program ended."
        assert lost_page.notices.texts == {"feed": told}
        labels = [one.text() for one in lost_page.notices.findChildren(QPushButton) if one.isVisibleTo(lost_page)]
        assert labels == ["Try again", "Enter the token…"]
    again.close()
    assert [one.target.address for one in again._remembered.open_remotes] == [
        one.address for one in (kept, lost, SERVER)
    ]


async def test_a_window_closed_before_its_tabs_are_back_forgets_none(
    make_window: MakeWindow, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wait(address: ServerAddress) -> str:
        await asyncio.Event().wait()
        return ""

    window = make_window()
    window.remotes.reopen()
    await asyncio.sleep(0)
    window.remotes.open(replace(SERVER, token="s3cret"))
    again = make_window()
    monkeypatch.setattr(actions, "kept_token", wait)
    again.remotes.reopen()
    await asyncio.sleep(0)
    again.remotes.open(Target(ServerAddress("http://b")))
    again.close()
    await again.remotes.finish()
    assert [one.target for one in again._remembered.open_remotes] == [SERVER]


async def test_a_named_server_is_opened_with_its_kept_token(window: MainWindow, actions: FakeActions) -> None:
    actions.keyring[SERVER.address] = "kept"
    await window.remotes.open_with_kept_token(SERVER)
    await window.remotes.open_with_kept_token(Target(ServerAddress("http://b"), "given"))
    assert [one.token for one in actions.connected] == ["kept", "given"]


async def test_a_window_that_is_closed_while_the_keyring_asks_opens_nothing(
    window: MainWindow, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def kept_token(_address: ServerAddress) -> str:
        await asked.wait()
        return ""

    monkeypatch.setattr(actions, "kept_token", kept_token)
    opening = asyncio.create_task(window.remotes.open_with_kept_token(Target(ServerAddress("http://box:3000"))))
    await asyncio.sleep(0)
    window.close()
    asked.set()
    await opening
    window.remotes.offer(Target(ServerAddress("http://box:3000")))
    assert len(window.pages) == 1
    assert not window.findChildren(ConnectDialog)


async def test_what_prevents_connecting_is_told_in_the_dialog(window: MainWindow) -> None:
    window.open_connect_dialog()
    dialog = dialog_of(window, ConnectDialog)
    assert isinstance(dialog, ConnectDialog)
    dialog.connect_requested.emit(Wanted(Target(ServerAddress("http://nowhere:1")), None))
    assert dialog._problem.sentence == "There is no such host."
    assert len(window.pages) == 1


async def test_failed_remote_offers_to_try_again_and_to_edit(
    window: MainWindow, actions: FakeActions, qtbot: QtBot
) -> None:
    window.remotes.open(Target(ServerAddress("http://localhost:3000")))
    remote = actions.feeds[0]
    remote.set_state("failed", "failed", "localhost:3000 answers, but not as a Socket.IO server. Check the path.")
    page = window.pages[1]
    qtbot.waitUntil(lambda: "Check the path" in page.notices.texts.get("feed", ""))
    buttons = {button.text(): button for button in page.notices.findChildren(QPushButton)}
    buttons["Try again"].click()
    assert actions.retried == [remote]
    buttons["Edit…"].click()
    dialog = dialog_of(window, ConnectDialog)
    assert isinstance(dialog, ConnectDialog)
    assert dialog._url.text() == "http://localhost:3000"
    dialog.connect_requested.emit(Wanted(Target(ServerAddress("http://localhost:3001")), None))
    assert actions.disconnected == [remote]
    assert tab_texts(window)[1:] == ["localhost:3001"]


def test_problem_stays_while_it_is_tried_again_and_goes_when_it_is_over(window: MainWindow, qtbot: QtBot) -> None:
    remote = FakeFeed("staging", "10.0.0.7:3000")
    page = window.add_feed(remote)
    remote.set_state("waiting", "reconnecting", "10.0.0.7:3000 refused the connection.", time.monotonic() + 9)
    qtbot.waitUntil(lambda: "feed" in page.notices.texts)
    remote.set_state("starting", "connecting")
    qtbot.waitUntil(lambda: page._last_state.phase == "starting")
    assert "feed" in page.notices.texts
    remote.set_state("live", "connected")
    qtbot.waitUntil(lambda: page.notices.texts == {})


async def test_a_link_is_shown_to_a_person_first_and_says_where_it_comes_from(
    window: MainWindow, actions: FakeActions
) -> None:
    actions.keyring[SERVER.address] = "kept"
    window.remotes.offer(SERVER)
    dialog = dialog_of(window, ConnectDialog)
    assert isinstance(dialog, ConnectDialog)
    assert any("A link asks for this connection." in label.text() for label in visible_labels(dialog))
    for port in (1, 2):
        window.remotes.offer(Target(ServerAddress(f"http://localhost:{port}")))
    assert any("2 more links wait behind it." in label.text() for label in visible_labels(dialog))
    window.remotes._offered.clear()
    assert actions.connected == []
    await soon("the token is filled in", lambda: dialog._token.text() == "kept")
    dialog._connect()
    assert actions.connected == [replace(SERVER, token="kept")]
    await window.remotes.finish()


async def test_links_are_asked_for_one_after_another_each_once_and_never_over_an_open_dialog(
    window: MainWindow, actions: FakeActions
) -> None:
    window.open_connect_dialog()
    first = dialog_of(window, ConnectDialog)
    assert isinstance(first, ConnectDialog)
    first._url.setText("typed by hand")
    others = [Target(ServerAddress(f"http://localhost:{port}")) for port in (3001, 3002, 3001)]
    for target in others:
        window.remotes.offer(target)
    window.open_connect_dialog()
    assert dialog_of(window, ConnectDialog) is first
    assert first._url.text() == "typed by hand"
    asked = []
    for left in (1, 0):
        shown = dialog_of(window, ConnectDialog)
        shown.reject()
        await soon("the next is shown", lambda shown=shown: shown_url(window) not in ("", shown._url.text()))
        dialog = dialog_of(window, ConnectDialog)
        asked.append(shown_url(window))
        assert any("1 more link waits" in label.text() for label in visible_labels(dialog)) is (left == 1)
    assert asked == ["http://localhost:3001", "http://localhost:3002"]
    dialog_of(window, ConnectDialog).reject()
    await asyncio.sleep(0.05)
    assert shown_url(window) == ""
    assert actions.connected == []


async def test_closing_the_window_forgets_the_links_that_wait(window: MainWindow) -> None:
    for port in (3001, 3002):
        window.remotes.offer(Target(ServerAddress(f"http://localhost:{port}")))
    window.close()
    await asyncio.sleep(0.05)
    assert shown_url(window) == ""


def visible_labels(dialog: QDialog) -> list[QLabel]:
    return [label for label in dialog.findChildren(QLabel) if label.isVisible()]


def shown_url(window: MainWindow) -> str:
    """What the open dialog asks for; empty when none is open."""
    shown = [dialog for dialog in window.findChildren(ConnectDialog) if dialog.isVisible()]
    return shown[0]._url.text() if shown else ""
