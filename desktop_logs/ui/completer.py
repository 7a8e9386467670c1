"""What the keys do in the query field beyond typing: completion, and the way through earlier queries.

The field keeps the keyboard throughout; what is opened below it only shows what Enter, Tab or a click would do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent

from desktop_logs.core.completion import Completion, Vocabulary, complete
from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.savedqueries import HistoryWalk
from desktop_logs.ui.suggestions import Row, SuggestionList
from desktop_logs.ui.theme import Theme

Complete = Callable[[str, int, Vocabulary], Completion]
_OPERATORS: Final = (":", "=", "<", ">")
_CLOSING_EVENTS: Final = frozenset((QEvent.Type.FocusOut, QEvent.Type.Hide, QEvent.Type.Resize))
_ACCEPTING_KEYS: Final = frozenset((Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Enter))
_KEYPAD: Final = Qt.KeyboardModifier.KeypadModifier


class QueryCompleter(QObject):
    """Opens by itself while something useful is typed, and on Ctrl+Space; Esc closes it until the next word.

    *vocabulary* is asked only when there is something to complete.
    """

    query_chosen = Signal()
    """A whole query was taken from the history; the field has it."""

    def __init__(
        self,
        field: QueryField,
        theme: Theme,
        vocabulary: Callable[[], Vocabulary],
        history: Callable[[], Sequence[str]],
        complete: Complete = complete,
    ) -> None:
        super().__init__(field)
        self._field = field
        self._vocabulary = vocabulary
        self._history = history
        self._complete = complete
        self._walk = HistoryWalk()
        self._accepts: list[Callable[[], None]] = []
        """What accepting each row does."""
        self._seen = ("", 0)
        """Text and cursor that the list was opened for."""
        self._word_at = -1
        """Where the word starts that the list would replace; -1 for a whole query."""
        self._dismissed_at = -1
        """Where the word starts for which Esc closed the list."""
        self._is_asked = False
        """True while the list is open because somebody called it, and not by itself."""
        self._is_ours = False
        """True while this class itself changes the text."""
        self.list = SuggestionList(theme, field)
        self.list.chosen.connect(self._accept)
        # It may live in the window by then, and the window lives longer than a tab.
        field.destroyed.connect(self.list.deleteLater)
        field.textEdited.connect(self._edited)
        field.cursorPositionChanged.connect(self._cursor_moved)
        field.history_requested.connect(self.open_history)
        field.installEventFilter(self)

    @property
    def is_open(self) -> bool:
        """True while the list is shown."""
        return self.list.isVisibleTo(self.list.parentWidget())

    def open(self) -> None:
        """List what could stand at the cursor; earlier queries when nothing could."""
        self._dismissed_at = -1
        found = self._find()
        if found.options:
            self._is_asked = True
            self._show_options(found)
        else:
            self.open_history()

    def open_history(self) -> None:
        """List the earlier queries; nothing happens when there is none."""
        queries = [text for text in self._history() if text != self._field.text().strip()]
        self._field.setFocus(Qt.FocusReason.PopupFocusReason)
        accepts = [lambda text=text: self._take(text) for text in queries]
        self._show("Earlier queries", [(text, "") for text in queries], accepts, -1)

    def close(self) -> None:
        """Take the list away."""
        self._is_asked = False
        self.list.hide()

    # The field's events come here first

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._is_taken_when_open(event) if self.is_open else self._is_taken_when_closed(event)
        if kind in _CLOSING_EVENTS:
            self.close()
        return False

    def _is_taken_when_open(self, event: QKeyEvent) -> bool:
        key = event.key()
        if event.modifiers() & ~_KEYPAD:
            return False
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.list.step(1 if key == Qt.Key.Key_Down else -1)
            # The list never has the keyboard, so a screen reader hears of the choice from the field.
            label, note = self.list.rows[self.list.current]
            self._field.setAccessibleDescription(f"{label}, {note}" if note else label)
        elif key == Qt.Key.Key_Escape:
            self._dismissed_at = self._word_at
            self.close()
        elif key in _ACCEPTING_KEYS and (self.list.current >= 0 or key == Qt.Key.Key_Tab):
            self._accept(max(self.list.current, 0))
        else:
            if key in _ACCEPTING_KEYS:
                self.close()
            return False
        return True

    def _is_taken_when_closed(self, event: QKeyEvent) -> bool:
        key, modifiers = event.key(), event.modifiers() & ~_KEYPAD
        is_call = (modifiers, key) in (
            (Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_Space),
            (Qt.KeyboardModifier.AltModifier, Qt.Key.Key_Down),
        )
        if is_call:
            self.open()
        elif modifiers:
            return False
        elif key == Qt.Key.Key_Up:
            self._go(self._walk.older(self._history(), self._field.text()))
        elif key == Qt.Key.Key_Down and self._walk.is_under_way:
            self._go(self._walk.newer())
        elif key == Qt.Key.Key_Down and self._field.text():
            self.open()
        elif key == Qt.Key.Key_Down:
            self.open_history()
        else:
            return False
        return True

    # Inside

    def _edited(self) -> None:
        if self._is_ours:
            return
        self._walk.stop()
        self._refresh()

    def _cursor_moved(self) -> None:
        if self.is_open and (self._field.text(), self._field.cursor) != self._seen:
            self.close()

    def _refresh(self, *, is_after_accepting: bool = False) -> None:
        """Open, change or close the list after the text has changed."""
        text, cursor = self._field.text(), self._field.cursor
        if not text:
            self._dismissed_at = -1
        if self._field.is_composing or not text or not self._field.hasFocus():
            self.close()
            return
        is_behind_operator = text[:cursor].endswith(_OPERATORS)
        is_in_word = not is_after_accepting and text[cursor - 1 : cursor].strip() != ""
        found = self._find() if is_behind_operator or is_in_word else Completion(cursor, cursor, ())
        if found.start != self._dismissed_at:
            self._dismissed_at = -1
        if (found.options and self._is_asked) or (self._dismissed_at < 0 and _is_worth_opening(found, text, cursor)):
            self._show_options(found)
        else:
            self.close()

    def _find(self) -> Completion:
        return self._complete(self._field.text(), self._field.cursor, self._vocabulary())

    def _show_options(self, found: Completion) -> None:
        def accept(text: str) -> None:
            self._replace(found.start, found.end, text)
            self._refresh(is_after_accepting=True)

        rows = [(option.label, option.note) for option in found.options]
        accepts = [lambda text=option.text: accept(text) for option in found.options]
        self._show("Suggestions", rows, accepts, found.start)

    def _show(self, name: str, rows: list[Row], accepts: list[Callable[[], None]], word_at: int) -> None:
        if not rows:
            self.close()
            return
        self._accepts = accepts
        self._seen = (self._field.text(), self._field.cursor)
        self._word_at = word_at
        self.list.open_at(self._field.x_of(max(word_at, 0)), rows, name)

    def _accept(self, row: int) -> None:
        self.close()
        self._walk.stop()
        self._accepts[row]()

    def _take(self, text: str) -> None:
        self._replace(0, len(self._field.text()), text)
        self.query_chosen.emit()

    def _go(self, text: str | None) -> None:
        if text is not None:
            self._replace(0, len(self._field.text()), text)

    def _replace(self, start: int, end: int, text: str) -> None:
        self._is_ours = True
        self._field.replace(start, end, text)
        self._is_ours = False


def _is_worth_opening(found: Completion, text: str, cursor: int) -> bool:
    """Whether to open without being asked: something new, and for the name of a field one that begins as typed.

    Nearly every letter is inside the name of some field, and most words that are typed are none.
    """
    typed = text[found.start : cursor].casefold()
    if text[: found.start].endswith(_OPERATORS):
        is_likely = True
    else:
        is_likely = bool(typed) and any(option.label.casefold().startswith(typed) for option in found.options)
    return is_likely and any(option.text != text[found.start : found.end] for option in found.options)
