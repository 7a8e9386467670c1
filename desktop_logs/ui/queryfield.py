"""The field in which a query is typed: the text and its colours, what it finds, and its buttons. It parses nothing."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QDragEnterEvent,
    QFocusEvent,
    QInputMethodEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QToolButton, QWidget

from desktop_logs.ui.forms import mark_invalid
from desktop_logs.ui.icons import icon
from desktop_logs.ui.plaintext import inert_tip
from desktop_logs.ui.queryink import Inked, fault_mark, ink
from desktop_logs.ui.theme import FIELD_HEIGHT, Palette, Theme, fixed_font

PLACEHOLDER: Final = 'level>=warn  source:api  user:42  message~/time-?out/  after:10m  -"health check"'
TIP: Final = (
    'Words and "phrases" match anywhere in the record, - excludes.',
    "field:value, field>=value, field~/regex/, AND OR NOT ( ), after:10m, before:2026-11-22T10:00",
    "Ctrl+Space lists fields and values, ↑ brings earlier queries, / comes here from anywhere.",
)
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
    """A line for a query. Esc clears it, and leaves it when it is empty.

    All places in the text are counted in characters, as Python does; Qt's own count some characters twice.
    """

    clear_requested = Signal()
    leave_requested = Signal()
    history_requested = Signal()
    """The magnifier was clicked."""
    named_requested = Signal()
    """The star was pressed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = theme.palette
        self._fault: int | None = None
        self._name = ""
        self.is_composing = False
        """True while an input method has a piece of text in the making here."""
        self.setAccessibleName("Query")
        self.setPlaceholderText(PLACEHOLDER)
        self.setToolTip("".join(inert_tip(line) for line in TIP))
        self.setFont(fixed_font())
        self.setMinimumHeight(FIELD_HEIGHT)
        self.setMaxLength(4_000)
        self._search = QAction("Earlier queries", self)
        self._search.setToolTip("Earlier queries  (↑, or ↓ in the empty field)")
        self._search.triggered.connect(self.history_requested)
        self.addAction(self._search, QLineEdit.ActionPosition.LeadingPosition)
        self._figures = QLabel(self)
        self._figures.setProperty("kind", "muted")
        self._figures.setTextFormat(Qt.TextFormat.PlainText)
        self._figures.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._figures.setAccessibleName("Matches")
        self.star = _FieldButton(self)
        self.star.clicked.connect(self.named_requested)
        self._clear = _FieldButton(self)
        self._clear.setAccessibleName("Clear filter")
        self._clear.setToolTip("Clear the filter: the query and the levels  (Esc)")
        self._clear.setVisible(False)
        self._clear.clicked.connect(self.clear_requested)
        self.textChanged.connect(self._recolor)
        theme.changed.connect(self._theme_changed)
        self._theme_changed(theme.palette)
        self.set_name("")

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

    def set_name(self, name: str) -> None:
        """Show under which name the filter in force is kept, by a filled star; empty when under none."""
        self._name = name
        self.star.setAccessibleName(f"Named queries, this one is {name}" if name else "Named queries")
        self.star.setToolTip(
            inert_tip(f"Named queries: this one is “{name}”" if name else "Name this query, or use a named one")
        )
        self._paint_star()

    @property
    def fault(self) -> int | None:
        """The place in the text that is marked as wrong; None while nothing is."""
        return self._fault

    def set_fault(self, position: int | None) -> None:
        """Show that the text is no query, and mark the place; None when all is well."""
        self._fault = position
        mark_invalid(self, position is not None)
        self._recolor()

    # The text, in Python's characters

    @property
    def cursor(self) -> int:
        """The place of the text cursor."""
        return len(_before(self.text(), self.cursorPosition()))

    def replace(self, start: int, end: int, new: str) -> None:
        """Put *new* in the place of what stands from *start* to *end*, as if it were typed: one Ctrl+Z undoes it."""
        text = self.text()
        first = _qt_length(text[:start])
        # Each way of the cursor ends what Qt undoes at once; a selection alone does not.
        self.home(False)
        self.setCursorPosition(first)
        self.setSelection(first, _qt_length(text[start:end]))
        if new:
            self.insert(new)
        elif start != end:
            self.del_()

    def x_of(self, place: int) -> int:
        """How far from the left edge the character at *place* is, in pixels; never outside the field."""
        metrics, text = self.fontMetrics(), self.text()
        to_place = metrics.horizontalAdvance(text[:place])
        to_cursor = metrics.horizontalAdvance(text[: self.cursor])
        return max(min(self.cursorRect().center().x() + to_place - to_cursor, self.width()), 0)

    # Qt's side

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.ignore()  # a file is the window's, not its name a query
        else:
            super().dragEnterEvent(event)

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
            self.replace(0, len(self.text()), "")
        else:
            self.leave_requested.emit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self.is_composing = bool(event.preeditString())
        super().inputMethodEvent(event)
        # Qt takes the colours away with each of these events.
        self._recolor()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() == Qt.FocusReason.ShortcutFocusReason:
            self.selectAll()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._fault is None or fault_mark(self.text(), self._fault, self._palette) is not None:
            return
        # The fault is that something is missing here: nothing is there to be underlined.
        left, bottom = self.x_of(self._fault), self.cursorRect().bottom() - 1
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._palette.error), 1.2))
        painter.drawPolyline(QPolygonF([QPointF(left + 2 * at, bottom - 2 * (at % 2)) for at in range(6)]))
        painter.end()

    # Inside

    def _recolor(self) -> None:
        """Colour the text. While an input method composes, the look of its piece is its own."""
        if self.is_composing:
            return
        text = self.text()
        inked = list(ink(text, self._palette))
        mark = fault_mark(text, self._fault, self._palette) if self._fault is not None else None
        if mark is not None:
            inked.append(mark)
        # A line edit has no other way to colour parts of its text; an input method marks its piece so. Places count
        # from the text cursor there.
        cursor = self.cursorPosition()
        kind = QInputMethodEvent.AttributeType.TextFormat
        attributes = [
            QInputMethodEvent.Attribute(kind, start - cursor, length, one.format)
            for one in inked
            for start, length in (_qt_span(text, one),)
        ]
        super().inputMethodEvent(QInputMethodEvent("", attributes))
        self.update()

    def _arrange(self) -> None:
        right = self.width() - 6
        middle = self.height() // 2
        for button in (self._clear, self.star):
            if button.isVisibleTo(self):
                right -= _BUTTON
                button.move(right, middle - _BUTTON // 2)
        has_figures = bool(self._figures.text()) and self.width() >= _LEAST_FOR_FIGURES
        self._figures.setVisible(has_figures)
        if has_figures:
            self._figures.adjustSize()
            right -= self._figures.width() + 6
            self._figures.move(right, middle - self._figures.height() // 2)
        self.setTextMargins(2, 0, self.width() - right, 0)

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        self._search.setIcon(icon("search", palette, palette.muted))
        self._clear.setIcon(icon("close", palette, palette.muted))
        self._paint_star()
        self._recolor()

    def _paint_star(self) -> None:
        palette = self._palette
        self.star.setIcon(
            icon("star-filled", palette, palette.accent) if self._name else icon("star", palette, palette.muted)
        )


class _FieldButton(QToolButton):
    """A button inside the field. A key that it has no use for is the page's: it must not be typed into the field."""

    def __init__(self, field: QueryField) -> None:
        super().__init__(field)
        self._field = field
        self.setIconSize(QSize(14, 14))
        self.setFixedSize(_BUTTON, _BUTTON)
        self.setCursor(Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        outside = self._field.parentWidget()
        if not event.isAccepted() and outside is not None:
            QApplication.sendEvent(outside, event)
            event.accept()


def _qt_length(text: str) -> int:
    """The length of *text* as Qt counts: characters beyond U+FFFF twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _before(text: str, qt_place: int) -> str:
    """What of *text* stands before a place as Qt counts."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * qt_place].decode("utf-16-le", "replace")


def _qt_span(text: str, inked: Inked) -> tuple[int, int]:
    start = _qt_length(text[: inked.start])
    return start, _qt_length(text[inked.start : inked.start + inked.length])
