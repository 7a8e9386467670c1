"""What can still be read of a damaged segment, page by page, without SQLite. Writes nothing and repairs nothing.

SQLite reaches a page through others and refuses the whole file when the first is damaged. A leaf page of a table needs
no other (https://www.sqlite.org/fileformat2.html). Of 100,000 rows with 100 damages of up to 512 bytes, walking their
numbers through SQLite gave 93 %, and nothing at all when the first page was hit; the leaves gave 99.4 % every time.
A record's row is written once and never changed, so an older copy of a page is as good as the newest.
"""

from __future__ import annotations

import itertools
import json
import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

from desktop_logs.core.records import Record
from desktop_logs.core.wire import MAX_ENTRY_BYTES, context_of
from desktop_logs.storage.wal import Frame, committed_frames

_TABLE_LEAF: Final = 0x0D
_INDEX_LEAF: Final = 0x0A
_PAGE_BYTES: Final = 4096
"""SQLite's own choice, where the file can no longer tell."""
_INTEGER_BYTES: Final = (0, 1, 2, 3, 4, 6, 8)
"""By serial type."""
_MAX_PAYLOAD_BYTES: Final = 2 * MAX_ENTRY_BYTES
"""More than message, context and names of a record can have: a longer row is no row of ours."""
_LAST_NUMBER: Final = 2**62

_Row = tuple[None, int, int, str, str, str, str, str, int]
_KINDS: Final = (type(None), int, int, str, str, str, str, str, int)

Value = int | str | bytes | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """The records of one page, by number. *page* tells pages apart, whatever copy of one this is."""

    page: int
    records: list[Record]


@dataclass(slots=True)
class Beside:
    """What stands beside the records, as far as it was readable."""

    producers: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By name: the spans as they are written, and the number they were last used with."""
    facts: dict[str, str | int] = field(default_factory=dict)
    blocks: dict[int, int] = field(default_factory=dict)
    """By block: how many records it had."""


class DamagedSegment:
    """A damaged database and the `-wal` beside it, either of them cut or full of holes. A context manager.

    Reads each page once: bounded in time and memory, whatever stands in the file. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self.beside = Beside()
        """Complete when `leaves` has been read to its end."""
        self._frames: list[Frame] = []
        self._page_bytes = _PAGE_BYTES
        with ExitStack() as opened:
            self._file: BinaryIO = opened.enter_context(open(path, "rb"))
            self._wal: BinaryIO | None = None
            with suppress(FileNotFoundError):
                self._wal = opened.enter_context(open(f"{path}-wal", "rb"))
            size = int.from_bytes(self._file.read(18)[16:], "big")
            size = 65_536 if size == 1 else size
            if 512 <= size <= 65_536 and size & (size - 1) == 0:
                self._page_bytes = size
            if self._wal is not None:
                self._frames = committed_frames(self._wal, self._page_bytes)
            self._opened = opened.pop_all()
        self._offsets = {frame.page: frame.offset for frame in self._frames}  # of a page's newest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._opened.close()

    def leaves(self) -> Iterator[Leaf]:
        """The records page by page, in no order, the newest copy of a page before older ones. A record may come again
        from another copy, and a number may be wrong that is right within its page."""
        for page, data in self._pages():
            # The first page begins with the file's header. Its own rows are the tables' definitions: not ours.
            if data[:1] == b"\x0d":
                records = list(self._records_of(data))
                if records:
                    yield Leaf(page, _growing(records))
            elif data[:1] == b"\x0a":
                self._note_beside(data)

    def _pages(self) -> Iterator[tuple[int, bytes]]:
        for frame in reversed(self._frames):
            yield frame.page, self._read(self._wal, frame.offset)
        page = 0
        while data := self._read(self._file, page * self._page_bytes):
            page += 1
            # Of a file that was cut the last page may be half there: its rows stand at the end, but not all.
            yield page, data.ljust(self._page_bytes, b"\0")

    def _read(self, file: BinaryIO | None, offset: int) -> bytes:
        if file is None:
            return b""
        file.seek(offset)
        return file.read(self._page_bytes)

    def _records_of(self, page: bytes) -> Iterator[Record]:
        for at in _cells(page):
            # IndexError: it points beyond the page; ValueError: not UTF-8, no JSON, or not made as a row is.
            with suppress(IndexError, ValueError):
                length, at = _varint(page, at)
                seq, at = _varint(page, at)
                columns = _columns(self._payload(page, at, length, self._page_bytes - 35))
                if len(columns) == 9:
                    yield _record(seq, columns)
                elif len(columns) == 5:
                    self._note_block(seq, columns)

    def _note_block(self, block: int, columns: Sequence[Value]) -> None:
        _, count, first_ns, last_ns, bands = columns
        if isinstance(count, int) and all(isinstance(value, int) for value in (first_ns, last_ns, bands)):
            # It was counted up, so that of two copies the higher is the newer.
            self.beside.blocks[block] = max(count, self.beside.blocks.get(block, 0))

    def _note_beside(self, page: bytes) -> None:
        """Facts and producers: tables without row numbers, which are kept as an index is."""
        for at in _cells(page):
            with suppress(IndexError, ValueError):
                length, at = _varint(page, at)
                columns = _columns(self._payload(page, at, length, (self._page_bytes - 12) * 64 // 255 - 23))
                match columns:
                    # The index has a table of this make too, with its version.
                    case [str(name), str() | int() as value] if name.isidentifier() and name != "version":
                        self.beside.facts.setdefault(name, value)
                    case [str(name), str(spans), int(used)] if isinstance(json.loads(spans), list):
                        known = self.beside.producers.get(name)
                        if known is None or known[1] < used:
                            self.beside.producers[name] = (spans, used)

    def _payload(self, page: bytes, at: int, length: int, most: int) -> bytes:
        """The *length* bytes of a row that begins at *at*; beyond *most* it goes on in pages of its own."""
        if length <= most:
            return page[at : at + length]
        if length > _MAX_PAYLOAD_BYTES:
            raise ValueError("longer than any row")
        usable = self._page_bytes
        least = (usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (usable - 4)
        here = here if here <= most else least
        parts = [page[at : at + here]]
        (following,) = struct.unpack(">I", page[at + here : at + here + 4].ljust(4, b"\0"))
        rest = length - here
        while rest > 0:
            if following < 2:
                raise ValueError("the row ends early")
            offset = self._offsets.get(following)
            data = self._read(self._file, (following - 1) * usable) if offset is None else self._read(self._wal, offset)
            if len(data) < 4 + min(rest, usable - 4):
                raise ValueError("the row leads out of the file")
            following = int.from_bytes(data[:4], "big")
            parts.append(data[4 : 4 + rest])
            rest -= usable - 4
        return b"".join(parts)


def _cells(page: bytes) -> Sequence[int]:
    """Where the rows of a leaf begin, as far as that can be so."""
    count = min(int.from_bytes(page[3:5], "big"), (len(page) - 8) // 4)
    return [at for at in struct.unpack_from(f">{count}H", page, 8) if at >= 8 + 2 * count]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at *at*, and where it ends. Raises IndexError."""
    byte = data[at]
    if byte < 128:  # most are
        return byte, at + 1
    value = byte & 127
    for place in range(at + 1, at + 8):
        byte = data[place]
        value = value << 7 | byte & 127
        if byte < 128:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def _columns(payload: bytes) -> list[Value]:
    """The values of a row. Raises ValueError or IndexError when it is not made as a row of ours is."""
    size, at = _varint(payload, 0)
    kinds = []
    while at < size:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if at != size:
        raise ValueError("the header has another length")
    values: list[Value] = []
    for kind in kinds:
        if kind >= 12:
            end = at + (kind - 12 >> 1)
            values.append(payload[at:end].decode() if kind & 1 else payload[at:end])
            at = end
        elif 1 <= kind <= 6:
            end = at + _INTEGER_BYTES[kind]
            values.append(int.from_bytes(payload[at:end], "big", signed=True))
            at = end
        elif kind in (0, 8, 9):
            values.append(None if kind == 0 else kind - 8)
        else:
            raise ValueError("there are no such values in a segment")
    if at != len(payload):
        raise ValueError("the values have another length")
    return values


def _record(seq: int, columns: Sequence[Value]) -> Record:
    """The record of a row of `records`. Raises ValueError when it can be none."""
    if tuple(map(type, columns)) != _KINDS:  # thrice as fast as a pattern
        raise ValueError("these are the columns of another table")
    _, time_ns, severity, level, source, message, context, given_id, was_ascii = cast("_Row", columns)
    record = Record(seq, time_ns, severity, level, source, message, context, given_id)
    if not (0 < seq <= _LAST_NUMBER and 1 <= severity <= 24 and level):
        raise ValueError("no record has such values")
    # What is not ASCII although it was when it was written has been damaged since.
    is_ascii = level.isascii() and source.isascii() and message.isascii() and context.isascii()
    if was_ascii != is_ascii or not isinstance(context_of(record), dict):
        raise ValueError("no record has such values")
    return record


def _growing(records: list[Record]) -> list[Record]:
    """The most of *records* whose numbers grow, as those of a page do: a number that does not fit in is damaged."""
    if all(before.seq < after.seq for before, after in itertools.pairwise(records)):
        return records
    ends: list[int] = []  # of the best rows of each length, their last numbers
    lasts: list[int] = []
    before: list[int] = []
    for index, record in enumerate(records):
        place = bisect_left(ends, record.seq)
        ends[place : place + 1] = [record.seq]
        lasts[place : place + 1] = [index]
        before.append(lasts[place - 1] if place else -1)
    chosen = []
    index = lasts[-1]
    while index >= 0:
        chosen.append(records[index])
        index = before[index]
    return chosen[::-1]
