"""One connection to a hub: what becomes of it when the network or the hub misbehave."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from desktop_logs.handlers import posting
from desktop_logs.handlers.batches import Batch
from desktop_logs.handlers.posting import Answer, HubConnection, Verdict
from tests.handlers.fake_hub import FakeHub, Reply

BATCH = Batch("3f0c7f0e-0000-0000-0000-000000000000", 1, b'{"message":"x"}\n', 1)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@contextmanager
def connected_to(url: str, timeout_s: float = 10.0) -> Iterator[HubConnection]:
    connection = HubConnection(url, None, timeout_s)
    try:
        yield connection
    finally:
        connection.close()


def test_a_connect_that_is_reset_is_a_hub_that_is_away(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a listener that closes does to those in its queue."""

    def reset(_: http.client.HTTPConnection) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    with connected_to(hub.url) as connection:
        with monkeypatch.context() as patch:
            patch.setattr(http.client.HTTPConnection, "connect", reset)
            answer = connection.post(BATCH)
        assert answer.verdict is Verdict.LATER
        assert "cannot be reached" in answer.reason
        assert connection.post(BATCH) == Answer(Verdict.STORED)


def test_a_hub_that_is_silent_is_not_asked_twice(hub: FakeHub) -> None:
    """A kept connection that timed out is no closed one: trying again at once would double the wait."""
    with connected_to(hub.url, 0.3) as connection:
        assert connection.post(BATCH).verdict is Verdict.STORED
        hub.replies = [Reply(hang=True)]
        assert connection.post(BATCH).verdict is Verdict.LATER
    assert len(hub.requests) == 2


def test_a_shorter_wait_is_for_one_post_only(hub: FakeHub) -> None:
    hub.replies = [Reply(), Reply(hang=True)]
    with connected_to(hub.url, 30.0) as connection:
        assert connection.post(BATCH, 5.0).verdict is Verdict.STORED
        started_s = time.monotonic()
        assert connection.post(BATCH, 0.1).verdict is Verdict.LATER
        assert time.monotonic() - started_s < 15
        assert connection.post(BATCH).verdict is Verdict.STORED
        assert kept_socket(connection).gettimeout() == 30.0


def test_after_an_answer_that_is_far_too_long_another_connection_is_opened(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of it would be taken for the next answer."""
    monkeypatch.setattr(posting, "_MAX_ANSWER_BYTES", 1_000)
    hub.replies = [Reply(200, body=b"x" * 2_000)]
    with connected_to(hub.url) as connection:
        assert connection.post(BATCH).verdict is Verdict.REFUSED
        assert connection._connection is None
        assert connection.post(BATCH).verdict is Verdict.STORED
    assert len({request.connection for request in hub.requests}) == 2


def kept_socket(connection: HubConnection) -> socket.socket:
    kept: Any = connection._connection
    assert isinstance(kept.sock, socket.socket)
    return kept.sock


@pytest.mark.parametrize(
    ("said", "at_least_s", "at_most_s"),
    [
        ("0", 0, 0),
        ("1.5", 1.5, 1.5),
        ("-5", 0, 0),
        ("999999999", 600, 600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600, 600),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_ten_minutes_at_most(
    hub: FakeHub, said: str, at_least_s: float, at_most_s: float
) -> None:
    hub.replies = [Reply(429, headers=(("Retry-After", said),))]
    with connected_to(hub.url) as connection:
        answer = connection.post(BATCH)
    assert answer.verdict is Verdict.LATER
    assert answer.retry_after_s is not None
    assert at_least_s <= answer.retry_after_s <= at_most_s


def test_retry_after_may_be_a_date_to_come(hub: FakeHub) -> None:
    said = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    hub.replies = [Reply(429, headers=(("Retry-After", said),))]
    with connected_to(hub.url) as connection:
        answer = connection.post(BATCH)
    assert answer.retry_after_s is not None
    assert 0 < answer.retry_after_s <= 100


@pytest.mark.parametrize("said", ["", "soon", "nan", "Fri, 99 Foo 2026", "\t"])
def test_a_retry_after_that_says_nothing_is_left_aside(hub: FakeHub, said: str) -> None:
    hub.replies = [Reply(503, headers=(("Retry-After", said),))]
    with connected_to(hub.url) as connection:
        assert connection.post(BATCH).retry_after_s is None


def test_all_rejected_entries_count_not_only_those_that_the_hub_names(hub: FakeHub) -> None:
    """It names the first hundred."""
    named = [{"index": index, "error": "no message"} for index in range(100)]
    told = {"accepted": 100, "duplicates": 0, "rejected": named, "rejected_in_all": 300}
    hub.replies = [Reply(200, body=json.dumps(told).encode())]
    with connected_to(hub.url) as connection:
        answer = connection.post(BATCH)
    assert (answer.verdict, answer.rejected, answer.reason) == (Verdict.STORED, 300, "no message")
