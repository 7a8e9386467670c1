"""The table of records: where its view is and what is selected. How it draws stands in delegate, its header in columns.

The view hangs on an anchor: a record's number and how far below the upper edge it stands. After any change of the
rows the table puts that record back to its place, unless it follows the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QWidget

from desktop_logs.ui.columns import CLOCK_CHARACTERS, DATED_CHARACTERS, Columns
from desktop_logs.ui.delegate import RecordDelegate
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.selectionview import SelectionView, SelectRows
from desktop_logs.ui.theme import ROW_HEIGHT, Palette, Theme, fixed_font, interface_font

_UPWARD: Final = frozenset({Qt.Key.Key_Up, Qt.Key.Key_PageUp, Qt.Key.Key_Home})
_DOWNWARD: Final = frozenset({Qt.Key.Key_Down, Qt.Key.Key_PageDown})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a view is and what is selected there, in numbers of records."""

    is_following: bool
    anchor: tuple[int, int]
    current_seq: int | None
    selected: Sequence[tuple[int, int]]


class RecordTable(SelectionView):
    """A view on a RecordModel that follows the newest record or keeps the lines under the eye where they are."""

    following_changed = Signal(bool)
    detail_requested = Signal()
    older_wanted = Signal()
    """A person came to the first row, or within a screen of it, or wants to go beyond it."""
    newer_wanted = Signal()
    """The same at the last row, where there is nothing to follow."""
    live_wanted = Signal()
    """Somebody wants to follow where there is nothing to follow."""

    def __init__(self, model: RecordModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, parent)
        self._following = True
        self._can_follow = True
        self._anchor: tuple[int, int] = (0, 0)
        self._is_focusing = False
        self._is_going = False
        self.setAccessibleName("Records")
        font = fixed_font()
        self.setFont(font)
        self._delegate = RecordDelegate(theme.palette, font, self)
        self.setItemDelegate(self._delegate)
        # Before Qt's own listeners, since theirs may already move the current row.
        model.rowsAboutToBeInserted.connect(self._rows_will_change)
        model.rowsAboutToBeRemoved.connect(self._rows_will_change)
        model.modelAboutToBeReset.connect(self._rows_will_reset)
        self.setModel(model)
        self._prepare_columns()
        # After Qt's own listeners, the header's included: each of them forgets the selection at a reset.
        model.rowsInserted.connect(self._rows_inserted)
        model.rowsRemoved.connect(self._rows_removed)
        model.modelReset.connect(self._rows_reset)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        theme.changed.connect(self._theme_changed)

    # Following

    @property
    def is_following(self) -> bool:
        """True while the newest record is kept in view."""
        return self._following

    def set_following(self, following: bool) -> None:
        """Keep the newest record in view, or stay where the view is."""
        if following and not self._can_follow:
            self.live_wanted.emit()
            return
        if following:
            self._to_bottom()
        else:
            self._take_anchor()
        if following != self._following:
            self._following = following
            self.following_changed.emit(following)

    # Another stretch of records

    def leave_place(self) -> Place:
        """Where the view is, for `return_to`. For what the model shows next nothing is selected or followed."""
        self._take_anchor()
        place = Place(
            self._following,
            self._anchor,
            self._current_seq,
            self._selected or self._selected_runs(),
        )
        self._can_follow = False
        self.set_following(False)
        self._forget()
        return place

    def return_to(self, place: Place) -> None:
        """Be where the view was, after the model shows what it showed then."""
        self._forget()
        self._can_follow = True
        self._anchor = place.anchor
        self._current_seq = place.current_seq
        self._selected = list(place.selected)
        self._following = place.is_following
        self._is_changing = True
        self._restore_selection(self._records.shown_count - 1)
        self._rows_changed()
        current = self.current_record()
        if current is not None:
            self.current_record_changed.emit(current)
        if self._following:
            self.following_changed.emit(True)

    # Records and rows

    def go_to_row(self, row: int) -> None:
        """Make *row* the current and only selected one, in view; following ends."""
        self._go_to(row, QAbstractItemView.ScrollHint.EnsureVisible)

    def go_to_middle(self, row: int) -> None:
        """As `go_to_row`, with *row* in the middle of the view."""
        self._go_to(row, QAbstractItemView.ScrollHint.PositionAtCenter)

    def go_to_next(self, bands: frozenset[int], step: int) -> bool:
        """Go to the nearest row of *bands* after (*step* 1) or before (-1) the current one; False if there is none.

        Without a current row the search starts at the upper edge of the view (or the lower one, backwards).
        """
        current = self.currentIndex()
        if current.isValid():
            start = current.row()
        elif step > 0:
            start = self.rowAt(0) - 1
        else:
            start = self._last_row_in_view() + 1
        row = self._records.next_row(start, bands, step)
        if row is None:
            return False
        self.go_to_row(row)
        return True

    # Qt's side

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, keys = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
        elif key == Qt.Key.Key_End and keys in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier):
            self.set_following(True)
        elif key == Qt.Key.Key_Home and keys in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier):
            self.verticalScrollBar().setValue(0)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.detail_requested.emit()
        elif event.text() and event.text().isprintable() and not keys & Qt.KeyboardModifier.ControlModifier:
            # Letters and the space are the page's keys, not a search for the cell that begins with them.
            event.ignore()
        elif key == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)
        if key in _UPWARD and self._is_at_top():
            self.older_wanted.emit()
        elif key in _DOWNWARD and self._is_at_bottom():
            self.newer_wanted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event)
        if event.angleDelta().y() > 0 and self._is_at_top():
            self.older_wanted.emit()
        elif event.angleDelta().y() < 0 and self._is_at_bottom():
            self.newer_wanted.emit()

    def mouseDoubleClickEvent(self, event: object) -> None:
        self.detail_requested.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Qt would make the first row current; somebody who follows the newest has no business up there.
        self._is_focusing = True
        super().focusInEvent(event)
        self._is_focusing = False

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """As Qt's, but the first key begins at a row in view: the lowest while following, else the uppermost."""
        if self.currentIndex().isValid():
            return super().moveCursor(action, modifiers)
        row = self._last_row_in_view() if self._following else self.rowAt(0)
        if self._is_focusing or row < 0:
            return QModelIndex()
        return self._records.index(row, self.columns.first)

    def resizeEvent(self, event: QResizeEvent) -> None:
        was_changing, self._is_changing = self._is_changing, True
        super().resizeEvent(event)
        self._is_changing = was_changing
        if self._following:
            self._to_bottom()

    def set_dated(self, dated: bool) -> None:
        """Say the date beside each time, or the time of day alone."""
        if dated != self._delegate.dated:
            self._delegate.dated = dated
            self.columns.set_time_characters(DATED_CHARACTERS if dated else CLOCK_CHARACTERS)
            self.viewport().update()

    # Inside: the model

    def _rows_will_change(self) -> None:
        self._is_changing = True

    def _rows_will_reset(self) -> None:
        current = self.currentIndex()
        if current.isValid() and not self._following:
            y = self.visualRect(current).y()
            if 0 <= y < self.viewport().height():
                self._anchor = (self._records.seq_at(current.row()), y)
        if not self._selected:
            self._selected = self._selected_runs()
        self._is_changing = True

    def _rows_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        if first == 0:  # rows at the end are newer than anything that could have been selected
            self._restore_selection(last)
        self._rows_changed(is_append=first > 0)

    def _rows_removed(self) -> None:
        current = self.current_record()
        if current is not None and current.seq != self._current_seq:
            # Qt takes the next row for the one that left; nobody chose it.
            self.selectionModel().clearCurrentIndex()
        self._rows_changed()

    def _rows_reset(self) -> None:
        if not self._records.held_count:
            self._cleared()
        self._restore_selection(self._records.shown_count - 1)
        self._rows_changed()

    def _rows_changed(self, *, is_append: bool = False) -> None:
        # Qt lays out later; the scroll bar's range must be right now, before the place is taken up again.
        self.executeDelayedItemsLayout()
        self.updateGeometries()
        if self._following:
            self._to_bottom()
        elif is_append and not self._records.is_filtering and not self._is_at_anchor():
            self._take_anchor()  # there were too few rows to put the anchor in its place, and nothing may move now
        else:
            self._move_to(self._value_at_anchor())
        self._is_changing = False

    def _cleared(self) -> None:
        self._delegate.forget()
        self._forget()

    # Inside: the place of the view

    def _go_to(self, row: int, hint: QAbstractItemView.ScrollHint) -> None:
        self.set_following(False)
        self._is_going = True
        index = self._records.index(row, self.columns.first)
        self.selectionModel().setCurrentIndex(index, SelectRows)
        self.scrollTo(index, hint)
        self._is_going = False

    def _last_row_in_view(self) -> int:
        row = self.rowAt(self.viewport().height() - 1)
        return row if row >= 0 else self._records.shown_count - 1

    def _scrolled(self, value: int) -> None:
        if self._is_changing:
            return
        self._take_anchor()
        following = self._can_follow and value >= self.verticalScrollBar().maximum() and not self._is_going
        if following != self._following:
            self._following = following
            self.following_changed.emit(following)
        if self._is_going:
            return
        if value <= self.viewport().height():
            self.older_wanted.emit()
        elif value >= self.verticalScrollBar().maximum() - self.viewport().height():
            self.newer_wanted.emit()

    def _is_at_top(self) -> bool:
        return self.verticalScrollBar().value() <= 0

    def _is_at_bottom(self) -> bool:
        return self.verticalScrollBar().value() >= self.verticalScrollBar().maximum()

    def _take_anchor(self) -> None:
        value = self.verticalScrollBar().value()
        row = value // ROW_HEIGHT
        if row < self._records.shown_count:
            self._anchor = (self._records.seq_at(row), row * ROW_HEIGHT - value)

    def _is_at_anchor(self) -> bool:
        """True when the view is where the anchor wants it, or as near as can be."""
        bar = self.verticalScrollBar()
        return bar.value() == min(max(self._value_at_anchor(), 0), bar.maximum())

    def _value_at_anchor(self) -> int:
        seq, y = self._anchor
        row = self._records.row_from_seq(seq)
        is_there = row < self._records.shown_count and self._records.seq_at(row) == seq
        return row * ROW_HEIGHT - (y if is_there else max(y, 0))

    def _to_bottom(self) -> None:
        self._move_to(self.verticalScrollBar().maximum())

    def _move_to(self, value: int) -> None:
        was_changing, self._is_changing = self._is_changing, True
        self.verticalScrollBar().setValue(value)
        self._is_changing = was_changing

    # Inside: columns and colours

    def _prepare_columns(self) -> None:
        self.columns = Columns(self)
        self.columns.setFont(interface_font())
        self.setHorizontalHeader(self.columns)
        # A header asks of each column whether all of its cells are selected: 9 s where a million rows are.
        self.columns.setSelectionModel(QItemSelectionModel(self._records, self.columns))
        self.columns.reset_columns()
        self.columns.changed.connect(self._columns_changed)

    def _columns_changed(self) -> None:
        self._delegate.first_column = self.columns.first
        self.viewport().update()

    def _theme_changed(self, palette: Palette) -> None:
        self._delegate.set_palette(palette)
        self.viewport().update()
