"""The query: what is found and what is not, said one by one and against plain Python."""

from __future__ import annotations

import json
import operator
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given

from desktop_logs.core.errors import TooSlow
from desktop_logs.core.query import Query, parse
from desktop_logs.core.query_match import compile_node
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
from desktop_logs.core.records import Record
from tests.support.queries import records, trees

CONTEXT = (
    '{"job":"render-1182","user":42,"ms":42.5,"ok":true,"gone":null,"port":"8080","tags":["New","old",7],'
    '"http":{"status":503,"url":"/api"},"a.b":{"c":1},"level":"inner","list":[{"x":1}],"empty":{},"version":"1.10"}'
)
NOON_NS = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
RECORD = Record(71, NOON_NS, 13, "warning", "gateway", "Upstream worker-2 answered 503", CONTEXT)


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
        "nothing OR upstream",
        "(nothing OR upstream) -(worker db-2)",
        "NOT nothing",
        "level:WARNING",
        "level:warn",
        "level:wa*",
        "level>=warn level<error level<=warn level>info",
        "source:Gateway",
        "source:gate*",
        "source:*way",
        "message:ANSWERED",
        "message:up*2*5",
        "id:1795348800000-1z",
        "user:42",
        "user:42.0",
        "user:4*",
        "ms:42.5",
        "port:8080",
        "ok:true",
        "gone:null",
        "gone:*",
        "tags:new",
        "tags:7",
        "http.status:503",
        "http.status>=500 http.status<600",
        "http:*",
        "a.b.c:1",
        "empty:*",
        "context.level:inner",
        "context.user:42",
        "port>=8080",
        "tags>6",
        "version>1.05",
        "~/WORKER-\\d answered/",
        "message~/^upstream.*503$/",
        "job~/^render-/",
        "user~/^42$/",
        "-message~/(?-i:upstream)/",
        "after:2026-11-22T12:00Z before:2026-11-22T12:01Z",
    ],
)
def test_it_is_found(text: str) -> None:
    assert parse(text).compile()(RECORD)


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "upstream missing",
        '"503 answered"',
        "-upstream",
        "503 -gateway",
        '-"worker-2"',
        "upstream AND NOT 503",
        "level:error",
        "level:inner",
        "level>warn",
        "source:gate",
        'source:"gate*"',
        "source:*g",
        "source:gatew*eway",
        "message:*503up*",
        "id:71",
        "user:4",
        "port:8080.0",
        "version:1.1",
        "gone:false",
        "missing:*",
        "http:503",
        "status:503",
        "list:1",
        "list.x:1",
        "User:42",
        "ok>=0",
        "gone<1",
        "job>0",
        "missing<1",
        "http~/503/",
        "job~/^1182/",
        "after:2026-11-22T12:00:01Z",
        "before:2026-11-22T12:00Z",
    ],
)
def test_it_is_not_found(text: str) -> None:
    assert not parse(text).compile()(RECORD)


def test_empty_text_selects_everything() -> None:
    assert parse(" ").is_empty
    assert parse('""').is_empty
    assert Query().compile()(RECORD)
    assert not parse("a").is_empty


def test_what_folds_to_more_letters_is_found() -> None:
    record = Record(1, 0, 9, "info", "", "STRASSE", '{"city":"Groß"}')
    assert parse("straße city:GROSS").compile()(record)


def test_a_key_with_escapes_in_the_stored_json_is_found() -> None:
    record = Record(1, 0, 9, "info", "", "", r'{"gr\u00f6\u00dfe":1,"a\/b":{"\u0063":2}}')
    assert parse("größe:1").compile()(record)
    assert parse("a/b.c:2").compile()(record)


def test_the_key_as_it_stands_goes_before_the_nested_one() -> None:
    record = Record(1, 0, 9, "info", "", "", '{"a.b":1,"a":{"b":2}}')
    assert parse("a.b:1").compile()(record)
    assert not parse("a.b:2").compile()(record)


@pytest.mark.parametrize("context", ["", "{", "[]", "3", '{"x":1e999}', '{"x":' + "[" * 5_000 + "]" * 5_000 + "}"])
def test_a_context_that_cannot_be_read_has_no_fields(context: str) -> None:
    assert not parse("x:*").compile()(Record(1, 0, 9, "info", "", "", context))


def test_an_expression_that_takes_too_long_is_told_with_its_place() -> None:
    record = Record(1, 0, 9, "info", "", "a" * 40 + "!")
    with pytest.raises(TooSlow, match=r"takes too long") as wrong:
        parse("x OR ~/(a|aa)+$/").compile()(record)
    assert wrong.value.position == 7


def test_what_is_cheap_is_asked_first() -> None:
    """The expression would take too long, and is never tried."""
    record = Record(1, 0, 9, "info", "", "a" * 40 + "!")
    assert not parse("~/(a|aa)+$/ level>=warn").compile()(record)


# --- plain Python -----------------------------------------------------------------------------------------------------

BANDS = ["trace", "debug", "info", "warn", "error", "fatal"]
COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
NUMBER = r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"


def plain_look_up(value: object, name: str) -> list[object]:
    """The value of *name* in a list, or an empty one."""
    if isinstance(value, dict):
        if name in value:
            return [value[name]]
        places = [at for at, char in enumerate(name) if char == "." and at]
        for at in reversed(places):
            found = plain_look_up(value.get(name[:at]), name[at + 1 :])
            if found:
                return found
    return []


def plain_values(record: Record, name: str) -> list[object]:
    if name in ("message", "level", "source", "id"):
        return [getattr(record, name)]
    try:
        context = json.loads(record.context)
    except ValueError:
        return []
    shorter = plain_look_up(context, name[8:]) if name.startswith("context.") else []
    return shorter or plain_look_up(context, name)


def plain_flat(values: list[object]) -> list[object]:
    flat = []
    for value in values:
        flat += plain_flat(value) if isinstance(value, list) else [] if isinstance(value, dict) else [value]
    return flat


def plain_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def plain_number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(NUMBER, value):
        return int(value) if value.lstrip("+-").isdecimal() else float(value)
    return value if isinstance(value, int | float) else None


def plain_is(node: FieldIs, record: Record, value: object) -> bool:
    text = plain_text(value).casefold()
    if node.wildcards:
        inner = ".*".join(re.escape(part) for part in node.text.split("*"))
        find = re.search if node.field == "message" else re.fullmatch
        return bool(find(inner, text, re.DOTALL))
    if node.field == "message":
        return node.text in text
    if isinstance(value, int | float) and not isinstance(value, bool):
        return plain_number(node.text) == value
    return text == node.text


def plain(node: Node, record: Record) -> bool:
    """What the tree claims, said as plainly as it can be."""
    everywhere = [record.message, record.source, record.level, record.context]
    match node:
        case And(parts):
            return all(plain(part, record) for part in parts)
        case Or(parts):
            return any(plain(part, record) for part in parts)
        case Not(part):
            return not plain(part, record)
        case Text(text):
            return any(text in place.casefold() for place in everywhere)
        case Pattern("", regex):
            return any(re.search(regex, place, re.IGNORECASE) for place in everywhere)
        case After(time_ns):
            return record.time_ns >= time_ns
        case Before(time_ns):
            return record.time_ns < time_ns
        case Severity(op, severity):
            return COMPARE[op](record.severity, severity)
        case _:
            found = plain_values(record, node.field)
    values = plain_flat(found)
    match node:
        case Has(field):
            return bool(found) and (field not in ("message", "level", "source", "id") or found != [""])
        case Pattern(_, regex):
            return any(re.search(regex, plain_text(value), re.IGNORECASE) for value in values)
        case Compare(_, op, number):
            read = [plain_number(value) for value in values]
            return any(COMPARE[op](value, number) for value in read if value is not None)
        case FieldIs("level"):
            return any(plain_is(node, record, name) for name in (record.level, BANDS[(record.severity - 1) // 4]))
        case FieldIs():
            return any(plain_is(node, record, value) for value in values)


@given(trees, records)
@example(Text("ss"), Record(1, 0, 9, "", "ß", ""))
@example(FieldIs("a.b.a", "1"), Record(1, 0, 9, "", "", "", '{"a":{"b.a":[[1]]},"a.b":{"b":1}}'))
def test_the_predicate_agrees_with_plain_python(tree: Node, record: Record) -> None:
    assert compile_node(tree)(record) is plain(tree, record)
