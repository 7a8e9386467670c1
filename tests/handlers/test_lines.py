"""The quick way to a line writes what the plain way writes."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.handlers.entries import MAX_LINE_BYTES, capture, entry_of
from desktop_logs.handlers.lines import encode_line, line_of

ANY_TEXT = st.text(st.characters(exclude_categories=[]))  # lone surrogates are among them


@given(
    fields=st.fixed_dictionaries(
        {
            "msg": ANY_TEXT | st.sampled_from(['"",timestamp":"', "\x00\x1b[31m\u202e\ud800", "é😀"]),
            "levelname": ANY_TEXT | st.sampled_from(["INFO", "TRACE", '"",', 'x"",timestamp":"']),
            "levelno": st.integers(0, 60) | st.none(),
            "name": ANY_TEXT | st.sampled_from(["root", "shop", ""]),
            "created": st.floats(0, 4e9) | st.sampled_from([1.9999999, 0.9999995, -1.5, 1e20, float("nan")]),
            "filename": ANY_TEXT,
            "lineno": st.integers(0, 9),
            "process": st.integers(0, 2**40) | st.none() | st.booleans(),
            "threadName": ANY_TEXT | st.none(),
            "taskName": ANY_TEXT | st.none(),
        }
    ),
    source=ANY_TEXT | st.none(),
)
def test_it_is_the_line_of_the_entry(fields: dict[str, Any], source: str | None) -> None:
    captured = capture(logging.makeLogRecord(fields))
    quick, plain = line_of(captured, source), encode_line(entry_of(captured, source))
    if not -1e10 < captured[0] < 1e10:  # a time that is none is told as now
        quick, plain = (json.dumps({**json.loads(line), "timestamp": ""}).encode() for line in (quick, plain))
    assert quick == plain


@pytest.mark.parametrize("extra", [{"user": 1}, {"exc_text": "Traceback"}, {"stack_info": "Stack"}])
def test_what_a_record_has_besides_its_message_is_there(extra: dict[str, Any]) -> None:
    captured = capture(logging.makeLogRecord({"msg": "x", **extra}))
    line = line_of(captured, "api")
    assert line == encode_line(entry_of(captured, "api"))
    assert len(json.loads(line)["context"]) > len(
        json.loads(line_of(capture(logging.makeLogRecord({})), ""))["context"]
    )


def test_a_line_that_is_too_long_is_cut_and_says_so() -> None:
    line = line_of(capture(logging.makeLogRecord({"msg": "\u202e" * 10_000_000})), "api")
    assert len(line) <= MAX_LINE_BYTES + 1
    assert "characters cut here by the log handler" in json.loads(line)["message"]


@pytest.mark.parametrize("odd", [{"process": []}, {"threadName": {}}, {"levelname": []}])
def test_a_field_without_a_hash_is_no_obstacle(odd: dict[str, Any]) -> None:
    captured = capture(logging.makeLogRecord({"msg": "x", **odd}))
    assert line_of(captured, "api") == encode_line(entry_of(captured, "api"))
