"""The window: tabs come and go, problems are told with what can be done, and all of it works without a mouse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QDialog, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import SettingsError
from desktop_logs.core.settings import LogSettings
from desktop_logs.ui.connect_dialog import ConnectDialog, Wanted
from desktop_logs.ui.exporting import ExportDialog
from desktop_logs.ui.settings_dialog import SettingsDialog
from desktop_logs.ui.theme import LIGHT, Theme
from desktop_logs.ui.window import MainWindow
from tests.support.asynchronous import soon
from tests.ui.conftest import FakeActions
from tests.ui.fakes import FakeFeed

MakeWindow = Callable[..., MainWindow]


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "window.ini"


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


@pytest.fixture
def make_window(theme: Theme, actions: FakeActions, feed: FakeFeed, store_path: Path, qtbot: QtBot) -> MakeWindow:
    def make(*, local: FakeFeed | None = feed) -> MainWindow:
        store = QSettings(str(store_path), QSettings.Format.IniFormat)
        window = MainWindow(local=local, actions=actions, theme=theme, store=store, local_url="http://127.0.0.1:5647")
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(window.isActiveWindow)
        return window

    return make


@pytest.fixture
def window(make_window: MakeWindow) -> MainWindow:
    return make_window()


def stored(path: Path) -> str:
    return path.read_text()


def tab_texts(window: MainWindow) -> list[str]:
    tabs = window._strip.tabs
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


# Tabs


def test_local_page_is_first_and_cannot_be_closed(window: MainWindow, actions: FakeActions, qtbot: QtBot) -> None:
    assert tab_texts(window) == ["Local hub 127.0.0.1:5647"]
    press(window, qtbot, Qt.Key.Key_W)
    window.close_page(0)
    assert len(window.pages) == 1
    assert actions.disconnected == []


def test_remote_pages_come_and_go(window: MainWindow, actions: FakeActions, qtbot: QtBot) -> None:
    staging, node = FakeFeed("staging", "10.0.0.7:3000"), FakeFeed("node", "10.0.0.8:3000")
    window.add_feed(staging)
    window.add_feed(node, activate=False)
    assert window.current_page is window.pages[1]
    assert window.add_feed(staging) is window.pages[1]
    press(window, qtbot, Qt.Key.Key_Tab)
    assert window.current_page is window.pages[2]
    press(window, qtbot, Qt.Key.Key_Backtab, shift=True)
    assert window.current_page is window.pages[1]
    press(window, qtbot, Qt.Key.Key_W)
    assert actions.disconnected == [staging]
    assert staging.listeners == []
    assert len(window.pages) == 2
    node_close = window._strip.tabs.tabButton(1, window._strip.tabs.ButtonPosition.RightSide)
    assert isinstance(node_close, QAbstractButton)
    node_close.click()
    assert actions.disconnected == [staging, node]
    assert tab_texts(window) == ["Local hub 127.0.0.1:5647"]


def test_tab_tells_the_state_and_counts_down(window: MainWindow, qtbot: QtBot) -> None:
    node = FakeFeed("node", "10.0.0.8:3000")
    window.add_feed(node, activate=False)
    node.set_state("waiting", "reconnecting", "", time.monotonic() + 3.5)
    qtbot.waitUntil(lambda: tab_texts(window)[1] == "node ·  reconnecting in 4 s")
    qtbot.waitUntil(lambda: tab_texts(window)[1] == "node ·  reconnecting in 3 s")
    node.set_state("live", "connected")
    qtbot.waitUntil(lambda: tab_texts(window)[1] == "node 10.0.0.8:3000")
    assert not window._countdown.isActive()


def test_window_without_a_local_hub_has_only_remote_pages(make_window: MakeWindow) -> None:
    window = make_window(local=None)
    assert window.current_page is None
    window.show_notice("port", "taken")
    window.set_files_state("files OK", True)
    remote = FakeFeed("staging", "10.0.0.7:3000")
    window.add_feed(remote)
    window.show_notice("port", "taken")
    assert window.pages[0].notices.texts == {"port": "taken"}
    window.clear_notice("port")
    window.close_page(0)
    assert window.current_page is None


# Connecting


SERVER = Target(ServerAddress("http://localhost:3000", "/llamaproxws"))


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
    await soon("that is told", lambda: window.pages[1].notices.texts == {"keyring": "The keyring is locked."})
    await window.finish()


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
        window._remotes.open(SERVER)
        window._strip.tabs.setCurrentIndex(0)
    assert len(window.pages) == 2
    assert len(actions.feeds) == 1


def test_another_path_or_query_is_another_tab(window: MainWindow, actions: FakeActions) -> None:
    window._remotes.open(SERVER)
    window._remotes.open(replace(SERVER, query="level>=warn"))
    window._remotes.open(Target(ServerAddress("http://localhost:3000")))
    here = "localhost:3000"
    assert tab_texts(window)[1:] == [f"{here} /llamaproxws", f"{here} /llamaproxws  level>=warn", here]


def test_the_same_server_with_another_token_takes_the_place_of_the_tab(
    window: MainWindow, actions: FakeActions
) -> None:
    """The first one was wrong, most likely."""
    window._remotes.open(SERVER)
    window._remotes.open(Target(ServerAddress("http://b")))
    first = actions.feeds[0]
    window._remotes.open(replace(SERVER, token="s3cret"))
    assert tab_texts(window)[1:] == ["localhost:3000 /llamaproxws", "b"]
    assert window.current_page is window.pages[1]
    assert window.pages[1].feed is actions.feeds[2]
    assert actions.disconnected == [first]


async def test_tabs_come_back_in_their_order_with_the_tokens_of_the_keyring(
    make_window: MakeWindow, actions: FakeActions
) -> None:
    """A token that the keyring does not have is asked for; what was opened for once does not come back."""
    window = make_window()
    window.reopen_remotes()
    await asyncio.sleep(0)
    kept, lost = Target(ServerAddress("http://kept"), "one"), Target(ServerAddress("https://lost"), "two")
    actions.keyring[kept.address] = "one"
    for target in (kept, lost, SERVER):
        window._remotes.open(target)
    window.open_remote(Target(ServerAddress("http://127.0.0.1:5647")))
    window._remotes.open(replace(lost, query="api"), replaced=actions.feeds[1])
    window.close()
    again = make_window()
    assert again.has_remotes
    actions.connected.clear()
    again.reopen_remotes()
    await soon("they are there", lambda: len(again.pages) == 4)
    assert actions.connected == [kept, replace(lost, token="", query="api"), SERVER]
    assert again.current_page is again.pages[0]
    lost_page = again.pages[2]
    feed = lost_page.feed
    assert isinstance(feed, FakeFeed)
    feed.set_state("failed", "refused", "This hub needs a token.")
    again._state_changed(lost_page)
    told = "This hub needs a token. The token was kept only until the program ended."
    assert lost_page.notices.texts == {"feed": told}
    assert [one.text() for one in lost_page.notices.findChildren(QPushButton)] == ["Try again", "Enter the token…"]
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
    window.reopen_remotes()
    await asyncio.sleep(0)
    window._remotes.open(replace(SERVER, token="s3cret"))
    again = make_window()
    monkeypatch.setattr(actions, "kept_token", wait)
    again.reopen_remotes()
    await asyncio.sleep(0)
    again._remotes.open(Target(ServerAddress("http://b")))
    again.close()
    await again.finish()
    assert [one.target for one in again._remembered.open_remotes] == [SERVER]


async def test_a_named_server_is_opened_with_its_kept_token(window: MainWindow, actions: FakeActions) -> None:
    actions.keyring[SERVER.address] = "kept"
    await window.open_named(SERVER)
    await window.open_named(Target(ServerAddress("http://b"), "given"))
    assert [one.token for one in actions.connected] == ["kept", "given"]


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
    window._remotes.open(Target(ServerAddress("http://localhost:3000")))
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


# Menu


def test_export_is_given_what_is_shown_and_selected(window: MainWindow, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(30)
    qtbot.waitUntil(lambda: len(window.pages[0].model.shown) == 30)
    window.pages[0].table.go_to_row(4)
    press(window, qtbot, Qt.Key.Key_E)
    dialog = dialog_of(window, ExportDialog)
    assert isinstance(dialog, ExportDialog)
    assert [record.seq for record in dialog._shown] == list(range(1, 31))
    assert [record.seq for record in dialog._selected] == [5]
    dialog.reject()


def test_export_waits_for_a_filter_change_under_way(
    window: MainWindow, feed: FakeFeed, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With slices of no length at all a scan looks at one slab a turn."""
    monkeypatch.setattr("desktop_logs.core.held.SLAB_RECORDS", 10)
    monkeypatch.setattr("desktop_logs.ui.model._SLICE_S", 0)
    feed.push_many(100)
    page = window.pages[0]
    qtbot.waitUntil(lambda: page.model.held_count == 100)
    page.bar.set_text("message -7")
    assert page.model.is_filtering
    window.open_export_dialog()
    assert window.findChildren(ExportDialog) == []
    qtbot.waitUntil(lambda: window.findChildren(ExportDialog) != [])
    dialog = dialog_of(window, ExportDialog)
    assert [record.seq for record in dialog._shown] == [seq for seq in range(1, 101) if "7" not in str(seq)]
    dialog.reject()


def test_clear_empties_the_page_in_front(window: MainWindow, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(30)
    qtbot.waitUntil(lambda: len(window.pages[0].model.shown) == 30)
    press(window, qtbot, Qt.Key.Key_L)
    assert window.stats()["window_rows"] == 0


def test_settings_reach_the_program_and_its_refusal_the_person(window: MainWindow, actions: FakeActions) -> None:
    action(window, "Settings…")
    dialog = dialog_of(window, SettingsDialog)
    assert isinstance(dialog, SettingsDialog)
    wanted = LogSettings(max_age_days=7, held_records=5_000)
    dialog.settings_changed.emit(wanted)
    assert actions.log_settings == wanted
    assert [page.model.capacity for page in window.pages] == [5_000]
    actions.settings_problem = "The settings file cannot be written."
    dialog.settings_changed.emit(LogSettings())
    assert dialog._problem.sentence == "The settings file cannot be written."
    with pytest.raises(SettingsError):
        actions.change_log_settings(wanted)
    dialog.reject()


def test_theme_is_chosen_and_remembered(window: MainWindow, theme: Theme, make_window: MakeWindow) -> None:
    menu = next(one.menu() for one in window._commands.menu.actions() if one.text() == "Theme")
    menu.aboutToShow.emit()
    names = [one.text() for one in menu.actions()]
    assert names == ["As the system", "Dark", "Light"]
    menu.actions()[2].trigger()
    assert theme.palette is LIGHT
    window.close()
    theme.set_choice("dark")
    make_window()
    assert theme.palette is LIGHT


def test_columns_are_shown_and_hidden_from_the_menu(window: MainWindow) -> None:
    menu = next(one.menu() for one in window._commands.menu.actions() if one.text() == "Columns")
    menu.aboutToShow.emit()
    menu.actions()[2].trigger()
    assert window.pages[0].table.horizontalHeader().isSectionHidden(2)


def test_hub_url_is_copied(window: MainWindow) -> None:
    window.set_local_address("http://127.0.0.1:5650")
    action(window, "Copy hub URL")
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:5650"


def test_about_tells_the_version(window: MainWindow) -> None:
    action(window, "About Desktop Logs")
    box = dialog_of(window, QMessageBox)
    assert isinstance(box, QMessageBox)
    assert box.text() == "Desktop Logs 0.1.0"
    box.reject()


# The whole


def test_counters_are_those_of_all_pages(window: MainWindow, feed: FakeFeed, qtbot: QtBot) -> None:
    remote = FakeFeed("staging", "10.0.0.7:3000")
    window.add_feed(remote, activate=False)
    feed.push_many(30)
    remote.push_many(20)
    window.pages[0].bar.set_bands(frozenset())
    qtbot.waitUntil(lambda: window.stats()["window_rows"] == 50)
    assert window.stats()["window_shown"] == 20
    assert window.stats()["window_longest_stall_ms"] >= 0
    window.reset_stalls()


def test_arrangement_comes_back(window: MainWindow, make_window: MakeWindow, qtbot: QtBot) -> None:
    window.resize(711, 566)
    window.pages[0].table.columns.set_shown(2, False)
    window.pages[0].splitter.set_shares(type(window.pages[0].splitter.shares)(beside=50, below=33))
    window.close()
    again = make_window()
    assert (again.width(), again.height()) == (711, 566)
    assert again.pages[0].table.horizontalHeader().isSectionHidden(2)
    assert again.pages[0].splitter.shares.below == 33


def test_rubbish_in_the_store_does_no_harm(make_window: MakeWindow, store_path: Path) -> None:
    store = QSettings(str(store_path), QSettings.Format.IniFormat)
    for key in ("layout/geometry", "layout/columns", "layout/shares", "window/theme", "connect/recents"):
        store.setValue(key, QByteArray(b"\xff\x00rubbish"))
    store.sync()
    window = make_window()
    assert window.isVisible()
    assert not window.pages[0].table.horizontalHeader().isSectionHidden(3)


def test_closing_hides_at_once_tells_once_and_stops_everything(window: MainWindow, feed: FakeFeed) -> None:
    heard: list[bool] = []
    window.closed.connect(lambda: heard.append(window.isVisible()))
    window.close()
    window.close()
    assert len(heard) == 1
    assert not window.isVisible()
    assert feed.listeners == []
    assert not window._stalls._timer.isActive()


def test_keys_work_from_the_start_and_from_the_tabs(window: MainWindow, feed: FakeFeed, qtbot: QtBot) -> None:
    page = window.pages[0]
    assert window.focusWidget() is page
    qtbot.keyClicks(window.focusWidget(), "/")
    assert page.bar.field.hasFocus()
    page.focus_table()
    feed.push_many(5)
    qtbot.waitUntil(lambda: window.focusWidget() is page.table)
    window._strip.tabs.setFocus()
    qtbot.keyClicks(window._strip.tabs, "/")
    assert page.bar.field.hasFocus()


def test_every_control_has_a_name(window: MainWindow, feed: FakeFeed, qtbot: QtBot) -> None:
    """What a person can press, type into or walk through tells a screen reader what it is."""
    feed.push_many(3)
    qtbot.waitUntil(lambda: len(window.pages[0].model.shown) == 3)
    window.add_feed(FakeFeed("staging", "10.0.0.7:3000"))
    window.show_notice("port", "taken", actions=[("Try again", lambda: None)])
    kinds = (QAbstractButton, QAbstractItemView, QLineEdit)
    controls = [child for child in window.findChildren(QWidget) if isinstance(child, kinds)]
    assert len(controls) > 40
    nameless = [
        child
        for child in controls
        if not child.accessibleName()
        and not (isinstance(child, QAbstractButton) and child.text())
        and not child.objectName().startswith("qt_")
        and child.isVisibleTo(window)
    ]
    assert nameless == []


def test_tab_key_reaches_every_control_that_is_seen(window: MainWindow, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(3)
    page = window.pages[0]
    window.resize(1_400, 900)
    qtbot.waitUntil(lambda: len(page.model.shown) == 3)
    page.focus_table()
    reached: set[QWidget] = set()
    for _ in range(60):
        focused = window.focusWidget()
        if focused is None or focused in reached:
            break
        reached.add(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    bar = page.bar
    wanted = {page.table, bar.field, bar.pause, bar.follow, bar.export, bar.more, *bar.chips.chips, window._strip.tabs}
    assert wanted | {window._strip.add} <= reached


def test_menu_has_its_icons_in_the_colours_of_the_theme_when_it_opens(window: MainWindow, theme: Theme) -> None:
    def colors() -> set[str]:
        menu = window._commands.menu
        menu.aboutToShow.emit()
        (action,) = [one for one in menu.actions() if one.text() == "Export…"]
        image = action.icon().pixmap(16, 16).toImage()
        pixels = [image.pixelColor(x, y) for x in range(16) for y in range(16)]
        return {pixel.name() for pixel in pixels if pixel.alpha() == 255}

    dark = theme.palette
    assert dark.muted in colors()
    theme.set_choice("light")
    assert theme.palette is not dark
    assert theme.palette.muted in colors()


def test_surroundings_stand_in_the_menu_with_their_letter(window: MainWindow, feed: FakeFeed, qtbot: QtBot) -> None:
    page, menu = window.pages[0], window._commands.menu
    (entry,) = [one for one in menu.actions() if one.text().startswith("Show surroundings")]
    menu.aboutToShow.emit()
    assert (entry.text(), entry.isEnabled()) == ("Show surroundings  (no record is shown)\tS", False)
    menu.aboutToHide.emit()
    feed.push_many(3)
    qtbot.waitUntil(lambda: page.model.shown_count == 3)
    menu.aboutToShow.emit()
    assert (entry.text(), entry.isEnabled()) == ("Show surroundings\tS", True)
    assert not entry.shortcuts(), "a letter must stay one where somebody types"
    entry.trigger()
    assert page.surroundings.is_open


def test_window_tells_once_that_it_was_drawn(make_window: MakeWindow, qtbot: QtBot) -> None:
    window = make_window()
    told: list[None] = []
    window.painted.connect(lambda: told.append(None))
    window._is_painted = False
    window.update()
    qtbot.waitUntil(lambda: told != [])
    window.repaint()
    assert len(told) == 1
