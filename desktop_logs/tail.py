"""A viewer in the terminal: `desktop-logs tail`, for hubs and for version 1 servers alike. No Qt."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from desktop_logs.core.connecting import Fault, Target
from desktop_logs.core.errors import ConnectError, Evicted
from desktop_logs.core.levels import TRACE
from desktop_logs.core.query import parse
from desktop_logs.core.query_tree import Severity, all_of
from desktop_logs.core.records import Record
from desktop_logs.core.wire import encode_entry
from desktop_logs.net.client import RemoteFeed
from desktop_logs.net.diagnosis import Unreachable
from desktop_logs.terminal import complain, line_of, wants_color, write_out

BATCH_RECORDS = 1_000
LOOK_AGAIN_S = 1.0
ADVICE: Mapping[Fault, str] = MappingProxyType(
    {
        "token": " Give it with --token, or in DESKTOP_LOGS_TOKEN.",
        "certificate": " Name what vouches for it with --ca, or the certificate itself with --fingerprint.",
    }
)
"""What the command line can do about a fault, after the sentence that is the window's too."""


@dataclass(frozen=True, slots=True)
class TailOptions:
    """What the command line says."""

    target: Target
    """Its query selects what is printed."""
    lines: int
    """How many of the records that the server still holds are printed first."""
    as_json: bool
    follow: bool


def combined(query: str, least_severity: int) -> str:
    """What `--query` and `--level` select together, as a query for a server. Raises QueryError."""
    parts = [parse(query, time.time_ns()).tree, Severity(">=", least_severity) if least_severity > TRACE else None]
    trees = [part for part in parts if part is not None]
    return str(all_of(trees)) if trees else ""


def tail(options: TailOptions) -> int:
    """Print records until interrupted; the exit code. Raises ConnectError when the first connection fails."""
    try:
        return asyncio.run(_tail(options))
    except KeyboardInterrupt:
        return 0
    except Unreachable as failure:
        advice = ADVICE.get(failure.finding.fault or "other", "")
        if failure.finding.fault == "certificate" and options.target.trust.fingerprint:
            advice = ""  # that is just what was asked for
        raise ConnectError(f"{failure}{advice}") from None


async def _tail(options: TailOptions) -> int:
    # Of a hub's memory only what is printed is asked for; who can say how far back a query finds so many?
    feed = RemoteFeed(options.target, newest=None if options.target.query else options.lines)
    news = asyncio.Event()
    unread = 0
    feed.subscribe(news.set)
    feed.start()
    try:
        await feed.first_records()
        cursor = _show_held(feed, options)
        unread = _tell_unread(feed, unread)
        told: set[str] = set()
        while options.follow:
            await _news_or_a_while(news)
            cursor = _show_new(feed, cursor, options)
            unread = _tell_unread(feed, unread)
            _tell_state(feed, told)
    finally:
        await feed.close()
    return 0


async def _news_or_a_while(news: asyncio.Event) -> None:
    """Wait for *news*, and no longer than LOOK_AGAIN_S: an entry that could not be read is counted, but is no news."""
    try:
        async with asyncio.timeout(LOOK_AGAIN_S):
            await news.wait()
    except TimeoutError:
        return
    news.clear()


def _tell_state(feed: RemoteFeed, told: set[str]) -> None:
    """Tell what is wrong with the connection unless it is among what was *told* since it was lost, and that it is
    back."""
    state = feed.state
    if state.phase == "live" and told:
        complain(f"connected to {feed.address} again")
        told.clear()
    elif state.phase != "live" and state.problem and state.problem not in told:
        complain(f"{state.problem} Trying again …")
        told.add(state.problem)


def _tell_unread(feed: RemoteFeed, told: int) -> int:
    """Tell of the entries that could not be read since *told* of them were told; how many there are now."""
    unread = feed.unreadable
    if unread > told:
        entries = "1 entry" if unread - told == 1 else f"{unread - told:,} entries"
        complain(f"{entries} of {feed.address} could not be read. Look at what that server sends.")
    return unread


def _show_held(feed: RemoteFeed, options: TailOptions) -> int:
    """Print the last lines of what the server held; returns the number of the newest record seen."""
    _write(feed.since(0, sys.maxsize)[-options.lines :] if options.lines else [], options)
    return feed.head


def _show_new(feed: RemoteFeed, cursor: int, options: TailOptions) -> int:
    while True:
        try:
            records = feed.since(cursor, BATCH_RECORDS)
        except Evicted as evicted:
            complain(f"{evicted.first_seq - 1 - cursor:,} records came faster than they could be printed")
            cursor = evicted.first_seq - 1
            continue
        if not records:
            return cursor
        cursor = records[-1].seq
        _write(records, options)


def _write(records: list[Record], options: TailOptions) -> None:
    if not records:
        return
    if options.as_json:
        write_out("".join(encode_entry(record).decode() + "\n" for record in records))
    else:
        color = wants_color(sys.stdout)
        write_out("".join(line_of(record, color) + "\n" for record in records))
