"""From the tree of a query to a predicate over records. Pure.

A predicate raises TooSlow, out of the call, when a regular expression needs more than query_regex.TIMEOUT_S for a
text: whoever goes over many records counts that, and gives up with the sentence in it. It says nothing of the record.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final, assert_never

from desktop_logs.core import levels
from desktop_logs.core.query_regex import SafePattern
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
    Or,
    Pattern,
    Severity,
    Text,
)
from desktop_logs.core.query_values import MISSING, number_of, reader, scalars, text_of, wildcard
from desktop_logs.core.records import Record

Predicate = Callable[[Record], bool]
StoredTest = Callable[[str], bool]
FieldLeaf = Pattern | FieldIs | Has | Compare

OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


def compile_node(node: Node) -> Predicate:
    """A predicate over records, the cheap parts of an And or an Or first.

    It costs 0.3 µs a record for a word, 0.1 for a time or level, 1 to 2 for a key that the context has, and 3 for an
    expression, two of them for the clock.
    """
    match node:
        case And():
            return _all([compile_node(part) for part in sorted(node.parts, key=cost)])
        case Or():
            return _any([compile_node(part) for part in sorted(node.parts, key=cost)])
        case Not():
            inner = compile_node(node.part)
            return lambda record: not inner(record)
        case Text():
            return _text(node.text)
        case After():
            since_ns = node.time_ns
            return lambda record: record.time_ns >= since_ns
        case Before():
            until_ns = node.time_ns
            return lambda record: record.time_ns < until_ns
        case Severity():
            compares, severity = OPERATORS[node.op], node.severity
            return lambda record: compares(record.severity, severity)
        case _:
            return _field(node)


def cost(node: Node) -> int:
    """A rank for asking the cheap parts first: 0 numbers, 1 short texts, 2 long ones, 3 expressions, 4 the context."""
    match node:
        case And() | Or():
            return max(map(cost, node.parts))
        case Not():
            return cost(node.part)
        case After() | Before() | Severity():
            return 0
        case Text():
            return 2
        case Pattern(field="" | "message"):
            return 3
        case _:
            return 4 if node.field not in BUILT_IN else 2 if node.field == "message" else 1


def bands_meant(leaf: FieldIs) -> frozenset[int]:
    """The bands (indices into levels.BANDS) whose names a `level:value` takes in."""
    is_meant = wildcard(leaf.text) if leaf.wildcards else leaf.text.__eq__
    return frozenset(band for band, name in enumerate(levels.BANDS) if is_meant(name))


def stored_test(leaf: FieldLeaf) -> StoredTest:
    """Whether *leaf* holds for its field as it is stored: the message, say, or for a key the context's JSON text."""
    if leaf.field in BUILT_IN and isinstance(leaf, Pattern):
        return SafePattern(leaf.regex, leaf.position).matches
    of_value = _value_test(leaf)
    if leaf.field in BUILT_IN:
        return of_value
    read = reader(leaf.field)
    if isinstance(leaf, Has):
        return lambda context: read(context) is not MISSING
    return lambda context: any(map(of_value, scalars(read(context))))


def _value_test(leaf: FieldLeaf) -> Callable[[object], bool]:
    """Whether *leaf* holds for one value of its field."""
    match leaf:
        case Has():
            return bool
        case Pattern():
            matches = SafePattern(leaf.regex, leaf.position).matches
            return lambda value: matches(text_of(value))
        case Compare():
            return _comparison(leaf)
        case FieldIs(field="message"):
            is_like = wildcard(f"*{leaf.text}*") if leaf.wildcards else lambda text: leaf.text in text
            return lambda value: is_like(text_of(value).casefold())
        case FieldIs(wildcards=True):
            is_like = wildcard(leaf.text)
            return lambda value: is_like(text_of(value).casefold())
        case FieldIs():
            return _equality(leaf)
        case _:
            assert_never(leaf)


def _equality(leaf: FieldIs) -> Callable[[object], bool]:
    text, number = leaf.text, number_of(leaf.text)

    def is_equal(value: object) -> bool:
        if isinstance(value, str):
            return value.casefold() == text
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number is not None and value == number
        return text_of(value) == text

    return is_equal


def _comparison(leaf: Compare) -> Callable[[object], bool]:
    compares, limit = OPERATORS[leaf.op], leaf.number

    def holds(value: object) -> bool:
        if isinstance(value, str):
            number = number_of(value)
            return number is not None and compares(number, limit)
        return isinstance(value, int | float) and not isinstance(value, bool) and compares(value, limit)

    return holds


def _field(leaf: FieldLeaf) -> Predicate:
    if isinstance(leaf, Pattern) and not leaf.field:
        return _pattern_anywhere(leaf)
    holds = stored_test(leaf)
    match leaf.field:
        case "message":
            return lambda record: holds(record.message)
        case "source":
            return lambda record: holds(record.source)
        case "id":
            return lambda record: holds(record.id)
        case "level" if isinstance(leaf, FieldIs):
            bands = bands_meant(leaf)
            return lambda record: levels.band_of(record.severity) in bands or holds(record.level)
        case "level":
            return lambda record: holds(record.level)
        case _:
            return lambda record: holds(record.context)


def _text(word: str) -> Predicate:
    return lambda record: (
        word in record.message.casefold()
        or word in record.source.casefold()
        or word in record.level.casefold()
        or word in record.context.casefold()
    )


def _pattern_anywhere(leaf: Pattern) -> Predicate:
    matches = SafePattern(leaf.regex, leaf.position).matches
    return lambda record: (
        matches(record.message) or matches(record.source) or matches(record.level) or matches(record.context)
    )


def _all(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        return lambda record: first(record) and second(record)

    def holds(record: Record) -> bool:
        for part in parts:  # noqa: SIM110  all() over a generator takes twice as long
            if not part(record):
                return False
        return True

    return holds


def _any(parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        return lambda record: first(record) or second(record)

    def holds(record: Record) -> bool:
        for part in parts:  # noqa: SIM110  as above
            if part(record):
                return True
        return False

    return holds
