"""The bar above the table while it shows a place: which, how wide, and the way back. It decides nothing."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from desktop_logs.ui.plaintext import ElidedLabel
from desktop_logs.ui.theme import Palette, Theme

SPANS_S: Final = (5.0, 30.0, 300.0)
"""How far to either side somebody can look, in seconds."""


def span_text(span_s: float) -> str:
    """`±30 s`, `±5 min`."""
    return f"±{span_s / 60:g} min" if span_s >= 60 else f"±{span_s:g} s"


class PastBar(QWidget):
    """Hidden until it is given a place to tell of."""

    span_chosen = Signal(float)
    """How far to either side, in seconds."""
    leave_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = theme.palette
        self.place = ElidedLabel(self)
        self.place.setProperty("kind", "heading")
        self.place.setAccessibleName("Place")
        self.detail = ElidedLabel(self)
        self.detail.setProperty("kind", "muted")
        self.detail.setAccessibleName("What is shown")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(18, 6, 12, 6)
        layout.setSpacing(8)
        layout.addWidget(self.place)
        layout.addSpacing(8)
        layout.addWidget(self.detail, 1)
        self._spans: list[QPushButton] = []
        for span_s in SPANS_S:
            button = self._button(span_text(span_s), f"Show {span_text(span_s)} around the selected record")
            button.clicked.connect(lambda _checked=False, span_s=span_s: self.span_chosen.emit(span_s))
            self._spans.append(button)
            layout.addWidget(button)
        layout.addSpacing(8)
        self.back = self._button("Back to live", "Show what comes again, as it was left  (Esc)")
        self.back.clicked.connect(self.leave_requested)
        layout.addWidget(self.back)
        self.hide()
        theme.changed.connect(self._theme_changed)

    def show_place(self, place: str, span_s: float) -> None:
        """Say which *place* it is, and how wide, in seconds to either side."""
        self.place.set_line(f"{place} {span_text(span_s)}")
        for button in self._spans:
            is_current = button.text() == span_text(span_s)
            button.setAccessibleDescription("current" if is_current else "")
            button.setProperty("kind", "primary" if is_current else "")
            button.style().unpolish(button)
            button.style().polish(button)
        self.show()

    def say(self, text: str) -> None:
        """Say *text* about what is shown there."""
        self.detail.set_line(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._palette.selection))
        painter.fillRect(0, 0, 4, self.height(), QColor(self._palette.accent))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(self._palette.border))
        painter.end()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAccessibleName(text)
        button.setToolTip(tip)
        button.setProperty("compact", True)
        button.setAutoDefault(False)
        return button

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        self.update()
