"""The selected record in full: message, traceback and context, and ways to copy it. Knows one record at a time."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QDate, QLocale, QRect, QSize, Qt
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from desktop_logs.core.export import text_line, traceback_of
from desktop_logs.core.gaps import is_gap
from desktop_logs.core.levels import band_of
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import format_local
from desktop_logs.core.wire import context_of
from desktop_logs.ui.clipboard import copy, record_curl, record_json
from desktop_logs.ui.context_view import ContextView
from desktop_logs.ui.icons import icon
from desktop_logs.ui.plaintext import ElidedLabel, PlainView
from desktop_logs.ui.sections import Divider, Section
from desktop_logs.ui.theme import Theme, band_color

_MARGIN_PX: Final = 16
_MESSAGE_LINES: Final = 20
_TRACEBACK_LINES: Final = 40


class DetailPane(QWidget):
    """Shows one record, or says that one can be selected. Nothing of a record is ever taken as rich text.

    Showing any record that the hub takes costs less than 30 ms.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._record: Record | None = None
        self._hub_url = "http://127.0.0.1:5647"
        self._hub_needs_token = False
        self.setProperty("kind", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Detail")

        self._nothing = QLabel("Select a record")
        self._nothing.setProperty("kind", "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._head = _Head(theme)
        self._message = PlainView(theme, _MESSAGE_LINES)
        self._message.setAccessibleName("Message")
        self._trace = PlainView(theme, _TRACEBACK_LINES)
        self._trace.setAccessibleName("Traceback")
        self._trace_section = Section(theme, "Traceback", self._trace)
        self._trace_divider = Divider(theme)
        self._context = ContextView(theme)
        self._context.row_moved.connect(self._follow_row)
        self._context_section = Section(theme, "Context", self._context)
        self._context_divider = Divider(theme)
        self._copy_menu = self._make_menu()
        self._copy_button = QPushButton("Copy")
        self._copy_button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the chevron stands right of the word
        self._copy_button.setIconSize(QSize(12, 12))
        self._copy_button.setAccessibleName("Copy record")
        self._copy_button.setMenu(self._copy_menu)

        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._page = self._lay_out()
        self._scroll.setWidget(self._page)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._nothing)
        self._pages.addWidget(self._scroll)

        theme.changed.connect(self._dress)
        self._dress()

    @property
    def record(self) -> Record | None:
        """The record that is shown."""
        return self._record

    def set_hub_url(self, url: str, *, needs_token: bool = False) -> None:
        """Where `Copy as curl` sends the record: `http://127.0.0.1:5647`. Empty changes nothing."""
        if url:
            self._hub_url, self._hub_needs_token = url, needs_token

    def show_record(self, record: Record | None) -> None:
        """Show *record*; None shows that nothing is selected. The same record again changes nothing."""
        if record is self._record:
            return
        self._record = record
        if record is None:
            self._pages.setCurrentWidget(self._nothing)
            return
        trace = traceback_of(record)
        context = _without(context_of(record), trace)
        self._head.show_record(record)
        self._message.set_text(record.message)
        self._trace.set_text(trace.strip("\n"))
        self._context.set_context(context)
        for widget in (self._trace_section, self._trace_divider):
            widget.setVisible(bool(trace))
        for widget in (self._context_section, self._context_divider):
            widget.setVisible(bool(context))
        self._scroll.verticalScrollBar().setValue(0)
        self._pages.setCurrentWidget(self._scroll)

    def _lay_out(self) -> QWidget:
        page = QWidget()
        page.setObjectName("detail-page")
        layout = QVBoxLayout(page)
        layout.setContentsMargins(_MARGIN_PX, 12, _MARGIN_PX, 12)
        layout.setSpacing(12)
        for widget in (
            *(self._head, self._message),
            *(self._trace_section, self._trace_divider),
            *(self._context_section, self._context_divider),
        ):
            layout.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addWidget(self._copy_button)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addStretch(1)
        return page

    def _curl(self, record: Record) -> str:
        return record_curl(record, self._hub_url, needs_token=self._hub_needs_token)

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        for name, text_of in (
            ("As text", text_line),
            ("As JSON", record_json),
            ("As curl command", self._curl),
        ):
            action = QAction(name, menu)
            action.triggered.connect(lambda checked=False, text_of=text_of: self._copy(text_of))
            menu.addAction(action)
        return menu

    def _copy(self, text_of: Any) -> None:
        if self._record is not None:
            copy(text_of(self._record))

    def _follow_row(self, row: QRect) -> None:
        top = self._context.viewport().mapTo(self._page, row.topLeft()).y()
        self._scroll.ensureVisible(0, top + row.height() // 2, 0, row.height())

    def _dress(self) -> None:
        palette = self._theme.palette
        self._scroll.setStyleSheet("QScrollArea, QWidget#detail-page { background: transparent; }")
        self._copy_button.setIcon(icon("chevron-down", palette, palette.muted))


class _Head(QWidget):
    """Dot, level and source on the left, date and time on the right; the source gives way first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._band = 0
        self._dot = _Dot()
        self._level = ElidedLabel()
        self._level.setMaximumWidth(120)
        self._source = ElidedLabel()
        self._source.setProperty("kind", "heading")
        self._time = QLabel()
        self._time.setTextFormat(Qt.TextFormat.PlainText)
        self._time.setProperty("kind", "muted")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._dot)
        layout.addWidget(self._level)
        layout.addSpacing(4)
        layout.addWidget(self._source, 1)
        layout.addWidget(self._time)
        theme.changed.connect(self._dress)
        self._dress()

    def show_record(self, record: Record) -> None:
        self._band = band_of(record.severity)
        # A gap is no record of anybody: neither level nor source.
        self._level.set_line("" if is_gap(record) else record.level.upper())
        self._level.setVisible(not is_gap(record))
        self._source.set_line("Missing records" if is_gap(record) else record.source)
        self._time.setText(shown_time(record.time_ns))
        self._dress()

    def _dress(self) -> None:
        color = band_color(self._theme.palette, self._band)
        self._dot.set_color(color)
        self._level.setStyleSheet(f"color: {color}; font-weight: 600;")


class _Dot(QWidget):
    """A filled circle in the level's colour; the level stands beside it in words."""

    def __init__(self) -> None:
        super().__init__()
        self._color = QColor()
        self.setFixedSize(10, 10)

    def set_color(self, color: str) -> None:
        self._color = QColor(color)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        painter.drawEllipse(self.rect())


def shown_time(time_ns: int) -> str:
    """Local date and time as the head shows them: `22 Nov 2026  10:42:35.207`."""
    day, _, clock = format_local(time_ns).partition(" ")
    date = QDate.fromString(day, Qt.DateFormat.ISODate)
    return f"{QLocale.c().toString(date, 'd MMM yyyy')}  {clock}"


def _without(context: dict[str, Any], trace: str) -> dict[str, Any]:
    """*context* without the key that holds *trace*, which has a section of its own."""
    if not trace:
        return context
    held = next((key for key, value in context.items() if value == trace), None)
    return {key: value for key, value in context.items() if key != held}
