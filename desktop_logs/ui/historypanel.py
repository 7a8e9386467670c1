"""The panel that searches everything that is stored: its query, how far it has come, and what it found.

What a search is stands in historysearch, the table of what it found in historyresults, where the panel is in
historydock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_logs.core.completion import Vocabulary
from desktop_logs.core.errors import QueryError, StorageError
from desktop_logs.core.history import Found, History, Progress
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.records import Record
from desktop_logs.tasks import Tasks
from desktop_logs.ui.completer import QueryCompleter
from desktop_logs.ui.forms import ProblemLabel, heading, push_button
from desktop_logs.ui.historyresults import ResultsModel, ResultsTable
from desktop_logs.ui.historysearch import HistorySearch
from desktop_logs.ui.icons import icon
from desktop_logs.ui.levels import LevelsMenu
from desktop_logs.ui.namedpanel import NamedPanel
from desktop_logs.ui.plaintext import ElidedLabel
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.queryinforce import QueryInForce
from desktop_logs.ui.savedqueries import NamedQuery
from desktop_logs.ui.tablearea import Hint
from desktop_logs.ui.theme import FIELD_HEIGHT, Palette, Theme

SPANS_S: Final = (5, 30, 300)
"""How much may be shown on either side of a record, in seconds."""
NARROW: Final = 900
"""Below this width, in pixels, buttons lose their text and the heading goes."""
_SPAN_NAMES: Final = {5: "± 5 s", 30: "± 30 s", 300: "± 5 min"}
_PLACEHOLDER: Final = 'Search all that is stored:  level>=error  source:worker  "bad frame"  after:2026-11-18'
_PROGRESS_STEPS: Final = 1_000
_BAR_WIDTH: Final = 140


class HistoryPanel(QWidget):
    """Searches when it is told to, by Enter or its button, and shows the newest records first, 200 at a time.

    Closing it gives a search under way up; what was found stays for when it opens again.
    """

    record_selected = Signal(object)
    """The Record to show in the detail; None when there is none any more."""
    surroundings_requested = Signal(object, int)
    """A Record, and how many seconds on either side of it somebody wants to see, unfiltered."""
    span_chosen = Signal(int)
    """Another span, in seconds, to be remembered."""
    export_requested = Signal(object, object)
    """The records found so far and those selected, oldest first."""
    copy_refused = Signal(int)
    close_requested = Signal()

    def __init__(
        self,
        history: Callable[[], History | None],
        theme: Theme,
        book: QueryBook,
        tasks: Tasks,
        parent: QWidget | None = None,
        *,
        vocabulary: Callable[[], Vocabulary],
        span_s: int = SPANS_S[1],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """*history* is asked for each search; *vocabulary* is what the field completes with."""
        super().__init__(parent)
        self._theme = theme
        self._palette = theme.palette
        self._book = book
        self._bands = ALL_BANDS
        self._is_answered = False
        """True when the last search came to its end."""
        self._trouble = ""
        """What went wrong with the last search."""
        self.search = HistorySearch(history, tasks, self)
        self.model = ResultsModel(self)
        self._make_query_row(now_ns, vocabulary)
        self.problem = ProblemLabel(self)
        self.table = ResultsTable(self.model, theme, self)
        self.hint = Hint(self.table.viewport())
        self._make_status_row(span_s)
        self._arrange()
        self._connect()
        self._theme_changed(theme.palette)
        self._show_state()

    # What is called from around it

    @property
    def bands(self) -> frozenset[int]:
        """The levels that are searched."""
        return self._bands

    def prepare(self, text: str, bands: frozenset[int]) -> None:
        """Offer to search for *text* at the levels of *bands*; what was found before stays until that is done."""
        self.field.setText(text)
        self._set_bands(bands)
        self._state.apply()

    def focus_query(self) -> None:
        """Go to the field, with its text selected."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def stop(self) -> None:
        """Give a search under way up."""
        self.search.stop()

    def start(self) -> None:
        """Search for what stands in the field, or say why that is no query."""
        self._state.apply()
        self._state.settle()
        if self._state.problem is None:
            self.search.start(self._state.query, self._bands)

    # Qt's side

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_requested.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW
        self._title.setVisible(not is_narrow)
        self.export.setText("" if is_narrow else " Export")
        self._place_hint()

    # Inside: putting it together

    def _make_query_row(self, now_ns: Callable[[], int], vocabulary: Callable[[], Vocabulary]) -> None:
        self._title = heading("History")
        self.field = QueryField(self._theme, self)
        self.field.setAccessibleName("Query for the history")
        self.field.setPlaceholderText(_PLACEHOLDER)
        self._state = QueryInForce(
            self.field.text, now_ns, lambda text: self._book.keep(text), lambda: self.completer.is_open, self
        )
        self.completer = QueryCompleter(self.field, self._theme, vocabulary, lambda: self._book.history)
        self._levels_menu = LevelsMenu(self._set_bands, self)
        self.levels = push_button("Levels")
        self.levels.setAccessibleName("Levels that are searched")
        self.levels.setToolTip("Levels that are searched")
        self.levels.setMenu(self._levels_menu)
        self.go = push_button("Search")
        self.go.setToolTip("Search all that is stored, the newest first  (Enter)")
        self.close_button = QToolButton(self)
        self.close_button.setAccessibleName("Close the search of the history")
        self.close_button.setToolTip("Close  (Esc)")
        self.close_button.setFixedSize(FIELD_HEIGHT, FIELD_HEIGHT)
        self.close_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _make_status_row(self, span_s: int) -> None:
        self.said = ElidedLabel(self)
        self.said.setProperty("kind", "muted")
        self.said.setAccessibleName("Search of the history")
        self.said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, _PROGRESS_STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(_BAR_WIDTH)
        self.bar.setAccessibleName("Progress of the search")
        self.cancel = self._small_button("Cancel", "Stop searching  (Esc)")
        self.more = self._small_button("Load more", "Search on for older records; scrolling to the end does it too")
        self.around = self._small_button(
            "Surroundings", "Show all records around the selected one, unfiltered  (Enter)"
        )
        self.span = QComboBox(self)
        self.span.setProperty("compact", True)
        self.span.setAccessibleName("How much of the surroundings")
        self.span.setToolTip("How much before and after the record is shown")
        for seconds in SPANS_S:
            self.span.addItem(_SPAN_NAMES[seconds], seconds)
        self.span.setCurrentIndex(SPANS_S.index(span_s) if span_s in SPANS_S else 1)
        self.export = self._small_button("Export", "Write what was found so far to a file")
        self.export.setAccessibleName("Export what was found")

    def _small_button(self, text: str, tip: str) -> QPushButton:
        button = push_button(text)
        button.setProperty("compact", True)
        button.setAccessibleName(text)
        button.setToolTip(tip)
        return button

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        for widget in (self._title, self.field, self.levels, self.go, self.close_button):
            top.addWidget(widget, 1 if widget is self.field else 0)
        below = QHBoxLayout()
        below.setSpacing(8)
        for widget in (self.said, self.bar, self.cancel, self.more, self.around, self.span, self.export):
            below.addWidget(widget, 1 if widget is self.said else 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 6)
        layout.setSpacing(6)
        for part in (top, below, self.problem):
            part.setContentsMargins(12, 0, 12, 0)
        layout.addLayout(top)
        layout.addWidget(self.problem)
        layout.addWidget(self.table, 1)
        layout.addLayout(below)
        order = (self.field, self.levels, self.go, self.table, self.cancel, self.more, self.around, self.span)
        for before, after in pairwise((*order, self.export, self.close_button)):
            self.setTabOrder(before, after)

    def _connect(self) -> None:
        self.field.textEdited.connect(self._state.edited)
        self.field.textChanged.connect(self._show_clearable)
        self.field.returnPressed.connect(self.start)
        self.field.clear_requested.connect(lambda: self.prepare("", ALL_BANDS))
        self.field.leave_requested.connect(self.close_requested)
        self.field.named_requested.connect(self._open_named)
        self.completer.query_chosen.connect(self._state.apply)
        self._state.told.connect(self._show_query)
        self._book.changed.connect(self._show_query)
        self.go.clicked.connect(self.start)
        self.close_button.clicked.connect(self.close_requested)
        self.cancel.clicked.connect(self.stop)
        self.more.clicked.connect(self.search.go_on)
        self.around.clicked.connect(lambda: self._go_around(self.table.current_record()))
        self.span.activated.connect(lambda: self.span_chosen.emit(self.span.currentData()))
        self.export.clicked.connect(self._export)
        self.hint.button.clicked.connect(self._search_all_levels)
        self.table.record_selected.connect(self._selected)
        self.table.record_chosen.connect(self._go_around)
        self.table.copy_refused.connect(self.copy_refused)
        self.table.end_reached.connect(self.search.go_on)
        self.search.started.connect(self._started)
        self.search.progressed.connect(self._progressed)
        self.search.found.connect(self._found)
        self.search.failed.connect(self._failed)
        self.search.cancelled.connect(lambda: self._ended("Cancelled"))
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        self._escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._escape.activated.connect(self.stop)
        self._theme.changed.connect(self._theme_changed)

    # Inside: what a person does

    def _set_bands(self, bands: frozenset[int]) -> None:
        self._bands = bands
        self._levels_menu.show_bands(bands)
        self.levels.setText(" Levels" if bands == ALL_BANDS else f" Levels · {len(bands)}")
        self._show_query()

    def _open_named(self) -> None:
        self.completer.close()
        self._state.settle()
        panel = NamedPanel(self._book, self._theme, NamedQuery("", self._state.query.text, self._bands), self)
        panel.chosen.connect(lambda named: self.prepare(named.text, named.bands))
        panel.open_below(self.field.star)

    def _search_all_levels(self) -> None:
        self._set_bands(ALL_BANDS)
        self.start()

    def _go_around(self, record: Record | None) -> None:
        if record is not None:
            self.surroundings_requested.emit(record, self.span.currentData())

    def _selected(self, record: Record | None) -> None:
        self.around.setEnabled(record is not None)
        self.record_selected.emit(record)

    def _export(self) -> None:
        selected = sorted(self.table.selected_records(), key=lambda record: record.seq)
        self.export_requested.emit(self.model.records[::-1], selected)

    # Inside: the search

    def _started(self, is_new: bool) -> None:
        if is_new:
            self.model.clear()
        self._is_answered, self._trouble = False, ""
        self._show_problem()
        self.bar.setValue(0)
        self.said.set_line("Searching …")
        self._show_state()

    def _progressed(self, progress: Progress) -> None:
        self.bar.setValue(round(progress.done * _PROGRESS_STEPS))
        self.said.set_line(f"Searching {progress.day.isoformat()} …  {progress.done:.0%}")

    def _found(self, page: Found) -> None:
        self.model.append(page.records)
        self._is_answered, self._trouble = True, page.problem
        self._show_problem()
        count = self.model.rowCount()
        if page.more:
            self._ended(f"The newest {count:,} records; there may be older ones")
        else:
            self._ended(f"{count:,} {'record' if count == 1 else 'records'} found" if count else "Nothing found")

    def _failed(self, failure: StorageError | QueryError) -> None:
        if isinstance(failure, QueryError):
            self.field.set_fault(failure.position)
        self._trouble = str(failure)
        self._show_problem()
        self._ended("Stopped")

    def _ended(self, said: str) -> None:
        self.said.set_line(said)
        self._show_state()

    # Inside: what is seen

    def _show_query(self) -> None:
        """What is wrong with the text in the field, or the name it is kept under."""
        wrong = self._state.problem
        self.field.set_fault(wrong.position if wrong is not None else None)
        self.field.setAccessibleDescription(str(wrong or ""))
        self._show_problem()
        self.field.set_name(self._book.name_of(self._state.query.text, self._bands))
        self._show_clearable()

    def _show_problem(self) -> None:
        """What is wrong with the text in the field; else what went wrong with the last search."""
        self.problem.say(str(self._state.problem or self._trouble))

    def _show_clearable(self) -> None:
        self.field.set_clearable(self._bands != ALL_BANDS or bool(self.field.text()))

    def _show_state(self) -> None:
        """Which buttons there are, and a word where there are no rows."""
        is_running, count = self.search.is_running, self.model.rowCount()
        for widget in (self.bar, self.cancel):
            widget.setVisible(is_running)
        self._escape.setEnabled(is_running)
        self.more.setVisible(self.search.has_more and bool(count) and not is_running)
        self.around.setEnabled(self.table.current_record() is not None)
        self.export.setEnabled(bool(count))
        if not self.said.text():
            self.hint.say("Search all that is stored", "Type a query and press Enter.", "")
        elif self._is_answered and not count:
            is_all = self.search.bands == ALL_BANDS
            where = "No stored record matches." if is_all else "No stored record of these levels matches."
            self.hint.say("Nothing found", where, "" if is_all else "Search all levels")
        else:
            self.hint.say("", "", "")
        self._place_hint()

    def _place_hint(self) -> None:
        if not self.hint.isHidden():
            room = self.table.viewport().size()
            size = self.hint.layout().totalSizeHint().boundedTo(room)
            self.hint.resize(size)
            self.hint.move((room.width() - size.width()) // 2, (room.height() - size.height()) // 2)

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        for button in (self.levels, self.close_button, self.export):
            button.setIconSize(QSize(16, 16))
        self.levels.setIcon(icon("levels", palette))
        self.close_button.setIcon(icon("close", palette))
        self.export.setIcon(icon("export", palette))
