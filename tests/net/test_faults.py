"""Peers' faults are counted, told once a kind, and reach no program's log."""

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from desktop_logs.net.faults import PeerFaults, quiet_logger
from desktop_logs.net.server import HubServer
from tests.net import raw


def test_a_peers_fault_is_counted_each_time_and_told_once() -> None:
    told: list[str] = []
    faults = PeerFaults(told.append)
    logger = quiet_logger("desktop_logs.test", faults)
    for number in range(3):
        try:
            raise BadHttpMessage(f"Too many headers {number}")
        except BadHttpMessage:
            logger.exception("Error handling request from %s", "127.0.0.1")
    assert faults.count == 3
    assert told == ["A client sent what is no HTTP."]


@pytest.mark.parametrize(
    ("text", "argument", "sentence"),
    [
        ("The client is using an unsupported version of … (further occurrences …)", None, "older than version 3"),
        ("Method %s not supported", "HEAD", "a method of HTTP"),
        ("Unknown receive error", None, "no Engine.IO packet"),
    ],
)
def test_what_the_libraries_say_is_said_in_words_of_ours(text: str, argument: str | None, sentence: str) -> None:
    told: list[str] = []
    quiet_logger("desktop_logs.test", PeerFaults(told.append)).warning(text, *([argument] if argument else []))
    assert len(told) == 1
    assert sentence in told[0]
    assert "further" not in told[0]


def test_what_no_client_is_known_to_cause_is_told_as_what_may_be_our_fault() -> None:
    told: list[str] = []
    raised: list[BaseException] = []
    faults = PeerFaults(told.append, raised.append)
    logger = quiet_logger("desktop_logs.test", faults)
    for number in range(1_000):
        try:
            raise LookupError(f"nothing at {number}")
        except LookupError:
            logger.exception("message async handler error")
    assert faults.count == len(raised) == 1_000
    assert "perhaps by a fault of this program: LookupError('nothing at 0')" in told[0]
    assert len(told) == 100


def test_a_client_of_a_hub_that_was_restarted_is_at_no_fault() -> None:
    told: list[str] = []
    faults = PeerFaults(told.append)
    quiet_logger("desktop_logs.test", faults).error("Invalid session abc (further occurrences …)")
    assert (faults.count, told) == (0, [])


def test_the_librarys_log_does_not_reach_the_programs() -> None:
    assert quiet_logger("desktop_logs.test", PeerFaults(lambda text: None)).parent is None


def test_a_fault_that_we_find_ourselves_is_told_by_its_kind() -> None:
    told: list[str] = []
    faults = PeerFaults(told.append)
    for sentence in ("A client sent this.", "A client sent this.", "A client sent that."):
        faults.add(sentence)
    assert faults.count == 3
    assert told == ["A client sent this.", "A client sent that."]


async def test_a_header_that_cannot_be_read_is_told_without_what_stands_in_it(
    server: HubServer, reported: list[str]
) -> None:
    """It may be a token."""
    sent = b"GET /api/stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer the-secret-token\x0b\r\n\r\n"
    assert raw.status(await raw.exchange(server.port, sent)) == 400
    assert reported == ["A client sent what is no HTTP."]


async def test_what_a_client_expects_may_be_no_text(server: HubServer, reported: list[str]) -> None:
    sent = b"POST /api/logs HTTP/1.1\r\nHost: localhost\r\nExpect: \xff\r\nContent-Length: 2\r\n\r\n{}"
    assert raw.status(await raw.exchange(server.port, sent)) == 500
    assert reported == ["A client sent what is no HTTP."]
