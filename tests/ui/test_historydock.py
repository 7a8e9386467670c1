"""The search of the history opens in its page, shows there what it finds, and says why it cannot where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.ui.exporting import ExportDialog
from desktop_logs.ui.historydock import HistoryDock
from desktop_logs.ui.historypanel import HistoryPanel
from desktop_logs.ui.loop import make_loop
from desktop_logs.ui.theme import Theme
from desktop_logs.ui.window import MainWindow
from tests.ui.conftest import FakeActions
from tests.ui.fake_history import FakeHistory
from tests.ui.fakes import FakeFeed, make_records

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
ERRORS = frozenset({BANDS.index("error"), BANDS.index("fatal")})
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Opened:
    """A window whose local hub has a history, on a loop of Qt's."""

    def __init__(self, qtbot: QtBot, loop: Any, theme: Theme, folder: Path) -> None:
        self.loop = loop
        self.qtbot = qtbot
        self.feed = FakeFeed()
        self.history = FakeHistory(make_records(500))
        self.feed.history = self.history
        store = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self.store = store
        self.window = MainWindow(
            local=self.feed, actions=FakeActions(folder), theme=theme, store=store, local_url="http://127.0.0.1:5647"
        )
        qtbot.addWidget(self.window)
        self.window.resize(1_200, 800)
        self.window.show()
        qtbot.waitUntil(self.window.isActiveWindow)
        page = self.window.current_page
        assert page is not None
        self.page = page

    @property
    def dock(self) -> HistoryDock:
        return self.window._searches[self.page]

    @property
    def panel(self) -> HistoryPanel:
        assert self.dock.panel is not None
        return self.dock.panel

    @property
    def action(self) -> QAction:
        return next(one for one in self.window.actions() if one.text().startswith("Search history…"))

    def press_keys(self) -> None:
        self.qtbot.keyClick(self.window, Qt.Key.Key_F, CTRL_SHIFT)

    def run(self, step: Callable[[], Any], until: Callable[[], Any]) -> None:
        async def scenario() -> None:
            step()
            async with asyncio.timeout(20):
                while not until():  # noqa: ASYNC110 (what happens shows only in the window)
                    await asyncio.sleep(0.001)

        self.loop.run_until_complete(scenario())

    def search(self) -> None:
        self.run(self.panel.start, until=lambda: self.panel.model.rowCount())


@pytest.fixture
def opened(qtbot: QtBot, qapp: QApplication, theme: Theme, tmp_path: Path) -> Iterator[Opened]:
    loop = make_loop(qapp)
    asyncio.set_event_loop(loop)
    opened = Opened(qtbot, loop, theme, tmp_path)
    yield opened
    opened.run(opened.window.close, until=lambda: not asyncio.all_tasks(loop) - {asyncio.current_task(loop)})
    asyncio.set_event_loop(None)
    loop.close()


def test_ctrl_shift_f_opens_it_with_what_the_page_shows(opened: Opened) -> None:
    opened.page.bar.set_filter("source:api", ERRORS)
    opened.press_keys()
    assert opened.panel.isVisible()
    assert opened.panel.field.text() == "source:api"
    assert opened.panel.bands == ERRORS
    assert opened.panel.field.hasFocus()
    assert 0.3 < opened.panel.height() / opened.page.height() < 0.6


def test_while_it_is_open_the_keys_lead_back_to_its_field(opened: Opened) -> None:
    opened.press_keys()
    opened.panel.prepare("mine", ALL_BANDS)
    opened.page.focus_table()
    opened.press_keys()
    assert opened.panel.field.text() == "mine"
    assert opened.panel.field.hasFocus()


def test_it_works_in_a_small_window(opened: Opened) -> None:
    opened.window.resize(800, 500)
    opened.press_keys()
    opened.search()
    panel = opened.panel
    for control in (panel.field, panel.levels, panel.go, panel.more, panel.around, panel.span, panel.export):
        assert control.visibleRegion().boundingRect() == control.rect()
    assert panel.table.viewport().height() >= 3 * 24


def test_a_selected_result_stands_in_the_pages_detail_until_it_closes(opened: Opened) -> None:
    shown: list[Any] = []
    opened.press_keys()
    opened.search()
    opened.page.detail.show_record = shown.append  # type: ignore[method-assign]
    opened.panel.table.selectRow(3)
    assert shown[-1].seq == 497
    opened.dock.close()
    assert shown[-1] is None
    assert not opened.panel.isVisible()


def test_what_was_found_is_there_when_it_opens_again(opened: Opened) -> None:
    opened.press_keys()
    opened.search()
    opened.qtbot.keyClick(opened.panel.table, Qt.Key.Key_Escape)
    assert not opened.panel.isVisible()
    opened.press_keys()
    assert opened.panel.model.rowCount() == 200


def test_closing_it_gives_the_search_up(opened: Opened) -> None:
    opened.press_keys()
    opened.history.gate.clear()
    opened.run(opened.panel.start, until=lambda: opened.history.asked)
    opened.run(opened.dock.close, until=lambda: opened.history.cancelled)


def test_closing_the_window_gives_the_search_up(opened: Opened) -> None:
    opened.press_keys()
    opened.history.gate.clear()
    opened.run(opened.panel.start, until=lambda: opened.history.asked)
    opened.run(opened.window.close, until=lambda: opened.history.cancelled)


def test_enter_on_a_result_shows_its_surroundings_in_the_page(opened: Opened) -> None:
    opened.press_keys()
    opened.search()
    opened.panel.table.selectRow(3)
    opened.run(
        lambda: opened.qtbot.keyClick(opened.panel.table, Qt.Key.Key_Return),
        until=lambda: any(asked.what == "around" and asked.seq == 497 for asked in opened.history.asked),
    )
    opened.run(lambda: None, until=lambda: opened.page.model.held_count)
    assert opened.page.model.row_of_seq(497) is not None


def test_the_span_is_remembered(opened: Opened) -> None:
    opened.press_keys()
    opened.panel.span.setCurrentIndex(2)
    opened.panel.span.activated.emit(2)
    assert opened.window._remembered.span_s == 300


def test_what_was_found_is_offered_for_export(opened: Opened) -> None:
    opened.press_keys()
    opened.search()
    opened.panel.export.click()
    dialog = opened.window.findChild(ExportDialog)
    assert [len(dialog._shown), len(dialog._selected)] == [200, 0]
    assert [dialog._shown[0].seq, dialog._shown[-1].seq] == [301, 500]
    dialog.close()


def test_too_much_for_the_clipboard_is_told(opened: Opened) -> None:
    opened.press_keys()
    opened.panel.copy_refused.emit(6_000)
    assert "6,000 records" in opened.page.notices.texts["copy"]


def test_without_a_history_keys_and_menu_say_why(opened: Opened) -> None:
    opened.feed.history = None
    opened.press_keys()
    assert opened.dock.panel is None
    menu = opened.window._commands.menu
    menu.popup(QPoint(0, 0))
    assert opened.action.text() == "Search history…  (the history is off: see Settings)"
    assert not opened.action.isEnabled()
    menu.close()
    assert opened.action.isEnabled()
    opened.feed.history = opened.history
    menu.popup(QPoint(0, 0))
    assert opened.action.text() == "Search history…"
    menu.close()


def test_a_remote_page_has_no_history_to_search(opened: Opened) -> None:
    opened.window.add_feed(FakeFeed("far", "far:5647"))
    opened.press_keys()
    page = opened.window.current_page
    assert page is not None
    assert opened.window._searches[page].panel is None
    opened.window.close_page(1)
    assert page not in opened.window._searches


def test_in_a_small_window_it_makes_room_for_a_place_and_comes_back(opened: Opened) -> None:
    page = opened.page
    opened.feed.push(make_records(500))
    opened.qtbot.waitUntil(lambda: page.model.held_count == 500)
    opened.window.resize(800, 500)
    opened.press_keys()
    opened.panel.field.setText("message 7")
    opened.search()
    opened.panel.table._go_to_row(2)
    opened.run(
        lambda: opened.qtbot.keyClick(opened.panel.table, Qt.Key.Key_Return), until=lambda: not page.model.is_live
    )
    assert opened.panel.isHidden()
    assert page.table.hasFocus()
    opened.qtbot.keyClick(page.table, Qt.Key.Key_Escape)
    assert page.model.is_live
    assert not opened.panel.isHidden()
    assert opened.panel.table.hasFocus()
    assert opened.panel.field.text() == "message 7"
    opened.qtbot.keyClick(opened.panel.table, Qt.Key.Key_Escape)
    assert opened.panel.isHidden()
