"""Where a window gets its records: the local hub and a remote server look the same from here. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from desktop_logs.core.history import History
from desktop_logs.core.records import Record

Phase = Literal["starting", "live", "waiting", "failed", "closed"]
"""starting: first attempt under way; live: records come; waiting: will try again by itself; failed: will not."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """How a feed is doing, in words that a status bar can show."""

    phase: Phase
    summary: str
    """Short: `listening on 127.0.0.1:5647`, `connected`, `reconnecting`."""
    problem: str = ""
    """A sentence with what went wrong and what to do; empty when nothing did."""
    next_attempt_s: float | None = None
    """When the next attempt is due, on the clock of time.monotonic; None unless waiting."""
    is_file: bool = False
    """True for a file that is read: it is not connected to, and has no records beyond those that it gives."""


class Feed(Protocol):
    """One source of records. All of it is called on the window's thread."""

    @property
    def name(self) -> str:
        """What a tab shows: `Local hub`, or a remote server's host."""

    @property
    def address(self) -> str:
        """Where it is: `127.0.0.1:5647`."""

    @property
    def state(self) -> FeedState: ...

    @property
    def head(self) -> int:
        """The number of the newest record."""

    @property
    def history(self) -> History | None:
        """Its records on disk; None where they cannot be asked for."""

    def since(self, seq: int, limit: int = 5000) -> list[Record]:
        """As Ring.since: at most *limit* records after *seq*, oldest first. Raises Evicted."""

    def stats(self) -> Mapping[str, int]:
        """Counters as in protocol.md, as far as this feed knows them."""

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* when records or the state are new, until the function returned is called."""
