"""A segment made anew of what was salvaged and of the day's log files. Sets nothing aside and decides on no repair.

Both are put into a database for the work alone, so that a million records need no memory.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from desktop_logs.core.records import Record
from desktop_logs.storage import schema
from desktop_logs.storage.check import Stopped
from desktop_logs.storage.daylines import DayLine, lines_of
from desktop_logs.storage.lineup import COLUMNS, Lineup, values_of
from desktop_logs.storage.salvage import Beside, DamagedSegment
from desktop_logs.storage.segments import COMPANIONS, SegmentName, segments_in

PART: Final = ".part"
"""The end of the name of a segment that is being rebuilt."""
WORK: Final = ".work.part"
"""The end of the name of the database that it is made with."""
STEMS: Final = ("application", "errors")

_CHUNK: Final = 400
"""Records between two turns of the window: about 4 ms of reading pages, or of reading lines."""
_STEPS: Final = 10_000
_OWN_FACTS: Final = ("format", "indexed_below", "rebuilt")
_BEYOND: Final = 2**62

_ROWS: Final = f"CREATE TABLE rows (seq INTEGER PRIMARY KEY, {COLUMNS}, page)"
# A row whose neighbours both stand on one page, and itself on another, has a number that was damaged.
_DROP_INTRUDERS: Final = """
DELETE FROM rows WHERE seq IN (
    SELECT seq FROM (SELECT seq, page, lag(page) OVER (ORDER BY seq) AS before, lead(page) OVER (ORDER BY seq) AS after
                     FROM rows) WHERE before = after AND page <> before)
"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What has become of a segment."""

    records: int
    salvaged: int
    """Read from the damaged file; most of them are in the log files too."""
    added: int
    """From the log files alone."""
    expected: int
    """How many there were before, as far as that is known; never below *records*."""


def rebuild(
    folder: Path, name: SegmentName, damaged: Path, logs_folder: Path, is_stopped: Callable[[], bool]
) -> Rebuilt:
    """Make the segment *name* again from *damaged*, where it was set aside, and put it into its place in the order.

    Numbers stay what they were, so that the epoch does too: only what is lost is gone. Nothing is put there when
    nothing could be had. Costs about 41 µs of processor time a record, and of memory 36 MB with 500,000 of them.
    Raises Stopped, OSError, and sqlite3.Error when the disk is full.
    """
    target, work, part = folder / str(name), folder / f"{name}{WORK}", folder / f"{name}{PART}"
    clear(folder, name)
    try:
        with closing(_open_new(work)) as connection:
            connection.set_progress_handler(is_stopped, _STEPS)
            try:
                first, end = _bounds(folder, name)
                beside = _salvage(connection, damaged, first, end, is_stopped)
                salvaged = _count(connection)
                lineup = Lineup(connection, lambda: _settled_bounds(folder, name), lambda: _siblings(folder, name))
                for stem in STEMS:
                    lineup.merge(_chunks(lines_of(logs_folder, stem, name.day), is_stopped))
                records = _count(connection)
                result = Rebuilt(records, salvaged, records - salvaged, _expected(connection, beside))
                if records:
                    _write(connection, part, beside, result, is_stopped)
            except sqlite3.OperationalError:
                if is_stopped():
                    raise Stopped from None
                raise
        if records:
            if target.exists():  # it has its number from somebody else: no file is ever written over
                raise FileExistsError(f"{target} is there already")
            os.rename(part, target)
            _sync_folder(folder)
        return result
    finally:
        clear(folder, name)


def clear(folder: Path, name: SegmentName) -> None:
    """Take away what a rebuild that was ended in the middle has left of its work. Raises OSError."""
    for ending in (WORK, PART):
        for companion in ("", *COMPANIONS):
            (folder / f"{name}{ending}{companion}").unlink(missing_ok=True)


def _open_new(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # logs tell secrets
    # The folder's disk alone has room for it; begun anew after any fault, so that it needs no journal.
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "cache_size = -16000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM rows").fetchone()[0])


def _bounds(folder: Path, name: SegmentName) -> tuple[int, int]:
    """The lowest number that may be in *name*, and the one that all of its are below, as the segments around tell."""
    first, end = 1, _BEYOND
    for other in segments_in(folder):
        ask = "max(seq)" if other < name else "min(seq)"
        with suppress(sqlite3.Error), closing(_reader(folder / str(other))) as connection:
            number = connection.execute(f"SELECT {ask} FROM records").fetchone()[0]
            if number is not None and other < name:
                first = max(first, number + 1)
            elif number is not None:
                end = min(end, number)
    return first, end


def _settled_bounds(folder: Path, name: SegmentName) -> tuple[int, int]:
    """The same, when every line that is in the files by now has its record in its segment, or is taken back.

    The writer begins a segment and its transaction before it appends the lines, and commits afterwards.
    """
    newest = segments_in(folder)[-1:]
    if newest and newest[0].day == name.day and newest[0] > name:
        path = folder / str(newest[0])
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("ROLLBACK")
    return _bounds(folder, name)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _salvage(
    connection: sqlite3.Connection, damaged: Path, first: int, end: int, is_stopped: Callable[[], bool]
) -> Beside:
    connection.execute(_ROWS)
    connection.execute("BEGIN")
    insert = "INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    unyielded = 0
    with DamagedSegment(damaged) as segment:
        for leaf in segment.leaves():
            rows = [(record.seq, *values_of(record), leaf.page) for record in leaf.records if first <= record.seq < end]
            connection.executemany(insert, rows)
            unyielded += len(rows)
            if unyielded >= _CHUNK:
                unyielded = 0
                _give_way(is_stopped)
    connection.execute(_DROP_INTRUDERS)
    connection.execute("CREATE INDEX given ON rows (given_id) WHERE given_id <> ''")
    connection.execute("COMMIT")
    return segment.beside


def _give_way(is_stopped: Callable[[], bool]) -> None:
    if is_stopped():
        raise Stopped
    time.sleep(0)  # gives the GIL to the window


def _siblings(folder: Path, name: SegmentName) -> Iterator[list[tuple[str, int]]]:
    """The given ids and times of the segments that share the day's files: the clock went back, or this one was set
    aside while it was written. What cannot be read of them is left out."""
    for other in segments_in(folder):
        if other.day != name.day or other == name:
            continue
        with suppress(sqlite3.Error), closing(_reader(folder / str(other))) as sibling:
            found = sibling.execute("SELECT given_id, time_ns FROM records WHERE given_id <> ''")
            while rows := found.fetchmany(_CHUNK):
                yield rows


def _chunks(lines: Iterator[DayLine], is_stopped: Callable[[], bool]) -> Iterator[list[DayLine]]:
    chunk = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
            _give_way(is_stopped)
    yield chunk


def _expected(connection: sqlite3.Connection, beside: Beside) -> int:
    """How many records there were: by block what was noted of it, or what is there where nothing is known."""
    here = dict(connection.execute(f"SELECT seq >> {schema.BLOCK_SHIFT}, count(*) FROM rows GROUP BY 1"))
    size = 1 << schema.BLOCK_SHIFT
    noted = {block: count for block, count in beside.blocks.items() if 0 < count <= size}
    return sum(max(here.get(block, 0), noted.get(block, 0)) for block in here.keys() | noted.keys())


def _write(
    work: sqlite3.Connection, part: Path, beside: Beside, result: Rebuilt, is_stopped: Callable[[], bool]
) -> None:
    """Write the segment, complete and closed, to *part*."""
    with closing(_open_new(part)) as connection:
        connection.set_progress_handler(is_stopped, _STEPS)
        indexed = schema.has_index()
        connection.execute("BEGIN")
        schema.create_tables(connection, indexed=indexed)
        last = 0
        for records in _groups_together(work, is_stopped):
            schema.insert_records(connection, records)
            if indexed:
                groups: dict[int, list[Record]] = {}
                for record in records:
                    groups.setdefault(record.seq >> schema.GROUP_SHIFT, []).append(record)
                schema.index_groups(connection, groups.items())
            last = records[-1].seq
        if indexed:
            # Nothing is added any more, so that the last group is complete too.
            schema.set_fact(connection, "indexed_below", (last >> schema.GROUP_SHIFT) + 1)
        for name, value in beside.facts.items():
            if name not in _OWN_FACTS:
                schema.set_fact(connection, name, value)
        schema.set_fact(
            connection, "rebuilt",
            f"at {time.time_ns()}: {result.records} of {result.expected}, "
            f"{result.salvaged} salvaged, {result.added} from files",
        )  # fmt: skip
        # Not the marks: they are the writer's, of files that have grown since, and it would cut them back.
        connection.executemany(
            "INSERT INTO producers VALUES (?, ?, ?)",
            [(name, spans, used) for name, (spans, used) in beside.producers.items()],
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    with open(part, "rb+") as file:
        os.fsync(file.fileno())


def _groups_together(work: sqlite3.Connection, is_stopped: Callable[[], bool]) -> Iterator[list[Record]]:
    """All records by number, in lists that no group is divided between."""
    found = work.execute(f"SELECT {schema.RECORD_COLUMNS} FROM rows ORDER BY seq")
    held: list[Record] = []
    while rows := found.fetchmany(_CHUNK):
        held += map(schema.record_of, rows)
        group = held[-1].seq >> schema.GROUP_SHIFT
        cut = len(held)
        while cut and held[cut - 1].seq >> schema.GROUP_SHIFT == group:
            cut -= 1
        if cut:
            yield held[:cut]
            held = held[cut:]
        _give_way(is_stopped)
    if held:
        yield held


def _sync_folder(folder: Path) -> None:
    """Have the name on the disk too, where a folder can be synced: Windows cannot, and has it with the file."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
