"""Measures which index of words a history should have, and prints a Markdown table:

    python -m tests.bench.history_index [--records 10000000] [--slow-records 1000000]

Each index holds the same records in one file, written in batches of 4,000 as the disk thread does. Searches are for the
newest 200. What takes long, an index by the record or none, is measured with fewer records; the table says so.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

from desktop_logs.core.query import parse
from desktop_logs.core.query_sql import register_functions, where
from desktop_logs.core.query_words import Bounds, bounds, needed
from desktop_logs.core.records import Record
from desktop_logs.storage.schema import RECORD_COLUMNS, create_tables, document, insert_records
from tests.bench.history_search import DAY_NS, FIRST_NS, made

_BATCH = 4_000
_LIMIT = 200
_SEARCHES = ("needle-b", "hit", "level>=error before:{half}")
_HEADER = (
    "index", "records", "written", "indexed", "both", "bytes a record",
    "rare substring", "common word", "level and time",
)  # fmt: skip
# As storage/segmentreader.py has them, for groups of any size.
_GROUPS = """
SELECT json_group_array(rowid), count(*), min(rowid)
FROM (SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?)
"""
_IN_GROUPS = f"""
SELECT {RECORD_COLUMNS} FROM json_each(?) AS found CROSS JOIN records
WHERE seq BETWEEN found.value * ? AND found.value * ? + ? - 1 AND {{condition}} ORDER BY seq DESC LIMIT {_LIMIT}
"""
_BY_PHRASE = f"""
SELECT {RECORD_COLUMNS} FROM words CROSS JOIN records ON seq = words.rowid
WHERE words MATCH ? ORDER BY words.rowid DESC LIMIT {_LIMIT}
"""
_BY_BLOCKS = f"""
SELECT {RECORD_COLUMNS} FROM blocks CROSS JOIN records
WHERE last_ns >= ? AND first_ns <= ? AND bands & ? AND seq BETWEEN id << 10 AND (id << 10) + 1023 AND {{condition}}
ORDER BY id DESC, seq DESC LIMIT {_LIMIT}
"""


@dataclass(frozen=True, slots=True)
class Index:
    """An index to be measured."""

    name: str
    options: str = ""
    """Of FTS5; empty for none."""
    group: int = 1
    """How many records are one document."""
    is_behind: bool = False
    """True when it is made after all records are written, from what is stored."""
    finds: str = "groups"
    """How a word is looked for: `groups`, `phrase` or, where the index knows no parts of words, `scan`."""
    is_slow: bool = True


_TRIGRAM = "tokenize = 'trigram'"
_SMALL = f"{_TRIGRAM}, detail = none, columnsize = 0"
INDEXES = (
    Index("none, all is looked through", finds="scan"),
    Index("unicode61, parts of words are looked for in all", "tokenize = 'unicode61', detail = none", finds="scan"),
    Index("trigrams by the record, with positions", _TRIGRAM, finds="phrase"),
    Index("trigrams by the record", _SMALL),
    Index("the same, made later", _SMALL, is_behind=True),
    Index("trigrams by 8 records", _SMALL, 8, is_slow=False),
    Index("**trigrams by 16 records**", _SMALL, 16, is_slow=False),
    Index("trigrams by 32 records", _SMALL, 32, is_slow=False),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history_index")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--slow-records", type=int, default=1_000_000, help="for what takes long")
    options = parser.parse_args()
    sys.stdout.write(f"| {' | '.join(_HEADER)} |\n|{' --- |' * len(_HEADER)}\n")
    for index in INDEXES:
        count = min(options.slow_records, options.records) if index.is_slow else options.records
        with tempfile.TemporaryDirectory(prefix="desktop-logs-index-") as folder:
            cells = _measured(index, count, Path(folder) / "segment.db")
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


def _measured(index: Index, count: int, path: Path) -> Sequence[str]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        create_tables(connection, indexed=False)
        if index.options:
            connection.execute(f"CREATE VIRTUAL TABLE words USING fts5 (text, content = '', {index.options})")
        writing_s, indexing_s = _written(connection, index, count)
        connection.execute("PRAGMA wal_checkpoint (TRUNCATE)")
    half = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((FIRST_NS + DAY_NS // 2) // 10**9))
    searches = [f"{_best_ms(index, path, text.format(half=half)):,.1f} ms" for text in _SEARCHES]
    return [
        index.name,
        f"{count:,}",
        f"{count / writing_s:,.0f}/s",
        f"{count / indexing_s:,.0f}/s" if index.options else "",
        f"{count / (writing_s + indexing_s):,.0f}/s",
        f"{path.stat().st_size / count:,.0f}",
        *searches,
    ]


def _written(connection: sqlite3.Connection, index: Index, count: int) -> tuple[float, float]:
    """The seconds for rows and commits, and those for the index."""
    writing_s = indexing_s = 0.0
    waiting: list[Record] = []
    coming = made(count, 0)
    while batch := list(islice(coming, _BATCH)):
        began_s = time.perf_counter()
        connection.execute("BEGIN")
        insert_records(connection, batch)
        written_s = time.perf_counter()
        if index.options and not index.is_behind:
            waiting = _index(connection, waiting + batch, index.group, is_last=False)
        indexed_s = time.perf_counter()
        connection.execute("COMMIT")
        indexing_s += indexed_s - written_s
        writing_s += time.perf_counter() - began_s - (indexed_s - written_s)
    began_s = time.perf_counter()
    if index.is_behind:
        for batch in _stored(connection, count):
            connection.execute("BEGIN")
            _index(connection, batch, index.group, is_last=True)
            connection.execute("COMMIT")
    elif index.options:
        _index(connection, waiting, index.group, is_last=True)
    return writing_s, indexing_s + time.perf_counter() - began_s


def _stored(connection: sqlite3.Connection, count: int) -> Iterator[list[Record]]:
    for first in range(1, count + 1, _BATCH):
        rows = connection.execute(f"SELECT {RECORD_COLUMNS} FROM records WHERE seq >= ? LIMIT {_BATCH}", (first,))
        yield [Record(*row) for row in rows]


def _index(connection: sqlite3.Connection, records: Sequence[Record], group: int, *, is_last: bool) -> list[Record]:
    """Index the complete groups of *records*; returns those of the last one, unless it *is_last*."""
    newest = records[-1].seq // group
    now = [record for record in records if is_last or record.seq // group < newest]
    groups = ((number, document(members)) for number, members in groupby(now, key=lambda record: record.seq // group))
    connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", groups)
    return list(records[len(now) :])


def _best_ms(index: Index, path: Path, text: str) -> float:
    """The quickest of three searches, each with a connection of its own."""
    return min(_asked_ms(index, path, text) for _ in range(3))


def _asked_ms(index: Index, path: Path, text: str) -> float:
    tree = parse(text).tree
    words, condition, within = needed(tree), where(tree), bounds(tree)
    began_s = time.perf_counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        register_functions(connection)
        if not words or index.finds == "scan":
            parameters = (*_times_and_bands(within), *condition.parameters)
            found = connection.execute(_BY_BLOCKS.format(condition=condition.sql), parameters).fetchall()
        elif index.finds == "phrase":
            found = connection.execute(_BY_PHRASE, (f'"{text}"',)).fetchall()
        else:
            found = list(_by_groups(connection, index.group, words, condition.sql, condition.parameters))
    took_ms = (time.perf_counter() - began_s) * 1_000
    assert found, f"{index.name} finds no {text}"
    return took_ms


def _by_groups(
    connection: sqlite3.Connection, group: int, words: str, condition: str, parameters: Sequence[object]
) -> Iterator[Sequence[object]]:
    found, below, count = 0, 1 << 62, 512 // group
    while found < _LIMIT:
        groups, candidates, below = connection.execute(_GROUPS, (words, below, count)).fetchone()
        if not candidates:
            return
        asked = (groups, group, group, group, *parameters)
        rows = connection.execute(_IN_GROUPS.format(condition=condition), asked).fetchall()
        found += len(rows)
        yield from rows
        count = min(count * 4, 65_536 // group)


def _times_and_bands(within: Bounds) -> tuple[int, int, int]:
    return within.first_ns, within.last_ns, within.bands


if __name__ == "__main__":
    main()
