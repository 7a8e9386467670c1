"""Segments with their log files, and damage to them, for the tests of checking and repairing. No tests here."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from random import Random

from desktop_logs.core.levels import INFO
from desktop_logs.core.records import Record
from desktop_logs.core.wire import encode_entry
from desktop_logs.storage import schema
from desktop_logs.storage.rotation import RotatingFile
from desktop_logs.storage.segments import SegmentName

DAY = date(2026, 11, 22)
NAME = SegmentName(12, DAY)
START_NS = 1_795_300_000_000_000_000
WORDS = [*(f"w{number}" for number in range(300)), "connected", "Zeitüberschreitung", "日本語", "🙂"]


def records_from(first: int, count: int, seed: int = 1, *, given: float = 0.3) -> list[Record]:
    """Records as they come: some below the files' level, some long, some with a context, a share with ids *given*."""
    chance = Random(seed * 1_000_003 + first)
    made = []
    for seq in range(first, first + count):
        message = " ".join(chance.choices(WORDS, k=chance.randint(1, 12)))
        if chance.random() < 0.002:
            message *= 300
        made.append(
            Record(
                seq,
                START_NS + seq * 1_000_000 + chance.randrange(1_000) * 1_000,
                *chance.choice([(5, "debug"), (9, "info"), (9, "info"), (13, "warn"), (17, "error")]),
                chance.choice(["api", "web", ""]),
                message,
                f'{{"n":{seq},"user":"ü"}}' if chance.random() < 0.4 else "",
                f"id-{seq}-{chance.randrange(10**6)}" if chance.random() < given else "",
            )
        )
    return made


def write_segment(folder: Path, name: SegmentName, records: Sequence[Record], *, leave_wal: bool = False) -> Path:
    """A segment as the disk thread leaves it when it is closed, or when it is killed."""
    folder.mkdir(exist_ok=True)
    path = folder / str(name)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 300")
    schema.create_tables(connection, indexed=True)
    schema.set_fact(connection, "epoch", "abc")
    connection.execute("INSERT INTO producers VALUES ('p1', '[[0,500]]', 77)")
    connection.execute("INSERT INTO marks VALUES ('application', 'application-2026-11-22.log', 5)")
    for at in range(0, len(records), 160):
        part = records[at : at + 160]
        connection.execute("BEGIN")
        schema.insert_records(connection, part)
        groups: dict[int, list[Record]] = {}
        for record in part:
            groups.setdefault(record.seq >> schema.GROUP_SHIFT, []).append(record)
        schema.index_groups(connection, groups.items())
        connection.execute("COMMIT")
    if leave_wal:
        kept = {ending: (folder / f"{name}{ending}").read_bytes() for ending in ("", "-wal")}
        connection.close()
        for ending, data in kept.items():
            (folder / f"{name}{ending}").write_bytes(data)
    else:
        connection.close()
    return path


def write_logs(folder: Path, day: date, records: Sequence[Record], max_bytes: int = 200_000) -> None:
    """The day's files with what has their level; the oldest of them is packed."""
    application = RotatingFile(folder, "application", max_bytes)
    errors = RotatingFile(folder, "errors", max_bytes)
    for at in range(0, len(records), 100):
        part = records[at : at + 100]
        application.append(b"".join(encode_entry(r) + b"\n" for r in part if r.severity >= INFO), day)
        errors.append(b"".join(encode_entry(r) + b"\n" for r in part if r.severity >= 17), day)
    application.close()
    errors.close()
    first = folder / f"application-{day.isoformat()}.log"
    if first.exists():
        with gzip.open(f"{first}.gz", "wb") as packed:
            packed.write(first.read_bytes())
        first.unlink()


def make_history(folder: Path, count: int, seed: int, *, leave_wal: bool = False) -> list[Record]:
    """Three days under *folder*/history and /logs; the records of the middle one, which is NAME."""
    before = records_from(1, 300, seed)
    middle = records_from(400, count, seed)
    after = records_from(400 + count + 50, 300, seed)
    write_segment(folder / "history", SegmentName(11, DAY - timedelta(days=1)), before)
    write_segment(folder / "history", NAME, middle, leave_wal=leave_wal)
    write_segment(folder / "history", SegmentName(13, DAY + timedelta(days=1)), after)
    for day, records in ((DAY - timedelta(days=1), before), (DAY, middle), (DAY + timedelta(days=1), after)):
        write_logs(folder / "logs", day, records)
    return middle


def damage(path: Path, chance: Random, places: int = 100, max_bytes: int = 512) -> None:
    """Write random bytes over random places of *path*."""
    data = bytearray(path.read_bytes())
    for _ in range(places):
        at = chance.randrange(len(data))
        size = min(chance.randint(1, max_bytes), len(data) - at)
        data[at : at + size] = chance.randbytes(size)
    path.write_bytes(data)


def records_in(path: Path) -> list[Record]:
    """All records of the segment, by number."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(f"SELECT {schema.RECORD_COLUMNS} FROM records ORDER BY seq").fetchall()
    return [schema.record_of(row) for row in rows]
