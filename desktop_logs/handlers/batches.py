"""Batches of entries as they travel, and how one is written into a file and read again. Pure: no network, no files."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any, Final

# The hub takes 1 MB a request (protocol.md).
MAX_BODY_BYTES: Final = 900_000

MAX_HEAD_BYTES: Final = 500
"""What `written` puts before a body is shorter."""


class Damaged(Exception):
    """What was read is not what `written` wrote."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries on their way: encoded once, so that every attempt sends the same bytes under the same number."""

    producer: str
    """Who numbers them, a UUID."""
    first: int
    """The number of the first entry; the others follow."""
    body: bytes
    """The entries as JSON, a line each."""
    records: int
    """How many of them are the program's."""
    own: int = 0
    """How many are the handler's; they come first."""

    @property
    def headers(self) -> dict[str, str]:
        """What tells the hub that it has this batch already."""
        return {"Desktop-Logs-Producer": self.producer, "Desktop-Logs-First": str(self.first)}


def written(batch: Batch) -> bytes:
    """*batch* for a file: a line of JSON that says how long it is, and its body."""
    head = {
        "producer": batch.producer,
        "first": batch.first,
        "records": batch.records,
        "own": batch.own,
        "bytes": len(batch.body),
        "crc": _checksum(batch.producer, batch.first, batch.records, batch.own, batch.body),
    }
    return json.dumps(head).encode("ascii") + b"\n" + batch.body


def read(content: bytes) -> tuple[Batch | None, int]:
    """The batch that *content* begins with, and how many bytes it takes there. Of one that ends too early, as when the
    program was killed while it wrote, the whole lines; None where not one is left. Raises Damaged."""
    line, newline, rest = content.partition(b"\n")
    if not newline:
        if len(content) > MAX_HEAD_BYTES:
            raise Damaged
        return None, len(content)
    try:
        head = json.loads(line)
        producer, first, records, own, size, crc = (
            head[key] for key in ("producer", "first", "records", "own", "bytes", "crc")
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Damaged from None
    if not _is_text(producer) or not all(map(_is_count, (first, records, own, size, crc))) or size > MAX_BODY_BYTES:
        raise Damaged
    body = rest[:size]
    if len(body) == size:
        if _checksum(producer, first, records, own, body) != crc:
            raise Damaged
        return Batch(producer, first, body, records, own), len(line) + 1 + size
    body = body[: body.rfind(b"\n") + 1]
    lines = body.count(b"\n")
    if lines > records + own or not all(map(_is_entry, body.splitlines())):
        raise Damaged
    return (Batch(producer, first, body, max(lines - own, 0), min(lines, own)) if lines else None), len(content)


def _checksum(producer: str, first: int, records: int, own: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(f"{producer} {first} {records} {own}".encode("ascii")))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= 100


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_entry(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
