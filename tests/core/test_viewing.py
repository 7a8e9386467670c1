"""What hubs and version 2 viewers say to each other: out and back again, and a sentence for what is no such thing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core import viewing
from desktop_logs.core.encoding import encode_numbered
from desktop_logs.core.errors import PeerError, QueryError
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query, parse
from desktop_logs.core.records import Record
from desktop_logs.core.viewing import (
    Auth,
    Batch,
    Gap,
    Hello,
    Newest,
    Position,
    Search,
    Subscribe,
    encode_batch,
    parse_auth,
    parse_batch_head,
    parse_gap,
    parse_hello,
    parse_numbered,
    parse_search,
    parse_subscribe,
)

NOW_NS = 1_795_341_600_000_000_000
NAMES = ["proto", "token", "resume", "epoch", "seq", "query", "from", "around", "limit", "levels", "before_seq"]
NAMES += ["after_seq", "span_ms", "id", "first", "last", "data", "to", "head", "oldest", "limits", "name", "version"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "auth"),
    [
        (None, Auth()),
        ({}, Auth()),
        ({"proto": 1}, Auth()),
        ({"proto": 2}, Auth(2)),
        ({"proto": 3, "token": "t"}, Auth(3, "t")),
        ({"user": "somebody's own"}, Auth()),
        ({"proto": 2, "resume": None}, Auth(2)),
        ({"proto": 2, "resume": {"epoch": "e", "seq": 5}}, Auth(2, "", Position("e", 5))),
        ({"resume": {"epoch": "e", "seq": 5}}, Auth()),
        ({"resume": "of another program"}, Auth()),
    ],
)
def test_auth_says_who_a_client_is(value: object, auth: Auth) -> None:
    assert parse_auth(value) == auth


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("token", "auth must be an object"),
        ([], "auth must be an object"),
        (7, "auth must be an object"),
        ({"proto": "2"}, "auth.proto must be"),
        ({"proto": 0}, "auth.proto must be"),
        ({"proto": True}, "auth.proto must be"),
        ({"proto": 2.0}, "auth.proto must be"),
        ({"proto": None}, "auth.proto must be"),
        ({"token": 5}, "auth.token must be"),
        ({"token": None}, "auth.token must be"),
        ({"token": "x" * 1_001}, "auth.token must be"),
        ({"proto": 2, "resume": 5}, "auth.resume must be like"),
        ({"proto": 2, "resume": {"epoch": "e"}}, "auth.resume must be like"),
        ({"proto": 2, "resume": {"epoch": "e", "seq": True}}, "auth.resume must be like"),
        ({"proto": 2, "resume": {"epoch": "e", "seq": -1}}, "auth.resume must be like"),
        ({"proto": 2, "resume": {"epoch": "e", "seq": 2**63}}, "auth.resume must be like"),
        ({"proto": 2, "resume": {"epoch": "e" * 101, "seq": 1}}, "auth.resume must be like"),
    ],
)
def test_an_auth_that_is_none_is_refused_with_a_sentence(value: object, why: str) -> None:
    with pytest.raises(PeerError, match=why):
        parse_auth(value)


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        ({}, Subscribe(Query(), "tail")),
        ({"query": "", "from": "ring"}, Subscribe(Query(), "ring")),
        ({"from": {"newest": 500}}, Subscribe(Query(), Newest(500))),
        ({"query": "level:error", "from": {"epoch": "e", "seq": 0}}, Subscribe(parse("level:error"), Position("e", 0))),
    ],
)
def test_a_subscription_has_a_query_and_a_start(payload: object, wanted: Subscribe) -> None:
    assert parse_subscribe(payload, NOW_NS) == wanted


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (None, "subscribe must be an object"),
        ({"from": "head"}, 'from must be "tail", "ring", {"newest":500} or like {"epoch":"…","seq":123}.'),
        ({"from": {"newest": -1}}, "newest must be a whole number from 0"),
        ({"from": {"newest": 5, "seq": 1}}, 'from must be "tail", "ring", '),
        ({"from": None}, 'from must be "tail", "ring", {"newest":500} or like {"epoch":"…","seq":123}.'),
        ({"query": 5}, "query must be a string"),
        ({"query": "x" * 10_001}, "query must be a string of at most 10,000"),
    ],
)
def test_a_subscription_that_is_none_is_refused_with_a_sentence(payload: object, why: str) -> None:
    with pytest.raises(PeerError, match=why):
        parse_subscribe(payload, NOW_NS)


def test_a_query_that_is_none_is_refused_with_its_position() -> None:
    with pytest.raises(QueryError) as wrong:
        parse_subscribe({"query": "a (b"}, NOW_NS)
    assert wrong.value.position >= 0


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        ({}, Search(Query())),
        (
            {"query": "a", "before_seq": 5, "limit": 1000, "levels": ["error", "fatal"], "id": 3},
            Search(parse("a"), viewing._bands({"levels": ["error", "fatal"]}), before_seq=5, limit=1000, id=3),
        ),
        ({"after_seq": 0, "limit": 1}, Search(Query(), after_seq=0, limit=1)),
        ({"around": {"seq": 9, "span_ms": 500}}, Search(Query(), around_seq=9, span_ms=500)),
        ({"levels": []}, Search(Query(), frozenset())),
    ],
)
def test_a_search_is_for_what_is_older_newer_or_around(payload: object, wanted: Search) -> None:
    assert parse_search(payload, NOW_NS) == wanted


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ([], "search must be an object"),
        ({"limit": 0}, "limit must be"),
        ({"limit": 1001}, "limit must be"),
        ({"limit": "5"}, "limit must be"),
        ({"before_seq": -1}, "before_seq must be"),
        ({"before_seq": "5"}, "before_seq must be"),
        ({"id": 1.5}, "id must be"),
        ({"levels": "error"}, "levels must be a list of"),
        ({"levels": ["loud"]}, "levels must be a list of"),
        ({"levels": [["error"]]}, "levels must be a list of"),
        ({"around": 5}, "around must be an object"),
        ({"around": {"seq": 5}}, "around must be like"),
        ({"around": {"span_ms": 5}}, "around must be like"),
        ({"around": {"seq": 5, "span_ms": 86_400_001}}, "around must be like"),
        ({"before_seq": 1, "after_seq": 1}, "search takes one of"),
        ({"after_seq": 1, "around": {"seq": 1, "span_ms": 1}}, "search takes one of"),
        ({"after_seq": 1, "query": "a"}, "takes no query and no levels"),
        ({"around": {"seq": 1, "span_ms": 1}, "levels": ["error"]}, "takes no query and no levels"),
    ],
)
def test_a_search_that_is_none_is_refused_with_a_sentence(payload: object, why: str) -> None:
    with pytest.raises(PeerError, match=why):
        parse_search(payload, NOW_NS)


@given(ANYTHING)
def test_whatever_a_peer_says_nothing_but_these_errors_comes_of_it(value: Any) -> None:
    for read in (parse_auth, parse_hello, parse_gap, batch_of):
        try:
            read(value)
        except PeerError as wrong:
            assert str(wrong).endswith(".")
    for read_at in (parse_subscribe, parse_search):
        try:
            read_at(value, NOW_NS)
        except (PeerError, QueryError) as wrong:
            assert str(wrong)


@pytest.mark.parametrize("has_history", [True, False])
def test_hello_goes_out_and_back(has_history: bool) -> None:
    hello = Hello("desktop-logs", "1.2.3", 'e"1', 500, 100, has_history)
    told = json.loads(hello.encode())
    assert (told["proto"], told["limits"]["unanswered"]) == (2, 4)
    assert parse_hello(told) == hello


@pytest.mark.parametrize("payload", [None, {}, {"name": "a", "version": "b", "epoch": "c"}, {"head": 1, "oldest": 1}])
def test_a_hello_that_is_none_is_refused(payload: object) -> None:
    with pytest.raises(PeerError, match="hello"):
        parse_hello(payload)


def test_a_gap_goes_out_and_back() -> None:
    gap = Gap("e", 5, 9, "evicted")
    told = json.loads(gap.encode())
    assert told == {"epoch": "e", "from": 5, "to": 9, "reason": "evicted"}
    assert parse_gap(told) == gap
    assert parse_gap({**told, "reason": "of next year"}).reason == "slow"
    with pytest.raises(PeerError, match="gap lacks"):
        parse_gap({"epoch": "e", "from": 5})


def batch_of(told: object) -> tuple[Batch, list[Record], int]:
    """A `logBatch` read in one go: what it covers, its records, and how many could not be read."""
    batch, entries = parse_batch_head(told)
    return batch, *parse_numbered(entries, batch.first - 1, batch.last, NOW_NS)


def test_a_batch_goes_out_and_back() -> None:
    records = [
        Record(5, NOW_NS, 13, "warn", "api", 'say "hello" ü \\', '{"a":{"b":[1,2]}}', "given"),
        Record(9, NOW_NS + 1, 9, "silly", "", "no context", "", "id-9"),
    ]
    told = json.loads(encode_batch('e"1', 4, 12, [encode_numbered(record) for record in records]))
    assert [entry["seq"] for entry in told["data"]] == [5, 9]
    batch, read, unreadable = batch_of(told)
    assert (batch.epoch, batch.first, batch.last, unreadable) == ('e"1', 4, 12, 0)
    assert [(r.seq, r.message, r.context, r.source, r.time_ns, r.id) for r in read] == [
        (r.seq, r.message, r.context, r.source, r.time_ns, r.id) for r in records
    ]


def test_an_empty_batch_tells_how_far_it_is() -> None:
    batch, read, _ = batch_of(json.loads(encode_batch("e", 4, 12, [])))
    assert (batch.first, batch.last, read) == (4, 12, [])


def test_an_entry_that_cannot_be_read_is_counted_and_the_others_are_taken() -> None:
    told = {"epoch": "e", "first": 1, "last": 3, "data": [{"seq": 1}, {"seq": 2, "message": "good"}]}
    _, read, unreadable = batch_of(told)
    assert ([record.message for record in read], unreadable) == (["good"], 1)


@pytest.mark.parametrize("numbers", [[2, 1], [1, 1], [0], [4], [None], ["1"], [True]])
def test_a_batch_whose_numbers_are_out_of_order_is_refused(numbers: list[object]) -> None:
    data = [{"seq": number, "message": "x"} for number in numbers]
    with pytest.raises(PeerError, match="missing or out of order"):
        batch_of({"epoch": "e", "first": 1, "last": 3, "data": data})


def test_a_search_for_everything_takes_all_levels() -> None:
    assert parse_search({}, NOW_NS).bands == ALL_BANDS
