"""Records as JSONL, CSV, text or HTML, piece by piece. Pure: whoever exports writes the pieces where they belong."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from desktop_logs.core import html_page
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import block
from desktop_logs.core.timestamps import format_iso, format_local
from desktop_logs.core.wire import context_of, encode_entry

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_TRACEBACK_KEYS: Final = ("traceback", "stack", "exc_info", "exception.stacktrace")


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write records down: *head*, then what *encode* makes of the records, group by group, then *tail*."""

    name: str
    suffix: str
    head: bytes
    encode: Callable[[Sequence[Record]], bytes]
    tail: bytes = b""


def jsonl(records: Sequence[Record]) -> bytes:
    """One LogEntry a line, equal to what the rotating files hold."""
    return b"".join(encode_entry(record) + b"\n" for record in records)


def numbered_jsonl(records: Sequence[Record]) -> bytes:
    """The same with `seq`, the hub's number of the record, in front: what a search answers (protocol.md)."""
    return b"".join(b'{"seq":%d,%b\n' % (record.seq, encode_entry(record)[1:]) for record in records)


def csv_rows(records: Sequence[Record]) -> bytes:
    """Rows of time (ISO, UTC), level, source, message, context and id. A cell that a spreadsheet would calculate gets
    an apostrophe in front."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for record in records:
        cells = (record.level, record.source, record.message, record.context, record.id)
        writer.writerow([format_iso(record.time_ns), *map(_inert, cells)])
    return out.getvalue().encode()


def text(records: Sequence[Record]) -> bytes:
    """A readable line a record, in local time; further lines of a message and its traceback are indented."""
    return "".join(text_line(record) + "\n" for record in records).encode()


def html_rows(records: Sequence[Record]) -> bytes:
    """Rows of one HTML page, which needs the head and the tail of its format around them."""
    return "".join(html_page.row(record, traceback_of(record)) for record in records).encode()


def text_line(record: Record) -> str:
    """The record as a person reads it in a terminal: safe to print, with its traceback below it."""
    head = f"{format_local(record.time_ns)} {block(record.level).upper():<7} {block(record.source) or '-'}  "
    lines = block(record.message).split("\n")
    trace = traceback_of(record)
    if trace:
        lines += block(trace.rstrip("\n")).split("\n")
    return head + "\n    ".join(lines)


def traceback_of(record: Record) -> str:
    """The traceback or stack in the record's context; empty when there is none."""
    if not any(f'"{key}":' in record.context for key in _TRACEBACK_KEYS):
        return ""
    context = context_of(record)
    return next((context[key] for key in _TRACEBACK_KEYS if isinstance(context.get(key), str)), "")


def _inert(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA_STARTS) else cell


FORMATS: Final = {
    "jsonl": Format("JSON lines", ".jsonl", b"", jsonl),
    "csv": Format("CSV", ".csv", b"time,level,source,message,context,id\r\n", csv_rows),
    "text": Format("Text", ".txt", b"", text),
    "html": Format("HTML page", ".html", html_page.HEAD, html_rows, html_page.TAIL),
}
