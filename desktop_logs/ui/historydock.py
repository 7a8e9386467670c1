"""Where the search of the history stands in a page, and what its records do there. The panel itself is historypanel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QSplitter

from desktop_logs.core.records import Record
from desktop_logs.tasks import Tasks
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.remembered import Remembered
from desktop_logs.ui.theme import Theme

if TYPE_CHECKING:
    from desktop_logs.ui.historypanel import HistoryPanel

_SHARE: Final = 0.45
"""How much of the height the panel has when it opens."""
_LEAST_HEIGHT: Final = 220
_LEAST_BESIDE_PLACE: Final = 440
"""With less height for both, in pixels, the panel makes room for the place that somebody goes to."""


class HistoryDock(QObject):
    """The panel of one page, below its table and detail. It is made when it is opened for the first time."""

    export_requested = Signal(object, object)
    """Records found and records selected, oldest first."""

    def __init__(self, page: FeedPage, theme: Theme, book: QueryBook, remembered: Remembered) -> None:
        super().__init__(page)
        self._page = page
        self._theme = theme
        self._book = book
        self._remembered = remembered
        self._tasks = Tasks()
        self.panel: HistoryPanel | None = None
        """None until it is opened for the first time."""
        self._makes_room = False
        """True while it is hidden for a place, and comes back when that is left."""
        page.surroundings.changed.connect(self._place_changed)

    def open(self) -> None:
        """Open the panel with the query and the levels that the page shows, or say why that cannot be."""
        reason = why_not(self._page)
        if reason:
            self._page.status.flash(reason[:1].upper() + reason[1:])
            return
        if self.panel is None:
            self.panel = self._make()
        panel = self.panel
        if not panel.isVisibleTo(self._page):
            if not self._makes_room:
                panel.prepare(self._page.bar.query.text, self._page.bar.bands)
            self._show(panel)
        panel.focus_query()

    def close(self) -> None:
        """Close the panel and give its search up; the detail shows the record of the page's table again."""
        if self.panel is None:
            return
        self.panel.stop()
        self._makes_room = False
        if self.panel.isVisibleTo(self._page):
            self.panel.hide()
            self._page.detail.show_record(self._page.table.current_record())
            self._page.focus_table()

    # Inside

    def _show(self, panel: HistoryPanel) -> None:
        self._makes_room = False
        panel.show()
        layout = self._page.layout()
        assert layout is not None
        layout.activate()
        height = self._divided.height()
        below = max(round(height * _SHARE), min(_LEAST_HEIGHT, height))
        self._divided.setSizes([height - below, below])

    def _show_surroundings(self, record: Record, span_s: float) -> None:
        self._page.show_surroundings(record, span_s)
        if self.panel is not None and self._divided.height() < _LEAST_BESIDE_PLACE:
            self._makes_room = True
            self.panel.hide()
            self._page.focus_table()

    def _place_changed(self) -> None:
        if self._makes_room and self.panel is not None and not self._page.surroundings.is_open:
            self._show(self.panel)
            self._show_record(self.panel.table.current_record())
            self.panel.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _make(self) -> HistoryPanel:
        from desktop_logs.ui.historypanel import SPANS_S, HistoryPanel  # loaded when it is opened, as all dialogs are

        page = self._page
        stack, layout = page.splitter.parentWidget(), page.layout()
        assert layout is not None
        self._divided = QSplitter(Qt.Orientation.Vertical, page)
        self._divided.setHandleWidth(1)
        layout.replaceWidget(stack, self._divided)
        self._divided.addWidget(stack)
        self._divided.show()  # Qt would do so later, and would have no height for it until then
        panel = HistoryPanel(
            lambda: page.feed.history,
            self._theme,
            self._book,
            self._tasks,
            self._divided,
            vocabulary=page.model.vocabulary,
            span_s=self._remembered.span_s or SPANS_S[1],
        )
        panel.hide()
        self._divided.addWidget(panel)
        for at in range(2):
            self._divided.setCollapsible(at, False)
            self._divided.setStretchFactor(at, 1)
        panel.record_selected.connect(self._show_record)
        panel.surroundings_requested.connect(self._show_surroundings)
        panel.span_chosen.connect(self._remembered.set_span_s)
        panel.export_requested.connect(self.export_requested)
        panel.copy_refused.connect(self._refuse_copy)
        panel.close_requested.connect(self.close)
        return panel

    def _show_record(self, record: Record | None) -> None:
        self._page.detail.show_record(record if record is not None else self._page.table.current_record())

    def _refuse_copy(self, count: int) -> None:
        text = f"These {count:,} records are more than the clipboard should hold. Export them to a file instead."
        self._page.notices.clear_notice("copy")
        self._page.notices.show_notice("copy", text, "info")


def why_not(page: FeedPage) -> str:
    """Why the history of *page* cannot be searched; empty when it can."""
    if page.feed.history is not None:
        return ""
    if page.is_local:
        return "the history is off: see Settings"
    if page.feed.state.is_file:
        return "a file has no history beside its lines"
    return "this server keeps no history that could be searched" if page.feed.state.phase == "live" else "not connected"
