"""The next free port is one that can be listened on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from desktop_logs.net import ports
from desktop_logs.net.ports import next_free_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port whose next one is taken too."""
    for _ in range(100):
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            one.listen()
            two.listen()
            yield port
            return
    raise AssertionError("no two ports in a row")


def test_a_taken_one_is_passed_over_and_what_is_named_can_be_listened_on(taken: int) -> None:
    port = next_free_port("127.0.0.1", taken)
    assert taken + 1 < port < taken + 100
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_the_ports_of_the_system_are_passed_over() -> None:
    assert next_free_port("127.0.0.1", 80) > 1023


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost"])
def test_it_is_free_on_every_address_of_the_host(host: str, taken: int) -> None:
    assert next_free_port(host, taken) > taken + 1


def test_where_no_port_is_left_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert next_free_port("127.0.0.1", 65_535) == 0
    monkeypatch.setattr(ports, "_is_free", lambda *_: False)
    assert next_free_port("127.0.0.1", 5647) == 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_machine_has_none(host: str) -> None:
    assert next_free_port(host, 5647) == 0
