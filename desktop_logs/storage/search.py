"""Searching the history: the segments newest first, what could not be read, how far it is, and an end on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from desktop_logs.core.errors import Cancelled, StorageError
from desktop_logs.core.history import Found, OnProgress, Progress
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query_sql import in_bands, where
from desktop_logs.core.query_tree import Node
from desktop_logs.core.query_words import Bounds, bounds, needed
from desktop_logs.core.records import Record
from desktop_logs.storage.segmentreader import SegmentReader, Unreadable, Wanted
from desktop_logs.storage.segments import SegmentName, bytes_of, segments_in

_LAST_SEQ: Final = (1 << 63) - 1
_PROGRESS_S: Final = 0.1
# What is asked of Python for every row takes its lock, again and again. With these rests the window's thread waits
# 11 ms for it at the most, by an expression over 10,000,000 records; without them 21.
_TURN_S: Final = 0.003
_REST_S: Final = 0.0005


@dataclass(slots=True)
class _Faults:
    """What went wrong in one call."""

    reasons: dict[SegmentName, str] = field(default_factory=dict)
    """Of the segments that could not be read."""
    unindexed: int = 0
    """How many could only be searched record by record, though a word was looked for."""

    def sentence(self) -> str:
        """What a person reads; empty when nothing went wrong."""
        said = []
        if self.reasons:
            name = max(self.reasons)
            days = f"{name.day}" if len(self.reasons) == 1 else f"{name.day} and {len(self.reasons) - 1} more"
            said.append(f"The records of {days} could not be searched: {self.reasons[name]}.")
        if self.unindexed:
            days = "One day has" if self.unindexed == 1 else f"{self.unindexed} days have"
            said.append(f"{days} no index of words, so every record was looked at, which takes longer.")
        return " ".join(said)

    def raise_if_all(self, names: Sequence[SegmentName]) -> None:
        """Raises StorageError when none of *names* could be read."""
        if names and len(self.reasons) == len(names):
            raise StorageError(self.sentence())


class _Reporter:
    """Tells how far a search is, measured by the size of the files."""

    def __init__(self, folder: Path, names: Sequence[SegmentName], on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._sizes = {name: bytes_of(folder, name) for name in names} if on_progress else {}
        self._total = sum(self._sizes.values()) or 1
        self._before = 0
        self._name: SegmentName | None = None
        self._told_s = -_PROGRESS_S

    def begin(self, name: SegmentName) -> None:
        """The one before is done, and *name* comes next."""
        if self._name is not None:
            self._before += self._sizes.get(self._name, 0)
        self._name = name
        self.reached(0.0)

    def reached(self, done: float) -> None:
        """So much of the segment, 0 to 1."""
        now_s = time.monotonic()
        if self._on_progress and self._name and now_s - self._told_s >= _PROGRESS_S:
            self._told_s = now_s
            share = (self._before + done * self._sizes[self._name]) / self._total
            self._on_progress(Progress(self._name.day, min(share, 1.0)))


class HistorySearch:
    """Searches the segments in *folder*, which need not exist; for one thread, only `cancel` may come from others.

    Nothing is open between two calls: a segment can be deleted at any time. What is written meanwhile may be found or
    not. Raises StorageError when there are segments and none can be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()  # guards the next two
        self._is_busy = False
        self._is_cancelled = False
        self._turn_s = 0.0

    def search(
        self,
        tree: Node | None,
        *,
        bands: frozenset[int] = ALL_BANDS,
        before_seq: int | None = None,
        limit: int = 200,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """The newest *limit* records below *before_seq* whose band is in *bands* and that *tree* selects.

        Raises TooSlow for an expression that is, and Cancelled.
        """
        wanted = Wanted(in_bands(where(tree), bands), bounds(tree, bands), needed(tree))
        last_seq = _LAST_SEQ if before_seq is None else before_seq - 1
        found: list[Record] = []
        faults = _Faults()
        with self._call():
            names = self._names()
            progress = _Reporter(self._folder, names, on_progress)
            for name in reversed(names):
                progress.begin(name)
                with self._kept(faults, name), self._open(name, names[-1]) as segment:
                    faults.unindexed += bool(wanted.words and not segment.is_indexed)
                    for step in segment.newest(wanted, last_seq, limit - len(found)):
                        self._check()
                        found += step.records
                        if len(found) == limit:
                            return Found(found, True, faults.sentence(), not faults.reasons)
                        progress.reached(step.done)
            faults.raise_if_all(names)
            return Found(found, False, faults.sentence(), not faults.reasons)

    def newer(
        self, after_seq: int, limit: int, on_problem: Callable[[str], None] = lambda problem: None
    ) -> list[Record]:
        """The oldest *limit* records after the number *after_seq*, oldest first. Raises Cancelled.

        *on_problem* is told, in a sentence, where some could not be read.
        """
        faults = _Faults()
        with self._call():
            names = self._names()
            start = len(names)
            while start:
                start -= 1
                with self._kept(faults, names[start]), self._open(names[start], names[-1]) as segment:
                    if segment.first_seq is not None and segment.first_seq <= after_seq:
                        break
            found: list[Record] = []
            for name in names[start:]:
                with self._kept(faults, name), self._open(name, names[-1]) as segment:
                    found += segment.after(after_seq, limit - len(found))
                if len(found) == limit:
                    break
            faults.raise_if_all(names)
            if faults.reasons:
                on_problem(faults.sentence())
            return found

    def around(self, record: Record, span_ns: int, limit: int) -> list[Record]:
        """The records within *span_ns* of *record*'s time on either side, by number, lowest first.

        Where they are more than *limit*, those whose numbers are nearest. Raises Cancelled.
        """
        times = Bounds.within(record.time_ns - span_ns, record.time_ns + span_ns)
        found: list[Record] = []
        faults = _Faults()
        with self._call():
            names = self._names()
            for name in names:
                with self._kept(faults, name), self._open(name, names[-1]) as segment:
                    found += segment.near(record.seq, times, limit)
            faults.raise_if_all(names)
        nearest = sorted(found, key=lambda other: abs(other.seq - record.seq))[:limit]
        return sorted(nearest, key=lambda other: other.seq)

    def cancel(self) -> None:
        """End the call under way, if there is one, within a few milliseconds; from any thread."""
        with self._lock:
            self._is_cancelled = self._is_busy

    def close(self) -> None:
        """End the call under way; there is nothing else to give back."""
        self.cancel()

    @contextmanager
    def _call(self) -> Iterator[None]:
        with self._lock:
            self._is_busy, self._is_cancelled = True, False
        try:
            yield
        finally:
            with self._lock:
                self._is_busy = False

    def _names(self) -> list[SegmentName]:
        try:
            return segments_in(self._folder)
        except OSError as fault:
            reason = fault.strerror or fault
            raise StorageError(
                f"Cannot read the history in {self._folder}: {reason}. See that you may read that folder."
            ) from fault

    @contextmanager
    def _kept(self, faults: _Faults, name: SegmentName) -> Iterator[None]:
        """A segment that cannot be read is one of the *faults*, unless the call was cancelled."""
        try:
            yield
        except Unreadable as fault:
            self._check()
            faults.reasons[name] = str(fault)

    def _open(self, name: SegmentName, newest: SegmentName) -> SegmentReader:
        self._check()
        return SegmentReader(self._folder / str(name), self._between_steps, may_grow=name == newest)

    def _check(self) -> None:
        if self._is_cancelled:
            raise Cancelled("The search was cancelled.")

    def _between_steps(self) -> int:
        """A Handler."""
        now_s = time.monotonic()
        if now_s - self._turn_s > _TURN_S:
            time.sleep(_REST_S)
            self._turn_s = time.monotonic()
        return self._is_cancelled
