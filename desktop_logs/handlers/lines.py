"""Entries as lines of JSON, the form in which a hub takes them. Pure; knows no queue, socket or file."""

from __future__ import annotations

import functools
import json
from json.encoder import encode_basestring_ascii
from typing import Any

from desktop_logs.core.escapes import clean
from desktop_logs.handlers.entries import MAX_LINE_BYTES, Captured, entry_of, fitted, iso

# No entry has itself inside: its containers were made for it.
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode

_BETWEEN = ',"timestamp":"'


def encode_line(entry: dict[str, Any]) -> bytes:
    """*entry* as one line of JSON with its newline: pure ASCII, never above 256 KiB. Where it is too long, message and
    context are cut and say so."""
    line = _encode(entry)
    if len(line) > MAX_LINE_BYTES:
        line = _encode(fitted(entry))
    return line.encode("ascii") + b"\n"


def line_of(captured: Captured, source: str | None) -> bytes:
    """The same as `encode_line` of `entry_of`, in a sixth of the time where a record has nothing of its own but its
    message: the thread that encodes takes this time from the program's. Raises what these raise."""
    if captured[10] is None and captured[11] is None and captured[12] is None:
        created, level, name, file, line, function, process, thread, task, message = captured[:10]
        try:
            head, tail = _around(level, name, file, line, function, process, thread, task, captured[13], source)
        except TypeError:  # a record made by hand, of things that have no hash
            return encode_line(entry_of(captured, source))
        text = f"{head}{encode_basestring_ascii(clean(message))}{_BETWEEN}{iso(created)}{tail}"
        if len(text) <= MAX_LINE_BYTES:
            return text.encode("ascii")
    return encode_line(entry_of(captured, source))


@functools.lru_cache(maxsize=1_024, typed=True)
def _around(*said: Any) -> tuple[str, str]:
    """What stands before and behind message and time; nearly always the same for the same place in the program."""
    *captured, number, source = said
    entry = entry_of((0.0, *captured, "", None, None, None, number), source)
    head, _, rest = _encode(entry).partition('""' + _BETWEEN)
    return head, rest[rest.index('"') :] + "\n"
