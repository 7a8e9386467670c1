"""Entries encoded once for all who need the same record at nearly the same time: the log files and every viewer. Pure;
what an entry is made of stands in wire."""

from __future__ import annotations

from typing import Final

from desktop_logs.core import levels, wire
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import NS_PER_MS

# In a burst the disk thread is some thousands of records behind the viewers. Kept are 9 MB at most.
_KEPT_ENTRIES: Final = 8_192
_KEPT_BYTES: Final = 1_000

# Both threads look here: a pair is put and taken in one step, so neither sees half of one.
_kept: list[tuple[Record, bytes] | None] = [None] * _KEPT_ENTRIES


def shared_entry(record: Record) -> bytes:
    """As wire.encode_entry, for records that others are about to encode too. Any thread may ask."""
    place = record.seq % _KEPT_ENTRIES
    kept = _kept[place]
    if kept is not None and kept[0] is record:
        return kept[1]
    entry = wire.encode_entry(record)
    if len(entry) <= _KEPT_BYTES:
        _kept[place] = record, entry
    return entry


def encode_numbered(record: Record) -> bytes:
    """The record as an entry with its number: `{"seq":…, …LogEntry}`."""
    return b'{"seq":%d,%b' % (record.seq, shared_entry(record)[1:])


def encode_v1_log(record: Record, now_ns: int) -> bytes:
    """The payload of a `log` event for one record."""
    is_same = record.level == levels.v1_level(record.severity)  # as for most
    entry = shared_entry(record) if is_same else wire.encode_v1_entry(record)
    return b'{"type":"log","data":%b,"timestamp":%d}' % (entry, now_ns // NS_PER_MS)
