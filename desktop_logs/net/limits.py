"""How much a hub lets clients take of it before it trusts them: connections, unfinished handshakes, guesses, rates.
Counts and refuses; knows neither tokens nor events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final

from aiohttp import web

MAX_CONNECTIONS: Final = 1_000
MAX_CONNECTIONS_AN_ADDRESS: Final = 100
"""Of an address that is not this machine's: behind one may be a house full of viewers."""
HANDSHAKE_S: Final = 10.0
MAX_HANDSHAKES: Final = 100
MAX_GUESSES: Final = 10
GUESS_WINDOW_S: Final = 60.0
MAX_ADDRESSES: Final = 1_000
EVENTS_A_SECOND: Final = 100.0
_GOODBYE_S: Final = 1.0
_MAX_GOODBYES: Final = 50


class Refusals:
    """Counts who was refused, and tells of each kind once: a program that tries again every second fills no log."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.count = 0
        self._report = report
        self._told: set[str] = set()

    def add(self, kind: str, why: str) -> None:
        """One more was refused; *why* is the sentence that it got."""
        self.count += 1
        if kind not in self._told:
            self._told.add(kind)
            self._report(f"A client was refused: {why}")


class Rate:
    """So much a second, and as much again at once: a bucket that fills by itself."""

    def __init__(self, per_second: float, burst: float, clock_s: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = self._left = burst
        self._clock_s = clock_s
        self._at_s = clock_s()

    def take(self) -> bool:
        """True when one more is within the rate."""
        now_s = self._clock_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Guesses:
    """Wrong tokens by the address that they came from. With ten a minute nobody guesses one of 24 bytes."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._wrong: dict[str, tuple[int, float]] = {}  # how many, since when; the oldest first

    def __len__(self) -> int:
        return len(self._wrong)

    def has_too_many(self, address: str) -> bool:
        """True while nothing that *address* shows is looked at, right or wrong."""
        count, since_s = self._wrong.get(_network(address), (0, 0.0))
        return count >= MAX_GUESSES and self._clock_s() - since_s < GUESS_WINDOW_S

    def add(self, address: str) -> None:
        """A wrong token came from *address*."""
        network, now_s = _network(address), self._clock_s()
        count, since_s = self._wrong.pop(network, (0, now_s))
        if now_s - since_s >= GUESS_WINDOW_S:
            count, since_s = 0, now_s
        self._wrong[network] = (count + 1, since_s)
        if len(self._wrong) > MAX_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


class Handshakes:
    """Engine.IO sessions that have not said CONNECT yet. Each has ten seconds, and there are a hundred at most: with
    one more the oldest has had its time. So nobody is kept out by others who begin and go no further."""

    def __init__(self, on_late: Callable[[str], None]) -> None:
        """*on_late* is told of each session whose time has passed."""
        self._on_late = on_late
        self._due: dict[str, asyncio.TimerHandle] = {}

    def is_waiting_for(self, eio_sid: str) -> bool:
        """True for a session that is not connected yet."""
        return eio_sid in self._due

    def begin(self, eio_sid: str) -> None:
        """The time of this session runs from now on."""
        self.end(eio_sid)
        if len(self._due) >= MAX_HANDSHAKES:
            oldest = next(iter(self._due))
            self.end(oldest)
            self._on_late(oldest)
        self._due[eio_sid] = asyncio.get_running_loop().call_later(HANDSHAKE_S, self._late, eio_sid)

    def end(self, eio_sid: str) -> None:
        """The session is connected, or gone."""
        timer = self._due.pop(eio_sid, None)
        if timer is not None:
            timer.cancel()

    def end_all(self) -> None:
        """Nobody is waited for any more."""
        for eio_sid in tuple(self._due):
            self.end(eio_sid)

    def _late(self, eio_sid: str) -> None:
        self._due.pop(eio_sid, None)
        self._on_late(eio_sid)


class Doorway:
    """Where connections come in: those over the limits get a 503 and are closed before any of their bytes is read."""

    def __init__(self, server: web.Server, refusals: Refusals) -> None:
        """*server* serves those that are let in; it must tell its `connections`."""
        self._server = server
        self._refusals = refusals
        self._leaving: set[_TurnedAway] = set()

    def __call__(self) -> asyncio.Protocol:
        """A protocol for one connection, as `loop.create_server` asks for it."""
        return _Arriving(self)

    def admit(self, transport: asyncio.Transport) -> None:
        """Give a new connection to who serves it, or send it away."""
        why = self._refusal(_address(transport))
        if not why:
            served: asyncio.Protocol = self._server()
        elif len(self._leaving) < _MAX_GOODBYES:
            self._refusals.add("connections", why)
            served = _TurnedAway(why, self._leaving)
        else:
            self._refusals.add("connections", why)
            transport.abort()
            return
        transport.set_protocol(served)
        served.connection_made(transport)

    def close(self) -> None:
        """Wait no longer for those that were sent away."""
        for turned_away in tuple(self._leaving):
            turned_away.end()

    def _refusal(self, address: str) -> str:
        connections = self._server.connections
        if len(connections) >= MAX_CONNECTIONS:
            return f"This hub has {MAX_CONNECTIONS:,} connections already. Close some of them."
        if not _is_loopback(address):
            of_address = sum(_host(connection.peername) == address for connection in connections)
            if of_address >= MAX_CONNECTIONS_AN_ADDRESS:
                return (
                    f"{address} has {MAX_CONNECTIONS_AN_ADDRESS} connections to this hub already. Close some of them."
                )
        return ""


class _Arriving(asyncio.Protocol):
    """A connection in its first moment. (Only now is it known where it comes from, and over TLS it is one.)"""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._doorway.admit(transport)


class _TurnedAway(asyncio.Protocol):
    """A connection that has been told why it is closed. It is closed once its request has come, or after a second: what
    is left unread would make the system reset the connection, and discard the answer with it."""

    def __init__(self, why: str, leaving: set[_TurnedAway]) -> None:
        self._why = why
        self._leaving = leaving

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._leaving.add(self)
        self._timer = asyncio.get_running_loop().call_later(_GOODBYE_S, self.end)
        body = f"{self._why}\n".encode()
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    def end(self) -> None:
        """Whatever it has read or not."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._leaving.discard(self)


def _address(transport: asyncio.BaseTransport) -> str:
    return _host(transport.get_extra_info("peername"))


def _host(peername: object) -> str:
    return str(peername[0]) if isinstance(peername, tuple) and peername else ""


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _network(address: str) -> str:
    """What one attacker surely has: an address of IPv4, and a /64 of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    return parsed.exploded[:19] if isinstance(parsed, IPv6Address) and not parsed.ipv4_mapped else address
