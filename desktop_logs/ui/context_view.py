"""The context of a record as a tree of keys and values, each with its copy button. Draws; what is copied: clipboard."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QMenu,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from desktop_logs.ui.clipboard import copy, pair_text, value_text
from desktop_logs.ui.context_model import COPY, KEY, VALUE, ContextModel, Node
from desktop_logs.ui.icons import icon
from desktop_logs.ui.plaintext import wrapped_lines
from desktop_logs.ui.theme import ROW_HEIGHT, Theme, fixed_font

_INDENT_PX: Final = 16
_COPY_PX: Final = 28
_ICON_PX: Final = 14
_GAP_PX: Final = 8
_MAX_VALUE_LINES: Final = 8
_COPIED_MS: Final = 1_200

_Index = QModelIndex | QPersistentModelIndex


class ContextView(QTreeView):
    """The tree, as high as its open rows; whoever holds it scrolls.

    Enter or Ctrl+C copies the value of the current row, Ctrl+Shift+C its `key=value`; Left and Right close and open.
    """

    row_moved = Signal(QRect)
    """The rectangle of the row that has become current, for whoever scrolls."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = ContextModel(self)
        self._painter_of_rows = _Rows(theme, self, self._model)
        self._fitting = False
        self.copied = QPersistentModelIndex()
        """The row whose value was copied a moment ago."""
        self._forget_copied = QTimer(self)
        self._forget_copied.setSingleShot(True)
        self._forget_copied.setInterval(_COPIED_MS)
        self._forget_copied.timeout.connect(lambda: self._mark_copied(QModelIndex()))

        self.setModel(self._model)
        self.setItemDelegate(self._painter_of_rows)
        self.setFont(fixed_font())
        self.setAccessibleName("Context")
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)  # the delegate indents, since a key and its chevron are one thing to click
        self.setExpandsOnDoubleClick(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.header().setMinimumSectionSize(_COPY_PX)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self._menu = self._make_menu()
        for changed in (self.expanded, self.collapsed, self._model.rowsInserted, self._model.modelReset):
            changed.connect(self._fit)
        self.setStyleSheet("QTreeView { background: transparent; }")
        theme.changed.connect(self._repaint)

    def set_context(self, context: dict[str, Any]) -> None:
        """Show another context; nested values are open when all of it is few rows."""
        self._fitting = True  # once for all that follows
        self._model.set_context(context)
        if self._model.is_small:
            self.expandAll()
        self._fitting = False
        self._fit()

    def copy_value(self, index: QModelIndex | None = None) -> None:
        """Copy the value at *index*, or the current one."""
        index = index or self.currentIndex()
        if index.isValid() and not self._model.node(index).rest:
            copy(value_text(self._model.node(index).value))
            self._mark_copied(index)

    def copy_pair(self) -> None:
        """Copy `key=value` of the current row."""
        index = self.currentIndex()
        node = self._model.node(index)
        if index.isValid() and not node.rest:
            copy(pair_text(node.path, node.value))
            self._mark_copied(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed = event.keyCombination().toCombined()
        control = Qt.KeyboardModifier.ControlModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._activate(self.currentIndex())
        elif pressed == (control | Qt.Key.Key_C).toCombined():
            self.copy_value()
        elif pressed == (control | Qt.KeyboardModifier.ShiftModifier | Qt.Key.Key_C).toCombined():
            self.copy_pair()
        elif event.key() == Qt.Key.Key_Asterisk:
            # Qt opens everything below at once, which can be 90,000 rows.
            event.accept()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            return
        if index.column() == COPY:
            self.copy_value(index)
        elif self._model.node(index).rest or index.column() == KEY:
            self._open(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        on_copy = self.indexAt(event.position().toPoint()).column() == COPY
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if on_copy else Qt.CursorShape.ArrowCursor)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def scrollTo(self, index: _Index, hint: Any = QAbstractItemView.ScrollHint.EnsureVisible) -> None:
        # The view is as high as its rows: there is nothing of its own to scroll.
        self.row_moved.emit(self.visualRect(index))

    def drawBranches(self, painter: QPainter, rect: QRect, index: _Index) -> None:
        # The delegate draws the chevron.
        return

    def _activate(self, index: QModelIndex) -> None:
        if self._model.node(index).rest:
            self._open(index)
        else:
            self.copy_value(index)

    def _open(self, index: QModelIndex) -> None:
        index = index.siblingAtColumn(KEY)
        if self._model.node(index).rest:
            row, parent = index.row(), index.parent()
            self._model.show_more(index)
            self.setCurrentIndex(self._model.index(row, KEY, parent))
        elif self._model.hasChildren(index):
            self.setExpanded(index, not self.isExpanded(index))

    def _mark_copied(self, index: QModelIndex) -> None:
        self.copied = QPersistentModelIndex(index.siblingAtColumn(KEY))
        self.viewport().update()
        if index.isValid():
            self._forget_copied.start()

    def _repaint(self) -> None:
        self.viewport().update()

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        # The keys are handled above: as shortcuts of actions they would reach beyond the focus of this view.
        value = QAction("Copy value\tCtrl+C", menu)
        value.triggered.connect(lambda: self.copy_value())
        pair = QAction("Copy key=value\tCtrl+Shift+C", menu)
        pair.triggered.connect(self.copy_pair)
        menu.addActions([value, pair])
        return menu

    def _show_menu(self, where: QPoint) -> None:
        index = self.indexAt(where)
        if index.isValid() and not self._model.node(index).rest:
            self.setCurrentIndex(index)
            self._menu.popup(self.viewport().mapToGlobal(where))

    def _fit(self) -> None:
        """Columns to the width, height to the open rows."""
        if self._fitting:
            return
        self._fitting = True
        width = self.viewport().width()
        metrics = QFontMetrics(self.font())
        key = min(self._key_width(metrics), width * 45 // 100)
        self.setColumnWidth(KEY, key)
        self.setColumnWidth(VALUE, max(width - key - _COPY_PX, 0))
        self.setColumnWidth(COPY, _COPY_PX)
        self.doItemsLayout()
        self.setFixedHeight(self._rows_height())
        self._fitting = False

    def _key_width(self, metrics: QFontMetrics) -> int:
        widest = 0
        index = self._model.index(0, KEY)
        while index.isValid():
            node = self._model.node(index)
            if not node.rest:
                text = str(index.data())[:80]
                widest = max(widest, indent_of(index) + metrics.horizontalAdvance(text))
            index = self.indexBelow(index)
        return widest + 2 * _GAP_PX

    def _rows_height(self) -> int:
        last = self._model.index(self._model.rowCount() - 1, KEY)
        while self._model.hasChildren(last) and self.isExpanded(last):  # Qt calls leaves expanded after expandAll
            last = self._model.index(self._model.rowCount(last) - 1, KEY, last)
        return self.visualRect(last).bottom() + 1 if last.isValid() else 0


class _Rows(QStyledItemDelegate):
    """Draws a row: chevron and key muted, the value wrapped, the copy icon."""

    def __init__(self, theme: Theme, view: ContextView, model: ContextModel) -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        if index.column() != VALUE:
            return QSize(_COPY_PX, ROW_HEIGHT)
        metrics = QFontMetrics(self._view.font())
        text = str(index.data())
        width = self._view.columnWidth(VALUE) - _GAP_PX
        if "\n" not in text and metrics.horizontalAdvance(text[:400]) <= width:
            return QSize(width, ROW_HEIGHT)
        lines = min(wrapped_lines(text, metrics, width, _MAX_VALUE_LINES), _MAX_VALUE_LINES)
        return QSize(width, ROW_HEIGHT + (lines - 1) * metrics.lineSpacing())

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        palette = self._theme.palette
        node = self._model.node(index)
        is_current = self._view.hasFocus() and index.siblingAtColumn(KEY) == self._view.currentIndex().siblingAtColumn(
            KEY
        )
        painter.save()
        painter.setFont(self._view.font())
        if is_current:
            painter.fillRect(option.rect, QColor(palette.selection))
        if index.column() == KEY:
            self._paint_key(painter, option.rect, index, node)
        elif index.column() == VALUE:
            self._paint_value(painter, option.rect, index, node)
        elif not node.rest:
            done = self._view.copied == index.sibling(index.row(), KEY)
            name, color = ("check", palette.info) if done else ("copy", palette.muted)
            self._paint_icon(painter, option.rect, name, color)
        painter.restore()

    def _paint_key(self, painter: QPainter, rect: QRect, index: Any, node: Node) -> None:
        palette = self._theme.palette
        indent = indent_of(index)
        if self._model.hasChildren(index):
            name = "chevron-down" if self._view.isExpanded(index) else "chevron-right"
            left = rect.left() + indent - _INDENT_PX
            self._paint_icon(painter, QRect(left, rect.top(), _INDENT_PX, ROW_HEIGHT), name, palette.muted)
        line = QRect(rect.left() + indent, _text_top(painter, rect), rect.width() - indent - _GAP_PX, ROW_HEIGHT)
        painter.setPen(QColor(palette.accent if node.rest else palette.muted))
        text = painter.fontMetrics().elidedText(str(index.data())[:200], Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, text)

    def _paint_value(self, painter: QPainter, rect: QRect, index: _Index, node: Node) -> None:
        palette = self._theme.palette
        metrics = painter.fontMetrics()
        area = QRect(rect.left(), _text_top(painter, rect), rect.width() - _GAP_PX, rect.height())
        area.setHeight(rect.height() - ROW_HEIGHT + metrics.lineSpacing())
        text = str(index.data())
        if wrapped_lines(text, metrics, area.width(), _MAX_VALUE_LINES) > _MAX_VALUE_LINES:
            note = f"… {len(node.value):,} characters"
            painter.setPen(QColor(palette.muted))
            painter.drawText(area, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, note)
            area.setHeight((_MAX_VALUE_LINES - 1) * metrics.lineSpacing())
        painter.setPen(QColor(palette.muted if isinstance(node.value, dict | list | None) else palette.text))
        painter.setClipRect(area)
        flags = Qt.TextFlag.TextWrapAnywhere | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        painter.drawText(area, flags, text)

    def _paint_icon(self, painter: QPainter, rect: QRect, name: str, color: str) -> None:
        top = rect.top() + (ROW_HEIGHT - _ICON_PX) // 2
        left = rect.left() + (rect.width() - _ICON_PX) // 2
        icon(name, self._theme.palette, color).paint(painter, QRect(left, top, _ICON_PX, _ICON_PX))


def _text_top(painter: QPainter, rect: QRect) -> int:
    return rect.top() + (ROW_HEIGHT - painter.fontMetrics().lineSpacing()) // 2


def indent_of(index: Any) -> int:
    """Where the key's text begins, in pixels: the chevron's room, once for each level."""
    depth = 1
    while (index := index.parent()).isValid():
        depth += 1
    return depth * _INDENT_PX
