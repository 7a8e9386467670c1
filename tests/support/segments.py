"""Segments of a history as a hub writes them, for tests of what reads them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import date
from itertools import groupby
from pathlib import Path

from desktop_logs.core.records import Record
from desktop_logs.storage.schema import GROUP_SHIFT, create_tables, has_index, index_groups, insert_records, set_fact
from desktop_logs.storage.segments import SegmentName


def write_segments(folder: Path, days: Iterable[tuple[date, Sequence[Record]]]) -> list[Path]:
    """A segment for each of *days* in *folder*, which is made, with its complete groups indexed; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        write_segment(folder / str(SegmentName(number, day)), records) for number, (day, records) in enumerate(days, 1)
    ]


def write_segment(path: Path, records: Sequence[Record], *, indexed: bool = True) -> Path:
    """A new segment with *records*, whose numbers grow. Returns *path*."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            create_tables(connection, indexed=indexed and has_index())
            insert_records(connection, records)
            if indexed and has_index() and records:
                below = records[-1].seq + 1 >> GROUP_SHIFT
                groups = groupby(records, lambda record: record.seq >> GROUP_SHIFT)
                index_groups(connection, ((group, list(members)) for group, members in groups if group < below))
                set_fact(connection, "indexed_below", below)
    return path
