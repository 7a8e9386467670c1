"""Text that came from a log, on the screen: plain and safe, whatever it holds and however long. No meaning here."""

from __future__ import annotations

import html
from collections.abc import Iterator
from itertools import islice
from math import ceil
from typing import Final

from PySide6.QtCore import QMimeData, QRect, QSize, QStringListModel, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QSizePolicy, QWidget

from desktop_logs.core.safe_text import block, one_line
from desktop_logs.ui.theme import Theme, fixed_font

# Qt lays a line of text out as a whole: 256 KiB without a space take it 5 s, in pieces of 512 characters 2 ms.
PIECE_CHARACTERS: Final = 512
# Inserting a line takes Qt about 2 µs, so 256 KiB of empty lines would take 0.4 s at once.
_LINES_AT_ONCE: Final = 1_000


def inert_tip(text: str) -> str:
    """*text* as one line for setToolTip: Qt takes plain text that looks like markup for markup."""
    return f'<p style="white-space: pre-wrap">{html.escape(one_line(text), quote=False)}</p>' if text else ""


class ElidedLabel(QLabel):
    """One line of plain text that ends in … where it does not fit; for screen readers it is whole."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_line(self, text: str) -> None:
        """Show *text*, made safe and one line."""
        self.setText(one_line(text))

    def minimumSizeHint(self) -> QSize:
        least = self.fontMetrics().horizontalAdvance("…")
        return QSize(least, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        line = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line)


class PlainView(QPlainTextEdit):
    """Read-only text, selectable with mouse and keyboard, as high as it is long up to a number of lines.

    Control characters and bidi marks are shown as symbols. 256 KiB in whatever shape cost less than 10 ms at once:
    lines are laid out in pieces, and many lines come in slices over the next turns of the loop. What is copied has
    the lines of the text, not the pieces.
    """

    def __init__(self, theme: Theme, max_lines: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._max_lines = max_lines
        self._coming: Iterator[tuple[str, bool]] = iter(())
        self._continued: set[int] = set()
        self._lines = 0
        self._more = QTimer(self)
        self._more.setInterval(0)
        self._more.timeout.connect(self._insert_some)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setFont(fixed_font())
        self.setTabStopDistance(4 * self.fontMetrics().horizontalAdvance(" "))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        theme.changed.connect(self._dress)
        self._dress()

    def set_text(self, text: str) -> None:
        """Show *text* from its beginning."""
        self._more.stop()
        self.clear()
        self._continued.clear()
        self._lines = 0
        self._coming = pieces(block(text))
        self._insert_some()
        self._fit()

    @property
    def is_complete(self) -> bool:
        """False while the rest of a long text is still to come."""
        return not self._more.isActive()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def createMimeDataFromSelection(self) -> QMimeData:
        cursor = self.textCursor()
        first = self.document().findBlock(cursor.selectionStart()).blockNumber()
        # Qt separates the lines of a selection with U+2029; one of the text's own is shown as a symbol.
        lines = cursor.selectedText().split("\u2029")
        copied = [lines[0]]
        for number, line in enumerate(lines[1:], first):
            copied.append(line if number in self._continued else "\n" + line)
        mime = _new_mime()
        mime.setText("".join(copied))
        return mime

    def _insert_some(self) -> None:
        some = list(islice(self._coming, _LINES_AT_ONCE))
        self._continued.update(number for number, (_, goes_on) in enumerate(some, self._lines) if goes_on)
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(("\n" if self._lines else "") + "\n".join(piece for piece, _ in some))
        self._lines += len(some)
        if len(some) < _LINES_AT_ONCE:
            self._more.stop()
        elif not self._more.isActive():
            self._more.start()

    def _fit(self) -> None:
        """As high as the text, or as *max_lines* with a scroll bar."""
        most = self._max_lines * QFontMetrics(self.font()).lineSpacing()
        height = 0.0
        line = self.document().begin()
        while line.isValid() and height <= most:
            height += self.blockBoundingRect(line).height()
            line = line.next()
        fits = height <= most
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if fits else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setVerticalScrollBarPolicy(policy)
        around = self.height() - self.viewport().height() if self.isVisible() else 2 * _BORDER_PX
        # One more, or Qt finds that the last line does not fit.
        self.setFixedHeight(ceil(min(height, most)) + 1 + around)

    def _dress(self) -> None:
        palette = self._theme.palette
        self.setStyleSheet(
            f"QPlainTextEdit {{ background: transparent; border: {_BORDER_PX}px solid transparent; padding: 0; }}"
            f"QPlainTextEdit:focus {{ border-color: {palette.accent}; }}"
        )


_BORDER_PX: Final = 1


def _new_mime() -> QMimeData:
    """An empty QMimeData that may outlive the interpreter on the clipboard: one that Python made crashes there.

    Taken from a model, since the text view's own makes HTML of all its text: 1.6 s for 256 KiB of empty lines.
    """
    model = QStringListModel([""])
    mime = model.mimeData([model.index(0)])
    for form in mime.formats():
        mime.removeFormat(form)
    return mime


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The lines of *text*, long ones in pieces of at most PIECE_CHARACTERS; True where the line goes on."""
    start = 0
    while True:
        end = text.find("\n", start)
        stop = len(text) if end < 0 else end
        while stop - start > PIECE_CHARACTERS:
            # After a space where there is one, so that no word is torn.
            space = text.rfind(" ", start + PIECE_CHARACTERS // 2, start + PIECE_CHARACTERS)
            cut = start + PIECE_CHARACTERS if space < 0 else space + 1
            yield text[start:cut], True
            start = cut
        yield text[start:stop], False
        if end < 0:
            return
        start = end + 1


def wrapped_lines(text: str, metrics: QFontMetrics, width: int, most: int) -> int:
    """How many lines *text* takes in a fixed-width font when it is wrapped to *width* pixels anywhere.

    Beyond *most* it does not look: the answer is then some number above. O(most * columns).
    """
    columns = max((width - 1) // max(metrics.horizontalAdvance("0"), 1), 1)
    text = text[: columns * (most + 1)]
    if text.isascii() and "\t" not in text:
        return sum(max(-(-len(line) // columns), 1) for line in text.split("\n"))
    flags = Qt.TextFlag.TextWrapAnywhere | Qt.AlignmentFlag.AlignLeft
    area = metrics.boundingRect(QRect(0, 0, max(width, 1), 1_000_000), flags, text)
    return max(-(-area.height() // metrics.lineSpacing()), 1)
