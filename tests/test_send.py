"""Lines on their way to a hub: none lost with another's fault, none stored twice."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from desktop_logs import send as sending
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError
from desktop_logs.send import MAX_BATCH_BYTES, SendOptions, send
from tests.handlers.fake_hub import FakeHub, Reply

SendLines = Callable[..., int]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def send_lines(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> SendLines:
    """Send these bytes as stdin; the exit code."""
    monkeypatch.setattr(sending, "PATIENCE_S", 0.01)
    monkeypatch.setattr(sending, "CLOSED_PATIENCE_S", 0.01)

    def to_end(stdin: bytes, **options: Any) -> int:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        return send(
            SendOptions(Target(ServerAddress(hub.url)), options.get("source", ""), "", options.get("message", ""))
        )

    return to_end


@pytest.mark.parametrize(
    "large",
    [
        b"x" * (MAX_BATCH_BYTES + 1),
        b"x" * (3 * MAX_BATCH_BYTES),
        b"\x01" * 800_000,
        '{"message":"→"}'.encode() * 400_000,
    ],
    ids=["raw", "much", "escaped", "no object"],
)
def test_a_line_that_is_too_large_is_refused_alone_with_its_number(
    hub: FakeHub, send_lines: SendLines, capsys: pytest.CaptureFixture[str], large: bytes
) -> None:
    assert send_lines(b"one\n\n" + large + b"\nfour\n" + large) == 1
    assert hub.messages() == ["one", "four"]
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[2].partition(":")[0] for line in told] == [
        " line 3 was refused",
        " line 5 was refused",
    ]
    assert "Send it in smaller parts" in told[0]


def test_no_body_is_larger_than_a_batch_may_be(hub: FakeHub, send_lines: SendLines) -> None:
    # Each takes one byte as it is read and six as it is sent.
    assert send_lines((b"\x02" * 100_000 + b"\n") * 20) == 0
    assert max(len(request.body) for request in hub.requests) <= MAX_BATCH_BYTES
    assert len(hub.messages()) == 20


def test_a_message_that_is_too_large_is_told(send_lines: SendLines, capsys: pytest.CaptureFixture[str]) -> None:
    assert send_lines(b"", message="x" * (MAX_BATCH_BYTES + 1)) == 1
    assert capsys.readouterr().err.startswith("desktop-logs: the message was refused: it takes over 4,000,000 bytes")


def test_batches_are_numbered_and_a_repeat_has_the_same_number(hub: FakeHub, send_lines: SendLines) -> None:
    busy = json.dumps({"accepted": 300, "duplicates": 0, "rejected": [], "error": "busy"}).encode()
    hub.replies = [Reply(429, body=busy), Reply(429, body=busy)]
    assert send_lines(b"".join(b"%d\n" % number for number in range(1_000))) == 0
    assert len({request.headers["Desktop-Logs-Producer"] for request in hub.requests}) == 1
    assert [request.first for request in hub.requests[:3]] == [0, 0, 0]
    assert hub.requests[0].body == hub.requests[2].body
    assert hub.messages() == [str(number) for number in range(1_000)]


def test_what_was_rejected_before_the_hub_was_busy_is_told_once(
    hub: FakeHub, send_lines: SendLines, capsys: pytest.CaptureFixture[str]
) -> None:
    rejected = [{"index": 1, "error": "no message"}]
    hub.replies = [
        Reply(429, body=json.dumps({"accepted": 1, "duplicates": 0, "rejected": rejected}).encode()),
        Reply(429, body=json.dumps({"accepted": 0, "duplicates": 2, "rejected": rejected}).encode()),
        Reply(200, body=json.dumps({"accepted": 1, "duplicates": 2, "rejected": []}).encode()),
    ]
    assert send_lines(b'one\n{"level":1}\nthree\n') == 1
    assert capsys.readouterr().err == "desktop-logs: line 2 was refused: no message\n"


def test_lines_wait_for_a_hub_that_stores_nothing_and_a_message_does_not(
    hub: FakeHub, send_lines: SendLines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever writes into the pipe would be ended by a `send` that gives up."""
    full = json.dumps({"accepted": 0, "duplicates": 0, "rejected": [], "error": "The disk is full."}).encode()
    hub.replies = [Reply(503, body=full), Reply(503, body=full)]
    assert send_lines(b"one\ntwo\n") == 0
    assert hub.messages() == ["one", "two"]
    said = "desktop-logs: The hub stores nothing for now, the lines wait: The disk is full.\n"
    assert capsys.readouterr().err == said
    hub.replies = [Reply(503, body=full)]
    with pytest.raises(ConnectError, match="The disk is full"):
        send_lines(b"", message="three")


def test_a_kept_connection_that_the_hub_has_closed_is_made_again(hub: FakeHub, send_lines: SendLines) -> None:
    hub.close_after_each = True
    assert send_lines(b"".join(b"%d\n" % number for number in range(1_500))) == 0
    assert hub.messages() == [str(number) for number in range(1_500)]


def test_a_batch_that_is_refused_whole_is_told(
    hub: FakeHub, send_lines: SendLines, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"accepted": 0, "duplicates": 0, "rejected": [], "error": "The body is too large."}
    hub.replies = [Reply(413, body=json.dumps(said).encode())]
    assert send_lines(b"one\n") == 1
    assert capsys.readouterr().err == "desktop-logs: The body is too large.\n"
