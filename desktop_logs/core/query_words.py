"""What every record that a query selects has at least, so that a search need not look at all. Pure; no database.

Said for the index of storage/schema.py: for documents of several records, cut into trigrams, whose letters are folded
by Python as a query's are, and then once more by SQLite, the same on both sides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from desktop_logs.core.levels import ALL_BANDS, band_of
from desktop_logs.core.query_match import OPERATORS, FieldLeaf
from desktop_logs.core.query_tree import BUILT_IN, After, And, Before, FieldIs, Node, Or, Severity, Text
from desktop_logs.core.query_values import number_of

# What SQLite's 64 bits hold.
_FIRST_NS: Final = -(1 << 63)
_LAST_NS: Final = (1 << 63) - 1

_TRIGRAM: Final = 3
# Each costs a walk through its list. Of a long text the rarest few tell as much as all, and cost a fifth.
_MOST_TRIGRAMS: Final = 6
_MOST_PHRASES: Final = 120
"""Of a whole query: FTS5 takes a tree of 256 and no more."""
NEVER_STORED: Final = "\0"
"""Records come without it (core/escapes.py), and SQLite would take it for the end of a text."""

# How rare a character is among its like in logs, roughly; others count 3, as digits do.
_RARITY: Final = {" ": 0, "\n": 0, **dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 1), **dict.fromkeys("jkqvwxyz", 2)}
_RARITY_ELSE: Final = 3

# Numbers that equal a value only if they are written in it so: 7 stands in 7 and 7.0, but 007 equals 7 as well.
_PLAIN_NUMBER: Final = re.compile(r"0|[1-9]\d{0,14}", re.ASCII)
_ESCAPED_IN_JSON: Final = re.compile(r'["\\\x00-\x1f\x7f/]')
# Any letter may be written as an escape in JSON, \u0041 for an A; these are in every text that has one.
_ESCAPES: Final = tuple(f"\\u{digit}" for digit in "0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Times and levels outside of which nothing is selected."""

    first_ns: int = _FIRST_NS
    last_ns: int = _LAST_NS
    """Within it."""
    bands: int = sum(1 << band for band in ALL_BANDS)
    """A bit for each of levels.BANDS."""

    @classmethod
    def within(cls, first_ns: int, last_ns: int) -> Bounds:
        """Any level from *first_ns* to *last_ns*, as far as 64 bits go."""
        return cls(clamped(first_ns), clamped(last_ns))

    def __and__(self, other: Bounds) -> Bounds:
        first_ns, last_ns = max(self.first_ns, other.first_ns), min(self.last_ns, other.last_ns)
        return Bounds(first_ns, last_ns, self.bands & other.bands)

    def __or__(self, other: Bounds) -> Bounds:
        first_ns, last_ns = min(self.first_ns, other.first_ns), max(self.last_ns, other.last_ns)
        return Bounds(first_ns, last_ns, self.bands | other.bands)


def clamped(time_ns: int) -> int:
    """*time_ns*, as far as 64 bits go."""
    return min(max(time_ns, _FIRST_NS), _LAST_NS)


def bounds(tree: Node | None, bands: frozenset[int] = ALL_BANDS) -> Bounds:
    """What holds of the time and the level of every record in *bands* that *tree* selects."""
    chosen = Bounds(bands=sum(1 << band for band in bands))
    return chosen if tree is None else chosen & _bounds(tree)


def needed(tree: Node | None) -> str:
    """An expression for FTS5's MATCH that every document with a record that *tree* selects fulfils; empty when there
    is none."""
    claim = None if tree is None else _claim(tree)
    return claim.sql if claim else ""


def context_hint(leaf: FieldLeaf) -> str:
    """What stands in the folded context of every record for which *leaf*, a key's, holds; empty when nothing certainly
    does. Where the context has `\\u`, any letter of it may be written as an escape."""
    if not isinstance(leaf, FieldIs) or leaf.wildcards:
        return ""
    if _PLAIN_NUMBER.fullmatch(leaf.text) or leaf.text in ("true", "false", "null"):
        return leaf.text
    if number_of(leaf.text) is None and not _ESCAPED_IN_JSON.search(leaf.text):
        return f'"{leaf.text}"'
    return ""


def _bounds(node: Node) -> Bounds:
    match node:
        case And():
            found = Bounds()
            for part in node.parts:
                found &= _bounds(part)
            return found
        case Or():
            first, *others = map(_bounds, node.parts)
            for other in others:
                first |= other
            return first
        case After():
            return Bounds.within(node.time_ns, _LAST_NS)
        case Before():
            return Bounds.within(_FIRST_NS, node.time_ns - 1)
        case Severity():
            compares = OPERATORS[node.op]
            meant = {band_of(severity) for severity in range(1, 25) if compares(severity, node.severity)}
            return Bounds(bands=sum(1 << band for band in meant))
        case _:
            return Bounds()


@dataclass(frozen=True, slots=True)
class _Claim:
    """A part of the expression, and of how many phrases it is."""

    sql: str
    phrases: int


def _claim(node: Node) -> _Claim | None:
    match node:
        case And():
            return _joined("AND", [claim for part in node.parts if (claim := _claim(part))])
        case Or():
            claims = [_claim(part) for part in node.parts]
            known = [claim for claim in claims if claim]
            return _joined("OR", known) if len(known) == len(claims) else None
        case Text():
            return _all_of(node.text)
        case FieldIs(field="message" | "source"):
            return _joined("AND", [claim for part in node.text.split("*") if (claim := _all_of(part))])
        case FieldIs() if node.field not in BUILT_IN:
            literal = _all_of(context_hint(node))
            return literal and _joined("OR", [literal, _Claim(" OR ".join(map(_phrase, _ESCAPES)), len(_ESCAPES))])
        case _:
            return None


def _all_of(text: str) -> _Claim | None:
    """Of the trigrams that a document needs to have *text* in it, those that are likely the rarest."""
    if NEVER_STORED in text:
        return None
    parts = {text[at : at + _TRIGRAM] for at in range(len(text) - _TRIGRAM + 1)}
    rarest = sorted(parts, key=lambda part: (-sum(_RARITY.get(sign, _RARITY_ELSE) for sign in part), part))
    return _joined("AND", [_Claim(_phrase(part), 1) for part in rarest[:_MOST_TRIGRAMS]])


def _joined(operator: str, claims: list[_Claim]) -> _Claim | None:
    """None where nothing is claimed, or too much to ask."""
    phrases = sum(claim.phrases for claim in claims)
    while phrases > _MOST_PHRASES and operator == "AND":  # what is left out is found out later
        phrases -= claims.pop().phrases
    if not claims or phrases > _MOST_PHRASES:
        return None
    sql = f" {operator} ".join(claim.sql for claim in claims)
    return _Claim(f"({sql})" if len(claims) > 1 else sql, phrases)


def _phrase(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
