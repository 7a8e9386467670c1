"""Notices: problems told above the table, each with what can be done about it. Never a box in the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from desktop_logs.ui.icons import icon
from desktop_logs.ui.theme import Palette, Theme

Level = Literal["info", "warning", "error"]
Action = tuple[str, Callable[[], object]]
_COLORS: Final[dict[Level, str]] = {"info": "accent", "warning": "warn", "error": "error"}


class Notices(QWidget):
    """A stack of notices, one for each key; it takes no room while there is none."""

    dismissed = Signal(str)
    """A person has sent the notice of this key away."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._notices: dict[str, Notice] = {}
        self._dismissed: dict[str, str] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self.hide()
        theme.changed.connect(self._theme_changed)

    @property
    def texts(self) -> dict[str, str]:
        """What is told at present, by key."""
        return {key: notice.text for key, notice in self._notices.items()}

    def show_notice(self, key: str, text: str, level: Level = "warning", actions: Sequence[Action] = ()) -> None:
        """Tell *text*, in the place of an earlier notice of the same *key*, with a button for each action.

        What somebody has dismissed is not told again, until it is another text or has been cleared in between.
        """
        if self._dismissed.get(key) == text:
            return
        known = self._notices.get(key)
        labels = [label for label, _ in actions]
        if known is not None and (known.text, known.level, known.labels) == (text, level, labels):
            known.set_callbacks([callback for _, callback in actions])
            return
        self.clear_notice(key)
        notice = Notice(text, level, actions, self._theme.palette, self)
        notice.close_button.clicked.connect(lambda: self._dismiss(key, text))
        self._notices[key] = notice
        self._layout.addWidget(notice)
        self.show()

    def clear_notice(self, key: str) -> None:
        """Take the notice of *key* away; nothing when there is none."""
        self._dismissed.pop(key, None)
        notice = self._notices.pop(key, None)
        if notice is None:
            return
        if notice.isAncestorOf(self.focusWidget() or self):
            self.focusNextChild()
        self._layout.removeWidget(notice)
        notice.hide()
        notice.deleteLater()
        self.setVisible(bool(self._notices))

    def _dismiss(self, key: str, text: str) -> None:
        self.clear_notice(key)
        self._dismissed[key] = text
        self.dismissed.emit(key)

    def _theme_changed(self, palette: Palette) -> None:
        for notice in self._notices.values():
            notice.set_palette(palette)


class Notice(QWidget):
    """One of them: a mark, the text, the actions and a button that takes it away."""

    def __init__(
        self, text: str, level: Level, actions: Sequence[Action], palette: Palette, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.text = text
        self.level = level
        self.labels = [label for label, _ in actions]
        self._callbacks = [callback for _, callback in actions]
        self.setAccessibleName(f"{level}: {text}")
        self._mark = QLabel(self)
        self._mark.setFixedSize(16, 16)
        self._mark.setAccessibleName(level)
        label = QLabel(text, self)
        # A server's own words may be in it: never markup.
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        # After the size policy, which would take back that the height follows from the width: lines would be cut off.
        label.setWordWrap(True)
        label.setAccessibleName("Notice")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 8, 6)
        layout.setSpacing(10)
        layout.addWidget(self._mark)
        layout.addWidget(label, 1)
        for position, name in enumerate(self.labels):
            button = QPushButton(name, self)
            button.setProperty("compact", True)
            button.setAccessibleName(name)
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, position=position: self._callbacks[position]())
            layout.addWidget(button)
        self.close_button = QToolButton(self)
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.setToolTip("Dismiss")
        self.close_button.setIconSize(QSize(14, 14))
        self.close_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        layout.addWidget(self.close_button)
        self.set_palette(palette)

    def set_callbacks(self, callbacks: list[Callable[[], object]]) -> None:
        """What the buttons do from now on, in their order."""
        self._callbacks = callbacks

    def set_palette(self, palette: Palette) -> None:
        """Draw in the colours of *palette*."""
        self._palette = palette
        color = getattr(palette, _COLORS[self.level])
        self._mark.setPixmap(icon(self.level, palette, color).pixmap(16, 16))
        self.close_button.setIcon(icon("close", palette, palette.muted))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._palette.panel))
        painter.fillRect(0, 0, 4, self.height(), QColor(getattr(self._palette, _COLORS[self.level])))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(self._palette.border))
        painter.end()
