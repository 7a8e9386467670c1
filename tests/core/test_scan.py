"""What a scan over columns selects is what the query's predicate selects, whatever the query and the records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.errors import TooSlow
from desktop_logs.core.gaps import gap_record
from desktop_logs.core.levels import ALL_BANDS, BANDS, WARN, band_of
from desktop_logs.core.patience import PATIENCE_S
from desktop_logs.core.query import Query, parse
from desktop_logs.core.query_tree import Node
from desktop_logs.core.records import Record
from desktop_logs.core.scan import Filter, rows
from desktop_logs.core.slab import Slab
from tests.support.queries import trees
from tests.support.recordlists import record_lists

band_sets = st.just(ALL_BANDS) | st.frozensets(st.sampled_from(range(len(BANDS))))


def selected(filter_: Filter, records: list[Record]) -> list[int]:
    return list(rows(filter_.marks(Slab(records)), len(records)))


def message(seq: int, text: str, **others: object) -> Record:
    values = {"time_ns": seq, "severity": 9, "level": "info", "source": "api", "context": ""}
    return Record(seq=seq, message=text, **{**values, **others})


def messages(*texts: str) -> list[Record]:
    return [message(seq, text) for seq, text in enumerate(texts, 1)]


@given(trees, band_sets, record_lists(min_size=1))
def test_columns_and_records_agree(tree: Node, bands: frozenset[int], records: list[Record]) -> None:
    filter_ = Filter(bands, Query(tree))
    matches = filter_.query.compile()
    expected = [row for row, record in enumerate(records) if band_of(record.severity) in bands and matches(record)]
    assert filter_.rows_of(records) == expected
    assert selected(filter_, records) == expected


@given(trees, record_lists(min_size=1, max_size=4, copies=40))
def test_they_agree_where_much_is_found(tree: Node, records: list[Record]) -> None:
    filter_ = Filter(ALL_BANDS, Query(tree))
    assert selected(filter_, records) == filter_.rows_of(records)


@pytest.mark.parametrize(("every", "others"), [(1, 0), (2, 0), (7, 0), (50, 0), (2, 400), (50, 400)])
def test_a_word_is_found_however_often_it_comes(every: int, others: int) -> None:
    """Common first and rare later, too: the way of searching changes in between, and must not lose its place."""
    texts = [f"Needle {at}" if at % every == 0 else f"hay {at}" for at in range(500)] + ["HAY"] * others + ["a nEEDle"]
    expected = [at for at, text in enumerate(texts) if "needle" in text.casefold()]
    assert selected(Filter(ALL_BANDS, parse("needle")), messages(*texts)) == expected


def test_a_word_is_not_found_across_two_records() -> None:
    assert selected(Filter(ALL_BANDS, parse('"one two"')), messages("one", " two", "one two")) == [2]
    assert selected(Filter(ALL_BANDS, parse('"e\0t"')), messages("one", "two")) == []


@pytest.mark.parametrize("expression", ["e.*f", "e\\st", "^t", "e$", "[^a]t", "\\W", "x*"])
def test_an_expression_does_not_reach_into_the_next_record(expression: str) -> None:
    records = messages("one", "two five", "", "e\nt", "one two")
    filter_ = Filter(ALL_BANDS, parse(f"message~/{expression}/"))
    assert selected(filter_, records) == filter_.rows_of(records)


@pytest.mark.parametrize("query", ["", "nowhere", "-missing", "level>=error", "message~/(x|y)$/", "source:api"])
def test_gaps_are_selected_by_whatever_filter_and_nothing_else_of_their_source_is(query: str) -> None:
    of_hub = message(2, "of the hub itself", severity=WARN, level="warn", source="desktop-logs")
    records = [
        message(1, "one"),
        of_hub,
        gap_record(3, 3, "slow", 5, 9),
        message(4, "two"),
        gap_record(5, 5, "unknown"),
    ]
    for bands in (ALL_BANDS, frozenset({BANDS.index("fatal")})):
        filter_ = Filter(bands, parse(query))
        matches = filter_.query.compile()
        expected = [
            row
            for row, record in enumerate(records)
            if row in (2, 4) or (band_of(record.severity) in bands and matches(record))
        ]
        assert filter_.rows_of(records) == expected
        assert selected(filter_, records) == expected


def test_rare_words_are_sought_first_and_spare_the_rest() -> None:
    records = messages(*(["common word"] * 100), "common rare")
    assert selected(Filter(ALL_BANDS, parse("common rare")), records) == [100]
    assert selected(Filter(ALL_BANDS, parse("common nowhere")), records) == []


def test_an_expression_that_takes_too_long_on_one_record_ends_the_scan_with_its_place() -> None:
    filter_ = Filter(ALL_BANDS, parse("api message~/(a|aa)+$/"))
    records = messages("short", "a" * 5_000 + "!")
    with pytest.raises(TooSlow, match=r"\(a\|aa\)\+\$") as scanned:
        filter_.marks(Slab(records))
    assert scanned.value.position == len("api message~/")
    with pytest.raises(TooSlow):
        filter_.rows_of(records)


@pytest.mark.parametrize("query", [r"message~/(?=a)b/", r"user~/a/", r"~/(?=x)a/"])
def test_an_expression_that_takes_too_long_on_many_records_ends_the_scan(query: str) -> None:
    """By a clock of its own: each look at it is a third of what a slab may take."""
    looks = iter(range(1_000))
    filter_ = Filter(ALL_BANDS, parse(query), clock=lambda: next(looks) * PATIENCE_S / 3)
    records = [message(seq, "aab", context='{"user":"b"}') for seq in range(1, 40)]
    with pytest.raises(TooSlow):
        filter_.marks(Slab(records))
    with pytest.raises(TooSlow):
        filter_.rows_of(records)


@pytest.mark.parametrize("part", ["n>={}", "user:*{}*", "word{}", "user~/{}x/"])
@pytest.mark.parametrize("joined_by", [" OR -", " -"])
def test_all_parts_of_a_query_share_the_time_that_it_may_take(part: str, joined_by: str) -> None:
    """Ten of them, each by itself quick enough: together they would hold up the window."""
    looks = iter(range(10_000))
    text = f"-{joined_by.join(part.format(number) for number in range(10))}"
    filter_ = Filter(ALL_BANDS, parse(text), clock=lambda: next(looks) * PATIENCE_S / 4)
    records = [message(seq, "hello", context='{"user":"b","n":"x"}') for seq in range(1, 100)]
    if " OR " in joined_by:
        filter_ = Filter(ALL_BANDS, parse(text.replace("-", "")), clock=lambda: next(looks) * PATIENCE_S / 4)
    for few_or_many in (records[:9], records):
        with pytest.raises(TooSlow, match="takes too long"):
            filter_.rows_of(few_or_many)
    with pytest.raises(TooSlow, match="takes too long"):
        filter_.marks(Slab(records))


@pytest.mark.parametrize("query", [r"message~/(?=a)b/", r"user~/a/", r"~/(?=x)a/"])
def test_an_expression_is_not_slow_while_others_have_the_processor(query: str) -> None:
    wall = iter(range(1_000))
    filter_ = Filter(ALL_BANDS, parse(query), clock=lambda: next(wall) * PATIENCE_S, work_clock=lambda: 0.0)
    records = [message(seq, "aab", context='{"user":"b"}') for seq in range(1, 40)]
    assert selected(filter_, records) == filter_.rows_of(records) == []


def test_a_usual_expression_takes_as_many_new_records_as_come_at_once() -> None:
    """By a clock of its own: a burst takes longer than a slab may, at a pace that is fine for a slab."""
    looks = iter(range(100_000))
    filter_ = Filter(ALL_BANDS, parse(r"message~/took \d{3}/"), clock=lambda: next(looks) * PATIENCE_S / 4_000)
    assert len(filter_.rows_of(messages(*["took 100 ms"] * 5_000))) == 5_000


def test_filters_are_equal_by_what_they_select() -> None:
    assert Filter(ALL_BANDS, parse("a  b")) == Filter(ALL_BANDS, parse("a b"))
    assert Filter(frozenset({1})) != Filter()
    assert Filter().is_everything
    assert not Filter(ALL_BANDS, parse("a")).is_everything
