"""Lines of any program's log to records: JSON lines, usual text formats, and what continues a record. Pure: no files.

How one line begins is told by core/lineheads, what others have put around it by core/linecovers. A line that is no
JSON and begins like no record continues the record before it, when that one had a head (a time or a level): a
traceback, say. Where no line has a head, each is a record, save those that are indented and the end of a traceback. A
record of lines without a time has the time of the record before it; the first ones of a file that of the first record
near them that tells its time; and where none tells it, the file's own. So the order of the lines is never in conflict
with the times shown.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Final

import msgspec

from desktop_logs.core.errors import EntryError
from desktop_logs.core.escapes import clean
from desktop_logs.core.gaps import SOURCE
from desktop_logs.core.levels import ERROR, INFO
from desktop_logs.core.linecovers import bare, of_docker
from desktop_logs.core.lineheads import Head, head_of, logfmt_of
from desktop_logs.core.records import Record
from desktop_logs.core.wire import MAX_ENTRY_BYTES, decode_json, parse_entry, within_limit

MAX_LINE_CHARACTERS: Final = 1_000_000
"""A line that has more is cut to KEPT_CHARACTERS."""
KEPT_CHARACTERS: Final = 200_000
MAX_RECORD_LINES: Final = 1_000
MAX_RECORD_CHARACTERS: Final = 60_000
"""What continues a record beyond these is a record of its own, with the same head."""
_JUDGED_BYTES: Final = 8_000
_TRACEBACK: Final = "Traceback (most recent call last)"
UTF_8: Final = "utf-8"
_BOMS: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NOTHING: Final[dict[str, Any]] = {}
_ENTRY_KEYS: Final = frozenset(
    ("level", "severity", "lvl", "levelname", "levelno", "message", "msg", "text", "timestamp", "time", "ts")
)


def encoding_of(first: bytes) -> str:
    """The encoding of a file whose *first* bytes these are: UTF-16 where a byte order mark says so, else UTF-8."""
    return next((name for mark, name in _BOMS if first.startswith(mark)), UTF_8)


def is_text(beginning: bytes) -> bool:
    """False when more than one in twenty of the characters with which a file begins cannot be read, or is NUL: it is in
    an encoding that is not known here, or no text at all."""
    beginning = beginning[:_JUDGED_BYTES]
    text = beginning.decode(encoding_of(beginning), "replace")
    unread = text.count("\ufffd") + text.count("\0") - 1  # the last one may be cut in two
    return unread * 20 <= len(text)


class Lines:
    """Cuts bytes, as they come, into lines of text. What is no text in the encoding becomes U+FFFD."""

    def __init__(self, encoding: str = "") -> None:
        """Without an *encoding* the first bytes tell it."""
        self._decoder = getincrementaldecoder(encoding)("replace") if encoding else None
        self._begun = ""
        self._dropped = 0
        self._is_first = True

    def feed(self, data: bytes) -> list[str]:
        """The lines that *data* completes, without their ends (LF or CRLF)."""
        if self._decoder is None:
            self._decoder = getincrementaldecoder(encoding_of(data))("replace")
        text = self._decoder.decode(data)
        if self._is_first and text:
            self._is_first = False
            text = text.removeprefix("\ufeff")
        if "\n" not in text:
            self._begin(self._begun + text)
            return []
        lines = text.split("\n")
        lines[0] = self._whole(self._begun + lines[0])
        self._begun = ""
        self._begin(lines.pop())
        return [line.removesuffix("\r") for line in lines] if "\r" in text or "\r" in lines[0] else lines

    def rest(self) -> list[str]:
        """The line that has begun, as if it were complete; nothing when none has. Half a character is U+FFFD."""
        if self._decoder is not None:
            self._begin(self._begun + self._decoder.decode(b"", final=True))
        line = self._whole(self._begun)
        self._begun = ""
        return [line.removesuffix("\r")] if line else []

    def _begin(self, text: str) -> None:
        if self._dropped or len(text) > MAX_LINE_CHARACTERS:
            self._dropped += len(text) - KEPT_CHARACTERS
            text = text[:KEPT_CHARACTERS]
        self._begun = text

    def _whole(self, line: str) -> str:
        if not self._dropped:
            return line
        count = len(line) + self._dropped
        self._dropped = 0
        return f"{line[:KEPT_CHARACTERS]} … [cut here by Desktop Logs: the line has {count:,} characters]"


@dataclass(slots=True)
class _Open:
    """A record that lines may still be added to."""

    head: Head
    time_ns: int
    lines: list[str]
    characters: int
    is_headed: bool
    takes_one_more: bool = False
    """True within a traceback without a head: its last line is not indented."""


class LogText:
    """Makes records of the lines of one file, in their order, numbered from 1. Raises nothing, whatever the lines are.

    5 µs for a line of JSON, 8 for one of text.
    """

    def __init__(self, zone: tzinfo | None = None) -> None:
        """Times without a zone are those of *zone*, this machine's when it is None."""
        self._zone = zone
        self._last_ns: int | None = None
        self._is_timed = False
        """True once a line told its time."""
        self._open: _Open | None = None
        self._template: _Open | None = None
        """The record that was given out last, for lines that come later and continue it."""
        self._seq = 0

    @property
    def head(self) -> int:
        """The number of the newest record made."""
        return self._seq

    def parse(self, lines: Sequence[str], file_ns: int) -> list[Record]:
        """The records that *lines* complete. *file_ns* is when the file was changed last.

        The first *lines* of a file that tell no time have the first one that is told among them.
        """
        if self._last_ns is None:
            self._last_ns = self._first_time(lines, file_ns)
        elif not self._is_timed:
            self._last_ns = max(self._last_ns, file_ns)
        found: list[Record] = []
        for line in lines:
            covered = of_docker(line)
            if covered is None:
                self._parse_line(bare(line), file_ns, found)
                continue
            # Its time has a zone, which what the program writes of it in a container often has not.
            self._last_ns, self._is_timed = covered.time_ns, True
            self._parse_line(bare(covered.line), file_ns, found, covered.time_ns, covered.beside)
        return found

    def _parse_line(
        self,
        line: str,
        file_ns: int,
        found: list[Record],
        time_ns: int | None = None,
        beside: dict[str, Any] = _NOTHING,
    ) -> None:
        """One line; *time_ns* and *beside* are what is known of it besides."""
        if line.startswith("{") and line.rstrip().endswith("}"):
            record = self._of_json(line, beside)
            if record is not None:
                self._close(found)
                self._template = None
                self._take(found, record)
                return
        head = head_of(line, file_ns, self._zone)
        if head is None and (record := self._of_logfmt(line, beside)) is not None:
            self._close(found)
            self._template = None
            self._take(found, record)
        elif head is not None:
            self._close(found)
            self._begin(head if time_ns is None else _with(head, time_ns, beside), line)
        else:
            self._continue(line, found, beside)

    def finish(self) -> list[Record]:
        """The record that waited for lines that continue it. Those that come all the same get its head."""
        found: list[Record] = []
        self._close(found)
        return found

    def note(self, message: str, time_ns: int) -> Record:
        """A record of this program's own, in between those of the file."""
        self._seq += 1
        self._template = None
        return Record(self._seq, max(time_ns, self._last_ns or 0), INFO, "info", SOURCE, message)

    # Inside

    def _first_time(self, lines: Iterable[str], file_ns: int) -> int:
        for line in lines:
            head = head_of(line, file_ns, self._zone)
            if head is not None and head.time_ns is not None:
                return head.time_ns
            record = (self._of_json(line) if line.startswith("{") else None) or self._of_logfmt(line)
            if record is not None and record.time_ns:
                return record.time_ns
        return file_ns

    def _of_json(self, line: str, beside: dict[str, Any] = _NOTHING) -> Record | None:
        try:
            payload = decode_json(line)
        except ValueError:
            return None
        if not isinstance(payload, dict):
            return None
        if self._open is not None and self._open.is_headed and not payload.keys() & _ENTRY_KEYS:
            return None  # an object that a record of several lines says
        return self._entry({**beside, **payload} if beside else payload)

    def _of_logfmt(self, line: str, beside: dict[str, Any] = _NOTHING) -> Record | None:
        payload = logfmt_of(line)
        return self._entry({**beside, **payload}) if payload else None

    def _entry(self, payload: dict[str, Any]) -> Record | None:
        try:
            return parse_entry(payload, self._seq + 1, self._last_ns or 0)
        except EntryError:
            return None  # beyond the limits of an entry: then it is a line of text

    def _take(self, found: list[Record], record: Record) -> None:
        if self._seq + 1 != record.seq:  # a record before it was closed in between
            record = Record(
                self._seq + 1, record.time_ns, record.severity, record.level, record.source, record.message,
                record.context, record.given_id,
            )  # fmt: skip
        self._is_timed |= record.time_ns != self._last_ns
        self._last_ns = record.time_ns
        self._seq = record.seq
        found.append(record)

    def _begin(self, head: Head, line: str, *, is_headed: bool = True, takes_one_more: bool = False) -> None:
        if head.time_ns is not None:
            self._last_ns = head.time_ns
            self._is_timed = True
        assert self._last_ns is not None
        self._open = _Open(head, self._last_ns, [head.message], len(line), is_headed, takes_one_more)

    def _continue(self, line: str, found: list[Record], beside: dict[str, Any]) -> None:
        """*line* has no head of its own."""
        is_open = self._open is not None
        before = self._open or self._template
        is_indented = line[:1] in (" ", "\t")
        if before is not None and (before.is_headed or is_indented or before.takes_one_more):
            before.takes_one_more &= is_indented or not line
            is_full = len(before.lines) >= MAX_RECORD_LINES or before.characters + len(line) > MAX_RECORD_CHARACTERS
            if is_open and not is_full:
                before.lines.append(line)
                before.characters += len(line) + 1
            elif line.strip():
                self._close(found)
                self._begin(before.head.saying(line), line, is_headed=before.is_headed)
            return
        if not line.strip():
            return
        self._close(found)
        is_traceback = line.startswith(_TRACEBACK)
        level, severity = ("error", ERROR) if is_traceback else ("info", INFO)
        head = Head(None, level, severity, "", line, _context(beside))
        self._begin(head, line, is_headed=False, takes_one_more=is_traceback)

    def _close(self, found: list[Record]) -> None:
        done = self._open
        if done is None:
            return
        self._open, self._template = None, done
        self._seq += 1
        head = done.head
        message = head.message if len(done.lines) == 1 else "\n".join(done.lines).rstrip()
        message = within_limit(clean(message), MAX_ENTRY_BYTES - len(head.context) * 4)
        found.append(Record(self._seq, done.time_ns, head.severity, head.level, head.source, message, head.context))


def _with(head: Head, time_ns: int, beside: dict[str, Any]) -> Head:
    """*head* at *time_ns*, with what is known *beside* it."""
    said = msgspec.json.decode(head.context) if head.context else {}
    return replace(head, time_ns=time_ns, context=_context({**beside, **said}))


def _context(values: dict[str, Any]) -> str:
    return msgspec.json.encode(values).decode() if values else ""
