"""What the tests of `ui/` share: made-up records and a feed with a real ring behind it. No assertions here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import cycle, islice

from PySide6.QtCore import QCoreApplication

from desktop_logs.core.feed import FeedState, Phase
from desktop_logs.core.history import History
from desktop_logs.core.levels import severity_of_name
from desktop_logs.core.records import Record
from desktop_logs.core.ring import Ring
from desktop_logs.ui.model import RecordModel

START_NS = 1_795_344_151_560_000_000
SOURCES = ("api", "worker", "db", "gateway", "auth")
LEVELS = ("info", "debug", "info", "warn", "info", "error", "trace", "info", "fatal")


def make_record(seq: int, message: str = "", *, level: str = "info", source: str = "api", context: str = "") -> Record:
    """A record of one level and source, 7 ms after the one before."""
    severity = severity_of_name(level) or 9
    return Record(seq, START_NS + seq * 7_000_000, severity, level, source, message or f"message {seq}", context)


def make_records(count: int, first: int = 1) -> list[Record]:
    """*count* records numbered from *first*, of mixed levels and sources."""
    levels = islice(cycle(LEVELS), first, first + count)
    return [make_record(first + at, level=level, source=SOURCES[at % 5]) for at, level in enumerate(levels)]


class FakeFeed:
    """A feed whose records a test pushes."""

    def __init__(self, name: str = "Local hub", address: str = "127.0.0.1:5647", *, capacity: int = 100_000) -> None:
        self.name = name
        self.address = address
        self.state = FeedState("live", f"listening on {address}")
        self.history: History | None = None
        self.ring = Ring(capacity)
        self.counters: dict[str, int] = {"producers": 3, "viewers": 2, "dropped": 0, "rejected": 0}
        self.listeners: list[Callable[[], None]] = []

    @property
    def head(self) -> int:
        return self.ring.head

    def since(self, seq: int, limit: int = 5000) -> list[Record]:
        return self.ring.since(seq, limit)

    def stats(self) -> Mapping[str, int]:
        return self.counters

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def push(self, records: Iterable[Record]) -> None:
        """Let *records* arrive."""
        self.ring.extend(list(records))
        self.wake()

    def push_many(self, count: int) -> None:
        """Let *count* made-up records arrive."""
        self.push(make_records(count, self.head + 1))

    def set_state(self, phase: Phase, summary: str, problem: str = "", next_attempt_s: float | None = None) -> None:
        self.state = FeedState(phase, summary, problem, next_attempt_s, self.state.is_file)
        self.wake()

    def wake(self) -> None:
        for listener in tuple(self.listeners):
            listener()


def complete_filter(model: RecordModel) -> None:
    """Let a filter change complete, as it does by itself."""
    while model.is_filtering:
        QCoreApplication.processEvents()
