"""Text from a log is shown plain, safe and at once, whatever it holds."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.core.safe_text import block
from desktop_logs.ui.plaintext import PIECE_CHARACTERS, ElidedLabel, PlainView, pieces, wrapped_lines
from desktop_logs.ui.theme import Theme, fixed_font

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> PlainView:
    view = PlainView(Theme(qapp, "dark"), max_lines=10)
    qtbot.addWidget(view)
    view.resize(300, 100)
    view.show()
    return view


def copied(view: PlainView) -> str:
    view.copy()
    return QApplication.clipboard().text()


@given(st.text(alphabet="ab \n", max_size=3_000))
def test_pieces_are_short_and_make_the_text(text: str) -> None:
    """Joined as they say, the pieces are the text; a line's last piece does not go on."""
    made = list(pieces(text))
    assert "".join(piece + ("" if goes_on else "\n") for piece, goes_on in made) == text + "\n"
    assert max(len(piece) for piece, _ in made) <= PIECE_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        "one line",
        "two\nlines",
        "x" * 5_000,
        "word " * 2_000 + "\nnext\n\n" + "y" * 1_500,
        "\n" * 3_500,
        "",
        "<b>bold</b> &amp;",
    ],
)
def test_what_is_copied_is_the_text_and_not_its_pieces(view: PlainView, qtbot: QtBot, text: str) -> None:
    view.set_text(text)
    qtbot.waitUntil(lambda: view.is_complete)
    view.selectAll()
    if text:
        assert copied(view) == text
    assert not QApplication.clipboard().mimeData().hasHtml()


def test_a_selection_over_a_seam_is_copied_without_it(view: PlainView) -> None:
    view.set_text("head\n" + "x" * 1_200)
    cursor = view.textCursor()
    cursor.setPosition(3)
    cursor.setPosition(5 + 1_000, cursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)
    assert copied(view) == "d\n" + "x" * 999


def test_control_characters_and_bidi_marks_are_symbols(view: PlainView) -> None:
    """Nothing is obeyed: not an escape sequence, not a bidi override, not markup."""
    text = "\x1b[31mred\x07 \u202eabc <h1>x</h1>\r\nnext\ttab\u2029"
    view.set_text(text)
    assert view.toPlainText() == block(text)
    assert "\u202e" not in view.toPlainText()


@pytest.mark.parametrize("text", ["x" * 262_000, "ab " * 87_000, "\n" * 262_000, "日本語" * 29_000, "a\n" * 131_000])
def test_256_kib_of_anything_never_holds_the_window(view: PlainView, qtbot: QtBot, text: str) -> None:
    """Neither the call nor any turn of the loop after it takes long.

    At most 17 ms of work where this was measured; a slow machine has room here, and a busy one takes none of it.
    """
    view.set_text("")
    QApplication.processEvents()
    started_s = time.thread_time()
    view.set_text(text)
    slowest_s = time.thread_time() - started_s
    while not view.is_complete:
        started_s = time.thread_time()
        QApplication.processEvents()
        slowest_s = max(slowest_s, time.thread_time() - started_s)
    assert slowest_s < 0.1
    assert len(view.toPlainText()) >= len(text)


def test_it_is_as_high_as_its_text_up_to_its_limit(view: PlainView) -> None:
    """One line takes one line's height, many take ten and scroll."""
    line = QFontMetrics(fixed_font()).lineSpacing()
    view.set_text("one")
    assert line <= view.height() <= line + 6
    view.set_text("a\nb\nc")
    assert 3 * line <= view.height() <= 3 * line + 8
    assert view.verticalScrollBar().maximum() == 0
    view.set_text("\n".join("x" * 40))
    assert 10 * line <= view.height() <= 10 * line + 8
    assert view.verticalScrollBar().maximum() > 0


def test_a_narrower_view_wraps_and_grows(view: PlainView, qtbot: QtBot) -> None:
    view.set_text("word " * 20)
    wide = view.height()
    view.resize(150, view.height())
    assert view.height() > wide


def test_text_can_be_selected_by_keyboard_and_tab_leaves(view: PlainView) -> None:
    view.set_text("some text")
    assert view.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard
    assert view.isReadOnly()
    assert view.tabChangesFocus()


def test_an_elided_label_is_plain_and_gives_way(qtbot: QtBot) -> None:
    """Markup is text; the label shrinks to an ellipsis; its text stays whole for screen readers."""
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.set_line("<b>source</b>\nwith \u202e more " * 10)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert "\n" not in label.text()
    assert "\u202e" not in label.text()
    assert label.text().startswith("<b>source</b>")
    assert label.minimumSizeHint().width() < 40
    label.resize(60, 20)
    assert not label.grab().isNull()


@pytest.mark.parametrize("text", ["short", "x" * 95, "two\nlines", "ab\tcd", "日本" * 30, ""])
def test_wrapped_lines_counts_as_qt_wraps(qapp: Any, text: str) -> None:
    metrics = QFontMetrics(fixed_font())
    width = metrics.horizontalAdvance("0") * 10
    flags = Qt.TextFlag.TextWrapAnywhere
    qt_height = metrics.boundingRect(0, 0, width, 100_000, flags, text or "x").height()
    assert abs(wrapped_lines(text, metrics, width, 50) - qt_height / metrics.lineSpacing()) < 1


def test_wrapped_lines_stops_where_it_knows_enough(qapp: Any) -> None:
    metrics = QFontMetrics(fixed_font())
    started_s = time.thread_time()
    assert wrapped_lines("é" * 200_000, metrics, 300, 8) > 8
    assert time.thread_time() - started_s < 0.05
