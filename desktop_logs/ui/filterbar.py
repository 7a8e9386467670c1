"""The bar above the table: query, levels, and the buttons for the view. It keeps which filter is in force."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop_logs.core.errors import QueryError
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query, parse
from desktop_logs.ui.icons import icon
from desktop_logs.ui.levels import LevelChips, LevelsMenu
from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.theme import FIELD_HEIGHT, Palette, Theme

NARROW: Final = 900
"""Below this width, in pixels, chips fold into a button and buttons lose their text."""
_TYPING_MS: Final = 60


class FilterBar(QWidget):
    """What a person wants to see. The last good query stays in force while a bad one is being typed."""

    filter_changed = Signal(object, object)
    """Bands (a frozenset of indices into BANDS) and Query."""
    pause_toggled = Signal(bool)
    follow_toggled = Signal(bool)
    export_requested = Signal()
    leave_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = theme.palette
        self._bands = ALL_BANDS
        self._query = Query()
        self._text_in_force = ""
        self._is_narrow = False
        self.field = QueryField(theme, self)
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
        self.more.setToolTip("More")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setFixedSize(FIELD_HEIGHT, FIELD_HEIGHT)
        self.more.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._problem = QLabel(self)
        self._problem.setProperty("kind", "problem")
        self._problem.setTextFormat(Qt.TextFormat.PlainText)
        self._problem.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._problem.setAccessibleName("Problem with the query")
        self._problem.hide()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.apply)
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
        return self._query

    @property
    def problem(self) -> str:
        """What is wrong with the text in the field; empty when nothing is."""
        return self._problem.text()

    def set_bands(self, bands: frozenset[int]) -> None:
        """Show the levels of *bands* and no others."""
        self.chips.show_bands(bands)
        self._levels_menu.show_bands(bands)
        if bands == self._bands:
            return
        self._bands = bands
        self._name_buttons()
        self._changed()

    def set_text(self, text: str) -> None:
        """Put *text* into the field and apply it."""
        self.field.setText(text)
        self.apply()

    def clear(self) -> None:
        """No query, all levels."""
        self.set_text("")
        self.set_bands(ALL_BANDS)

    def apply(self) -> None:
        """Put what is typed in force, or say what is wrong with it."""
        self._typing.stop()
        text = self.field.text()
        try:
            query = parse(text, time.time_ns())
        except QueryError as wrong:
            self._show_problem(wrong)
            return
        self._show_problem(None)
        self._text_in_force = text.strip()
        if query != self._query:
            self._query = query
            self._changed()
        else:
            self._show_clearable()

    def set_figures(self, shown: int, held: int, counts: Sequence[int]) -> None:
        """Show how many of the records held are shown, and how many are in each band."""
        is_filtered = self._bands != ALL_BANDS or not self._query.is_empty
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

    def focus_query(self) -> None:
        """Go to the field, with its text selected."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        if narrow != self._is_narrow:
            self._is_narrow = narrow
            self._fold()

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
        below = QHBoxLayout(self._second)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(16)
        below.addWidget(self.chips)
        below.addWidget(self._problem, 1)
        below.addStretch(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self._second)
        self._fold()

    def _connect(self) -> None:
        self.field.textEdited.connect(lambda _text: self._typing.start())
        self.field.returnPressed.connect(self.apply)
        self.field.clear_requested.connect(self.clear)
        self.field.leave_requested.connect(self.leave_requested)
        self.pause.toggled.connect(self._pause_clicked)
        self.follow.clicked.connect(lambda: self.follow_toggled.emit(not self._is_following))
        self.export.clicked.connect(self.export_requested)

    def _pause_clicked(self, paused: bool) -> None:
        self.set_paused(paused)
        self.pause_toggled.emit(paused)

    def _fold(self) -> None:
        self.chips.setVisible(not self._is_narrow)
        self.levels.setVisible(self._is_narrow)
        self._second.setVisible(not self._is_narrow or bool(self._problem.text()))
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

    def _show_problem(self, wrong: QueryError | None) -> None:
        text = ""
        if wrong is not None:
            text = f"{wrong}  In force: {self._text_in_force or 'no query'}"
        self.field.set_invalid(wrong is not None)
        self._problem.setText(text)
        self._problem.setToolTip(text)
        self._problem.setVisible(bool(text))
        self._second.setVisible(not self._is_narrow or bool(text))

    def _changed(self) -> None:
        self._show_clearable()
        self.filter_changed.emit(self._bands, self._query)

    def _show_clearable(self) -> None:
        self.field.set_clearable(self._bands != ALL_BANDS or bool(self.field.text()))

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
