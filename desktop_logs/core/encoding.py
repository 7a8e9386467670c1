"""Entries of a hub's newest records, encoded once for all who need them at about the same time: log files and viewers.
Pure; what an entry is made of stands in wire."""

from __future__ import annotations

from typing import Final

from desktop_logs.core import levels
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import NS_PER_MS
from desktop_logs.core.wire import encode_entry, encode_v1_entry

# In a burst the disk thread is some thousands of records behind the viewers. Kept are 9 MB at most.
_KEPT_ENTRIES: Final = 8_192
_KEPT_BYTES: Final = 1_000


class Entries:
    """Any thread may ask for an entry: two at once may both encode it, to the same bytes."""

    def __init__(self) -> None:
        # A pair is put and taken in one step, so no thread sees half of one.
        self._kept: list[tuple[Record, bytes] | None] = [None] * _KEPT_ENTRIES

    def entry(self, record: Record) -> bytes:
        """As wire.encode_entry."""
        place = record.seq % _KEPT_ENTRIES
        kept = self._kept[place]
        if kept is not None and kept[0] is record:
            return kept[1]
        entry = encode_entry(record)
        if len(entry) <= _KEPT_BYTES:
            self._kept[place] = record, entry
        return entry

    def numbered(self, record: Record) -> bytes:
        """As `encode_numbered`."""
        return _numbered(record.seq, self.entry(record))

    def v1_log(self, record: Record, now_ns: int) -> bytes:
        """The payload of a `log` event for one record."""
        is_same = record.level == levels.v1_level(record.severity)  # as for most
        entry = self.entry(record) if is_same else encode_v1_entry(record)
        return b'{"type":"log","data":%b,"timestamp":%d}' % (entry, now_ns // NS_PER_MS)


def encode_numbered(record: Record) -> bytes:
    """The record as an entry with its number: `{"seq":…, …LogEntry}`."""
    return _numbered(record.seq, encode_entry(record))


def _numbered(seq: int, entry: bytes) -> bytes:
    return b'{"seq":%d,%b' % (seq, entry[1:])
