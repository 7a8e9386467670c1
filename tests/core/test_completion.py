"""Completion: what is offered for a text with the cursor at the bar `|`, and what it replaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.completion import Completion, Option, Vocabulary, complete
from desktop_logs.core.query import parse

KNOWN = Vocabulary(
    fields=("user", "http.code", "level", "has space", "userAgent"),
    levels=("info", "Warning", "error", "audit"),
    sources=("gateway", "my app", "api", "api-2", 'say "x"', ""),
)


def completed(marked: str, known: Vocabulary = KNOWN, limit: int = 12) -> Completion:
    text, _, rest = marked.partition("|")
    return complete(text + rest, len(text), known, limit)


def texts(marked: str) -> list[str]:
    return [option.text for option in completed(marked).options]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("us|", ["user:", "userAgent:"]),
        ("US|", ["user:", "userAgent:"]),
        ("cod|", ["http.code:"]),
        ("s|", ["source:", "message:", "user:", "userAgent:"]),
        ("lev|", ["level:", "context.level:"]),
        ("af|", ["after:"]),
        ("-us|", ["user:", "userAgent:"]),
        ("(us|", ["user:", "userAgent:"]),
        ("a -(b OR us|", ["user:", "userAgent:"]),
        ("f(x) us|", ["user:", "userAgent:"]),
        ("a O|", ["OR", "source:", "before:", "http.code:", "context.level:"]),
        ("a AN|", ["AND"]),
        ("NO|", ["NOT"]),
        ("-NO|", []),
        ("a AND|", []),
        ("a OR|", []),
        ("level:|", ["info", "Warning", "error", "audit", "trace", "debug", "warn", "fatal"]),
        ("level:w|", ["Warning", "warn"]),
        ("-level:ER|", ["error"]),
        ("level:error|", []),
        ("level>=|", ["trace", "debug", "info", "warn", "error", "fatal", "Warning"]),
        ("level<e|", ["error", "trace", "debug"]),
        ("source:|", ["gateway", '"my app"', "api", "api-2", r'"say \"x\""']),
        ("(source:ap|", ["api", "api-2", '"my app"']),
        ("source:zz|", []),
        ("user:|", []),
        ("after:|", ["5m", "15m", "1h", "6h", "1d", "1w", "today", "yesterday"]),
        ("before:3|", ["3s", "3m", "3h", "3d", "3w"]),
        ("after:to|", ["today"]),
        ("~/us|", []),
        ("user~/us|er/", []),
        ("~/x/ us|", ["user:", "userAgent:"]),
        ('"us|', []),
        ('"us|"', []),
        ('"a b"|', []),
        ('"|"', []),
        ('"a b" us|', ["user:", "userAgent:"]),
        ('source:"my|', []),
        ('source:"my app" us|', ["user:", "userAgent:"]),
        ("a:b) us|", ["user:", "userAgent:"]),
        ("http://us|", []),
        ("nothing|", []),
    ],
)
def test_it_offers(marked: str, expected: list[str]) -> None:
    assert texts(marked) == expected


def test_it_offers_every_field_where_nothing_is_begun() -> None:
    for marked in ("|", "a |", "(|", "(|)", '"" |', "a | b"):
        assert texts(marked)[:4] == ["message:", "level:", "source:", "id:"], marked


@pytest.mark.parametrize(
    ("marked", "span"),
    [
        ("a us| b", (2, 4)),
        ("a u|s b", (2, 4)),
        ("-(us|)", (2, 4)),
        ("a source:ga|te b", (9, 13)),
        ("sou|:gate", (0, 3)),
        ("us|er:42", (0, 4)),
        ("us|>=5", (0, 2)),
        ("a |", (2, 2)),
        ("nothing|", (7, 7)),
    ],
)
def test_what_it_replaces(marked: str, span: tuple[int, int]) -> None:
    found = completed(marked)
    assert (found.start, found.end) == span


def test_a_name_before_its_value_is_replaced_without_another_colon() -> None:
    assert texts("use|>=5") == ["user", "userAgent"]


def test_options_say_what_they_are() -> None:
    assert completed("source:my|").options == (Option('"my app"', "my app", "source"),)
    assert [option.note for option in completed("O|").options][:2] == ["operator", "field"]
    assert completed("befo|").options == (Option("before:", "before", "time"),)


def test_it_offers_no_more_than_asked_for() -> None:
    assert len(completed("|", limit=3).options) == 3


def test_a_cursor_beyond_the_text_is_at_its_end() -> None:
    assert complete("us", 99, KNOWN).start == 0
    assert complete("us", -1, KNOWN).start == 0


@given(st.text('ab:"-()~/ >=level*source', max_size=20), st.integers(0, 20))
def test_whatever_is_typed_the_span_is_around_the_cursor(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    found = complete(text, cursor, KNOWN)
    assert 0 <= found.start <= cursor <= found.end <= len(text)
    assert found.options or found.start == found.end == cursor


@given(st.text(min_size=1, max_size=8), st.text('ab \\"-(:*', min_size=1, max_size=6))
def test_what_is_offered_can_be_parsed(key: str, source: str) -> None:
    known = Vocabulary((key,), (), (source,))
    for option in complete("", 0, known, 99).options:
        if option.note == "field":
            parse(f"{option.text}1")
    for option in complete("source:", 7, known).options:
        parse(f"source:{option.text}")
