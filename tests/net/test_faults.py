"""Peers' faults are counted, told once a kind, and reach no program's log."""

from desktop_logs.net.faults import PeerFaults, quiet_logger
from desktop_logs.net.server import HubServer
from tests.net import raw


def test_a_peers_fault_is_counted_each_time_and_told_once() -> None:
    told: list[str] = []
    faults = PeerFaults(told.append)
    logger = quiet_logger("desktop_logs.test", faults)
    for number in range(3):
        try:
            raise ValueError(f"bad packet {number}")
        except ValueError:
            logger.exception("message handler error")
    assert faults.count == 3
    assert told == ["A peer sent what cannot be understood: bad packet 0"]


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
    faults.add("a CONNECT that cannot be read", ValueError("Expecting value"))
    faults.add("a CONNECT that cannot be read", ValueError("another"))
    faults.add("a namespace that no hub has")
    assert faults.count == 3
    assert told == [
        "A peer sent what cannot be understood: Expecting value",
        "A peer sent what cannot be understood: a namespace that no hub has",
    ]


async def test_a_header_that_cannot_be_read_is_told_without_what_stands_in_it(
    server: HubServer, reported: list[str]
) -> None:
    """It may be a token."""
    sent = b"GET /api/stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer the-secret-token\x0b\r\n\r\n"
    assert raw.status(await raw.exchange(server.port, sent)) == 400
    assert "Invalid header value char" in reported[0]
    assert "secret" not in "".join(reported)
