"""From text to tree: what is typed, what it becomes, and where a fault stands."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.errors import QueryError
from desktop_logs.core.query import Query, parse
from desktop_logs.core.query_parser import MAX_CHARS, MAX_DEPTH, MAX_LEAVES
from desktop_logs.core.query_tree import (
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
from tests.support.queries import leaf_nodes, trees

A, B, C = Text("a"), Text("b"), Text("c")
NOW_NS = 1_795_000_000_000_000_000
SECOND_NS = 1_000_000_000


@pytest.fixture
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of the process is fixed here")
    with monkeypatch.context() as zone:
        zone.setitem(os.environ, "TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  ", None),
        ('"" -""', None),
        ("a", A),
        ("A", A),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a b OR c", Or((And((A, B)), C))),
        ("a OR b c", Or((A, And((B, C))))),
        ("(a OR b) c", And((Or((A, B)), C))),
        ("a and b", And((A, Text("and"), B))),
        ("NOT a b", And((Not(A), B))),
        ("NOT(a b)", Not(And((A, B)))),
        ("-a", Not(A)),
        ("-(a OR b)", Not(Or((A, B)))),
        ("NOT -a", A),
        ("NOT NOT NOT a", Not(A)),
        ("((a)) a", A),
        ("a (b (c a))", And((A, B, C))),
        ("a OR (b OR a)", Or((A, B))),
        ("a - b", And((A, Text("-"), B))),
        ("(a -)", And((A, Text("-")))),
        ("--port", Not(Text("-port"))),
        ("-AND", Not(Text("and"))),
        ("getUser()", Text("getuser()")),
        ("(getUser() b)", And((Text("getuser()"), B))),
        ('"a b"', Text("a b")),
        (r'"say \"a\" to C:\\b\c"', Text(r'say "a" to c:\b\c')),
        ('{"job":"x"}', Text('{"job":"x"}')),
        ("Straße", Text("strasse")),
        ("http://host/x", Text("http://host/x")),
        ("std::vector", Text("std::vector")),
        ("12:30:15", Text("12:30:15")),
        (r"C:\logs", Text(r"c:\logs")),
        ("c:/logs", Text("c:/logs")),
        ("a->b", Text("a->b")),
        ("user=42", Text("user=42")),
        ("user!=42", Text("user!=42")),
        ("TypeError: a", And((Text("typeerror:"), A))),
        ('"level:error"', Text("level:error")),
        ("level:Error", FieldIs("level", "error")),
        ('-source:"My App"', Not(FieldIs("source", "my app"))),
        ("source:api*", FieldIs("source", "api*", wildcards=True)),
        ('source:"api*"', FieldIs("source", "api*")),
        ("user:*", Has("user")),
        ('user:""', FieldIs("user", "")),
        ("id:a:b", FieldIs("id", "a:b")),
        ("(http.status:500)", FieldIs("http.status", "500")),
        ("message:f(x)", FieldIs("message", "f(x)")),
        ("@x/y-z.$a:1", FieldIs("@x/y-z.$a", "1")),
        ("größe:1", FieldIs("größe", "1")),
        ("a>=5", Compare("a", ">=", 5)),
        ("a>-.5", Compare("a", ">", -0.5)),
        ('a<="1e3"', Compare("a", "<=", 1000)),
        ("a<+2.", Compare("a", "<", 2)),
        ("level>=warn", Severity(">=", 13)),
        ("level<Error", Severity("<", 17)),
        ("context.level>=3", Compare("context.level", ">=", 3)),
        ("~/a b/", Pattern("", "a b")),
        (r"-path~/^\/api\/[\d]+$/ a", And((Not(Pattern("path", r"^\/api\/[\d]+$")), A))),
        ("(~/(a)/)", Pattern("", "(a)")),
    ],
)
def test_it_reads(text: str, tree: Node | None) -> None:
    assert parse(text) == Query(tree)


@pytest.mark.parametrize(
    ("text", "position", "sentence"),
    [
        ('find "this', 5, "The quotation mark at 6 is never closed."),
        ("(a", 0, "The ( at 1 is not closed: put a ) at its end"),
        ("(f(a(b))", 0, "The ( at 1 is not closed"),
        ("a b)", 3, "The ) at 4 closes nothing"),
        ("a ( )", 2, "The group at 3 is empty"),
        ("a AND", 2, "AND at 3 needs something behind it"),
        ("a NOT ", 2, "NOT at 3 needs something behind it"),
        ('(a OR "")', 3, "OR at 4 needs something behind it"),
        ("OR a", 0, "OR at 1 needs something in front of it"),
        ("a AND OR b", 6, "OR at 7 needs something in front of it"),
        ("level:", 0, "level: at 1 needs a value behind it"),
        ("a (source: b)", 3, "source: at 4 needs a value behind it"),
        ("a>=", 0, "a>= at 1 needs a value behind it"),
        ("level:(a OR b)", 6, "Write (level:one OR level:other)"),
        ("x a>=b", 2, "a>= at 3 needs a number behind it. In quotation marks it is text."),
        ("a>1e999", 0, "needs a number"),
        ("level>=foo", 0, "'foo' at 1 is not a level. Use one of trace, debug"),
        ("after:soon", 6, "'soon' at 7 is not a time. Use one such as 10m"),
        ("a after:*", 8, "is not a time"),
        ("user~/a", 5, "The expression at 6 is not closed: put a / at its end."),
        (r"~/a\/", 1, "The expression at 2 is not closed"),
        ("~//", 1, "The expression at 2 is empty"),
        ("~/a/i", 4, "The expression at 2 ends before 5"),
        ("x ~/a(b/", 7, "The expression is wrong at 8: missing )."),
        ("x ~/a(?R)/", 5, "(?R at 6 is not supported"),
        ("a \ud83d", 2, "The character at 3 is only half of one."),
        ("a" * (MAX_CHARS + 1), MAX_CHARS, "4,001 characters"),
        ("(" * (MAX_DEPTH + 1) + "a", MAX_DEPTH, "At 51 there are more than 50 groups"),
        ("~/a/ " * 11, 51, "At 52 there are more than 10 expressions."),
        ("a " * (MAX_LEAVES + 1), 2 * MAX_LEAVES, "more than 200 parts"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, position: int, sentence: str) -> None:
    with pytest.raises(QueryError) as wrong:
        parse(text)
    assert sentence in str(wrong.value)
    assert wrong.value.position == position


def test_what_is_just_within_the_limits_is_read() -> None:
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH).tree == A
    assert parse("a OR b " * (MAX_LEAVES // 2)).tree is not None
    assert parse("NOT " * 999 + "a").tree == Not(A)


def test_the_place_of_an_expression_is_that_of_its_first_character() -> None:
    tree = parse("user~/x/").tree
    assert isinstance(tree, Pattern)
    assert tree.position == 6


def test_queries_are_equal_however_they_were_typed() -> None:
    assert parse(" A   AND ~/x/ ") == parse("a ~/x/")
    assert parse(" A  b ").text == "A  b"


@pytest.mark.parametrize(
    ("text", "back_s"),
    [("30s", 30), ("10m", 600), ("2h", 7_200), ("1.5d", 129_600), ("2w", 1_209_600), ("1h30m", 5_400), ("10M", 600)],
)
def test_a_duration_is_counted_back_from_now(text: str, back_s: int) -> None:
    assert parse(f"after:{text}", NOW_NS).tree == After(NOW_NS - back_s * SECOND_NS)
    assert parse(f"before:{text}", NOW_NS).tree == Before(NOW_NS - back_s * SECOND_NS)


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * SECOND_NS


@pytest.mark.usefixtures("_in_new_york")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22", "2026-11-22T00:00:00-05:00"),
        ("2026-06-22T10:00", "2026-06-22T10:00:00-04:00"),
        ('"2026-11-22 10:00:05"', "2026-11-22T10:00:05-05:00"),
        ("2026-11-22T10:00Z", "2026-11-22T10:00:00+00:00"),
        ("2026-11-22t10:00:00+02:00", "2026-11-22T10:00:00+02:00"),
        ("10:30", "2026-11-01T10:30:00-05:00"),
        ("0:30:15", "2026-11-01T00:30:15-04:00"),
        ("today", "2026-11-01T00:00:00-04:00"),
        ("Yesterday", "2026-10-31T00:00:00-04:00"),
    ],
)
def test_a_moment_is_local_unless_it_says_otherwise(text: str, moment: str) -> None:
    """Now is the afternoon of the day on which New York leaves summer time."""
    now_ns = _ns("2026-11-01T15:00:00-05:00")
    assert parse(f"after:{text}", now_ns).tree == After(_ns(moment))


@pytest.mark.parametrize("text", ["", "10", "10x", "25:00", "2026-13-01", "10:30 tomorrow", "-10m", "99999999999d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="is not a time"):
        parse(f'after:"{text}"', NOW_NS)


@given(trees)
def test_what_is_written_down_reads_as_it_was(tree: Node) -> None:
    once = parse(str(tree)).tree
    assert once is not None
    assert parse(str(once)).tree == once


@given(leaf_nodes)
def test_a_leaf_that_is_written_down_reads_as_itself(leaf: Node) -> None:
    again = parse(str(leaf)).tree
    assert str(again) == str(leaf)
    assert parse(str(Not(leaf))).tree == Not(again)
    # An expression keeps the backslashes before its slashes, which mean the same.
    assert again == leaf or isinstance(leaf, Pattern)


pieces = st.sampled_from(
    [*'()"-/:<*[]+|>=~ \\', "~/", "AND ", "OR ", "NOT ", "level", "after:", "{2}", "(?", "10m", "\ud800"]
)


@given(st.text() | st.lists(pieces, max_size=40).map("".join))
def test_random_text_raises_nothing_but_its_own_error(text: str) -> None:
    try:
        parse(text, NOW_NS)
    except QueryError as wrong:
        assert 0 <= wrong.position <= len(text)
        assert str(wrong).endswith((".", '"'))
