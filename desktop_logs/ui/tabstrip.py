"""The strip of tabs at the top: one for each feed, and the button for another. It knows names and colours, no feeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QTabBar, QToolButton, QWidget

from desktop_logs.ui.icons import icon
from desktop_logs.ui.plaintext import inert_tip
from desktop_logs.ui.theme import Palette, Theme

HEIGHT: Final = 38
_TAB_HEIGHT: Final = 32
_DOT: Final = 8
_PADDING: Final = 14
_CLOSE: Final = 20
_MOST_NAME: Final = 260


@dataclass(frozen=True, slots=True)
class Tab:
    """What one tab shows: its name, something muted after it, and the colour of its dot."""

    name: str
    note: str
    color: str
    tip: str = ""
    """What is said where the mouse rests on it."""


class TabStrip(QWidget):
    """Tabs and a + button on a panel, with a line below that the active tab interrupts."""

    current_changed = Signal(int)
    close_requested = Signal(int)
    add_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = theme.palette
        self.setFixedHeight(HEIGHT)
        self.tabs = _Tabs(theme.palette, self)
        self.tabs.currentChanged.connect(self.current_changed)
        self.tabs.close_requested.connect(self.close_requested)
        self.add = QToolButton(self)
        self.add.setAccessibleName("Connect to a server")
        self.add.setToolTip("Connect to a server  (Ctrl+T)")
        self.add.setFixedSize(26, 26)
        self.add.setIconSize(QSize(14, 14))
        self.add.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.add.clicked.connect(self.add_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, HEIGHT - _TAB_HEIGHT, 8, 0)
        layout.setSpacing(4)
        layout.addWidget(self.tabs, 0, Qt.AlignmentFlag.AlignBottom)
        layout.addWidget(self.add, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addStretch(1)
        theme.changed.connect(self._theme_changed)
        self._theme_changed(theme.palette)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._palette.panel))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(self._palette.border))
        painter.end()

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        self.add.setIcon(icon("plus", palette, palette.muted))
        self.tabs.set_palette(palette)
        self.update()


class _Tabs(QTabBar):
    close_requested = Signal(int)

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette
        self._shown: list[Tab] = []
        self._close_buttons: list[QToolButton | None] = []
        self.setAccessibleName("Feeds")
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(_TAB_HEIGHT)

    def set_palette(self, palette: Palette) -> None:
        """Draw in the colours of *palette*."""
        self._palette = palette
        for button in self._close_buttons:
            if button is not None:
                button.setIcon(icon("close", palette, palette.muted))
        self.update()

    def add_tab(self, tab: Tab, *, closable: bool, at: int | None = None) -> int:
        """A new tab at the index *at*, or at the end; its index."""
        index = len(self._shown) if at is None else at
        self._shown.insert(index, tab)
        self._close_buttons.insert(index, None)
        self.insertTab(index, _spoken(tab))
        self.setTabToolTip(index, inert_tip(tab.tip))
        if closable:
            button = QToolButton(self)
            button.setAccessibleName(f"Close {tab.name}")
            button.setToolTip("Close  (Ctrl+W)")
            button.setFixedSize(_CLOSE, _CLOSE)
            button.setIconSize(QSize(12, 12))
            button.setIcon(icon("close", self._palette, self._palette.muted))
            button.clicked.connect(lambda: self.close_requested.emit(self._close_buttons.index(button)))
            self._close_buttons[index] = button
            self.setTabButton(index, QTabBar.ButtonPosition.RightSide, button)
        return index

    def show_tab(self, index: int, tab: Tab) -> None:
        """Show what has become of the tab at *index*."""
        if self._shown[index] == tab:
            return
        self._shown[index] = tab
        self.setTabText(index, _spoken(tab))
        self.setTabToolTip(index, inert_tip(tab.tip))

    def remove_tab(self, index: int) -> None:
        """Take the tab at *index* away."""
        del self._shown[index]
        del self._close_buttons[index]
        self.removeTab(index)

    def tabSizeHint(self, index: int) -> QSize:
        if index >= len(self._shown):
            return QSize(80, _TAB_HEIGHT)
        tab = self._shown[index]
        name = QFontMetrics(self._bold()).horizontalAdvance(tab.name)
        note = self.fontMetrics().horizontalAdvance(tab.note) + 10 if tab.note else 0
        close = _CLOSE + 4 if self._close_buttons[index] is not None else 0
        right = _PADDING if not close else 4
        width = _PADDING + _DOT + 8 + min(name, _MOST_NAME) + min(note, _MOST_NAME) + close + right
        return QSize(width, _TAB_HEIGHT)

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.tabAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.MiddleButton and index >= 0 and self._close_buttons[index] is not None:
            self.close_requested.emit(index)
            return
        super().mouseReleaseEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, tab in enumerate(self._shown):
            self._draw(painter, self.tabRect(index), tab, index)
        painter.end()

    def _draw(self, painter: QPainter, rect: QRect, tab: Tab, index: int) -> None:
        palette = self._palette
        is_current = index == self.currentIndex()
        if is_current:
            path = QPainterPath()
            left, right, top, bottom = rect.left() + 0.5, rect.right() + 0.5, rect.top() + 0.5, rect.bottom() + 1.0
            path.moveTo(left, bottom)
            path.lineTo(left, top + 6)
            path.quadTo(left, top, left + 6, top)
            path.lineTo(right - 6, top)
            path.quadTo(right, top, right, top + 6)
            path.lineTo(right, bottom)
            painter.fillPath(path, QColor(palette.window))
            painter.setPen(QPen(QColor(palette.accent if self.hasFocus() else palette.border), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)
        x = rect.left() + _PADDING
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tab.color))
        painter.drawEllipse(x, rect.center().y() - _DOT // 2 + 1, _DOT, _DOT)
        x += _DOT + 8
        font = self._bold() if is_current else self.font()
        painter.setFont(font)
        painter.setPen(QColor(palette.text if is_current else palette.muted))
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        metrics = QFontMetrics(font)
        name = metrics.elidedText(tab.name, Qt.TextElideMode.ElideRight, _MOST_NAME)
        painter.drawText(QRect(x, rect.top(), _MOST_NAME, rect.height()), middle, name)
        x += metrics.horizontalAdvance(name) + 10
        painter.setFont(self.font())
        painter.setPen(QColor(palette.muted))
        note = self.fontMetrics().elidedText(tab.note, Qt.TextElideMode.ElideRight, _MOST_NAME)
        painter.drawText(QRect(x, rect.top(), _MOST_NAME, rect.height()), middle, note)

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        return font


def _spoken(tab: Tab) -> str:
    """The tab as Qt and a screen reader have it; drawn it is by hand. `&` would make a shortcut of the next letter."""
    return f"{tab.name} {tab.note}".strip().replace("&", "&&")
