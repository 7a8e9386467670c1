"""One segment, open for reading: which of its records a condition selects. Writes nothing; knows no other segment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from desktop_logs.core.query_sql import QueryFunctions, Where, register_functions
from desktop_logs.core.query_words import Bounds
from desktop_logs.core.records import Record
from desktop_logs.storage.schema import BLOCK_SHIFT, FORMAT, GROUP_SHIFT, RECORD_COLUMNS, fact, record_of

Handler = Callable[[], int]
"""Called often while SQLite works; anything but 0 ends the statement, for which the owner raises its own error."""

_BUSY_S: Final = 0.25
# Steps of SQLite's machine between two calls of the handler: 50 to 100 µs.
_HANDLER_STEPS: Final = 2_000
_FIRST_BLOCKS: Final = 4
_MOST_BLOCKS: Final = 256
_FIRST_GROUPS: Final = 32
_MOST_GROUPS: Final = 4_096
_GROWTH: Final = 4
_BLOCK: Final = 1 << BLOCK_SHIFT
_GROUP: Final = 1 << GROUP_SHIFT

_MAY_MATCH: Final = "last_ns >= ? AND first_ns <= ? AND bands & ?"
_BLOCKS_THAT_MAY: Final = f"SELECT min(id), max(id) FROM blocks WHERE id BETWEEN ? AND ? AND {_MAY_MATCH}"
# Both tables are walked by their key, so what comes needs no sorting and ends at the limit. Of two conditions on seq
# SQLite may choose the wrong one to walk by, so there is one.
_IN_BLOCKS: Final = f"""
SELECT {RECORD_COLUMNS} FROM blocks CROSS JOIN records
WHERE id BETWEEN ? AND ? AND {_MAY_MATCH}
    AND seq BETWEEN max(id << {BLOCK_SHIFT}, ?) AND min((id << {BLOCK_SHIFT}) + {_BLOCK - 1}, ?) AND {{condition}}
ORDER BY id {{order}}, seq {{order}} LIMIT ?
"""
# One step for all of them, so that Python's lock changes hands once.
_GROUPS: Final = f"""
SELECT json_group_array(rowid), count(*), min(rowid) FROM (
    SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? AND EXISTS (
        SELECT 1 FROM blocks WHERE id = words.rowid >> {BLOCK_SHIFT - GROUP_SHIFT} AND {_MAY_MATCH}
    ) ORDER BY rowid DESC LIMIT ?
)
"""
_IN_GROUPS: Final = f"""
SELECT {RECORD_COLUMNS} FROM json_each(?) AS found CROSS JOIN records
WHERE seq BETWEEN found.value << {GROUP_SHIFT} AND min((found.value << {GROUP_SHIFT}) + {_GROUP - 1}, ?)
    AND {{condition}}
ORDER BY seq DESC LIMIT ?
"""
_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "another program holds it locked; try again in a moment",
    sqlite3.SQLITE_LOCKED: "another program holds it locked; try again in a moment",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; keep a copy, the other days are not touched by it",
    sqlite3.SQLITE_NOTADB: "the file is damaged; keep a copy, the other days are not touched by it",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; see that you may read it",
    sqlite3.SQLITE_PERM: "the file cannot be opened; see that you may read it",
    sqlite3.SQLITE_READONLY: "the file cannot be opened; see that you may write in its folder",
}


class Unreadable(Exception):
    """A segment cannot be read. Its text says why and what to do, to stand behind a colon."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, the same in every segment."""

    where: Where
    bounds: Bounds
    words: str = ""
    """What the index knows of every match; empty where that is nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a segment that has been looked through."""

    records: list[Record]
    """Those selected, newest first."""
    done: float
    """0 to 1, of the segment."""


class SegmentReader:
    """`with SegmentReader(path, handler) as segment:` — open as long as that, since an open file cannot be deleted
    on Windows. Every call raises Unreadable, and TooSlow for an expression.

    It is open for reading only. To share it with a writer SQLite needs files beside it, and leaves them there. A
    segment that is not the newest (*may_grow* False), or whose folder is not ours to write in, has no writer when it
    has no such files: it is read as it stands.
    """

    def __init__(self, path: Path, handler: Handler, *, may_grow: bool) -> None:
        self._handler = handler
        self._functions: QueryFunctions | None = None
        with self._told():
            self._connection = self._connect(path, may_grow)

    def __enter__(self) -> SegmentReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._connection.close()

    def _connect(self, path: Path, may_grow: bool) -> sqlite3.Connection:
        if not path.exists():
            raise Unreadable("it was deleted meanwhile")
        has_writer = Path(f"{path}-wal").exists()
        if may_grow or has_writer:
            try:
                return self._opened(path, "mode=ro")
            except sqlite3.OperationalError as fault:
                if has_writer or _code(fault) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                    raise
        return self._opened(path, "mode=ro&immutable=1")

    def _opened(self, path: Path, how: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{how}", uri=True, timeout=_BUSY_S, isolation_level=None
        )
        try:
            # Some systems compile it otherwise; a word is found in any letter case.
            connection.execute("PRAGMA case_sensitive_like = OFF")
            self._is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if not self._is_empty and fact(connection, "format") != FORMAT:
                raise Unreadable("another version of this program has written it; use that one")
            self._functions = register_functions(connection)
            connection.set_progress_handler(self._handler, _HANDLER_STEPS)
            self._indexed_below = None if self._is_empty else fact(connection, "indexed_below")
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def is_indexed(self) -> bool:
        """False when every record has to be looked at."""
        return self._is_empty or self._indexed_below is not None

    @property
    def first_seq(self) -> int | None:
        """The lowest number in it; None when it is empty."""
        if self._is_empty:
            return None
        with self._told():
            (first,) = self._connection.execute("SELECT min(seq) FROM records").fetchone()
            return None if first is None else int(first)

    def newest(self, wanted: Wanted, last_seq: int, limit: int) -> Iterator[Step]:
        """What *wanted* selects up to the number *last_seq*, newest first: *limit* records at the most."""
        if self._is_empty:
            return
        with self._told():
            below = (self._indexed_below or 0) << GROUP_SHIFT if wanted.words else 0
            first, last = self._blocks(wanted.bounds, 0, last_seq >> BLOCK_SHIFT)
            total = max(last - first + 1, 1)
            for step_first, found in self._scanned(wanted, first, last, below, last_seq, limit):
                yield Step(found, (last - step_first + 1) / total)
                limit -= len(found)
            if below and limit:
                groups = first << BLOCK_SHIFT - GROUP_SHIFT
                until = min(below - 1, last_seq, (last << BLOCK_SHIFT) + _BLOCK - 1)
                for group, found in self._looked_up(wanted, groups, until, limit):
                    yield Step(found, (last - (group >> BLOCK_SHIFT - GROUP_SHIFT) + 1) / total)

    def after(self, seq: int, limit: int) -> list[Record]:
        """The oldest *limit* records with higher numbers than *seq*, oldest first."""
        sql = f"SELECT {RECORD_COLUMNS} FROM records WHERE seq > ? ORDER BY seq LIMIT ?"
        return self._rows(sql, (seq, limit))

    def near(self, seq: int, bounds: Bounds, limit: int) -> list[Record]:
        """The *limit* records within *bounds* below *seq* and the *limit* from there on whose numbers are nearest."""
        within = "time_ns BETWEEN ? AND ?"
        times = (bounds.first_ns, bounds.last_ns)
        found: list[Record] = []
        for low, high, order in ((0, seq - 1, "DESC"), (seq, (1 << 63) - 1, "ASC")):
            sql = _IN_BLOCKS.format(condition=within, order=order)
            found += self._rows(sql, (low >> BLOCK_SHIFT, high >> BLOCK_SHIFT, *_of(bounds), low, high, *times, limit))
        return found

    def _blocks(self, bounds: Bounds, first: int, last: int) -> tuple[int, int]:
        """The first and the last block from *first* to *last* that may hold what *bounds* let through; (0, -1) when
        none may."""
        found = self._connection.execute(_BLOCKS_THAT_MAY, (first, last, *_of(bounds))).fetchone()
        return (0, -1) if found[0] is None else (found[0], found[1])

    def _scanned(
        self, wanted: Wanted, first: int, last: int, first_seq: int, last_seq: int, limit: int
    ) -> Iterator[tuple[int, list[Record]]]:
        """From block *last* down to *first*: the first block of each part looked at, and what was found in it."""
        sql = _IN_BLOCKS.format(condition=wanted.where.sql, order="DESC")
        count = _FIRST_BLOCKS
        first = max(first, first_seq >> BLOCK_SHIFT)
        while last >= first and limit:
            start = max(last - count + 1, first)
            parameters = (start, last, *_of(wanted.bounds), first_seq, last_seq, *wanted.where.parameters, limit)
            found = self._rows(sql, parameters)
            yield start, found
            limit -= len(found)
            last, count = start - 1, min(count * _GROWTH, _MOST_BLOCKS)

    def _looked_up(
        self, wanted: Wanted, first_group: int, last_seq: int, limit: int
    ) -> Iterator[tuple[int, list[Record]]]:
        """The same by the index, from *last_seq* down to *first_group*; it tells the first group of each part."""
        sql = _IN_GROUPS.format(condition=wanted.where.sql)
        count = _FIRST_GROUPS
        last_group = last_seq >> GROUP_SHIFT
        while last_group >= first_group and limit:
            asked = (wanted.words, first_group, last_group, *_of(wanted.bounds), count)
            groups, found, lowest = self._connection.execute(_GROUPS, asked).fetchone()
            if not found:
                return
            rows = self._rows(sql, (groups, last_seq, *wanted.where.parameters, limit))
            yield lowest, rows
            limit -= len(rows)
            if found < count:
                return
            last_group, count = lowest - 1, min(count * _GROWTH, _MOST_GROUPS)

    def _rows(self, sql: str, parameters: tuple[Any, ...]) -> list[Record]:
        if self._is_empty:
            return []
        with self._told():
            return [record_of(row) for row in self._connection.execute(sql, parameters)]

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite raises inside comes out as what callers know."""
        try:
            yield
        except sqlite3.Error as fault:
            if self._functions is not None:
                self._functions.raise_if_too_slow()
            raise Unreadable(_REASONS.get(_code(fault), f"SQLite says: {fault}")) from fault


def _of(bounds: Bounds) -> tuple[int, int, int]:
    """As _MAY_MATCH takes them."""
    return bounds.first_ns, bounds.last_ns, bounds.bands


def _code(fault: sqlite3.Error) -> int:
    """SQLite's own number for what went wrong, without the details."""
    return getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
