"""A `logging.LogRecord` as a LogEntry (protocol.md). Standard library only; knows no queue, socket or file."""

from __future__ import annotations

import functools
import json
import logging
import math
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from gc import get_referents
from sys import getsizeof
from typing import Any, Final

from desktop_logs.core import levels
from desktop_logs.core.escapes import clean
from desktop_logs.handlers.process import here

# The hub takes 256 KiB an entry, 192 KiB of it context, 64 keys and 16 levels of context (protocol.md). What is beyond
# is cut here: the text of an exception should not be refused because it is long.
MAX_MESSAGE_CHARACTERS: Final = 200 * 1024
MAX_TRACEBACK_CHARACTERS: Final = 64 * 1024
MAX_EXTRA_KEYS: Final = 48
MAX_KEYS: Final = 64
MAX_DEPTH: Final = 8
MAX_PARTS: Final = 2_000
MAX_EXTRA_CHARACTERS: Final = 24 * 1024
_MAX_KEY_CHARACTERS = 100
_MAX_CONTEXT_BYTES = 150_000
MAX_LINE_BYTES: Final = 240_000

# What a captured record holds besides its text: a tuple, its numbers, the file's name, and its place in the queue.
_ITEM_BYTES = 320
SMALL_CHARACTERS: Final = 150
SMALL_BYTES: Final = _ITEM_BYTES + getsizeof("") + SMALL_CHARACTERS
"""What a captured record of an ASCII message of SMALL_CHARACTERS and nothing else holds at most."""

_CUT: Final = "…"
_OURS: Final = ("source", "level")
_PLAIN: Final = frozenset((str, int, float, bool, type(None)))
_are_plain: Final = _PLAIN.issuperset
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_STANDARD_COUNT: Final = len(vars(logging.makeLogRecord({})))
# A record that nobody has added to refers to each of its attributes and to its class; counting these spares the 0.3 µs
# that asking for its `__dict__` costs it. Where that is how it keeps them, nothing is counted.
_UNTOUCHED: Final = _STANDARD_COUNT + 1

Captured = tuple[
    *tuple[float, str, str, str, int, str],
    *tuple[int | None, str | None, str | None],
    *tuple[str, str | None, str | None, dict[str, Any] | None, int],
]
"""What a record says, taken out of it while its arguments cannot change: created, levelname, name, filename, lineno,
funcName, process, threadName, taskName, message, traceback, stack, extra, levelno. A plain tuple, since a logging call
pays for it."""

_plain_formatter = logging.Formatter()


def capture(record: logging.LogRecord, formatter: logging.Formatter | None = None) -> Captured:
    """Everything an entry needs, in the calling thread and as cheaply as can be: about 1 µs without arguments.

    A *formatter* of a class of its own writes the message; what it writes of the traceback and the stack does not come
    a second time. A plain `logging.Formatter` is for lines of text, and what it would add (time, level, logger,
    traceback) has a place of its own in an entry; every handler is given one by `basicConfig`. It is left aside.

    What the program's own objects raise while they are turned into text ends up in the text, never in the caller.
    """
    traceback = stack = extra = None
    if formatter is not None and type(formatter) is logging.Formatter:
        formatter = None
    # Counting tells at once that there is nothing extra; only when a formatter left `message` there must we look.
    if len(get_referents(record)) != _UNTOUCHED and len(attributes := record.__dict__) != _STANDARD_COUNT:
        extra = _extra(attributes)
    message, arguments = record.msg, record.args
    if formatter is not None or type(message) is not str or type(record) is not logging.LogRecord:
        message = _message(record, formatter)
    elif arguments:
        if type(arguments) is tuple and _are_plain(map(type, arguments)):
            # No code of the program's runs in here, so the guard against re-entrance is not needed; it costs 0.5 µs.
            try:
                message = message % arguments
            except (TypeError, ValueError, OverflowError):
                message = _message(record, formatter)
        else:
            message = _message(record, formatter)
    if len(message) > MAX_MESSAGE_CHARACTERS:
        message = _shortened(message, MAX_MESSAGE_CHARACTERS)
    if record.exc_info or record.exc_text:
        traceback = _traceback(record, formatter)
    if record.stack_info:
        stack = _shortened(_text(record.stack_info), MAX_TRACEBACK_CHARACTERS)
    if formatter is not None:
        traceback = None if traceback and traceback in message else traceback
        stack = None if stack and stack in message else stack
    return (
        record.created,
        record.levelname,
        record.name,
        record.filename,
        record.lineno,
        record.funcName,
        record.process,
        record.threadName,
        getattr(record, "taskName", None),
        message,
        traceback,
        stack,
        extra,
        record.levelno,
    )


def weigh(captured: Captured) -> tuple[int, bool]:
    """The memory that *captured* holds while it waits, in bytes, and whether it is an error. Raises TypeError for a
    level that is no number."""
    size = _ITEM_BYTES + getsizeof(captured[9])
    if captured[10] or captured[11] or captured[12]:
        size += sum(map(_size_of, captured[10:13]))
    return size, captured[13] >= logging.ERROR


def _size_of(value: Any) -> int:
    # Of what `_Safe` made: at most MAX_PARTS parts, MAX_DEPTH deep.
    size = getsizeof(value)
    if type(value) is dict:
        size += sum(getsizeof(key) + _size_of(part) for key, part in value.items())
    elif type(value) is list:
        size += sum(map(_size_of, value))
    return size


def entry_of(captured: Captured, source: str | None = None) -> dict[str, Any]:
    """The LogEntry of what `capture` took, ready for `json.dumps`.

    `context.source` is *source*, else the logger's name, for the root logger the program's. Everything given with
    `extra` is a key of the context and wins over a key of ours with the same name; but for `source` and `level`, which
    mean something to every hub and viewer: theirs are found as `extra.source` and `extra.level`. A level whose name
    nobody knows has its number beside it, as `levelno`. Lone surrogates and NUL are written as escapes everywhere.
    """
    created, level, name, filename, line, function, process, thread, task, message = captured[:10]
    traceback, stack, extra, number = captured[10:]
    used_source = source or (name if name and name != "root" else program_name())
    context: dict[str, Any] = {"source": used_source}
    if name and name != used_source:
        context["logger"] = name
    context["file"] = f"{filename}:{line}"
    context["function"] = function
    if process is not None:
        context["process"] = process
    if thread is not None:
        context["thread"] = thread
    if task is not None:
        context["task"] = task
    if traceback is not None:
        context["traceback"] = traceback
    if stack is not None:
        context["stack_info"] = stack
    if levels.severity_of_name(str(level)) is None:
        context["levelno"] = number
    context = {key: clean(part) if type(part) is str else part for key, part in context.items()}
    if extra:
        if "source" in extra or "level" in extra:
            extra = {(f"extra.{key}" if key in _OURS else key): value for key, value in extra.items()}
        context.update(extra)
    level, message = clean(str(level).lower()), clean(message)
    return {"level": level, "message": message, "timestamp": iso(created), "context": context}


def entry_from(
    record: logging.LogRecord, source: str | None = None, formatter: logging.Formatter | None = None
) -> dict[str, Any]:
    """The LogEntry of *record*; see `entry_of`, and `capture` for the *formatter*."""
    return entry_of(capture(record, formatter), source)


def own_entry(message: str, source: str | None, level: str = "warning") -> dict[str, Any]:
    """A LogEntry by the handler itself, in words of its own."""
    context = {"source": clean(source or program_name()), "logger": "desktop_logs"}
    return {"level": level, "message": message, "timestamp": iso(time.time()), "context": context}


def severity_of_record(record: logging.LogRecord) -> int:
    """OpenTelemetry's severity: by the level's name where it is a known one, else by its number on Python's scale."""
    known = levels.severity_of_name(str(record.levelname))
    return levels.severity_of_python(record.levelno) if known is None else known


def program_name() -> str:
    """What the program is called, for entries of the root logger: the script's name without its ending."""
    path = sys.argv[0] if getattr(sys, "argv", None) else ""
    folder, file = os.path.split(path)
    if file == "__main__.py":  # python -m package
        file = os.path.basename(folder)
    name = file.removesuffix(".py")
    return name if name not in ("", "-c", "-m") else "python"


def iso(created_s: float) -> str:
    """The moment *created_s* of the wall clock, as an entry has it."""
    try:
        second = math.floor(created_s)
        microseconds = round((created_s - second) * 1e6)
        if microseconds < 1_000_000:
            return f"{_iso_second(second)}.{microseconds:06d}Z"
        return f"{_iso_second(second + 1)}.000000Z"
    except (ValueError, OverflowError, OSError, TypeError):
        return iso(time.time())  # a record made by hand, with a time that is none


@functools.lru_cache(maxsize=4)
def _iso_second(second: int) -> str:
    # Records come many a second, and a date takes a quarter of the time of an entry.
    return datetime.fromtimestamp(second, UTC).isoformat()[:-6]


def _message(record: logging.LogRecord, formatter: logging.Formatter | None) -> str:
    here.depth += 1
    try:
        # A subclass of str is copied into a plain one, which nobody's methods can change any more.
        return str.__str__(record.getMessage() if formatter is None else formatter.format(record))
    except Exception as wrong:  # noqa: BLE001 - the program's own objects and formats; the entry itself says so
        return f"{_text(record.msg)} {_arguments(record.args)} <not formatted: {type(wrong).__name__}: {_text(wrong)}>"
    finally:
        here.depth -= 1


def _arguments(arguments: object) -> str:
    if isinstance(arguments, tuple):
        return "(" + ", ".join(map(_text, arguments)) + ")"
    return _text(arguments)


def _traceback(record: logging.LogRecord, formatter: logging.Formatter | None) -> str:
    # As logging.Formatter does it: formatted once, kept in the record for the handlers that come after.
    if not record.exc_text and record.exc_info:
        here.depth += 1
        try:
            record.exc_text = (formatter or _plain_formatter).formatException(record.exc_info)
        except Exception as wrong:  # noqa: BLE001 - an exception whose own text fails; the entry itself says so
            return f"<traceback not formatted: {type(wrong).__name__}>"
        finally:
            here.depth -= 1
    return _shortened(_text(record.exc_text), MAX_TRACEBACK_CHARACTERS)


def _shortened(text: str, most: int) -> str:
    """*text* in at most about *most* characters; beginning and end stay, since a traceback's point is at its end."""
    if len(text) <= most:
        return text
    half = most // 2
    note = f"{_CUT} [{len(text) - 2 * half:,} characters cut here by the log handler] {_CUT}"
    return f"{text[:half]}\n{note}\n{text[-half:]}"


def _extra(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    names = attributes.keys() - _STANDARD
    if not names:
        return None
    here.depth += 1
    try:
        safe = _Safe()
        ordered = [name for name in list(attributes) if name in names]
        extra = {safe.key(name): safe.value(attributes[name], 1) for name in ordered[:MAX_EXTRA_KEYS]}
        if len(ordered) > MAX_EXTRA_KEYS:
            extra[_CUT] = f"{len(ordered) - MAX_EXTRA_KEYS} more"
        return extra
    finally:
        here.depth -= 1


class _Safe:
    """Makes values fit for JSON. One for each record, since all its values share a budget of parts and characters:
    eight levels of 64 keys would be 10^14 parts."""

    def __init__(self) -> None:
        self._parts = MAX_PARTS
        self._characters = MAX_EXTRA_CHARACTERS

    def key(self, key: object) -> str:
        text = str.__str__(key) if isinstance(key, str) else _text(key)
        if len(text) > _MAX_KEY_CHARACTERS:
            text = text[:_MAX_KEY_CHARACTERS] + _CUT
        text = clean(text)
        self._characters -= len(text)
        return text

    def value(self, value: Any, depth: int) -> Any:
        """*value* as JSON can carry it. Containers become lists and objects, `…` stands for what is cut."""
        self._parts -= 1
        kind = type(value)
        if kind is str:
            return self._shared(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**63 else self._huge(value)
        if kind is float:
            return value if value - value == 0.0 else str(value)  # NaN and the infinities, which JSON has not
        try:
            if isinstance(value, str):
                return self._shared(str.__str__(value))
            if isinstance(value, int):
                return self.value(int(value), depth)
            if isinstance(value, float):
                return self.value(float(value), depth)
            if isinstance(value, dict):
                return self._object(value, depth)
            if isinstance(value, list | tuple | set | frozenset):
                return self._list(value, depth)
        except Exception:  # noqa: BLE001 - another thread changed it meanwhile, or a subclass raises; the text says so
            return _unprintable(value)
        return self._shared(_text(value))

    def _is_spent(self) -> bool:
        return self._parts <= 0 or self._characters <= 0

    def _shared(self, text: str) -> str:
        if len(text) > self._characters:
            text = text[: max(self._characters, 0)] + _CUT
        text = clean(text)
        self._characters -= len(text)
        return text

    def _object(self, value: dict[Any, Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:
            return _CUT
        made: dict[str, Any] = {}
        for key, part in list(value.items()):
            if self._is_spent() or (len(made) == MAX_KEYS - 1 and len(value) > MAX_KEYS):
                made[_CUT] = f"{len(value) - len(made)} more"
                break
            made[self.key(key)] = self.value(part, depth + 1)
        return made

    def _list(self, value: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:
            return _CUT
        made = []
        for part in list(value):
            if self._is_spent():
                made.append(_CUT)
                break
            made.append(self.value(part, depth + 1))
        return made

    def _huge(self, value: int) -> str:
        try:
            return self._shared(str(value))
        except ValueError:  # Python writes no more than 4,300 digits
            return self._shared(hex(value))


def _text(value: object) -> str:
    if type(value) is str:
        return value
    try:
        return str.__str__(str(value))
    except Exception:  # noqa: BLE001 - the program's own __str__; the text says so
        return _unprintable(value)


def _unprintable(value: object) -> str:
    return f"<unprintable {type(value).__name__}>"


def fitted(entry: dict[str, Any]) -> dict[str, Any]:
    """*entry* with context and message cut to the limits of one entry; for the rare one that is beyond them."""
    context: Any = entry["context"]
    for most in (32_000, 8_000, 2_000, 400):
        if len(json.dumps(context)) <= _MAX_CONTEXT_BYTES:
            break
        context = _clipped(context, most)
    else:
        if len(json.dumps(context)) > _MAX_CONTEXT_BYTES:
            # Thousands of small parts: only what is no container stays.
            context = {key: _clipped(part, 100) for key, part in context.items() if not isinstance(part, dict | list)}
    message = entry["message"]
    budget = most_characters = MAX_LINE_BYTES - len(json.dumps(context)) - 500
    while len(json.dumps(message)) > budget:
        message = _shortened(entry["message"], most_characters)
        most_characters //= 2
    return {**entry, "message": message, "context": context}


def _clipped(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return _shortened(value, most)
    if isinstance(value, dict):
        return {key: _clipped(part, most) for key, part in value.items()}
    if isinstance(value, list):
        return [_clipped(part, most) for part in value]
    return value
