"""How a row of the table is drawn: the whole cell by itself, with fonts, metrics and colours kept. No data here.

The standard delegate asks the model 1,092 times for a screen of 40 rows (9.4 ms); this one takes the record and
draws (design.md). Text is drawn as text: nothing of a record is ever interpreted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QPainter,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QToolTip, QWidget

from desktop_logs.core.gaps import is_gap
from desktop_logs.core.levels import band_of
from desktop_logs.core.records import Record
from desktop_logs.ui.cells import LEVEL, MESSAGE, TIME, cell_text, first_line, tooltip_text
from desktop_logs.ui.theme import ROW_HEIGHT, Palette, band_color, source_color

PADDING: Final = 8
BAR_WIDTH: Final = 4
FIRST_PADDING: Final = 18
"""Left of the text in the first column, where the bar is."""
_GAP: Final = 18
_GAP_RULE: Final = 48
"""How long the line is before the sentence that says what is missing."""
_CACHE_ROWS: Final = 4_000

Index = QModelIndex | QPersistentModelIndex
Cell = tuple[int, int, int]
"""A cell of a row: its logical column, where its left edge is, and how wide it is, in pixels."""


@runtime_checkable
class RowSource(Protocol):
    """What a model must tell for its rows to be drawn."""

    def record_at(self, row: int) -> Record:
        """The record of *row*. Raises IndexError when there is no such row."""

    def is_striped(self, row: int) -> bool:
        """True when *row* has the alternate ground."""


class RecordDelegate(QStyledItemDelegate):
    """Draws the cells of one table. *first_column* is the logical column that stands leftmost.

    Times have their date while it is *dated*.
    """

    def __init__(self, palette: Palette, font: QFont, parent: QWidget | None = None, *, dated: bool = False) -> None:
        super().__init__(parent)
        self.dated = dated
        self.first_column = TIME
        self._lines: dict[int, tuple[str, int]] = {}
        """First line and number of further lines, by record number: dividing a message costs more than drawing it."""
        self.set_font(font)
        self.set_palette(palette)

    def set_font(self, font: QFont) -> None:
        """Measure *font*, which the view must have too: the painter comes with the view's."""
        self._metrics = QFontMetricsF(font)
        # One multiplication instead of a measurement, where every character is as wide as every other. Found out by
        # measuring: of some monospaced fonts (Noto Sans Mono) QFontInfo says that they are not.
        widths = {self._metrics.horizontalAdvance(chr(code)) for code in range(32, 127)}
        self._advance = widths.pop() if len(widths) == 1 else 0.0
        self._baseline = (ROW_HEIGHT - self._metrics.height()) / 2 + self._metrics.ascent()

    def set_palette(self, palette: Palette) -> None:
        """Draw in the colours of *palette* from now on."""
        self._palette = palette
        self._text = QColor(palette.text)
        self._muted = QColor(palette.muted)
        self._accent = QColor(palette.accent)
        self._selection = QColor(palette.selection)
        self._alternate = QColor(palette.row_alternate)
        self._levels = tuple(QColor(band_color(palette, band_of(severity))) for severity in range(25))
        self._sources: dict[str, QColor] = {}
        self._gap_text = QColor(palette.warn)
        self._gap_pen = QPen(self._gap_text, 1, Qt.PenStyle.CustomDashLine)
        self._gap_pen.setDashPattern([3, 3])

    def forget(self) -> None:
        """Forget what was kept of records; their numbers may begin again."""
        self._lines.clear()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        if isinstance(model, RowSource):
            rect = option.rect
            cells = [(index.column(), rect.x(), rect.width())]
            is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
            self.paint_row(painter, model, index.row(), rect.y(), cells, is_selected)

    def paint_row(
        self,
        painter: QPainter,
        model: RowSource,
        row: int,
        y: int,
        cells: Sequence[Cell],
        is_selected: bool,
        whole: tuple[int, int] | None = None,
    ) -> None:
        """Draw *cells*, which stand side by side, of *row*, whose upper edge is at *y*.

        *whole* is where the row as a whole begins and how wide it is, when that is more than the cells.
        """
        record = model.record_at(row)
        if is_selected or model.is_striped(row):
            left, right = min(x for _, x, _ in cells), max(x + width for _, x, width in cells)
            painter.fillRect(left, y, right - left, ROW_HEIGHT, self._selection if is_selected else self._alternate)
        baseline = y + self._baseline
        if is_gap(record):
            first, last = cells[0], cells[-1]
            self._draw_gap(painter, y, whole or (first[1], last[1] + last[2] - first[1]), record)
            return
        for column, x, width in cells:
            left = PADDING
            if column == self.first_column:
                painter.fillRect(x, y, BAR_WIDTH, ROW_HEIGHT - 1, self._source_color(record.source))
                left = FIRST_PADDING
            space = width - left - PADDING
            at = QPointF(x + left, baseline)
            if column == MESSAGE:
                self._draw_message(painter, at, space, record)
                continue
            if column == TIME:
                painter.setPen(self._muted)
            elif column == LEVEL:
                painter.setPen(self._levels[record.severity])
            else:
                painter.setPen(self._text)
            painter.drawText(at, self._elided(cell_text(record, column, dated=self.dated), space))

    def paint_focus(self, painter: QPainter, rect: QRect) -> None:
        """Mark the current row of a keyboard user who has taken it out of the selection."""
        painter.setPen(self._accent)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(0, 0, -1, -1))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """The same for every cell: rows have one height, and no column is measured by its cells."""
        return QSize(0, ROW_HEIGHT)

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        """Tells a cell's whole text where it was cut, and the date of a time; nothing elsewhere."""
        record = index.data(Qt.ItemDataRole.UserRole) if index.isValid() else None
        column = index.column()
        if not isinstance(record, Record) or not (column == TIME or self.is_cut(record, column, option.rect)):
            QToolTip.hideText()
            return True
        QToolTip.showText(event.globalPos(), tooltip_text(record, column), view.viewport(), option.rect)
        return True

    def is_cut(self, record: Record, column: int, rect: QRect) -> bool:
        """True when the cell does not show all that it has to say; what is missing may always be asked for."""
        if is_gap(record):
            return True
        left = FIRST_PADDING if column == self.first_column else PADDING
        space = rect.width() - left - PADDING
        text = cell_text(record, column)
        more = self._line(record)[1] if column == MESSAGE else 0
        return more > 0 or self._elided(text, space) != text

    def _draw_gap(self, painter: QPainter, y: int, whole: tuple[int, int], record: Record) -> None:
        """A sentence in a dashed line over the whole row: no cell, level or source, for it is no record of anybody."""
        left, width = whole
        text = self._elided(self._line(record)[0], width - 2 * (_GAP_RULE + FIRST_PADDING))
        start = left + FIRST_PADDING + _GAP_RULE
        end = start + self._width(text)
        middle = y + ROW_HEIGHT / 2
        painter.setPen(self._gap_pen)
        painter.drawLine(QPointF(left + FIRST_PADDING, middle), QPointF(start - PADDING, middle))
        painter.drawLine(QPointF(end + PADDING, middle), QPointF(left + width - PADDING, middle))
        painter.setPen(self._gap_text)
        painter.drawText(QPointF(start, y + self._baseline), text)

    def _draw_message(self, painter: QPainter, at: QPointF, space: float, record: Record) -> None:
        text, more = self._line(record)
        painter.setPen(self._text)
        if not more:
            painter.drawText(at, self._elided(text, space))
            return
        note = f"{more} line" if more == 1 else f"{more} lines"
        note_width = _GAP + 12 + self._width(note)
        text = self._elided(text, max(space - note_width, 0))
        painter.drawText(at, text)
        x = at.x() + (self._width(text) if text else -_GAP) + _GAP
        if x + 12 > at.x() + space:
            return
        # A triangle of our own: many fixed fonts have none, and another font's would shift the line.
        middle = at.y() - self._metrics.xHeight() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._muted)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.drawPolygon(QPolygonF([QPointF(x, middle - 3), QPointF(x + 4.5, middle), QPointF(x, middle + 3)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(self._muted)
        painter.drawText(QPointF(x + 12, at.y()), self._elided(note, at.x() + space - x - 12))

    def _line(self, record: Record) -> tuple[str, int]:
        known = self._lines.get(record.seq)
        if known is None:
            if len(self._lines) >= _CACHE_ROWS:
                self._lines.clear()
            known = self._lines[record.seq] = first_line(record)
        return known

    def _source_color(self, source: str) -> QColor:
        known = self._sources.get(source)
        if known is None:
            if len(self._sources) >= _CACHE_ROWS:
                self._sources.clear()
            known = self._sources[source] = source_color(self._palette, source)
        return known

    def _width(self, text: str) -> float:
        if self._advance and text.isascii():
            return len(text) * self._advance
        return self._metrics.horizontalAdvance(text)

    def _elided(self, text: str, space: float) -> str:
        if space <= 0:
            return ""
        if self._advance and text.isascii():
            fitting = int(space / self._advance)
            return text if len(text) <= fitting else text[: max(fitting - 1, 0)] + "…"
        # Shaping takes 1 µs a character: what certainly does not fit is cut off before.
        most = int(space / (self._advance or self._metrics.averageCharWidth() / 3)) + 2
        if len(text) <= most:
            return self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, space)
        return self._metrics.elidedText(text[:most] + "…", Qt.TextElideMode.ElideRight, space)
