"""The table and what floats over it: how many records are new or come from the past, and why there are no rows.

It decides none of it.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.table import RecordTable
from desktop_logs.ui.theme import ROW_HEIGHT, Palette, Theme

_NOTE_WIDTH: Final = 560
_WRAPPED: Final = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap


class TableArea(QWidget):
    """The table with a pill at its lower right, a hint in its middle and a note at its first row.

    Each is there only while there is something to say.
    """

    pill_clicked = Signal()
    hint_clicked = Signal()

    def __init__(self, model: RecordModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = RecordTable(model, theme, self)
        self.pill = Pill(theme, self)
        self.pill.clicked.connect(self.pill_clicked)
        self.note = Note(theme, self)
        self._note = ""
        self.hint = Hint(self)
        self.hint.button.clicked.connect(self.hint_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        self.table.verticalScrollBar().valueChanged.connect(self._place_note)
        self.table.verticalScrollBar().rangeChanged.connect(self._place_note)

    def show_pill(self, text: str) -> None:
        """Show *text* in the pill; empty hides it."""
        self.pill.set_text(text)
        self._place()

    def show_note(self, text: str) -> None:
        """Say *text* about what is older than the first row, while that is in view; empty says nothing."""
        self._note = text
        self._place_note()

    def show_hint(self, title: str, text: str = "", button: str = "") -> None:
        """Say why there are no rows, with a *button* where something can be done; an empty *title* hides it."""
        self.hint.say(title, text, button)
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        if not self.pill.isHidden():
            self.pill.adjustSize()
            self.pill.move(self.width() - self.pill.width() - 32, self.height() - self.pill.height() - 16)
        if not self.hint.isHidden():
            size = self.hint.layout().totalSizeHint().boundedTo(self.size())
            self.hint.resize(size)
            self.hint.move((self.width() - size.width()) // 2, (self.height() - size.height()) // 2)
        self._place_note()

    def _place_note(self) -> None:
        """Over the end of the first row, or below the rows where there is room left."""
        bar = self.table.verticalScrollBar()
        is_wanted = bool(self._note) and bar.value() <= ROW_HEIGHT and self.hint.isHidden()
        self.note.setVisible(is_wanted)
        if is_wanted:
            self.note.say(self._note, min(_NOTE_WIDTH, self.width() - 48))
            y = self.table.viewport().y()
            if not bar.maximum():
                below = 0 if self.pill.isHidden() else self.pill.height() + 8
                y = self.height() - self.note.height() - 16 - below
            self.note.move(self.width() - self.note.width() - 32, y)


class Pill(QAbstractButton):
    """A round button in the accent colour."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = theme.palette
        self.setAccessibleName("New records")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        font = self.font()
        font.setBold(True)
        self.setFont(font)
        self.hide()
        theme.changed.connect(self._theme_changed)

    def set_text(self, text: str) -> None:
        """Say *text*; empty hides the pill."""
        if text != self.text():
            self.setText(text)
            self.setVisible(bool(text))
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 40, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QColor(self._palette.text if self.hasFocus() else self._palette.window)
        painter.setPen(QPen(ring, 2))
        painter.setBrush(QColor(self._palette.accent))
        box = self.rect().adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(QColor(self._palette.on_accent))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        painter.end()

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        self.update()


class Note(QWidget):
    """A few quiet words in a frame."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = theme.palette
        self.text = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        theme.changed.connect(self._theme_changed)

    def say(self, text: str, most_width: int) -> None:
        """Show *text* in a frame as wide as it needs, *most_width* pixels at most."""
        self.text = text
        self.setAccessibleName(text)
        room = QRect(0, 0, max(most_width - 32, 1), 1_000)
        size = self.fontMetrics().boundingRect(room, _WRAPPED, text).size()
        self.resize(size.width() + 33, max(size.height() + 8, ROW_HEIGHT))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(self._palette.border))
        painter.setBrush(QColor(self._palette.panel))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 12, 12)
        painter.setPen(QColor(self._palette.muted))
        painter.drawText(self.rect().adjusted(16, 0, -16, 0), _WRAPPED, self.text)
        painter.end()

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        self.update()


class Hint(QWidget):
    """A few words in the middle of an empty table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel(self)
        self._title.setProperty("kind", "heading")
        self._text = QLabel(self)
        self._text.setProperty("kind", "muted")
        self.button = QPushButton(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for label in (self._title, self._text):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addSpacing(4)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignCenter)
        self.hide()

    @property
    def title(self) -> str:
        """What is said at present; empty while nothing is."""
        return self._title.text()

    def say(self, title: str, text: str, button: str) -> None:
        """Show *title*, *text* below it and a *button*; what is empty is left out."""
        if (title, text, button) == (self._title.text(), self._text.text(), self.button.text()):
            return
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.button.setText(button)
        self.button.setAccessibleName(button)
        self.button.setVisible(bool(button))
        self.setVisible(bool(title))
