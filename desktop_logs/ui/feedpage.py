"""One feed in the window: its filter bar, table, detail and status bar, and the frame that pulls its records.

How much a frame pulls is told in pacing; what comes from its history is loaded in backfill and surroundings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop_logs.core.errors import Evicted
from desktop_logs.core.feed import Feed
from desktop_logs.core.gaps import is_gap, missing_count
from desktop_logs.core.levels import BANDS
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from desktop_logs.core.settings import DEFAULT_HELD_RECORDS
from desktop_logs.ui.backfill import Backfill
from desktop_logs.ui.cells import is_of_another_day
from desktop_logs.ui.detail import DetailPane
from desktop_logs.ui.empty import EmptyState
from desktop_logs.ui.filterbar import FilterBar
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.notices import Notices
from desktop_logs.ui.pacing import LIVE, Portion, pace_of
from desktop_logs.ui.pastbar import PastBar
from desktop_logs.ui.splitter import DetailSplitter
from desktop_logs.ui.statusbar import Figures, StatusBar
from desktop_logs.ui.surroundings import DEFAULT_SPAN_S, Surroundings
from desktop_logs.ui.tablearea import TableArea
from desktop_logs.ui.theme import Theme
from desktop_logs.ui.whyempty import why_empty

NARROW: Final = 1_000
"""Below this width, in pixels, the detail stands below the table."""
ERRORS: Final = frozenset({BANDS.index("error"), BANDS.index("fatal")})
WARNINGS: Final = frozenset({BANDS.index("warn")})
_FIGURES_MS: Final = 250


class FeedPage(QWidget):
    """Shows what *feed* brings. Records are pulled at most 30 times a second, and never while the view is paused."""

    state_changed = Signal()
    export_requested = Signal()

    def __init__(
        self,
        feed: Feed,
        theme: Theme,
        *,
        is_local: bool,
        capacity: int = DEFAULT_HELD_RECORDS,
        parent: QWidget | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(parent)
        self.feed = feed
        self.is_local = is_local
        self._clock = clock
        self._seq = 0
        self._has_pulled = False
        self._has_shown = False
        """True once a record came: from then on an empty table is somebody's doing."""
        self._skipped = 0
        self._has_gaps = False
        self._new_rows = 0
        self._told = (0, 0)
        """The figures that are said: how many records are shown, and held."""
        self._portion = Portion()
        self._paused = False
        self._last_state = feed.state
        self.model = RecordModel(capacity, self)
        self._build(theme)
        self._connect()
        self._frame_timer = self._single_shot(LIVE.frame_ms, self._frame)
        self._frame_timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._figures_timer = self._single_shot(_FIGURES_MS, self.show_figures)
        self._last_frame_s = 0.0
        self._is_closed = False
        self._unsubscribe = feed.subscribe(self._arm)
        self._arm()
        self._show_what_is_there()

    # What a person does

    @property
    def is_paused(self) -> bool:
        """True while the view is frozen; the feed goes on all the same."""
        return self._paused

    @property
    def skipped(self) -> int:
        """Records that left the feed's memory before this page came to them, or never came there."""
        return self._skipped

    def set_paused(self, paused: bool) -> None:
        """Freeze the view, or let it catch up."""
        self._paused = paused
        self.bar.set_paused(paused)
        self.show_figures()
        if not paused:
            self._arm()

    def clear_view(self) -> None:
        """Empty the view; the data stays where it is, and what comes from now on is shown.

        What is older is loaded again only when somebody scrolls up for it.
        """
        if self.surroundings.is_open:
            self.status.flash("This is a place in the past: Esc leads back to what can be cleared")
            return
        self.backfill.wait_to_be_asked()
        self.model.clear()
        self._seq = max(self._seq, self.feed.head)
        self._new_rows = 0
        self._show_what_is_there()
        self.show_figures()

    def show_surroundings(self, record: Record, span_s: float = DEFAULT_SPAN_S) -> None:
        """Show all that stands within *span_s* seconds of *record*, whatever the filter; Esc leads back."""
        self.surroundings.open(record, span_s)

    def surround_current(self) -> None:
        """The same around the current record, or the uppermost when none is."""
        if self._take_current() and (record := self.table.current_record()) is not None:
            self.show_surroundings(record)

    def focus_table(self) -> None:
        """Give the keyboard to the table; to the page itself while the table is not there yet."""
        target = self.table if self._stack.currentWidget() is self.splitter else self
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_detail(self) -> None:
        """Show the current record (the uppermost, when none is) in the detail, and give the keyboard to it."""
        if not self._take_current():
            return
        self.splitter.open_detail()
        self.detail.show_record(self.table.current_record())
        target = next((child for child in _in_tab_order(self.detail) if child.isVisibleTo(self)), None)
        if target is not None:
            target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def go_to(self, bands: frozenset[int], name: str, step: int) -> None:
        """Go to the next (*step* 1) or previous (-1) record of *bands*, or say that there is none."""
        if not self.table.go_to_next(bands, step):
            self.status.flash(f"No {'later' if step > 0 else 'earlier'} {name}")

    def close_feed(self) -> None:
        """Pull no longer. The page shows what it has until it is deleted."""
        if self._is_closed:
            return
        self._is_closed = True
        self.backfill.close()
        self.surroundings.close()
        self._unsubscribe()
        self._frame_timer.stop()
        self._figures_timer.stop()

    # Qt's side

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        text = event.text() if not event.modifiers() & ~plain else ""
        if text == "/":
            self.bar.focus_query()
        elif text == " ":
            self.set_paused(not self._paused)
        elif text in ("e", "E"):
            self.go_to(ERRORS, "error", 1 if text == "e" else -1)
        elif text in ("w", "W"):
            self.go_to(WARNINGS, "warning", 1 if text == "w" else -1)
        elif text == "s":
            self.surround_current()
        elif event.key() == Qt.Key.Key_End:
            self.table.set_following(True)
        elif event.key() == Qt.Key.Key_Escape:
            self.focus_table()
            if self.surroundings.is_open:
                self.surroundings.leave()  # the search that led there may take the keyboard back
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.splitter.set_below(self.width() < NARROW)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.show_figures()

    # Inside: the frame

    def _arm(self) -> None:
        """Records or the state are new: have a frame, now if the last one is long ago."""
        if not self._is_closed and not self._frame_timer.isActive():
            since_ms = (self._clock() - self._last_frame_s) * 1000
            self._frame_timer.start(max(round(pace_of(self.feed.state).frame_ms - since_ms), 0))

    def _frame(self) -> None:
        self._last_frame_s = self._clock()
        if self.feed.state != self._last_state:
            self._last_state = self.feed.state
            self.status.refresh()
            self.state_changed.emit()
        if not self._paused:
            self._pull()
            self._show_what_is_there()
        if not self._figures_timer.isActive():
            self._figures_timer.start()

    def _pull(self) -> None:
        """Take over what is new, as much of it as a frame has time for; the rest comes with the next frame."""
        most = self._portion.records
        try:
            records = self.feed.since(self._seq, most)
        except Evicted as gone:
            if self._has_pulled:
                self._skipped += gone.first_seq - 1 - self._seq
            self._seq = gone.first_seq - 1
            records = self.feed.since(self._seq, most)
        self._has_pulled = True
        if not records:
            self._seq = max(self._seq, self.feed.head)
            return
        pace = pace_of(self.feed.state)
        taken = self._portion.of(records, pace)
        self._count_gaps(taken)
        self._seq = taken[-1].seq
        new_rows = self.model.append(taken)
        self._new_rows = 0 if self.table.is_following else self._new_rows + new_rows
        self._has_shown = True
        if len(records) == most or len(taken) < len(records):
            self._arm()
        else:
            # Numbers may have jumped after a crash, and what was never given out does not wait for a paused view.
            self._seq = max(self._seq, self.feed.head)
        self._portion.learn(self._clock() - self._last_frame_s, pace)

    def _count_gaps(self, records: Sequence[Record]) -> None:
        for record in filter(is_gap, records):
            count = missing_count(record)
            self._skipped += count
            self._has_gaps |= not count

    # Inside: what is seen

    def show_figures(self) -> None:
        """Bring all counts up to date; at most four times a second while records come, not while hidden."""
        if not self.isVisible():
            return
        self._told = self.model.shown_count, self.model.held_count
        self.table.set_dated(self._told[0] > 0 and is_of_another_day(self.model.record_at(0).time_ns, time.time_ns()))
        self.bar.set_figures(*self._told, self.model.counts)
        self.status.show_view()
        self.surroundings.show_figures()
        if self._paused:
            waiting = max(self.feed.head - self._seq, 0)
            self.area.show_pill(f"{waiting:,} new  ·  paused, press Space" if waiting else "")
        elif self.table.is_following or not self._new_rows:
            self.area.show_pill("")
        else:
            self.area.show_pill(f"{self._new_rows:,} new  ·  press End")

    def _show_what_is_there(self) -> None:
        """The table, or a word on why it has no rows."""
        is_untouched = self.empty is not None and not self._has_shown and self.model.is_live
        wanted = self.empty if is_untouched else self.splitter
        if self._stack.currentWidget() is not wanted:
            self._stack.setCurrentWidget(wanted)
            if self.hasFocus():
                self.focus_table()
        if self.model.shown_count or self.model.is_filtering or is_untouched:
            self.area.show_hint("")
        else:
            self.area.show_hint(*why_empty(self.feed, self.model, self.backfill, has_shown=self._has_shown))

    # Inside: putting it together

    def _build(self, theme: Theme) -> None:
        self.bar = FilterBar(theme, self, vocabulary=self.model.vocabulary)
        self.notices = Notices(theme, self)
        self.past_bar = PastBar(theme, self)
        # Each widget is made inside its parent: Qt goes through the whole style sheet again for all that moves in.
        self._stack = QStackedWidget(self)
        self.splitter = DetailSplitter(self._stack)
        self.area = TableArea(self.model, theme, self.splitter)
        self.table = self.area.table
        self.detail = DetailPane(theme, self.splitter)
        self.detail.setMinimumSize(260, 80)
        self.splitter.fill(self.area, self.detail)
        self._stack.addWidget(self.splitter)
        self.empty = EmptyState(theme, self._stack) if self.is_local else None
        if self.empty is not None:
            self._stack.addWidget(self.empty)
        self.status = StatusBar(self.feed, self._figures, theme, self)
        self.backfill = Backfill(self.feed, self.model, self.table, lambda: self._seq + 1, self)
        self.surroundings = Surroundings(self.feed, self.model, self.table, self.bar, self.past_bar, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.notices)
        layout.addWidget(self.past_bar)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.status)

    def _connect(self) -> None:
        self.bar.filter_changed.connect(self._filter)
        self.bar.pause_toggled.connect(self.set_paused)
        self.bar.follow_toggled.connect(self.table.set_following)
        self.bar.export_requested.connect(self.export_requested)
        self.bar.leave_requested.connect(self.focus_table)
        self.table.following_changed.connect(self._following_changed)
        self.table.current_record_changed.connect(self.detail.show_record)
        self.table.detail_requested.connect(self.open_detail)
        self.table.copy_refused.connect(self._refuse_copy)
        self.model.filtering_changed.connect(self._filtering_changed)
        self.model.filter_failed.connect(self.bar.show_engine_problem)
        self.backfill.changed.connect(self._tell_of_older)
        self.backfill.problem_found.connect(lambda text: self.notices.show_notice("history", text))
        self.surroundings.changed.connect(lambda: self._filter(self.bar.bands, self.bar.query))
        self.surroundings.failed.connect(lambda text: self.notices.show_notice("surroundings", text))
        self.area.pill_clicked.connect(self._pill_clicked)
        self.area.hint_clicked.connect(self.bar.clear)

    def _single_shot(self, interval_ms: int, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(act)
        return timer

    def _figures(self) -> Figures:
        # Those that the bar above says, which are no older than a quarter of a second.
        return Figures(*self._told, self._skipped, self._has_gaps)

    def _filter(self, bands: frozenset[int], query: Query) -> None:
        self.model.set_filter(bands, query)
        self.backfill.set_filter(bands, query)
        self._portion.begin_small()  # what it costs is unknown
        if not self.model.is_filtering:
            self.bar.confirm()
        self._new_rows = 0
        self._show_what_is_there()
        self.show_figures()

    def _filtering_changed(self, is_filtering: bool) -> None:
        if not is_filtering:
            self.bar.confirm()
            self._show_what_is_there()
            self.show_figures()

    def _tell_of_older(self) -> None:
        self.area.show_note(self.backfill.text)
        self._show_what_is_there()
        self.show_figures()

    def _take_current(self) -> bool:
        """Make the uppermost record the current one when none is; False where there are no rows."""
        if self.table.current_record() is None and (row := self.table.rowAt(0)) >= 0:
            self.table.go_to_row(row)
        return self.table.current_record() is not None

    def _following_changed(self, following: bool) -> None:
        self._new_rows = 0
        self.bar.set_following(following)
        self.show_figures()

    def _pill_clicked(self) -> None:
        if self._paused:
            self.set_paused(False)
        self.table.set_following(True)
        self.focus_table()

    def _refuse_copy(self, count: int) -> None:
        text = f"These {count:,} rows are more than the clipboard should hold. Export them to a file instead."
        self.notices.clear_notice("copy")
        self.notices.show_notice("copy", text, "info", [("Export…", self._export_instead)])

    def _export_instead(self) -> None:
        self.notices.clear_notice("copy")
        self.export_requested.emit()


def _in_tab_order(parent: QWidget) -> list[QWidget]:
    """The widgets inside *parent* that the Tab key reaches, in its order."""
    found = []
    widget = parent.nextInFocusChain()
    while widget is not parent:
        if parent.isAncestorOf(widget) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isEnabled():
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found
