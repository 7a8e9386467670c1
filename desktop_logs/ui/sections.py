"""A heading that opens and closes what is below it, and the line between two such parts. Layout only."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from desktop_logs.ui.icons import icon
from desktop_logs.ui.theme import Theme


class Section(QWidget):
    """A collapsible part. Its heading is a button: mouse, Space and screen readers open and close it."""

    def __init__(self, theme: Theme, title: str, body: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._body = body
        self.heading = QPushButton(title)
        self.heading.setCheckable(True)
        self.heading.setChecked(True)
        self.heading.setAutoDefault(False)
        self.heading.setIconSize(QSize(12, 12))
        self.heading.toggled.connect(self._toggle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.heading)
        layout.addWidget(body)
        theme.changed.connect(self._dress)
        self._dress()

    def _toggle(self, is_open: bool) -> None:
        self._body.setVisible(is_open)
        self._dress()

    def _dress(self) -> None:
        palette = self._theme.palette
        name = "chevron-down" if self.heading.isChecked() else "chevron-right"
        self.heading.setIcon(icon(name, palette, palette.muted))
        self.heading.setStyleSheet(
            "QPushButton { background: transparent; border: 1px solid transparent; padding: 0 4px 0 0; "
            "min-height: 20px; text-align: left; font-weight: 600; }"
            f"QPushButton:hover {{ color: {palette.accent}; }} QPushButton:focus {{ border-color: {palette.accent}; }}"
        )


class Divider(QFrame):
    """A one-pixel line across."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedHeight(1)
        theme.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.setStyleSheet(f"background: {self._theme.palette.border};")
