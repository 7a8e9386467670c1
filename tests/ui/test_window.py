"""The window: tabs come and go, problems are told with what can be done, and all of it works without a mouse."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QLineEdit, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.errors import SettingsError
from desktop_logs.core.settings import LogSettings
from desktop_logs.ui.exporting import ExportDialog
from desktop_logs.ui.plaintext import PlainView
from desktop_logs.ui.settings_dialog import SettingsDialog
from desktop_logs.ui.theme import LIGHT, Theme
from desktop_logs.ui.window import MainWindow
from tests.ui.conftest import FakeActions
from tests.ui.fakes import FakeFeed
from tests.ui.windows import MakeWindow, action, dialog_of, press, tab_texts

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
    node_close = window._pages.strip.tabs.tabButton(1, window._pages.strip.tabs.ButtonPosition.RightSide)
    assert isinstance(node_close, QAbstractButton)
    node_close.click()
    assert actions.disconnected == [staging, node]
    assert tab_texts(window) == ["Local hub 127.0.0.1:5647"]


def test_tab_tells_the_state_and_counts_down(window: MainWindow, qtbot: QtBot) -> None:
    node = FakeFeed("node", "10.0.0.8:3000")
    window.add_feed(node, activate=False)
    told: list[int] = []

    def second_told() -> bool:
        found = re.fullmatch(r"node ·  reconnecting in (\d+) s", tab_texts(window)[1])
        told.extend(int(number) for number in (found.groups() if found else ()))
        return len(set(told)) == 2

    node.set_state("waiting", "reconnecting", "", time.monotonic() + 9.5)
    qtbot.waitUntil(second_told)
    assert 10 >= told[0] > told[-1] >= 0
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


def test_f10_opens_the_menu_of_the_page_in_front(window: MainWindow, qtbot: QtBot) -> None:
    menu = window._commands.menu
    opened: list[bool] = []
    menu.aboutToShow.connect(lambda: (opened.append(True), QTimer.singleShot(0, menu.close)))
    action(window, "Menu")
    assert opened == [True]


def test_where_a_token_is_needed_the_lines_to_paste_take_one(window: MainWindow) -> None:
    window.set_local_address("http://127.0.0.1:5650", needs_token=True)
    empty = window.pages[0].empty
    assert empty is not None
    assert all("DESKTOP_LOGS_TOKEN" in view.toPlainText() for view in empty.findChildren(PlainView))


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
    window._pages.strip.tabs.setFocus()
    qtbot.keyClicks(window._pages.strip.tabs, "/")
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
    strip = window._pages.strip
    wanted = {page.table, bar.field, bar.pause, bar.follow, bar.export, bar.more, *bar.chips.chips}
    assert wanted | {strip.tabs, strip.add} <= reached


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
