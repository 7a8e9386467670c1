"""The colours of a query while it is typed, and the mark at a fault. What is right and wrong, parse() decides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from PySide6.QtGui import QColor, QTextCharFormat

from desktop_logs.core.levels import band_of, severity_of_name
from desktop_logs.ui.theme import Palette, band_color

# Only one way to match at each place, so a long text costs no more than its length.
_TOKENS: Final = re.compile(
    r'(?P<phrase>"(?:[^"\\]|\\.)*"?)'
    r"|(?P<keyword>(?<![^\s(])(?:AND|OR|NOT)(?![^\s()]))"
    r"|(?P<minus>(?<![^\s(])-(?=[^\s]))"
    r"|(?P<field>(?<![^\s(-])[A-Za-z_@$][\w@$./-]*)(?P<operator>(?:>=|<=|:(?!//|:)|>|<|~(?=/)))"
    r'(?P<value>"(?:[^"\\]|\\.)*"?|(?<=~)/(?:[^/\\]|\\.)*/?|[^\s()]*)'
    r"|(?P<bracket>[()])"
    r'|(?P<word>[^\s()"]+)'
)


class Inked(NamedTuple):
    """A part of the text, in characters, and how it looks."""

    start: int
    length: int
    format: QTextCharFormat


def ink(text: str, palette: Palette) -> Iterator[Inked]:
    """What of *text* is not in the usual colour: fields and keywords, operators, exclusion, and levels in theirs."""
    for token in _TOKENS.finditer(text):
        for name, color in _colors(token, palette):
            start, end = token.span(name)
            yield Inked(start, end - start, _colored(color))


def fault_mark(text: str, position: int, palette: Palette) -> Inked | None:
    """The underline of the fault at *position*: to the end of its word. None where nothing is left to underline."""
    found = re.compile(r"\S+|\s+").match(text, position)
    if found is None or found[0].isspace():
        return None
    look = QTextCharFormat()
    look.setForeground(QColor(palette.error))
    look.setUnderlineColor(QColor(palette.error))
    look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
    return Inked(position, len(found[0]), look)


def _colors(token: re.Match[str], palette: Palette) -> Iterator[tuple[str, str]]:
    """The named groups of *token* that have a colour."""
    match token.lastgroup:
        case "keyword":
            yield "keyword", palette.accent
        case "minus":
            yield "minus", palette.error
        case "bracket":
            yield "bracket", palette.muted
        case "value":
            yield "field", palette.accent
            yield "operator", palette.muted
            if token["field"] == "level" and (severity := severity_of_name(token["value"])):
                yield "value", band_color(palette, band_of(severity))


def _colored(color: str) -> QTextCharFormat:
    look = QTextCharFormat()
    look.setForeground(QColor(color))
    return look
