"""The main window: its tabs, a page for each feed, and what keys and menu do. How a page works stands in feedpage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Final

from PySide6.QtCore import QSettings, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QGuiApplication, QKeyEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow

from desktop_logs.core.feed import Feed
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import one_line
from desktop_logs.core.settings import LogSettings
from desktop_logs.ui.about import open_about
from desktop_logs.ui.actions import WindowActions
from desktop_logs.ui.commands import Command, Commands, fill_theme_menu
from desktop_logs.ui.dialogs import open_export, open_settings, open_share
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.feedtab import tab_of
from desktop_logs.ui.files import Files
from desktop_logs.ui.historydock import HistoryDock, why_not
from desktop_logs.ui.icons import app_icon
from desktop_logs.ui.notices import Action, Level
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.remembered import Remembered
from desktop_logs.ui.remotes import Remotes
from desktop_logs.ui.splitter import DetailShares
from desktop_logs.ui.stall import StallMeter
from desktop_logs.ui.tabbedpages import TabbedPages
from desktop_logs.ui.tabstrip import Tab
from desktop_logs.ui.theme import Choice, Palette, Theme

TITLE: Final = "Desktop Logs"
_COUNTDOWN_MS: Final = 1_000


class MainWindow(QMainWindow):
    """One window. With a *local* feed its page is the first and cannot be closed; remote ones come and go."""

    painted = Signal()
    """The window was drawn for the first time: from now on a person sees it."""
    closed = Signal()
    """The window is closed, once; it is hidden already and waits for nothing."""
    notice_dismissed = Signal(str)
    """A person has sent the notice of this key away."""

    def __init__(
        self, *, local: Feed | None, actions: WindowActions, theme: Theme, store: QSettings, local_url: str
    ) -> None:
        super().__init__()
        self._actions = actions
        self._theme = theme
        self._remembered = Remembered(store)
        self._book = QueryBook(self._remembered, self)
        self._local_url = local_url
        self._local_needs_token = False
        self._is_closed = False
        self._is_painted = False
        self._searches: dict[FeedPage, HistoryDock] = {}
        self.setWindowTitle(TITLE)
        self.setWindowIcon(app_icon())
        self.setMinimumSize(480, 320)
        if (stored := self._remembered.theme_choice) is not None:
            theme.set_choice(stored)
        self.remotes = Remotes(actions, theme, self._remembered, self)
        """By which the program opens tabs for servers."""
        self.remotes.connected.connect(self._connected)
        self.remotes.token_not_kept.connect(self._tell_token)
        self.files = Files(actions, self._remembered, self)
        """By which the program opens tabs for log files."""
        self.files.opened.connect(self.add_feed)
        self._pages = TabbedPages(theme, self)
        self._commands = Commands(self, theme, self._command_groups())
        self._arrange()
        self._countdown = QTimer(self)
        self._countdown.setInterval(_COUNTDOWN_MS)
        self._countdown.timeout.connect(self._show_tabs)
        self._stalls = StallMeter(self)
        self._stalls.start()
        self._local = self._add_page(local, is_local=True) if local is not None else None
        self._remembered.restore_geometry(self)
        theme.changed.connect(self._show_tabs)

    # What the program around the window calls

    def add_feed(self, feed: Feed, activate: bool = True, at: int | None = None) -> FeedPage:
        """A page for *feed*, in front when *activate*; the one it has when it has one. A new one stands at *at*."""
        page = self._pages.of(feed) or self._add_page(feed, is_local=False, at=at)
        if activate:
            self._pages.show_page(page)
        return page

    def show_notice(self, key: str, text: str, level: Level = "warning", actions: Sequence[Action] = ()) -> None:
        """Tell a problem on the local page, or on the one in front when there is no local one."""
        if (page := self._local or self.current_page) is not None:
            page.notices.show_notice(key, text, level, actions)

    def clear_notice(self, key: str) -> None:
        """The problem *key* is over."""
        for page in self.pages:
            page.notices.clear_notice(key)

    def follow(self, settings: LogSettings) -> None:
        """*settings* are kept and in force."""
        self.clear_notice("settings")
        for page in self.pages:
            page.model.set_capacity(settings.held_records)

    def set_files_state(self, text: str, ok: bool) -> None:
        """Say in the status bar how writing files goes."""
        if self._local is not None:
            self._local.status.set_files_state(text, ok)

    def set_local_address(self, url: str, *, needs_token: bool = False) -> None:
        """The local hub listens at *url* now, and *needs_token* to take records."""
        self._local_url, self._local_needs_token = url, needs_token
        for page in self.pages:
            self._tell_local_address(page)
        self._show_tabs()

    def stats(self) -> dict[str, int]:
        """The counters of protocol.md that the window knows, over all its pages."""
        return {
            "window_rows": sum(page.model.held_count for page in self.pages),
            "window_shown": sum(page.model.shown_count for page in self.pages),
            "window_longest_stall_ms": round(self._stalls.longest_ms),
        }

    def reset_stalls(self) -> None:
        """Measure the longest stall anew."""
        self._stalls.reset()

    @property
    def is_busy(self) -> bool:
        """True while records, input or a filter give the window work, and shortly after."""
        return self._stalls.is_watching

    @property
    def current_page(self) -> FeedPage | None:
        """The page in front; None while there is none."""
        return self._pages.current

    @property
    def pages(self) -> Sequence[FeedPage]:
        """All pages, in the order of their tabs."""
        return self._pages.all

    # What a person asks for

    def close_page(self, index: int) -> None:
        """Leave a remote server or a file and take its page away; the local page stays."""
        if not 0 <= index < len(self.pages) or self.pages[index] is self._local:
            return
        page = self.pages[index]
        self._searches.pop(page).close()
        page.close_feed()
        self._pages.take(page)
        self.remotes.forget(page.feed)
        self.files.forget(page.feed)
        self._actions.disconnect(page.feed)
        page.deleteLater()
        self._remember_tabs()
        self._show_tabs()
        if self.current_page is not None:
            self.current_page.focus_table()

    def open_connect_dialog(self) -> None:
        """Ask for a server to connect to."""
        self.remotes.open_dialog()

    def open_share_dialog(self) -> None:
        """Say how others reach the local hub."""
        open_share(self._actions, self)

    def open_history_search(self) -> None:
        """Offer to search all that the page's hub has stored, or say why that cannot be."""
        self._on_page(lambda page: self._searches[page].open())

    def open_export_dialog(self) -> None:
        """Offer to write the shown or the selected records to a file, once a filter change under way is complete."""
        page = self.current_page
        if page is None:
            return
        if page.model.is_filtering:
            # All that is shown is what the filter will have found in a moment.
            page.model.filtering_changed.connect(self._export_now, Qt.ConnectionType.SingleShotConnection)
        else:
            self._export_now()

    def _export_now(self) -> None:
        self._on_page(lambda page: self._export(page.model.shown, page.table.selected()))

    def _export(self, shown: Sequence[Record], selected: Sequence[Record]) -> None:
        open_export(shown, selected, self._theme, self._remembered, self)

    def open_settings_dialog(self) -> None:
        """Show what is written where, and the theme."""
        open_settings(self._actions, self._theme, self, changed=self.follow, theme_chosen=self.choose_theme)

    def choose_theme(self, choice: Choice) -> None:
        """Use *choice* from now on and remember it."""
        self._theme.set_choice(choice)
        self._remembered.set_theme_choice(choice)

    # Qt's side

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # What nobody wanted is the page's, wherever the focus is: on a tab, or nowhere.
        if self.current_page is not None:
            self.current_page.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.focusWidget() is None:
            self._on_page(FeedPage.focus_table)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._is_painted:
            self._is_painted = True
            self.painted.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._save()
            self._countdown.stop()
            self._stalls.stop()
            self.remotes.close()
            self.files.close()
            for page in self.pages:
                self._searches[page].close()
                page.close_feed()
            self.closed.emit()
        super().closeEvent(event)

    # Inside

    def _arrange(self) -> None:
        self.setCentralWidget(self._pages)
        self._pages.chosen.connect(self._show_tabs)
        self._pages.close_requested.connect(self.close_page)
        self._pages.add_requested.connect(self.open_connect_dialog)
        columns = self._commands.add_menu("Columns", before="Clear view")
        columns.aboutToShow.connect(lambda: self._on_page(lambda page: page.table.columns.fill_menu(columns)))
        themes = self._commands.add_menu("Theme", before="Settings…")
        themes.aboutToShow.connect(lambda: fill_theme_menu(themes, self._theme.choice, self.choose_theme))

    def _command_groups(self) -> list[list[Command]]:
        return [
            [
                Command("Connect…", self.open_connect_dialog, ("Ctrl+T",), "connect"),
                Command("New window", self._actions.new_window, ("Ctrl+Shift+N",), "window"),
                Command("Open file…", self.files.open_dialog, ("Ctrl+O",), "file"),
            ],
            [
                Command(
                    "Search history…",
                    self.open_history_search,
                    ("Ctrl+Shift+F",),
                    "search",
                    why_not=self._why_no_search,
                ),
                Command(
                    "Show surroundings",
                    lambda: self._on_page(FeedPage.surround_current),
                    why_not=self._why_no_surroundings,
                    page_key="S",
                ),
                Command("Export…", self.open_export_dialog, ("Ctrl+E",), "export"),
                Command("Clear view", lambda: self._on_page(FeedPage.clear_view), ("Ctrl+L",), "clear"),
            ],
            [
                Command("Open logs folder", self._open_logs_folder, (), "folder"),
                Command("Share this hub…", self.open_share_dialog, (), "share", why_not=self._why_no_sharing),
                Command("Copy hub URL", self._copy_hub_url, (), "copy"),
                Command("Settings…", self.open_settings_dialog, ("Ctrl+,",), "settings"),
            ],
            [Command("About Desktop Logs", lambda: open_about(self), (), "info")],
            [
                Command("Find", lambda: self._on_page(lambda page: page.bar.focus_query()), ("Ctrl+F",), in_menu=False),
                Command("Menu", lambda: self._on_page(lambda page: page.bar.open_menu()), ("F10",), in_menu=False),
                Command("Close tab", lambda: self.close_page(self._pages.index), ("Ctrl+W",), in_menu=False),
                Command("Next tab", lambda: self._pages.step(1), ("Ctrl+Tab",), in_menu=False),
                Command("Previous tab", lambda: self._pages.step(-1), ("Ctrl+Shift+Tab",), in_menu=False),
            ],
        ]

    def _why_no_search(self) -> str:
        return why_not(self.current_page) if self.current_page is not None else "no tab is open"

    def _why_no_sharing(self) -> str:
        return "" if self._local is not None else "no hub runs here"

    def _why_no_surroundings(self) -> str:
        page = self.current_page
        return "" if page is not None and page.model.shown_count else "no record is shown"

    def _on_page(self, act: Callable[[FeedPage], object]) -> None:
        if self.current_page is not None:
            act(self.current_page)

    def _add_page(self, feed: Feed, *, is_local: bool, at: int | None = None) -> FeedPage:
        capacity = self._actions.log_settings.held_records
        page = FeedPage(feed, self._theme, is_local=is_local, capacity=capacity, parent=self._pages)
        page.bar.set_menu(self._commands.menu)
        page.bar.use_book(self._book)
        self._tell_local_address(page)
        if page.empty is not None:
            page.empty.files_requested.connect(self.files.open_dialog)
        page.table.columns.restore(self._remembered.layout("columns"))
        page.splitter.set_shares(DetailShares(*self._remembered.shares(astuple(DetailShares()))))
        page.export_requested.connect(self.open_export_dialog)
        search = self._searches[page] = HistoryDock(page, self._theme, self._book, self._remembered)
        search.export_requested.connect(self._export)
        page.state_changed.connect(lambda: self._state_changed(page))
        page.notices.dismissed.connect(self.notice_dismissed)
        self._pages.insert(page, self._tab_of(page), closable=not is_local, at=at)
        self._remember_tabs()
        self._state_changed(page)
        return page

    def _tell_local_address(self, page: FeedPage) -> None:
        page.detail.set_hub_url(self._local_url, needs_token=self._local_needs_token)
        if page.empty is not None:
            page.empty.set_address(self._local_url, needs_token=self._local_needs_token)

    def _state_changed(self, page: FeedPage) -> None:
        if self.files.path_of(page.feed):
            self.files.explain(page)
        else:
            self.remotes.explain(page)
        self._show_tabs()
        is_waiting = any(page.feed.state.phase == "waiting" for page in self.pages)
        if not is_waiting:
            self._countdown.stop()
        elif not self._countdown.isActive():
            self._countdown.start()

    def _tab_of(self, page: FeedPage) -> Tab:
        target, path = self.remotes.target_of(page.feed), self.files.path_of(page.feed)
        return tab_of(page.feed, self._theme.palette, target=target, path=path)

    def _show_tabs(self, _palette: Palette | None = None) -> None:
        self._pages.show_tabs(self._tab_of)
        name = one_line(current.feed.name) if (current := self.current_page) is not None else ""
        self.setWindowTitle(name or TITLE)  # Qt adds the program's name where that is the custom

    def _connected(self, feed: Feed, replaced: Feed | None, activate: bool) -> None:
        old = self._pages.of(replaced)
        self.add_feed(feed, activate, at=self.pages.index(old) if old is not None else None)
        if old is not None:
            self.close_page(self.pages.index(old))

    def _remember_tabs(self) -> None:
        self.remotes.remember([page.feed for page in self.pages])

    def _tell_token(self, feed: Feed, problem: str) -> None:
        if (page := self._pages.of(feed) or self.current_page) is not None:
            page.notices.clear_notice("keyring")  # it may be refused as it was before, and that was dismissed
            page.notices.show_notice("keyring", problem)

    def _open_logs_folder(self) -> None:
        folder = self._actions.logs_folder
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.clear_notice("open folder")
            self.show_notice("open folder", f"No program opens folders here. The logs are in {folder}", "info")

    def _copy_hub_url(self) -> None:
        if not self._local_url:
            self._on_page(lambda page: page.status.flash("The hub does not listen, so it has no URL"))
            return
        QGuiApplication.clipboard().setText(self._local_url)
        self._on_page(lambda page: page.status.flash(f"Copied {self._local_url}"))

    def _save(self) -> None:
        self._remembered.set_layout("geometry", self.saveGeometry())
        if (page := self.current_page) is not None:
            self._remembered.set_layout("columns", page.table.columns.saveState())
            self._remembered.set_shares(astuple(page.splitter.shares))
        self._remembered.save()
