"""Segments of the history, written for tests and measurements without the disk thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date, timedelta
from itertools import groupby, islice
from pathlib import Path

from desktop_logs.core.records import Record
from desktop_logs.storage.schema import GROUP_SHIFT, create_tables, index_groups, insert_records, set_fact
from desktop_logs.storage.segments import SegmentName

FIRST_DAY = date(2026, 11, 1)
_BATCH_RECORDS = 4_000


def segment_name(number: int) -> SegmentName:
    """The segment *number*, from 1 on, each a day later."""
    return SegmentName(number, FIRST_DAY + timedelta(days=number - 1))


def write_segment(
    folder: Path, number: int, held: Iterable[Record], *, indexed: bool = True, group_shift: int = GROUP_SHIFT
) -> Path:
    """The segment *number* with the records *held*, whose numbers grow; their complete groups are indexed."""
    folder.mkdir(parents=True, exist_ok=True)
    return _write(folder / str(segment_name(number)), held, indexed=indexed, group_shift=group_shift)


def write_segments(folder: Path, days: Iterable[tuple[date, Iterable[Record]]]) -> list[Path]:
    """A segment for each of *days* in *folder*, which is made; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / str(SegmentName(number, day)), held) for number, (day, held) in enumerate(days, 1)]


def _write(path: Path, held: Iterable[Record], *, indexed: bool = True, group_shift: int = GROUP_SHIFT) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN")
        create_tables(connection, indexed=indexed)
        connection.execute("COMMIT")
        append(connection, held, indexed=indexed, group_shift=group_shift)
    return path


def append(
    connection: sqlite3.Connection, held: Iterable[Record], *, indexed: bool = True, group_shift: int = GROUP_SHIFT
) -> None:
    """Write *held* into an open segment, in transactions as the disk thread has them."""
    waiting: list[Record] = []
    coming = iter(held)
    while batch := list(islice(coming, _BATCH_RECORDS)):
        connection.execute("BEGIN")
        insert_records(connection, batch)
        if indexed:
            waiting += batch
            newest = waiting[-1].seq >> group_shift
            complete = [record for record in waiting if record.seq >> group_shift < newest]
            groups = groupby(complete, key=lambda record: record.seq >> group_shift)
            index_groups(connection, [(group, list(members)) for group, members in groups])
            set_fact(connection, "indexed_below", newest)
            waiting = waiting[len(complete) :]
        connection.execute("COMMIT")
