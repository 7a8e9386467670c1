"""One segment of the history, opened for writing: what a group of batches leaves in it, in one transaction. What may be
read from it stands in search; which segment is written to, and what to do when that fails, in history."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from desktop_logs.core.producers import Span
from desktop_logs.core.records import Record
from desktop_logs.storage.schema import (
    GROUP_SHIFT,
    RECORD_COLUMNS,
    create_tables,
    fact,
    has_index,
    index_groups,
    insert_records,
    record_of,
    set_fact,
)
from desktop_logs.storage.segments import COMPANIONS

Spans = Mapping[str, tuple[Span, ...]]
"""The numbers stored of each producer, the one heard of last at the end."""
Marks = Mapping[str, tuple[str, int]]
"""Of each series of log files, the name of its newest file and how many bytes of it this history knows."""

_LAST_IN_GROUP: Final = (1 << GROUP_SHIFT) - 1
_BUSY_MS: Final = 1_000
_SAVE_PRODUCER: Final = "INSERT OR REPLACE INTO producers VALUES (?, ?, ?)"
_SAVE_MARK: Final = "INSERT OR REPLACE INTO marks VALUES (?, ?, ?)"


class Segment:
    """The segment at *path*, which exists, for one thread at a time. Everything raises sqlite3.Error.

    `begin`, `add` and `mark`, then `commit`. After a fault only `close` may be called, which takes back the rest.
    """

    def __init__(self, path: Path) -> None:
        self._connection = _connect(path)
        try:
            self.last_seq = _number(self._connection, "SELECT max(seq) FROM records")
            self.epoch = str(fact(self._connection, "epoch") or "")
            self._indexed_below: int | None = fact(self._connection, "indexed_below")
            self._waiting = self._not_indexed()
        except BaseException:
            self._connection.close()
            raise

    def producers(self) -> OrderedDict[str, tuple[Span, ...]]:
        """The numbers stored of each producer, the one heard of last at the end."""
        rows = self._connection.execute("SELECT name, spans FROM producers ORDER BY used_seq").fetchall()
        return OrderedDict((name, tuple((start, end) for start, end in json.loads(spans))) for name, spans in rows)

    def marks(self) -> dict[str, tuple[str, int]]:
        """How far the log files go that this history knows."""
        rows = self._connection.execute("SELECT series, file, bytes FROM marks").fetchall()
        return {series: (name, size) for series, name, size in rows}

    def newest(self, count: int) -> list[Record]:
        """The newest *count* records, newest first."""
        return _newest(self._connection, count)

    def begin(self) -> None:
        """Begin a transaction; waits a second at most for another program that writes."""
        self._connection.execute("BEGIN IMMEDIATE")

    def add(self, records: Sequence[Record], producers: Spans, forgotten: Iterable[str] = ()) -> None:
        """Add *records*, whose numbers grow, and what is stored of *producers* with them; drop the *forgotten* ones."""
        if records:
            insert_records(self._connection, records)
            self.last_seq = records[-1].seq
            self._index(records)
        rows = [(name, json.dumps(spans), self.last_seq) for name, spans in producers.items()]
        self._connection.executemany(_SAVE_PRODUCER, rows)
        for name in forgotten:
            self._connection.execute("DELETE FROM producers WHERE name = ?", (name,))

    def mark(self, marks: Marks) -> None:
        """Keep how far the log files go."""
        for series, (name, size) in marks.items():
            self._connection.execute(_SAVE_MARK, (series, name, size))

    def unmark(self) -> None:
        """Forget how far the log files go: they are written without this history from here on."""
        self._connection.execute("DELETE FROM marks")

    def commit(self) -> None:
        """After return the transaction is on disk, so it outlives a kill and a loss of power."""
        self._connection.execute("COMMIT")

    def try_out(self, size: int) -> None:
        """Store *size* bytes, and drop them again."""
        self.begin()
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES ('probe', zeroblob(?))", (size,))
        self.commit()
        self._connection.execute("DELETE FROM facts WHERE name = 'probe'")

    def close(self) -> None:
        """Take back what is not committed, bring the rest into the one file, and close it. Raises nothing."""
        # What cannot be brought there now stays in the log beside it, where the next one to open it finds it.
        with closing(self._connection), suppress(sqlite3.Error):
            # SQLite itself rolls back after some faults, such as a full disk.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._connection.execute("PRAGMA busy_timeout = 0").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _index(self, records: Sequence[Record]) -> None:
        """Index the groups that are complete with *records*; the last one most often is not, and waits."""
        if self._indexed_below is None:
            return
        waiting = [*self._waiting, *records]
        # Numbers grow, so a group is complete with its last number, or when there is a record of a later one.
        below = (self.last_seq + 1) >> GROUP_SHIFT
        groups: dict[int, list[Record]] = {}
        for record in waiting:
            groups.setdefault(record.seq >> GROUP_SHIFT, []).append(record)
        complete = [(group, members) for group, members in groups.items() if group < below]
        self._waiting = groups.get(below, [])
        if complete:
            index_groups(self._connection, complete)
            set_fact(self._connection, "indexed_below", below)
            self._indexed_below = below

    def _not_indexed(self) -> list[Record]:
        if self._indexed_below is None:
            return []
        query = f"SELECT {RECORD_COLUMNS} FROM records WHERE seq >= ? ORDER BY seq"
        rows = self._connection.execute(query, (self._indexed_below << GROUP_SHIFT,)).fetchall()
        return [record_of(row) for row in rows]


def create_segment(path: Path, *, epoch: str, producers: Spans, marks: Marks, first_seq: int) -> None:
    """Make a segment at *path* that goes on where an older one has ended: its records will be from *first_seq* on.

    Whoever looks into the folder finds all of it or nothing. Raises OSError and sqlite3.Error.
    """
    part = path.with_name(f"{path.name}.part")
    for leftover in (part, *(part.with_name(f"{part.name}{ending}") for ending in COMPANIONS)):
        leftover.unlink(missing_ok=True)
    # Logs tell secrets: made here, since SQLite would let everybody read it. Its companions follow its mode.
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(_connect(part)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        create_tables(connection, indexed=has_index())
        set_fact(connection, "epoch", epoch)
        if has_index():
            set_fact(connection, "indexed_below", first_seq >> GROUP_SHIFT)
        # Heard of before whoever is heard of in this segment, in their order.
        rows = [(name, json.dumps(spans), at - len(producers)) for at, (name, spans) in enumerate(producers.items())]
        connection.executemany(_SAVE_PRODUCER, rows)
        for series, (name, size) in marks.items():
            connection.execute(_SAVE_MARK, (series, name, size))
        connection.execute("COMMIT")
    os.replace(part, path)


def count_records(path: Path) -> int:
    """How many records the segment at *path* holds, without reading them. Raises sqlite3.Error."""
    with closing(_connect(path)) as connection:
        return _number(connection, "SELECT sum(records) FROM blocks")


def read_newest(path: Path, count: int) -> list[Record]:
    """The newest *count* records of the segment at *path*, newest first. Raises sqlite3.Error."""
    with closing(_connect(path)) as connection:
        return _newest(connection, count)


def _newest(connection: sqlite3.Connection, count: int) -> list[Record]:
    query = f"SELECT {RECORD_COLUMNS} FROM records ORDER BY seq DESC LIMIT ?"
    # All at once: each row that is fetched alone gives the interpreter away.
    return [record_of(row) for row in connection.execute(query, (count,)).fetchall()]


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to the database at *path*, which exists, for whichever thread has it in hand."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True, timeout=_BUSY_MS / 1_000, isolation_level=None, check_same_thread=False,
    )  # fmt: skip
    try:
        # The rest stays as SQLite has it. In groups of 600, synchronous NORMAL, a checkpoint at 4,000 pages, or another
        # automerge, crisismerge or pgsz of the index cost the same 9 to 13 µs of processor time a record. With
        # automerge 16 a commit takes 12 ms at p99 where it takes 27, but 97 at the most where it takes 29. A checkpoint
        # at 1,000 pages keeps the log beside the file at 4 MB, so that after a kill a million records are ready in
        # 0.2 s.
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _number(connection: sqlite3.Connection, query: str) -> int:
    (value,) = connection.execute(query).fetchone()
    return int(value or 0)
