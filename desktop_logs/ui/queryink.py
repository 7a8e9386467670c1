"""The colours of a query while it is typed, and the mark at a fault. What is right and wrong, parse() decides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from PySide6.QtGui import QColor, QTextCharFormat

from desktop_logs.core.levels import band_of, severity_of_name
from desktop_logs.core.query_tokens import KEYWORD, PHRASE, REGEX, SPACE, excludes_at, field_at, word_end
from desktop_logs.ui.theme import Palette, band_color

_INSIDE_REGEX: Final = re.compile(r"(?:[^/\\]|\\.)+(?=/)", re.DOTALL)


class Inked(NamedTuple):
    """A part of the text, in characters, and how it looks."""

    start: int
    length: int
    format: QTextCharFormat


def ink(text: str, palette: Palette) -> Iterator[Inked]:
    """What of *text* is not in the usual colour: fields and keywords, operators, exclusion, and levels in theirs.

    The text need not parse. Costs no more than its length.
    """
    for start, end, color in _colors(text, palette):
        look = QTextCharFormat()
        look.setForeground(QColor(color))
        yield Inked(start, end - start, look)


def fault_mark(text: str, position: int, palette: Palette) -> Inked | None:
    """The underline of the fault at *position*: to the end of its word, or of the expression that starts there.

    None where nothing is left to underline.
    """
    found = re.compile(r"\S+|\s+").match(text, position)
    if text[max(position - 2, 0) : position] == "~/":
        found = _INSIDE_REGEX.match(text, position) or found
    if found is None or found[0].isspace():
        return None
    look = QTextCharFormat()
    look.setForeground(QColor(palette.error))
    look.setUnderlineColor(QColor(palette.error))
    look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
    return Inked(position, len(found[0]), look)


def _colors(text: str, palette: Palette) -> Iterator[tuple[int, int, str]]:
    """Start, end and colour of each coloured part, from left to right."""
    at = 0
    while at < len(text):
        space = SPACE.match(text, at)
        if space and space.end() > at:
            at = space.end()
        elif text[at] in "()":
            yield at, at + 1, palette.muted
            at += 1
        elif keyword := KEYWORD.match(text, at):
            yield *keyword.span(1), palette.accent
            at = keyword.end(1)
        elif excludes_at(text, at):
            yield at, at + 1, palette.error
            at += 1
        else:
            field = field_at(text, at)
            if field:
                yield *field.span(1), palette.accent
                yield field.end(1), field.end(), palette.muted
            at = field.end() if field else at + text.startswith("~/", at)
            end = _value_end(text, at)
            severity = severity_of_name(text[at:end].strip('"')) if field and field[1] == "level" else None
            if severity:
                yield at, end, band_color(palette, band_of(severity))
            at = end


def _value_end(text: str, at: int) -> int:
    """Where the phrase, expression or word at *at* ends; one that is not closed ends as a word does."""
    closed = PHRASE.match(text, at) or (REGEX.match(text, at) if text[at - 1 : at] == "~" else None)
    return closed.end() if closed else word_end(text, at)
