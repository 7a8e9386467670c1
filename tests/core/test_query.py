"""The query: what is found, what is not, and where a fault stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.errors import QueryError
from desktop_logs.core.query import Query, parse
from desktop_logs.core.records import Record

RECORD = Record(1, 0, 13, "warning", "gateway", "Upstream worker-2 answered 503", '{"job":"render-1182"}')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "upstream",
        "UPSTREAM 503",
        '"answered 503"',
        "gateway",
        "warning",
        "render-1182",
        "-health",
        "worker-2 -db",
    ],
)
def test_it_is_found(text: str) -> None:
    assert parse(text).compile()(RECORD)


@pytest.mark.parametrize(
    "text", ["nothing", "upstream missing", '"503 answered"', "-upstream", "503 -gateway", '-"worker-2"']
)
def test_it_is_not_found(text: str) -> None:
    assert not parse(text).compile()(RECORD)


def test_empty_text_selects_everything() -> None:
    assert parse(" ").is_empty
    assert parse('""').is_empty


def test_a_lone_dash_is_a_word() -> None:
    assert parse("a - b") == Query(("a", "-", "b"))


def test_an_open_quotation_mark_is_told_with_its_place() -> None:
    with pytest.raises(QueryError, match="quotation mark at 6") as wrong:
        parse('find "this')
    assert wrong.value.position == 5


words = st.text(st.sampled_from("abcABC1-é"), min_size=1, max_size=4).filter(lambda word: not word.startswith("-"))


@given(st.lists(words, max_size=4), st.lists(words, max_size=3), st.text(st.sampled_from("abcABC1-é "), max_size=20))
def test_it_agrees_with_plain_python(required: list[str], excluded: list[str], message: str) -> None:
    text = " ".join([*required, *(f"-{word}" for word in excluded)])
    found = message.lower()
    expected = all(word.lower() in found for word in required) and not any(word.lower() in found for word in excluded)
    assert parse(text).compile()(Record(1, 0, 9, "", "", message)) is expected


@given(st.text())
def test_random_text_raises_nothing_but_its_own_error(text: str) -> None:
    try:
        parse(text).compile()(RECORD)
    except QueryError as wrong:
        assert 0 <= wrong.position < len(text)
