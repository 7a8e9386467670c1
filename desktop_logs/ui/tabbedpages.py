"""The pages of a window and the tabs above them, in one order. Which there are, and what one shows, others say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop_logs.core.feed import Feed
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.tabstrip import Tab, TabStrip
from desktop_logs.ui.theme import Theme


class TabbedPages(QWidget):
    """A page has its tab from `insert` to `take`, at the same index; the page of the chosen tab is the one in sight."""

    chosen = Signal()
    """Another page is in front, or a page has come or gone before it."""
    close_requested = Signal(int)
    add_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pages: list[FeedPage] = []
        self.strip: Final = TabStrip(theme, self)
        self._tabs = self.strip.tabs
        self._stack = QStackedWidget(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.strip)
        layout.addWidget(self._stack, 1)
        self.strip.current_changed.connect(self._tab_chosen)
        self.strip.close_requested.connect(self.close_requested)
        self.strip.add_requested.connect(self.add_requested)

    @property
    def all(self) -> Sequence[FeedPage]:
        """The pages, in the order of their tabs."""
        return self._pages

    @property
    def index(self) -> int:
        """That of the page in front; -1 while there is none."""
        return self._tabs.currentIndex()

    @property
    def current(self) -> FeedPage | None:
        """The page in front; None while there is none."""
        return self._pages[self.index] if 0 <= self.index < len(self._pages) else None

    def of(self, feed: Feed | None) -> FeedPage | None:
        """The page of *feed*, if it has one."""
        return next((page for page in self._pages if page.feed is feed), None)

    def insert(self, page: FeedPage, tab: Tab, *, closable: bool, at: int | None = None) -> None:
        """A tab for *page* at the index *at*, or at the end. The first is in front at once."""
        at = len(self._pages) if at is None else at
        # Before the tab: the strip reports the first one as chosen while it is added.
        self._pages.insert(at, page)
        self._stack.addWidget(page)
        self._tabs.add_tab(tab, closable=closable, at=at)

    def take(self, page: FeedPage) -> None:
        """*page* has no tab any more; it is the caller's to take down."""
        index = self._pages.index(page)
        del self._pages[index]
        self._stack.removeWidget(page)
        self._tabs.remove_tab(index)

    def show_page(self, page: FeedPage) -> None:
        """Bring *page* to the front, with the keyboard in its table."""
        self._tabs.setCurrentIndex(self._pages.index(page))
        page.focus_table()

    def step(self, step: int) -> None:
        """Bring the page to the front that is *step* tabs further, around the ends."""
        if self._pages:
            self.show_page(self._pages[(self.index + step) % len(self._pages)])

    def show_tabs(self, tab_of: Callable[[FeedPage], Tab]) -> None:
        """Show in each tab what *tab_of* makes of its page."""
        for index, page in enumerate(self._pages):
            self._tabs.show_tab(index, tab_of(page))

    def _tab_chosen(self, index: int) -> None:
        if 0 <= index < len(self._pages):
            self._stack.setCurrentWidget(self._pages[index])
            self.chosen.emit()
