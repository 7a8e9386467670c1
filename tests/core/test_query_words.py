"""What a query needs is in every document with a record that it selects, and its bounds hold for every such record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_logs.core.levels import ALL_BANDS, band_of
from desktop_logs.core.query import parse
from desktop_logs.core.query_match import compile_node
from desktop_logs.core.query_tree import And, Node, Or, Text
from desktop_logs.core.query_words import Bounds, bounds, clamped, needed
from desktop_logs.core.records import Record
from tests.support.queries import records, trees

# Of all letters, and of those that change when they are folded, are marks, or mean something to FTS5.
_ODD = 'a\u0130\u00df\u017f\u212a\ufb01\u0301"*^:- '
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(_ODD))


@pytest.fixture
def index() -> Iterator[sqlite3.Connection]:
    """An index as a segment has it, with no documents yet."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def is_found(index: sqlite3.Connection, document: str, expression: str) -> bool:
    """Whether the index, with *document* alone in it, finds it by *expression*."""
    index.execute("DROP TABLE IF EXISTS words")
    index.execute("CREATE VIRTUAL TABLE words USING fts5 (text, content = '', tokenize = 'trigram', detail = none)")
    index.execute("INSERT INTO words (rowid, text) VALUES (1, ?)", (document,))
    return bool(index.execute("SELECT count(*) FROM words WHERE words MATCH ?", (expression,)).fetchone()[0])


def folded(*held: Record) -> str:
    return "\n".join(f"{one.level}\n{one.source}\n{one.message}\n{one.context}" for one in held).casefold()


# The index is made anew in each example, so it may outlive one.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees, held=st.lists(records, min_size=1, max_size=3))
def test_no_record_that_is_selected_is_missed(index: sqlite3.Connection, tree: Node, held: list[Record]) -> None:
    expression = needed(tree)
    if expression and any(map(compile_node(tree), held)):
        assert is_found(index, folded(*held), expression)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=TEXTS, text=TEXTS.filter(bool), after=TEXTS)
def test_no_letter_hides_a_text(index: sqlite3.Connection, before: str, text: str, after: str) -> None:
    record = Record(1, 0, 9, "info", "", before + text + after)
    expression = needed(Text(text.casefold()))
    assert not expression or is_found(index, folded(record), expression)


@given(trees, records)
def test_what_is_selected_lies_within_the_bounds(tree: Node, record: Record) -> None:
    if compile_node(tree)(record):
        found = bounds(tree)
        assert found.first_ns <= record.time_ns <= found.last_ns
        assert found.bands >> band_of(record.severity) & 1


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("ab", ""),
        ("-abc", ""),
        ("abc", '"abc"'),
        ('"a\\"b"', '"a""b"'),
        ("abc OR de", ""),
        ("abc de", '"abc"'),
        ("message:ab*cde", '"cde"'),
        ("~/abc/", ""),
        ("key:*", ""),
        ("key>7", ""),
        ("key:7", ""),
        ("level:warn", ""),
    ],
)
def test_only_what_is_certain_is_needed(text: str, expression: str) -> None:
    assert needed(parse(text).tree) == expression


def test_of_a_long_text_the_rarest_parts_are_asked_for() -> None:
    assert needed(Text("the request took 4711 ms")).startswith('("471" AND "711" AND')


def test_of_both_parts_of_an_or_one_is_needed() -> None:
    assert needed(parse("abc OR (bcd cde)").tree) == '("abc" OR ("bcd" AND "cde"))'


def test_a_value_of_a_key_may_be_written_in_escapes() -> None:
    expression = needed(parse("key:456").tree)
    assert expression.startswith('("456" OR "\\u0" OR')


def test_a_large_query_is_within_the_limits_of_fts5(index: sqlite3.Connection) -> None:
    many = tuple(Text(f"word{number}") for number in range(200))
    assert needed(Or(many)) == ""
    assert not is_found(index, "word7", needed(And(many)))
    pairs = Or(tuple(And((Text(f"ab{number}"), Text(f"cd{number}"))) for number in range(20)))
    assert is_found(index, "ab7 cd7", needed(pairs))


def test_what_no_record_has_is_not_asked_of_the_index() -> None:
    assert needed(Text("ab\0cd")) == ""


def test_levels_and_times_of_all_parts_count() -> None:
    found = bounds(parse("level>=warn after:1970-01-01T00:00:10Z before:1970-01-01T00:00:20Z").tree, frozenset({2, 3}))
    assert found == Bounds(10 * 10**9, 20 * 10**9 - 1, 0b001000)


def test_of_an_or_the_bounds_are_those_of_its_widest_part() -> None:
    assert bounds(parse("level>=error OR (level<debug before:1970-01-01T00:00:20Z)").tree).bands == 0b110001
    assert bounds(parse("level>=error OR word").tree) == Bounds()
    assert bounds(None, ALL_BANDS) == Bounds()


def test_times_end_where_64_bits_do() -> None:
    assert Bounds.within(-(10**30), 10**30) == Bounds()
    assert clamped(5) == 5
