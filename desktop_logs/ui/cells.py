"""What a cell says, in a row, in a tooltip and to a screen reader. No Qt; how it is drawn stands in delegate."""

from __future__ import annotations

import html
from typing import Final

from desktop_logs.core.export import traceback_of
from desktop_logs.core.gaps import is_gap
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import one_line, summary
from desktop_logs.core.timestamps import format_clock, format_local

TIME, LEVEL, SOURCE, MESSAGE = range(4)
COLUMNS: Final = ("Time", "Level", "Source", "Message")

_TOOLTIP_CHARACTERS: Final = 1_000
_ROW_CHARACTERS: Final = 2_000


def cell_text(record: Record, column: int, *, dated: bool = False) -> str:
    """What a cell says, in one line and safe to draw; a time has its date where it is *dated*."""
    if column == TIME:
        return format_local(record.time_ns) if dated else format_clock(record.time_ns)
    if column == LEVEL:
        return "" if is_gap(record) else one_line(record.level).upper()
    if column == SOURCE:
        return "" if is_gap(record) else one_line(record.source)
    return first_line(record)[0]


def is_of_another_day(time_ns: int, now_ns: int) -> bool:
    """True when the time of day alone would not tell when *time_ns* was."""
    return format_local(time_ns)[:10] != format_local(now_ns)[:10]


def first_line(record: Record) -> tuple[str, int]:
    """The first line of the message, cut at 2,000 characters, and how many lines more the detail has.

    Those of a traceback in the context count too.
    """
    message = record.message
    if len(message) <= _ROW_CHARACTERS:
        first, more = summary(message)
    else:
        # What is not seen in a row is not made safe either: 256 KiB would cost a frame a millisecond a row.
        bare = message.strip("\r\n")
        first, more = summary(bare[:_ROW_CHARACTERS])[0], bare.count("\n")
    trace = traceback_of(record)
    return first, more + len(trace.splitlines()) if trace else more


def tooltip_text(record: Record, column: int) -> str:
    """The whole of a cell as inert HTML: Qt would take plain text that looks like markup for markup."""
    if column == TIME and not is_gap(record):
        return format_local(record.time_ns)
    text = {LEVEL: record.level, SOURCE: record.source}.get(column, record.message)
    text = record.message if is_gap(record) else text
    if len(text) > _TOOLTIP_CHARACTERS:
        text = text[:_TOOLTIP_CHARACTERS] + " …"
    lines = html.escape("\n".join(map(one_line, text.splitlines())), quote=False)
    return f'<p style="white-space: pre-wrap">{lines}</p>'


def accessible_text(record: Record, column: int) -> str:
    """What a screen reader says of a cell. Where records are missing, each cell says so."""
    if column != TIME and is_gap(record):
        return record.message
    if column != MESSAGE:
        return cell_text(record, column)
    first, more = first_line(record)
    return f"{first}, {more} more {'line' if more == 1 else 'lines'}" if more else first
