"""The bar above the table: query, levels, and the buttons for the view. It keeps which filter is in force."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop_logs.core.completion import Vocabulary
from desktop_logs.core.errors import QueryError
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query
from desktop_logs.ui.completer import QueryCompleter
from desktop_logs.ui.icons import icon
from desktop_logs.ui.levels import LevelChips, LevelsMenu
from desktop_logs.ui.namedpanel import NamedPanel
from desktop_logs.ui.plaintext import ElidedLabel, inert_tip
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.queryinforce import QueryInForce
from desktop_logs.ui.savedqueries import NamedQuery
from desktop_logs.ui.theme import FIELD_HEIGHT, Palette, Theme

NARROW: Final = 900
"""Below this width, in pixels, chips fold into a button and buttons lose their text."""
_LEAST_IN_FORCE: Final = 180
"""How much of the query in force must be readable beside a problem, in pixels."""


def _nothing_seen() -> Vocabulary:
    return Vocabulary((), (), ())


class FilterBar(QWidget):
    """What a person wants to see. The last good query stays in force while a bad one is being typed."""

    filter_changed = Signal(object, object)
    """Bands (a frozenset of indices into BANDS) and Query."""
    pause_toggled = Signal(bool)
    follow_toggled = Signal(bool)
    export_requested = Signal()
    leave_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        vocabulary: Callable[[], Vocabulary] = _nothing_seen,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._palette = theme.palette
        self._bands = ALL_BANDS
        self._is_narrow = False
        self._book = QueryBook(parent=self)
        self.field = QueryField(theme, self)
        self._state = QueryInForce(
            self.field.text, now_ns, lambda text: self._book.keep(text), lambda: self.completer.is_open, self
        )
        self.completer = QueryCompleter(self.field, theme, vocabulary, lambda: self._book.history)
        self.chips = LevelChips(theme, self.set_bands, self)
        self._levels_menu = LevelsMenu(self.set_bands, self)
        self.levels = self._button("Levels", "Levels that are shown")
        self.levels.setMenu(self._levels_menu)
        self.pause = self._button("Pause", "Freeze the view; records go on being received and stored  (Space)")
        self.pause.setCheckable(True)
        self.follow = self._button("Follow", "Keep the newest record in view  (End)")
        self.export = self._button("Export", "Write what is shown or selected to a file  (Ctrl+E)")
        self.more = QToolButton(self)
        self.more.setAccessibleName("Menu")
        self.more.setToolTip("More  (F10)")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setFixedSize(FIELD_HEIGHT, FIELD_HEIGHT)
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._problem = self._line("problem", "Problem with the query")
        self._in_force = self._line("muted", "Query in force")
        self._in_force.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._in_force.setMinimumWidth(_LEAST_IN_FORCE)
        self._arrange()
        self._connect()
        self.set_following(True)
        theme.changed.connect(self._theme_changed)
        self._theme_changed(theme.palette)

    @property
    def bands(self) -> frozenset[int]:
        """The bands that are shown."""
        return self._bands

    @property
    def query(self) -> Query:
        """The query in force: the last good one."""
        return self._state.query

    @property
    def problem(self) -> str:
        """What is wrong with the text in the field; empty when nothing is."""
        return self._problem.text()

    @property
    def in_force(self) -> str:
        """What is said to be in force while the text in the field is not; empty when it is."""
        return self._in_force.text()

    def use_book(self, book: QueryBook) -> None:
        """Keep history and named queries in *book*."""
        self._book.changed.disconnect(self._show_name)
        self._book = book
        book.changed.connect(self._show_name)
        self._show_name()

    def set_bands(self, bands: frozenset[int]) -> None:
        """Show the levels of *bands* and no others."""
        is_other = bands != self._bands
        self._take_bands(bands)
        if is_other:
            self._changed()

    def set_text(self, text: str) -> None:
        """Put *text* into the field and apply it."""
        self.set_filter(text, self._bands)

    def clear(self) -> None:
        """No query, all levels."""
        self.set_filter("", ALL_BANDS)

    def set_filter(self, text: str, bands: frozenset[int]) -> None:
        """Show the levels of *bands*, put *text* into the field and apply it: one change, not two."""
        before, is_other = self.query, bands != self._bands
        self._take_bands(bands)
        self.field.setText(text)
        self._state.apply()
        if is_other and self.query == before:
            self._changed()
        self._state.settle()

    def confirm(self) -> None:
        """The filter in force has been applied to every record: it can be fallen back to when another fails."""
        self._state.confirm()

    def show_engine_problem(self, wrong: QueryError) -> None:
        """The query in force turned out to be too much: say so, and go back to the last one that was not.

        Tells of the change by filter_changed. When that one fails too, the one before it comes, at last none.
        """
        self._state.fail(wrong)

    def set_figures(self, shown: int, held: int, counts: Sequence[int]) -> None:
        """Show how many of the records held are shown, and how many are in each band."""
        is_filtered = self._bands != ALL_BANDS or not self.query.is_empty
        self.field.set_figures(f"{shown:,} match of {held:,}" if is_filtered else "")
        self._levels_menu.set_counts(counts)
        self.chips.set_counts(counts)

    def set_following(self, following: bool) -> None:
        """Show whether the table follows."""
        self.follow.setProperty("kind", "primary" if following else "")
        self.follow.style().unpolish(self.follow)
        self.follow.style().polish(self.follow)
        self._is_following = following
        self.follow.setAccessibleDescription("on" if following else "off")
        self._paint_follow()

    def set_paused(self, paused: bool) -> None:
        """Show whether the view is frozen."""
        self.pause.setChecked(paused)
        self.pause.setAccessibleName("Paused" if paused else "Pause")
        self._name_buttons()
        self.pause.setIcon(icon("play" if paused else "pause", self._palette))

    def set_menu(self, menu: QMenu) -> None:
        """The menu of the ⋯ button."""
        self.more.setMenu(menu)

    def open_menu(self) -> None:
        """Open the menu of the ⋯ button, for the keyboard."""
        self.more.showMenu()

    def focus_query(self) -> None:
        """Go to the field, with its text selected."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        if narrow != self._is_narrow:
            self._is_narrow = narrow
            self._fold()
        self._place_trouble()

    # Inside

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(self)
        button.setAccessibleName(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        return button

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.field, 1)
        for button in (self.levels, self.pause, self.follow, self.export, self.more):
            top.addWidget(button)
        self._second = QWidget(self)
        self._beside = below = QHBoxLayout(self._second)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(16)
        below.addWidget(self.chips)
        below.addStretch(1)
        self._trouble = QWidget(self)
        told = QHBoxLayout(self._trouble)
        told.setContentsMargins(0, 0, 0, 0)
        told.setSpacing(16)
        told.addWidget(self._problem)
        told.addWidget(self._in_force, 1)
        self._trouble.hide()
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self._second)
        layout.addWidget(self._trouble)
        self._fold()

    def _connect(self) -> None:
        self.field.textEdited.connect(self._state.edited)
        self.field.textChanged.connect(self._show_clearable)
        self.field.returnPressed.connect(self._entered)
        self.field.editingFinished.connect(self._state.settle)
        self._state.told.connect(self._show_state)
        self._state.changed.connect(self._changed)
        self.field.clear_requested.connect(self.clear)
        self.field.leave_requested.connect(self.leave_requested)
        self.field.named_requested.connect(self._open_named)
        self.completer.query_chosen.connect(self._entered)
        self._book.changed.connect(self._show_name)
        self.pause.toggled.connect(self._pause_clicked)
        self.follow.clicked.connect(lambda: self.follow_toggled.emit(not self._is_following))
        self.export.clicked.connect(self.export_requested)

    def _entered(self) -> None:
        self._state.apply()
        self._state.settle()

    def _line(self, kind: str, name: str) -> ElidedLabel:
        line = ElidedLabel(self)
        line.setProperty("kind", kind)
        line.setAccessibleName(name)
        return line

    def _take_bands(self, bands: frozenset[int]) -> None:
        self.chips.show_bands(bands)
        self._levels_menu.show_bands(bands)
        self._bands = bands
        self._name_buttons()

    def _open_named(self) -> None:
        self.completer.close()
        self._state.settle()
        panel = NamedPanel(self._book, self._theme, NamedQuery("", self.query.text, self._bands), self)
        panel.chosen.connect(lambda named: self.set_filter(named.text, named.bands))
        panel.open_below(self.field.star)

    # Inside: what is seen

    def _pause_clicked(self, paused: bool) -> None:
        self.set_paused(paused)
        self.pause_toggled.emit(paused)

    def _fold(self) -> None:
        self.chips.setVisible(not self._is_narrow)
        self.levels.setVisible(self._is_narrow)
        self._second.setVisible(not self._is_narrow)
        self.chips.show_bands(self._bands)
        self._name_buttons()

    def _name_buttons(self) -> None:
        self.levels.setText(" Levels" if self._bands == ALL_BANDS else f" Levels · {len(self._bands)}")
        for button in (self.pause, self.follow, self.export):
            # The space stands between icon and name; a style sheet has no measure for it.
            button.setText("" if self._is_narrow else f" {button.accessibleName()}")
        # As wide as its longer name, so that pressing it does not push the others.
        wide = self.pause.fontMetrics().horizontalAdvance("Paused") + 54
        self.pause.setMinimumWidth(0 if self._is_narrow else wide)

    def _changed(self) -> None:
        self._show_state()
        self.filter_changed.emit(self._bands, self.query)

    def _show_state(self) -> None:
        """What is wrong with the text, what is in force meanwhile, its name, and whether it can be cleared."""
        wrong = self._state.problem
        self.field.set_fault(wrong.position if wrong is not None else None)
        in_force = f"In force: {self.query.text or 'no query'}"
        for line, text in ((self._problem, str(wrong)), (self._in_force, in_force)):
            line.set_line(text if wrong is not None else "")
            line.setToolTip(inert_tip(line.text()))
        self.field.setAccessibleDescription(self.problem)
        self._place_trouble()
        self._show_clearable()
        self._show_name()

    def _show_clearable(self) -> None:
        self.field.set_clearable(self._bands != ALL_BANDS or bool(self.field.text()))

    def _place_trouble(self) -> None:
        """What is wrong stands beside the chips where there is room, so that nothing moves; else in its own line."""
        self._trouble.setVisible(bool(self.problem))
        needed = self.chips.sizeHint().width() + self._problem.sizeHint().width() + _LEAST_IN_FORCE + 60
        is_beside = not self._is_narrow and needed <= self.width()
        if is_beside and self._beside.indexOf(self._trouble) < 0:
            self._beside.insertWidget(1, self._trouble, 100)
        elif not is_beside and self._column.indexOf(self._trouble) < 0:
            self._column.addWidget(self._trouble)

    def _show_name(self) -> None:
        self.field.set_name(self._book.name_of(self.query.text, self._bands))

    def _paint_follow(self) -> None:
        self.follow.setIcon(icon("follow", self._palette, self._palette.on_accent if self._is_following else None))

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        for button in (self.levels, self.pause, self.follow, self.export, self.more):
            button.setIconSize(QSize(16, 16))
        self.levels.setIcon(icon("levels", palette))
        self.export.setIcon(icon("export", palette))
        self.more.setIcon(icon("more", palette))
        self.set_paused(self.pause.isChecked())
        self._paint_follow()
