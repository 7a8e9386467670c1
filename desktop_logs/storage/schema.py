"""The tables of a segment, and how records become their rows. Knows no files, no thread and no transaction.

A record is a row. Sixteen of them whose numbers differ in the last four bits alone are a group: one document of the
index `words`, which holds the trigrams of their folded texts and nothing more, so that a search learns which groups to
look into. By the record that costs a quarter of the time and a third of the space (tests/bench/history_index.py).
A group is indexed when it is complete; the records of the newest are few enough to be looked at one by one.
1,024 records are a block, of which the times and levels are known: a search leaves out what cannot match.
"""

from __future__ import annotations

import sqlite3
import sys
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Final

from desktop_logs.core.levels import band_of
from desktop_logs.core.records import Record

FORMAT: Final = 1
GROUP_SHIFT: Final = 4
BLOCK_SHIFT: Final = 10
RECORD_COLUMNS: Final = "seq, time_ns, severity, level, source, message, context, given_id"
"""As `record_of` takes them."""

_TABLES: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, severity INTEGER NOT NULL, level TEXT NOT NULL,
    source TEXT NOT NULL, message TEXT NOT NULL, context TEXT NOT NULL, given_id TEXT NOT NULL,
    is_ascii INTEGER NOT NULL
);
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY, records INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
    bands INTEGER NOT NULL
);
CREATE TABLE producers (name TEXT PRIMARY KEY, spans TEXT NOT NULL, used_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE marks (series TEXT PRIMARY KEY, file TEXT NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
"""
_WORDS: Final = """
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', tokenize = 'trigram', detail = none, columnsize = 0)
"""
_MERGE_BLOCK: Final = """
INSERT INTO blocks VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET records = records + excluded.records,
    first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns),
    bands = bands | excluded.bands
"""


@cache
def has_index() -> bool:
    """True when this SQLite can index trigrams; without it a search looks at every record."""
    with sqlite3.connect(":memory:") as probe:
        try:
            probe.execute(_WORDS)
        except sqlite3.OperationalError:  # no FTS5, or one without the tokenizer (before 3.34)
            return False
        finally:
            probe.rollback()
    return True


def create_tables(connection: sqlite3.Connection, *, indexed: bool) -> None:
    """Make the tables of an empty segment. Facts: `format`; `indexed_below`, the first group that is not in the index,
    is missing where there is no index."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            connection.execute(statement)
    set_fact(connection, "format", FORMAT)
    if indexed:
        connection.execute(_WORDS)
        set_fact(connection, "indexed_below", 0)


def fact(connection: sqlite3.Connection, name: str) -> Any:
    """The value kept under *name*; None when none is."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def set_fact(connection: sqlite3.Connection, name: str, value: str | int) -> None:
    """Keep *value* under *name*."""
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def insert_records(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Add *records*, whose numbers grow, with what is known of their blocks. The index is the caller's matter."""
    times = [record.time_ns for record in records]
    severities = [record.severity for record in records]
    rows = [
        (
            record.seq, time_ns, severity, record.level, record.source, record.message, record.context, record.given_id,
            f"{record.level}{record.source}{record.message}{record.context}".isascii(),
        )
        for record, time_ns, severity in zip(records, times, severities, strict=True)
    ]  # fmt: skip
    _insert(connection, "records", rows)
    start = 0
    while start < len(records):
        block = records[start].seq >> BLOCK_SHIFT
        end = bisect_left(records, (block + 1) << BLOCK_SHIFT, start, key=attrgetter("seq"))
        bands = sum({1 << band_of(severity) for severity in set(severities[start:end])})
        known = (block, end - start, min(times[start:end]), max(times[start:end]), bands)
        connection.execute(_MERGE_BLOCK, known)
        start = end


def index_groups(connection: sqlite3.Connection, groups: Iterable[tuple[int, Sequence[Record]]]) -> None:
    """Add complete groups to the index: each its number and all of its records that there will ever be."""
    _insert(connection, "words (rowid, text)", [(group, document(records)) for group, records in groups])


def document(records: Iterable[Record]) -> str:
    """What is indexed of a group: all that a word is looked for in, folded as the query is."""
    texts = "\n".join(f"{record.level}\n{record.source}\n{record.message}\n{record.context}" for record in records)
    return texts.casefold()


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Insert *rows* into *table*.

    One row after the other, though that gives the interpreter away each time: with one statement for up to 1,024 rows
    it was held so long that four producers got 31,000 records/s into the hub and 27,000 into the window, which stood
    still for 71 ms, where they get 48,000, 40,000 and 48 ms (medians of three). Only beside a thread that never pauses
    a commit takes longer with this: 165 to 235 ms at p99, and not 97 to 127.
    """
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def record_of(row: Sequence[Any]) -> Record:
    """The record of a row of RECORD_COLUMNS."""
    seq, time_ns, severity, level, source, message, context, given_id = row
    return Record(seq, time_ns, severity, sys.intern(level), sys.intern(source), message, context, given_id)
