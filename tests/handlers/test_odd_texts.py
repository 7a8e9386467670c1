"""Messages as nobody wishes for: sent, cut with a note where they are too long, never raised, bounded in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from desktop_logs.handlers.entries import capture, weigh
from tests.handlers.fake_hub import FakeHub
from tests.handlers.test_sending import logging_to


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.mark.parametrize(
    ("text", "arrives_as"),
    [
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("nul \x00 inside", "nul \\x00 inside"),
        ("\x1b[31mred\x1b]0;title\x07", "\x1b[31mred\x1b]0;title\x07"),
        ("\u202eturned\u2066 round\u2069", "\u202eturned\u2066 round\u2069"),
        ("two\nlines\r\n", "two\nlines\r\n"),
    ],
)
def test_odd_characters_arrive_as_they_are_or_as_escapes(hub: FakeHub, text: str, arrives_as: str) -> None:
    with logging_to(hub.url) as (logger, handler):
        logger.info(text, extra={"same": text})
        logger.info("%s", text)
        handler.flush(10)
        assert handler.stats()["sent"] == 2
    assert hub.messages() == [arrives_as, arrives_as]
    assert hub.entries()[0]["context"]["same"] == arrives_as


@pytest.mark.parametrize("character", ["x", "é", "😀", "\x1b", "\ud800"])
def test_ten_megabytes_are_cut_and_say_so(hub: FakeHub, character: str) -> None:
    with logging_to(hub.url) as (logger, handler):
        logger.error("%s", character * 10_000_000, extra={"also": character * 10_000_000})
        handler.flush(20)
        assert handler.stats()["sent"] == 1
    (request,) = hub.requests
    assert len(request.body) <= 256 * 1024
    assert "characters cut here by the log handler" in request.entries[0]["message"]


def test_what_waits_is_bounded_in_bytes_whatever_it_is_made_of() -> None:
    """An emoji takes four bytes and a list's part sixty: 200 such records were 27 MB before they were weighed so."""
    with logging_to("http://127.0.0.1:9", max_bytes=1_000_000, max_spool_bytes=0) as (logger, handler):
        for _ in range(200):
            logger.info("😀" * 5_000, extra={"parts": [[str(number)] for number in range(1_500)]})
        waiting = list(handler._queue.take(1_000, 1 << 40))
        assert 0 < sum(weigh(captured)[0] for _, captured in waiting) <= 1_000_000
        assert handler._queue.dropped + len(waiting) >= 199


def test_a_record_weighs_at_least_its_json() -> None:
    for extra in ({}, {"user": "x" * 500}, {"deep": [{"a": [1, "b"]}] * 50}):
        captured = capture(logging.makeLogRecord({"msg": "y" * 300, "levelno": 40, **extra}))
        assert weigh(captured) == (weigh(captured)[0], True)
        assert weigh(captured)[0] >= len(json.dumps(extra)) + 300
