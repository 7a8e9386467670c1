"""What the text of a query is cut into: the shapes of its tokens, for the parser and for completion. Pure."""

from __future__ import annotations

import re
from typing import Final

from desktop_logs.core.query_tree import FIELD_NAME, KEYWORDS

SPACE: Final = re.compile(r'(?:\s|-?"")*')
"""An empty phrase is found in everything, so it reads as space: an editor that closes quotation marks leaves many."""
KEYWORD: Final = re.compile(rf'({"|".join(KEYWORDS)})(?=[\s()"]|$)')
PHRASE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
REGEX: Final = re.compile(r"/((?:[^/\\]|\\.)*)/", re.DOTALL)

_FIELD = re.compile(rf"({FIELD_NAME})(?:(:)(?!//|:)|(>=|<=|>|<)|~(?=/))")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def field_at(text: str, at: int) -> re.Match[str] | None:
    r"""The name at *at* (group 1) with its `:` (2) or comparison (3), or with the `~` of an expression (neither).

    None for a word; so are a URL, `a::b`, and a drive as in `C:\logs` or `C:/logs`.
    """
    return None if _DRIVE.match(text, at) else _FIELD.match(text, at)


def excludes_at(text: str, at: int) -> bool:
    """Whether a `-` stands at *at* that excludes what follows; one that is alone is a word."""
    return text.startswith("-", at) and at + 1 < len(text) and text[at + 1] != ")" and not text[at + 1].isspace()


def word_end(text: str, at: int) -> int:
    """Where the word at *at* ends: at a space, or at a `)` that has no `(` in the word."""
    depth = 0
    while at < len(text) and not text[at].isspace():
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth < 0:
            break
        at += 1
    return at
