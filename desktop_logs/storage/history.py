"""The history as it is written: which segment takes a group, what is carried from one to the next, what an earlier run
has left. For one thread at a time; what a segment is stands in segment, who searches it in search."""

from __future__ import annotations

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from desktop_logs.core.errors import StorageError
from desktop_logs.core.hub import Restored
from desktop_logs.core.producers import Numbers, Span, joined
from desktop_logs.core.records import Record
from desktop_logs.storage.damage import code_of, is_damage
from desktop_logs.storage.folder import ELSEWHERE, cannot_keep, cannot_write
from desktop_logs.storage.logfiles import LogFiles
from desktop_logs.storage.numbering import Numbering
from desktop_logs.storage.repair import set_aside_in
from desktop_logs.storage.segment import Segment, count_records, create_segment, read_newest
from desktop_logs.storage.segments import SegmentName, bytes_of, segments_in
from desktop_logs.storage.wal import fault_of_wal

RESTORED_RECORDS: Final = 20_000
"""How many of the newest records are read back at the start."""

_KNOWN_PRODUCERS: Final = 1_000
_PROBE_BYTES: Final = 1_000_000
_MOST_DAMAGED: Final = 20

_T = TypeVar("_T")

OnDamage = Callable[[SegmentName], None]
"""Sets the damaged segment of that name aside: afterwards no segment is called so. It is closed."""


class HistoryWriter:
    """Writes records into segments in *folder*, and keeps the log *files* in step with them.

    `write` stores a group there and in the files, or in neither. Whatever fails raises StorageError with a sentence
    and may be tried again, by `probe` too; numbers are given meanwhile, as far as they can be given only once.
    """

    def __init__(
        self,
        folder: Path,
        files: LogFiles,
        on_damage: OnDamage | None,
        clock_ns: Callable[[], int],
        elsewhere: str = ELSEWHERE,
    ) -> None:
        self.folder = folder
        self.numbering = Numbering(folder, clock_ns)
        self.notice = ""
        """What a person should know of the last start; empty when it was as it should be."""
        self.cut_bytes = 0
        """What was cut from log files at the last start, since it had not been acknowledged."""
        self.records = 0
        """In all segments, as of the last `measure`, and what was written since."""
        self.bytes = 0
        """On disk, as of the last `measure`."""
        self._files = files
        self._on_damage = on_damage
        self._elsewhere = elsewhere
        self.max_segment_bytes = 1 << 62
        """A segment that has grown past this is followed by another of its day, so that retention has parts to take."""
        self._is_full = False
        self._is_open = False
        self._is_released = False
        self._is_marked = False
        self._segment: Segment | None = None
        self._name: SegmentName | None = None
        self._last_name = 0  # numbers of segments never go back, also when one was set aside
        self._producers: OrderedDict[str, tuple[Span, ...]] = OrderedDict()
        self._marks: dict[str, tuple[str, int]] = {}
        self._counts: dict[SegmentName, int] = {}

    @property
    def live(self) -> SegmentName | None:
        """The segment that takes the next group, as far as there is one."""
        return self._name

    def leave(self, name: SegmentName) -> None:
        """Close the segment called *name* if it is the live one; the next group goes to another."""
        if name == self._name:
            self._close_segment()
            self._name = None
            self._marks = {}

    def open(self) -> Restored:
        """What earlier runs have left; the log files are brought to what the history knows of them.

        Within 2 s with a million records. Raises StorageError; then `unopened` is what to go on with.
        """
        self._again_if_damaged(self._open)
        newest = self._again_if_damaged(self._newest)
        return Restored(self.numbering.head, newest, dict(self._producers), self.numbering.epoch)

    def unopened(self) -> Restored:
        """What to go on with when `open` has failed: numbers are given and records shown, though none is stored."""
        self.numbering.go_on_in_need()
        return Restored(self.numbering.head, epoch=self.numbering.epoch)

    def write(
        self, records: Sequence[Record], numbers: Sequence[Numbers], entries: Sequence[tuple[int, bytes]], day: date
    ) -> None:
        """Store *records*, what their producers numbered, and *entries* in the log files: all of it, or nothing.

        Raises StorageError, and OSError for the log files.
        """
        self._again_if_damaged(lambda: self._write(records, numbers, entries, day))

    def probe(self, size: int, day: date) -> None:
        """Raise StorageError if *size* bytes (1 MB at most) could not be stored now."""
        self._again_if_damaged(lambda: self._probe(min(size, _PROBE_BYTES), day))

    def release(self) -> None:
        """Let the log files go on without the history: what they hold from here on must not be cut at the next start.

        Raises StorageError; then nothing may be written to them. `write` takes them up again.
        """
        if not self._is_released:
            self._again_if_damaged(self._unmark)
            self._is_released = True

    def resync(self) -> None:
        """Look anew where the log files stand: they were closed, or their settings changed."""
        self._is_marked = False

    def renew(self) -> None:
        """Reserve more numbers when half of them are given. Raises StorageError."""
        with self._told():
            self.numbering.renew()

    def measure(self) -> None:
        """Count all records and bytes anew: a few milliseconds, more for segments that are not known yet."""
        names = segments_in(self.folder)
        for name in names:
            if name not in self._counts:
                with suppress(sqlite3.Error):  # counted as soon as it can be read
                    self._counts[name] = count_records(self.folder / str(name))
        self._counts = {name: self._counts[name] for name in names if name in self._counts}
        self.records = sum(self._counts.values())
        sizes = {name: bytes_of(self.folder, name) for name in names}
        self.bytes = sum(sizes.values())
        self._is_full = self._name is not None and sizes.get(self._name, 0) > self.max_segment_bytes

    def close(self) -> None:
        """Close the segment, and keep the newest number exactly. Raises StorageError."""
        self._close_segment()
        with self._told():
            self.numbering.settle()

    def _again_if_damaged(self, act: Callable[[], _T]) -> _T:
        """act(); again with what is left when a segment was damaged, which has been set aside then."""
        for _ in range(_MOST_DAMAGED):
            with suppress(_Damaged):
                return act()
        return act()

    def _write(
        self, records: Sequence[Record], numbers: Sequence[Numbers], entries: Sequence[tuple[int, bytes]], day: date
    ) -> None:
        spans, forgotten = self._with(numbers)
        with self._told():
            segment, name = self._ready(day, records[0].seq if records else self.numbering.head + 1)
            segment.begin()
            segment.add(records, spans, forgotten)
        try:
            self._files.write(entries, day)
        except BaseException:
            self._close_segment()
            raise
        with self._told():
            try:
                marks = self._files.reached
                segment.mark({series: mark for series, mark in marks.items() if mark != self._marks.get(series)})
                segment.commit()
            except BaseException:
                # Before the segment may be set aside: who rebuilds it reads these files, and the lines come again.
                self._files.undo()
                raise
        self._marks.update(marks)
        for producer in forgotten:
            self._producers.pop(producer, None)
        for producer, known in spans.items():
            self._producers[producer] = known
            self._producers.move_to_end(producer)
        if name in self._counts:
            self._counts[name] += len(records)
        self.records += len(records)

    def _probe(self, size: int, day: date) -> None:
        with self._told():
            segment, _ = self._ready(day, self.numbering.head + 1)
            segment.try_out(size)

    def _with(self, numbers: Sequence[Numbers]) -> tuple[dict[str, tuple[Span, ...]], list[str]]:
        """What is stored of each producer once *numbers* are, and who is forgotten then."""
        spans: dict[str, tuple[Span, ...]] = {}
        for given in numbers:
            known = spans.pop(given.producer, None) or self._producers.get(given.producer, ())
            for span in given.spans:
                known = joined(known, span)
            spans[given.producer] = known
        others = [name for name in self._producers if name not in spans]
        return spans, others[: max(0, len(others) + len(spans) - _KNOWN_PRODUCERS)]

    def _open(self) -> None:
        with self._told():
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            os.chmod(self.folder, 0o700)
            self.numbering.take_up()
            names = segments_in(self.folder)
            # What was set aside comes back under its name.
            taken = [name.number for name in (*names, *set_aside_in(self.folder))]
            self._last_name = max([self._last_name, *taken])
            segment = None
            while names and segment is None:
                segment = self._opened(names.pop())
            if segment is not None:
                self.numbering.head = max(self.numbering.head, segment.last_seq)
                self.numbering.renew()
                self._producers = segment.producers()
                self._marks = segment.marks()
                self._cut_back()
            self._is_open = True
            self.measure()

    def _opened(self, name: SegmentName) -> Segment | None:
        """The segment called *name*, which is ours to write to from now on; None when it had to be set aside."""
        path = self.folder / str(name)
        self._name = name
        # SQLite would forget what was committed behind a damaged frame, and the log files would be cut to that.
        if self._on_damage is not None and fault_of_wal(path):
            self._set_aside()
            return None
        try:
            self._segment = Segment(path)
        except sqlite3.Error as fault:
            # Tables that are missing are no fault of the statement here.
            if not (is_damage(fault) or code_of(fault) == sqlite3.SQLITE_ERROR) or self._on_damage is None:
                raise
            self._set_aside()
            return None
        return self._segment

    def _cut_back(self) -> None:
        try:
            self.cut_bytes = self._files.cut_back(self._marks)
        except StorageError as refused:
            self.notice = str(refused)

    def _newest(self) -> list[Record]:
        records: list[Record] = []
        with self._told():
            if self._segment is not None:
                records = self._segment.newest(RESTORED_RECORDS)
            for name in reversed(segments_in(self.folder)):
                if len(records) >= RESTORED_RECORDS:
                    break
                if name != self._name:
                    # What is damaged is told by a search, and set aside then.
                    with suppress(sqlite3.DatabaseError):
                        records += read_newest(self.folder / str(name), RESTORED_RECORDS - len(records))
        return records[::-1]

    def _ready(self, day: date, first_seq: int) -> tuple[Segment, SegmentName]:
        """The segment of *day*, which knows where the log files stand."""
        if not self._is_open:
            self._open()
        self._is_released = False
        if self._name is not None and not (self.folder / str(self._name)).exists():
            self._close_segment()  # somebody took it away
            self._name = None
        elif self._name is not None and (self._name.day != day or self._is_full):
            # Should the next one be lost, then these marks are older than the files, and good lines would be cut.
            self._unmark()
            self._name = None
        if not self._is_marked or self._name is None:
            self._mark_start(day, first_seq)
        if self._segment is None or self._name is None:
            raise AssertionError("a segment was made ready")
        return self._segment, self._name

    def _mark_start(self, day: date, first_seq: int) -> None:
        """Have a segment open that knows where the log files stand before the next group goes there."""
        marks = self._positions(day)
        if self._name is None:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            name = SegmentName(self._last_name + 1, day)
            create_segment(
                self.folder / str(name),
                epoch=self.numbering.epoch, producers=self._producers, marks=marks, first_seq=first_seq,
            )  # fmt: skip
            self._name, self._last_name, self._marks = name, name.number, marks
            self._counts[name] = 0
            self._is_full = False
        if self._segment is None:
            self._segment = Segment(self.folder / str(self._name))
        if marks != self._marks:
            self._segment.begin()
            self._segment.mark(marks)
            self._segment.commit()
            self._marks = marks
        self._is_marked = True

    def _unmark(self) -> None:
        """Have the newest segment forget where the log files stand, and close it."""
        with self._told():
            if not self._is_open:
                self._open()
            if self._segment is None and self._name is not None:
                self._segment = Segment(self.folder / str(self._name))
            if self._segment is not None:
                self._segment.begin()
                self._segment.unmark()
                self._segment.commit()
        self._marks = {}
        self._close_segment()

    def _positions(self, day: date) -> dict[str, tuple[str, int]]:
        if not self._files.is_on:
            return self._marks
        try:
            return self._files.positions(day)
        except OSError as fault:
            raise StorageError(cannot_write(self._files.folder, fault, self._elsewhere)) from fault

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises what fails within as StorageError, or _Damaged after the segment was set aside; closes it for both."""
        try:
            yield
        except (OSError, sqlite3.Error) as fault:
            self._close_segment()
            damaged = self._name if isinstance(fault, sqlite3.Error) and is_damage(fault) else None
            if damaged is not None and self._on_damage is not None:
                self._set_aside()
                raise _Damaged(cannot_keep(self.folder, fault, self._elsewhere)) from fault
            raise StorageError(cannot_keep(self.folder, fault, self._elsewhere)) from fault
        except BaseException:
            self._close_segment()
            raise

    def _set_aside(self) -> None:
        """Have the damaged segment renamed; should that fail, it is met again by the next attempt."""
        self._close_segment()
        if self._name is not None and self._on_damage is not None:
            try:
                self._on_damage(self._name)
            except OSError as fault:
                raise StorageError(cannot_keep(self.folder, fault, self._elsewhere)) from fault
            self._name = None
            self._marks = {}

    def _close_segment(self) -> None:
        """Take back what is not committed; the segment is opened again when it is needed."""
        segment, self._segment = self._segment, None
        self._is_marked = False
        if segment is not None:
            segment.close()


class _Damaged(StorageError):
    """The segment was damaged, and has been set aside."""
