"""From the tree of a query to SQL over stored records. Pure: it imports no database, and runs no statement.

The table has the columns seq, time_ns, severity, level, source, message, context, given_id and is_ascii, none of them
NULL; is_ascii is 1 where level, source, message and context have ASCII only. What SQLite cannot say (folding letters
beyond it, expressions, looking into a context as a query does) it asks of functions that register_functions adds, which
ask the very tests that the predicate is made of: 1 to 3 µs a row, where LIKE takes 0.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol, cast

from desktop_logs.core.errors import TooSlow
from desktop_logs.core.levels import ALL_BANDS, band_of
from desktop_logs.core.query_match import FieldLeaf, StoredTest, bands_meant, cost, stored_test
from desktop_logs.core.query_tree import (
    BUILT_IN,
    After,
    And,
    Before,
    Compare,
    FieldIs,
    Has,
    Node,
    Not,
    Op,
    Or,
    Pattern,
    Severity,
    Text,
)
from desktop_logs.core.query_values import last_word
from desktop_logs.core.query_words import NEVER_STORED, clamped, context_hint
from desktop_logs.core.records import Record

Parameter = str | int | float

_CACHED_TESTS: Final = 256
_LONGEST_LIKE: Final = 1_000
"""SQLite takes 50,000, and looks at each of them for each character of a text."""
_MOST_WILDCARDS: Final = 8
_OF_LIKE: Final = re.compile(r"[%_\\]")
_MADE_ID: Final = re.compile(r"-?\d+-([0-9a-z]{1,12})", re.ASCII)
_HAS_ESCAPES: Final = r"instr(context, '\u')"
_ID: Final = "query_id(seq, time_ns, given_id)"
_BAND: Final = "min(max(severity - 1, 0) / 4, 5)"
_EVERYWHERE: Final = ("message", "source", "level", "context")


@dataclass(frozen=True, slots=True)
class Where:
    """A condition in brackets or of one term, fit for `WHERE … AND …`, and what stands for its question marks."""

    sql: str
    parameters: tuple[Parameter, ...] = ()


class Connection(Protocol):
    """What is needed of sqlite3.Connection."""

    def create_function(
        self, name: str, narg: int, func: Callable[..., Any] | None, /, *, deterministic: bool = False
    ) -> None: ...


class QueryFunctions:
    """The functions of one connection. SQLite tells of a fault in them as an OperationalError that names no reason."""

    def __init__(self) -> None:
        self._too_slow: TooSlow | None = None

    def raise_if_too_slow(self) -> None:
        """Raise the TooSlow that ended the last statement, if one did; to be called for an OperationalError."""
        too_slow, self._too_slow = self._too_slow, None
        if too_slow:
            raise too_slow

    def watched(self, test: StoredTest, stored: str) -> bool:
        """test(stored), of which a TooSlow is kept."""
        try:
            return test(stored)
        except TooSlow as slow:
            self._too_slow = slow
            raise


def where(tree: Node | None) -> Where:
    """The condition that selects what *tree* selects; every row for None."""
    if tree is None:
        return Where("1")
    parameters: list[Parameter] = []
    return Where(_sql(tree, parameters), tuple(parameters))


def in_bands(condition: Where, bands: frozenset[int]) -> Where:
    """*condition* for the records whose band (an index into levels.BANDS) is in *bands*."""
    if bands >= ALL_BANDS:
        return condition
    # Severities first: that needs no look at a text.
    severities = [str(severity) for severity in range(25) if band_of(severity) in bands]
    return Where(f"(severity IN ({', '.join(severities)}) AND {condition.sql})", condition.parameters)


def register_functions(connection: Connection) -> QueryFunctions:
    """Add to *connection* the functions that the conditions of `where` use."""
    functions = QueryFunctions()

    @lru_cache(_CACHED_TESTS)
    def test_of(leaf: FieldLeaf, position: int = 0) -> StoredTest:
        """*position* is there for the cache: expressions at different places are equal, but not when they fail."""
        return stored_test(leaf)

    def contains(word: str, *places: str) -> bool:
        return any(word in place.casefold() for place in places)

    def is_value(field: str, text: str, wildcards: int, stored: str) -> bool:
        return test_of(FieldIs(field, text, bool(wildcards)))(stored)

    def has(field: str, stored: str) -> bool:
        return test_of(Has(field))(stored)

    def compares(field: str, op: str, number: float, stored: str) -> bool:
        return test_of(Compare(field, cast("Op", op), number))(stored)

    def matches(field: str, regex: str, position: int, *places: str) -> bool:
        # An expression for all places is looked for in each as in a message: its text as it stands.
        test = test_of(Pattern(field or "message", regex, position), position)
        return any(functions.watched(test, place) for place in places)

    def made_id(seq: int, time_ns: int, given_id: str) -> str:
        return Record(seq, time_ns, 0, "", "", "", given_id=given_id).id

    for name, count, function in (
        ("query_contains", 1 + len(_EVERYWHERE), contains),
        ("query_is", 4, is_value),
        ("query_has", 2, has),
        ("query_compares", 4, compares),
        ("query_matches", -1, matches),
        ("query_id", 3, made_id),
    ):
        connection.create_function(name, count, function, deterministic=True)
    return functions


def _sql(node: Node, parameters: list[Parameter]) -> str:
    """The condition for *node*; its values are added to *parameters*."""
    match node:
        case And():
            return f"({' AND '.join([_sql(part, parameters) for part in sorted(node.parts, key=cost)])})"
        case Or():
            return f"({' OR '.join([_sql(part, parameters) for part in sorted(node.parts, key=cost)])})"
        case Not():
            return f"NOT {_sql(node.part, parameters)}"
        case After():
            parameters.append(clamped(node.time_ns))
            return "time_ns >= ?"
        case Before():
            parameters.append(clamped(node.time_ns))
            return "time_ns < ?"
        case Severity():
            parameters.append(node.severity)
            return f"severity {node.op} ?"
        case Text():
            return _text_sql(node.text, parameters)
        case Pattern(field=""):
            parameters += ("", node.regex, node.position)
            return f"query_matches(?, ?, ?, {', '.join(_EVERYWHERE)})"
        case _:
            return _field_sql(node, parameters)


def _text_sql(word: str, parameters: list[Parameter]) -> str:
    if NEVER_STORED in word:
        return "0"
    in_ascii = _likes(_like(word, is_part=True), _EVERYWHERE, parameters)
    parameters.append(word)
    return f"CASE WHEN {in_ascii} ELSE query_contains(?, {', '.join(_EVERYWHERE)}) END"


def _field_sql(leaf: FieldLeaf, parameters: list[Parameter]) -> str:
    if isinstance(leaf, FieldIs) and NEVER_STORED in leaf.text:
        return "0"
    if leaf.field not in BUILT_IN:
        return _key_sql(leaf, parameters)
    match leaf:
        case Has():
            return "1" if leaf.field == "id" else f"{leaf.field} <> ''"
        case FieldIs(field="id"):
            return _id_sql(leaf, parameters)
        case FieldIs():
            like = _like(leaf.text, is_part=leaf.field == "message", wildcards=leaf.wildcards)
            in_ascii = _likes(like, [leaf.field], parameters)
            named = f"CASE WHEN {in_ascii} ELSE {_asked(leaf, leaf.field, parameters)} END"
            bands = bands_meant(leaf) if leaf.field == "level" else frozenset()
            return f"({_BAND} IN ({', '.join(map(str, sorted(bands)))}) OR {named})" if bands else named
        case _:
            return _asked(leaf, _ID if leaf.field == "id" else leaf.field, parameters)


def _id_sql(leaf: FieldIs, parameters: list[Parameter]) -> str:
    """Most ids are made of time and number; from one that is typed in full the number can be read."""
    if leaf.wildcards:
        return _asked(leaf, _ID, parameters)
    made = _MADE_ID.fullmatch(leaf.text)
    parameters.append(int(made[1], 36) if made else 0)
    return f"((seq = ? OR given_id <> '') AND {_asked(leaf, _ID, parameters)})"


def _key_sql(leaf: FieldLeaf, parameters: list[Parameter]) -> str:
    """What stands in every context for which *leaf* holds comes first: looking for it takes no reading of JSON."""
    parts = ["context <> ''"]
    if word := last_word(leaf.field):
        parameters.append(word)
        parts.append(f"(instr(context, ?) OR {_HAS_ESCAPES})")
    if hint := context_hint(leaf):
        in_ascii = _likes(_like(hint, is_part=True), ["context"], parameters)
        parts.append(f"CASE WHEN {_HAS_ESCAPES} THEN 1 WHEN {in_ascii} ELSE 1 END")
    return f"({' AND '.join(parts)} AND {_asked(leaf, 'context', parameters)})"


def _asked(leaf: FieldLeaf, column: str, parameters: list[Parameter]) -> str:
    """*leaf*, asked of a function."""
    parameters.append(leaf.field)
    match leaf:
        case Has():
            return f"query_has(?, {column})"
        case Pattern():
            parameters += (leaf.regex, leaf.position)
            return f"query_matches(?, ?, ?, {column})"
        case Compare():
            parameters += (leaf.op, leaf.number)
            return f"query_compares(?, ?, ?, {column})"
        case FieldIs():
            parameters += (leaf.text, int(leaf.wildcards))
            return f"query_is(?, ?, ?, {column})"


def _like(text: str, *, is_part: bool, wildcards: bool = False) -> str | None:
    """The pattern of LIKE for what is, or has in it, the folded *text*; None where LIKE is not to be asked.

    It minds no case in ASCII, as Python does not there; beyond it they differ.
    """
    if len(text) > _LONGEST_LIKE or (wildcards and text.count("*") > _MOST_WILDCARDS):
        return None
    pattern = _OF_LIKE.sub(r"\\\g<0>", text)
    if wildcards:
        pattern = pattern.replace("*", "%")
    return f"%{pattern}%" if is_part else pattern


def _likes(like: str | None, columns: Sequence[str], parameters: list[Parameter]) -> str:
    """The first branch of a CASE: where all is ASCII, whether one of *columns* is like that."""
    if like is None:
        return "0 THEN 0"
    if not like.isascii():
        return "is_ascii THEN 0"
    parameters += [like] * len(columns)
    either = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns)
    return f"is_ascii THEN ({either})"
