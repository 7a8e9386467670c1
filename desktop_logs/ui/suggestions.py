"""The list that opens below a field. It shows and reports; what its rows mean and which keys move it, others know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.theme import Palette, Theme, fixed_font

MAX_VISIBLE: Final = 10
_ROW_HEIGHT: Final = 26
_WIDTHS: Final = (240, 640)
_PADDING: Final = 5
"""Of the list, its border included; as the style sheet has it."""
_GAP: Final = 24
_MARGIN: Final = 10

Row = tuple[str, str]
"""What a row says, and the note at its right."""
_Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()
_NOTE: Final = Qt.ItemDataRole.UserRole


class SuggestionList(QListView):
    """Part of the window and no window of its own: it can neither take the keyboard nor be left behind elsewhere."""

    chosen = Signal(int)
    """The number of the row that was clicked."""

    def __init__(self, theme: Theme, anchor: QWidget) -> None:
        super().__init__(anchor.window())
        self._anchor = anchor
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self._delegate = _RowDelegate(theme.palette, self)
        self.setItemDelegate(self._delegate)
        self.setProperty("kind", "suggestions")
        self.setFont(fixed_font())
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(lambda index: self.chosen.emit(index.row()))
        theme.changed.connect(self._delegate.set_palette)
        self.hide()

    @property
    def rows(self) -> Sequence[Row]:
        """What is listed."""
        return self._rows.rows

    @property
    def current(self) -> int:
        """The number of the row that is chosen; -1 while none is."""
        return self.currentIndex().row()

    def open_at(self, x: int, rows: Sequence[Row], name: str) -> None:
        """Show *rows*, one at least and none of them chosen, below the anchor from *x* of it on.

        *name* tells those who cannot see the list what it is.
        """
        self._rows.set_rows([(one_line(label), one_line(note)) for label, note in rows])
        self.setAccessibleName(name)
        window = self._anchor.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        metrics = self.fontMetrics()
        widest = max(
            metrics.horizontalAdvance(label) + (_GAP + metrics.horizontalAdvance(note) if note else 0)
            for label, note in self.rows
        )
        most = window.width() - 2 * _MARGIN
        bar = 12 if len(rows) > MAX_VISIBLE else 0
        least, limit = _WIDTHS
        width = min(max(widest + 2 * (_PADDING + _MARGIN) + 1 + bar, least), limit, most)
        at = self._anchor.mapTo(window, QPoint(x, self._anchor.height() + 2))
        left = max(min(at.x() - _MARGIN - _PADDING, window.width() - _MARGIN - width), _MARGIN)
        seen = min(len(rows), MAX_VISIBLE, (window.height() - at.y() - 2 * _PADDING) // _ROW_HEIGHT)
        self.setGeometry(QRect(left, at.y(), width, max(seen, 1) * _ROW_HEIGHT + 2 * _PADDING))
        self.show()
        self.raise_()

    def step(self, step: int) -> None:
        """Choose the next row (*step* 1) or the one before (-1); behind the last comes the first."""
        count = len(self.rows)
        row = (self.current + step) % count if self.current >= 0 else (0 if step > 0 else count - 1)
        self.setCurrentIndex(self._rows.index(row))


class _Rows(QAbstractListModel):
    """The rows for Qt."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []

    def set_rows(self, rows: list[Row]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        label, note = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return label
        if role == _NOTE:
            return note
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{label}, {note}" if note else label
        return None


class _RowDelegate(QStyledItemDelegate):
    """Paints a row: the label, elided where it must be, and the note at the right in the muted colour."""

    def __init__(self, palette: Palette, parent: QWidget) -> None:
        super().__init__(parent)
        self._palette = palette

    def set_palette(self, palette: Palette) -> None:
        self._palette = palette

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(0, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        state, rect, metrics = option.state, option.rect, option.fontMetrics  # type: ignore[attr-defined]
        palette = self._palette
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_current = bool(state & QStyle.StateFlag.State_Selected)
        if is_current or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(palette.selection if is_current else palette.chip))
            painter.drawRoundedRect(rect, 4, 4)
        line = rect.adjusted(_MARGIN, 0, -_MARGIN, 0)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        note = metrics.elidedText(str(index.data(_NOTE)), Qt.TextElideMode.ElideRight, line.width() // 2)
        painter.setPen(QColor(palette.muted))
        painter.drawText(line, right, note)
        space = line.width() - (metrics.horizontalAdvance(note) + _GAP if note else 0)
        painter.setPen(QColor(palette.text))
        painter.drawText(line, left, metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, space))
        painter.restore()
