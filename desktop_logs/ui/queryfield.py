"""The field in which a query is typed: the text, what it finds, and the button that clears it. It parses nothing."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QToolButton, QWidget

from desktop_logs.ui.icons import icon
from desktop_logs.ui.theme import FIELD_HEIGHT, Palette, Theme, fixed_font

PLACEHOLDER: Final = 'Filter:  words  "a phrase"  -without'
_BUTTON: Final = 24
_LEAST_FOR_FIGURES: Final = 420


_EDITING_KEYS: Final = frozenset(
    (
        *(Qt.Key.Key_A, Qt.Key.Key_C, Qt.Key.Key_V, Qt.Key.Key_X, Qt.Key.Key_Y, Qt.Key.Key_Z),
        *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End),
        *(Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Insert),
    )
)


class QueryField(QLineEdit):
    """A line for a query. Esc clears it, and leaves it when it is empty."""

    clear_requested = Signal()
    leave_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Query")
        self.setPlaceholderText(PLACEHOLDER)
        self.setToolTip('Every word must be found, anywhere in the record. "Quotes" hold a phrase, - excludes.  (/)')
        self.setFont(fixed_font())
        self.setMinimumHeight(FIELD_HEIGHT)
        self.setMaxLength(4_000)
        self._search = QAction("Query", self)
        self.addAction(self._search, QLineEdit.ActionPosition.LeadingPosition)
        self._figures = QLabel(self)
        self._figures.setProperty("kind", "muted")
        self._figures.setTextFormat(Qt.TextFormat.PlainText)
        self._figures.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._figures.setAccessibleName("Matches")
        self._clear = QToolButton(self)
        self._clear.setAccessibleName("Clear filter")
        self._clear.setToolTip("Clear the filter: the query and the levels  (Esc)")
        self._clear.setIconSize(QSize(14, 14))
        self._clear.setFixedSize(_BUTTON, _BUTTON)
        self._clear.setCursor(Qt.CursorShape.ArrowCursor)
        self._clear.setVisible(False)
        self._clear.clicked.connect(self.clear_requested)
        theme.changed.connect(self._theme_changed)
        self._theme_changed(theme.palette)

    @property
    def figures(self) -> str:
        """What stands at the right: how many records match."""
        return self._figures.text()

    def set_figures(self, text: str) -> None:
        """Show how many records match; empty shows nothing."""
        if text != self._figures.text():
            self._figures.setText(text)
            self._arrange()

    def set_clearable(self, clearable: bool) -> None:
        """Offer the button that clears the filter."""
        if clearable != self._clear.isVisibleTo(self):
            self._clear.setVisible(clearable)
            self._arrange()

    def set_invalid(self, invalid: bool) -> None:
        """Show that the text is no query."""
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            self.style().unpolish(self)
            self.style().polish(self)

    def event(self, event: QEvent) -> bool:
        # On X11 a line edit takes Ctrl+E for the end of the line, and others like it: here they are the window's.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
            and event.key() not in _EDITING_KEYS
        ):
            event.ignore()
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.text():
            self.clear()
            self.textEdited.emit("")
        else:
            self.leave_requested.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() == Qt.FocusReason.ShortcutFocusReason:
            self.selectAll()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        right = self.width() - 6
        middle = self.height() // 2
        if self._clear.isVisibleTo(self):
            right -= _BUTTON
            self._clear.move(right, middle - _BUTTON // 2)
        has_figures = bool(self._figures.text()) and self.width() >= _LEAST_FOR_FIGURES
        self._figures.setVisible(has_figures)
        if has_figures:
            self._figures.adjustSize()
            right -= self._figures.width() + 6
            self._figures.move(right, middle - self._figures.height() // 2)
        self.setTextMargins(2, 0, self.width() - right, 0)

    def _theme_changed(self, palette: Palette) -> None:
        self._search.setIcon(icon("search", palette, palette.muted))
        self._clear.setIcon(icon("close", palette, palette.muted))
