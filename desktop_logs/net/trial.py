"""A test of a connection: a whole handshake, and what exactly failed. Keeps nothing open and nothing of what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from desktop_logs.core.addresses import DEFAULT_PATH
from desktop_logs.core.connecting import Target, Tested
from desktop_logs.core.errors import ConnectError, PeerError
from desktop_logs.core.safe_text import one_line
from desktop_logs.core.viewing import Hello, parse_hello
from desktop_logs.net.diagnosis import Finding, Unreachable, diagnose
from desktop_logs.net.fastpath import LogEvent
from desktop_logs.net.faults import PeerFaults
from desktop_logs.net.link import Link, new_session

WHOLE_TEST_S = 10.0
HELLO_WAIT_S = 2.0
STATS_WAIT_S = 2.0
OUR_NAME = "desktop-logs"
"""What a hub calls itself."""

T = TypeVar("T")


async def test_connection(target: Target) -> Tested:
    """Connect to *target* and leave again. It takes at most WHOLE_TEST_S, and raises nothing of its own."""
    try:
        async with asyncio.timeout(WHOLE_TEST_S):
            finding = await _diagnosed(target)
            if finding.fault is not None:
                return Tested(finding.sentence, finding.fault, finding.certificate)
            return await _connected(target)
    except TimeoutError:
        return Tested(f"{target.address.host} does not answer within {WHOLE_TEST_S:.0f} seconds.", "silent")
    except Unreachable as failure:
        return Tested(str(failure), failure.finding.fault or "other", failure.finding.certificate)
    except ConnectError as failure:
        return Tested(str(failure), "other")


async def _diagnosed(target: Target) -> Finding:
    """What stands in the way, by one request; of another path only when there is no Socket.IO server at this one."""
    async with new_session(target) as session:
        finding = await diagnose(target.address, session)
        if finding.fault == "no-socketio" and finding.answers_http and target.address.path != DEFAULT_PATH:
            usual = await diagnose(replace(target.address, path=DEFAULT_PATH), session)
            if usual.fault is None:
                sentence = (
                    f"{target.address.host} has no Socket.IO server at the path {target.address.path}, "
                    f"but one at {DEFAULT_PATH}. Try that."
                )
                return Finding(sentence, "path")
        return finding


async def _connected(target: Target) -> Tested:
    """What the server is, once it has taken the connection. Raises ConnectError."""
    loop = asyncio.get_running_loop()
    said: asyncio.Future[Hello | None] = loop.create_future()

    def take(events: list[LogEvent]) -> None:
        if not said.done():
            said.set_result(_hello_in(events[0]))

    link = Link(target, take, PeerFaults(lambda problem: None))
    try:
        await link.open()
        hello = await _unless_late(said, HELLO_WAIT_S)
        if link.lost.is_set():
            raise ConnectError(f"{target.address.host} takes the connection and closes it at once.")
        if hello is None:
            return Tested("Connected. A Socket.IO server that speaks version 1: no search in its history.")
        stats = await _unless_late(link.ask("stats", None, STATS_WAIT_S), STATS_WAIT_S) or {}
    finally:
        await link.close()
    held = stats.get("ring_size")
    count = held if isinstance(held, int) else hello.head - hello.oldest + 1
    kind = "Desktop Logs hub" if hello.name == OUR_NAME else one_line(hello.name)
    history = "with history" if hello.has_history else "without history"
    return Tested(
        f"Connected. {kind} {one_line(hello.version)} (version 2), {count:,} records in its memory, {history}."
    )


def _hello_in(event: LogEvent) -> Hello | None:
    """The hub's first word; None when another event came first, or one that cannot be understood: version 1."""
    if event.name != "hello":
        return None
    try:
        return parse_hello(event.payload)
    except PeerError:
        return None


async def _unless_late(answer: Awaitable[T], wait_s: float) -> T | None:
    try:
        async with asyncio.timeout(wait_s):
            return await answer
    except (TimeoutError, ConnectError):
        return None  # it is connected all the same
