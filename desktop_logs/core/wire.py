"""Entries as they travel (protocol.md) to records and back. Pure; the limits of one entry stand here, those of what
stands in its context in contexts."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from desktop_logs.core import levels
from desktop_logs.core.contexts import byte_count, context_text, json_text
from desktop_logs.core.errors import EntryError
from desktop_logs.core.escapes import clean
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import NS_PER_MS, format_iso, parse_timestamp

MAX_ENTRY_BYTES: Final = 256 * 1024
MAX_PACKET_BYTES: Final = 1_000_000
MAX_ID_CHARACTERS: Final = 200
MAX_NAME_CHARACTERS: Final = 200
SNAPSHOT_RECORDS: Final = 500
ORDER_SAMPLE: Final = 500

_encode_json = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode

_OWN_KEYS = frozenset(("id", "level", "message", "timestamp", "context", "source"))
_PLAIN_KEYS = _OWN_KEYS - {"source"}
# Names that other loggers use for the same things (pino, bunyan, zap, Python's JSON formatters).
_MESSAGE_KEYS = ("message", "msg", "text", "error")
_TIMESTAMP_KEYS = ("timestamp", "time", "ts", "@timestamp")
_LEVEL_KEYS = ("level", "severity", "lvl", "levelname", "levelno")
_SOURCE_KEYS = ("source", "service", "logger")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands among the payloads of a batch for a part that is no JSON, so that it is refused in its place."""

    reason: str


def decode_json(data: bytes | str) -> object:
    """The JSON value in *data*. Lone surrogates and NaN, which strict JSON refuses, are let through.

    Raises ValueError with a short reason when it is no JSON.
    """
    try:
        return _decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Python's reader is slower and takes what some producers send all the same: "\ud800", NaN, 1e999.
        try:
            return json.loads(data, parse_constant=str)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        except UnicodeDecodeError as wrong:
            raise ValueError(f"it is not UTF-8 (byte {wrong.start})") from None
        except json.JSONDecodeError as wrong:
            raise ValueError(f"{wrong.msg} at character {wrong.pos}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def unwrap(payload: object) -> tuple[object, object]:
    """The entry in a `log` payload, and the envelope's own timestamp (None without one)."""
    if isinstance(payload, dict) and payload.get("type") == "log" and "data" in payload:
        return payload["data"], payload.get("timestamp")
    return payload, None


def unwrap_many(payload: object) -> list[object]:
    """The entries of a `logs` payload, in the order they came. Raises EntryError when it holds no list."""
    if isinstance(payload, dict) and "data" in payload:
        payload = payload["data"]
    if not isinstance(payload, list):
        raise EntryError(f"logs must be a list of entries, not {_kind(payload)}")
    return payload


def oldest_first(entries: Sequence[object]) -> list[object]:
    """The entries of a snapshot, oldest first. Servers send them either way, so their own times decide; newest first
    is the protocol's order and what is assumed when the times do not tell. A long one is not read to its end for that:
    where ORDER_SAMPLE neighbours differ in time, they decide."""
    rising = falling = 0
    before_ns: int | None = None
    for time_ns in map(_entry_time, entries):
        if time_ns is None:
            continue
        if before_ns is not None:
            rising += time_ns > before_ns
            falling += time_ns < before_ns
            if rising + falling >= ORDER_SAMPLE:
                break
        before_ns = time_ns
    return list(entries) if rising > falling else list(reversed(entries))


def _entry_time(payload: object) -> int | None:
    entry, envelope_time = unwrap(payload)
    if not isinstance(entry, dict):
        return None
    return parse_timestamp(_first(entry, _TIMESTAMP_KEYS) or envelope_time)


def parse_entry(payload: object, seq: int, arrived_ns: int) -> Record:
    """The record of one entry: a LogEntry, the `log` envelope around one, or a bare string.

    *arrived_ns* stands in for a time that is missing or unreadable. Raises EntryError with what is wrong.
    """
    if isinstance(payload, Unreadable):
        raise EntryError(payload.reason)
    try:
        return _parse_plain(payload, seq, arrived_ns) or _parse_entry(payload, seq, arrived_ns)
    except RecursionError:
        raise EntryError("the entry is nested too deeply") from None
    except (ValueError, OverflowError) as wrong:
        raise EntryError(f"the entry cannot be read: {wrong}") from None


def _parse_plain(payload: object, seq: int, arrived_ns: int) -> Record | None:
    """What `_parse_entry` makes of an entry as most are, in half the time; None for any other."""
    if type(payload) is not dict or not payload.keys() <= _PLAIN_KEYS:
        return None
    level, message, context, stamp = map(payload.get, ("level", "message", "context", "timestamp"))
    known = levels.PLAIN_NAMES.get(level) if type(level) is str else None
    time_ns = arrived_ns if stamp is None else parse_timestamp(stamp)
    if known is None or time_ns is None or type(message) is not str:
        return None
    source = context_json = ""
    if type(context) is dict:
        if "level" in context or "service" in context or type(source := context.get("source", "")) is not str:
            return None  # they may say something of the record itself
        if len(context) > ("source" in context):
            rest = context.copy()
            rest.pop("source", None)
            context_json = context_text(rest)
    elif context is not None:
        return None
    message = clean(message)
    if len(message) * 4 > MAX_ENTRY_BYTES // 4:
        return None  # it may have to be cut
    name, severity = known
    given_id = _id_of(payload.get("id"))
    return Record(seq, time_ns, severity, name, _source_name(source), message, context_json, given_id)


def _parse_entry(payload: object, seq: int, arrived_ns: int) -> Record:
    entry, envelope_time = unwrap(payload)
    if isinstance(entry, str):
        entry = {"message": entry}
    if not isinstance(entry, dict):
        raise EntryError(f"an entry must be a JSON object or a string, not {_kind(entry)}")

    context = _context_of(entry)
    level, severity = _level_of(entry, context)
    source = _source_of(entry, context)

    stamp = _first(entry, _TIMESTAMP_KEYS)
    time_ns = parse_timestamp(stamp)
    if time_ns is None:
        if stamp is not None:
            context = {**context, "timestamp": stamp}
        time_ns = parse_timestamp(envelope_time)
        if time_ns is None:
            time_ns = arrived_ns

    message, context = _message_of(entry, context)
    context_json = context_text(context) if context else ""
    return Record(
        seq=seq,
        time_ns=time_ns,
        severity=severity,
        level=level,
        source=source,
        message=within_limit(message, MAX_ENTRY_BYTES - byte_count(context_json)),
        context=context_json,
        given_id=_id_of(entry.get("id")),
    )


def encode_entry(record: Record) -> bytes:
    """The record as a LogEntry, one line of JSON with the level as it came: what files and exports hold."""
    return _encode(record, record.level, _with_source(record.context, record.source))


def encode_v1_entry(record: Record) -> bytes:
    """The record as a version 1 viewer takes it: the level one of four, the original in `context.level`."""
    level = levels.v1_level(record.severity)
    context = _with_source(record.context, record.source)
    if level != record.level:
        own = _encode_json({"level": record.level})
        if '"level":' in record.context:
            context = _encode_json({**_decode_json(context), "level": record.level})
        else:
            context = own if not context else context[:-1] + b"," + own[1:]
    return _encode(record, level, context)


def join_v1_logs(entries: Sequence[bytes], now_ns: int) -> bytes:
    """The payload of a `logs` event; *entries* as encode_v1_entry makes them, newest first."""
    return b'{"type":"logs","data":[%b],"timestamp":%d}' % (b",".join(entries), now_ns // NS_PER_MS)


def context_of(record: Record) -> dict[str, Any]:
    """The record's context as an object, without its source."""
    return _decode_json(record.context) if record.context else {}


def _encode(record: Record, level: str, context: bytes) -> bytes:
    head = b'{"timestamp":"%b","level":%b,"message":%b' % (
        format_iso(record.time_ns).encode(),
        _encode_json(level),
        _encode_json(record.message),
    )
    if context:
        return b'%b,"context":%b,"id":%b}' % (head, context, _encode_json(record.id))
    return b'%b,"id":%b}' % (head, _encode_json(record.id))


def _with_source(context: str, source: str) -> bytes:
    if not source:
        return context.encode()
    head = b'{"source":' + _encode_json(source)
    return head + b"," + context[1:].encode() if context else head + b"}"


def _context_of(entry: dict[str, Any]) -> dict[str, Any]:
    """A copy of the entry's context together with whatever else stands beside it, as Winston's metadata does."""
    given = entry.get("context")
    context = dict(given) if isinstance(given, dict) else {} if given is None else {"context": given}
    beside = entry.keys() - _OWN_KEYS
    if not beside:
        return context
    used = {_first_key(entry, keys) for keys in (_MESSAGE_KEYS, _TIMESTAMP_KEYS, _LEVEL_KEYS)}
    return {**{key: value for key, value in entry.items() if key in beside and key not in used}, **context}


def _level_of(entry: dict[str, Any], context: dict[str, Any]) -> tuple[str, int]:
    key = _first_key(entry, _LEVEL_KEYS)
    value = entry[key] if key else None
    if isinstance(value, str) and value.strip():
        name = sys.intern(clean(value.strip()[:MAX_NAME_CHARACTERS]))
        severity = levels.severity_of_name(name)
        if severity is None and name.isdecimal():
            return _numbered_level(int(name), key == "levelno")
        # A version 1 hub sends one of four and puts the original beside it: it is taken back.
        original = context.get("level")
        if isinstance(original, str) and severity is not None and original != name:
            original_severity = levels.severity_of_name(original)
            if original_severity is not None and levels.v1_level(original_severity) == name:
                del context["level"]
                return sys.intern(original), original_severity
        if severity is None:
            # Our handler sends the number beside a level that a Python program has named itself.
            number = context.get("levelno")
            if isinstance(number, int) and not isinstance(number, bool):
                severity = levels.severity_of_python(number)
            else:
                severity = levels.INFO
        return name, severity
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _numbered_level(value, key == "levelno" or "levelname" in entry)
    return "info", levels.INFO


def _numbered_level(number: float, is_python: bool) -> tuple[str, int]:
    # Pino's and Python's numbers overlap with other meanings. A bare number is pino's, since Python's handlers
    # send names; a number under Python's own attribute names is Python's.
    if not math.isfinite(number):
        return "info", levels.INFO
    severity = levels.severity_of_python(int(number)) if is_python else levels.severity_of_pino(number)
    return levels.name_of(severity), severity


def _source_of(entry: dict[str, Any], context: dict[str, Any]) -> str:
    source = context.pop("source", "")
    if not isinstance(source, str):
        # Its name is the source's own; a number or an object under it is kept beside.
        context["source_value"] = source
        source = ""
    if not source:
        source = next((entry[key] for key in _SOURCE_KEYS if isinstance(entry.get(key), str)), "")
        if not source and isinstance(context.get("service"), str):
            source = context["service"]
        if not source and isinstance(entry.get("name"), str) and "hostname" in entry and "pid" in entry:
            source = entry["name"]  # pino's and bunyan's way to name a logger
    return _source_name(source)


def _source_name(source: str) -> str:
    return sys.intern(clean(source[:MAX_NAME_CHARACTERS]))


def _message_of(entry: dict[str, Any], context: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    key = _first_key(entry, _MESSAGE_KEYS)
    value = entry[key] if key else None
    if isinstance(value, dict):
        inner = next((value[name] for name in ("message", "error", "text") if isinstance(value.get(name), str)), None)
        if inner is not None:
            rest = {name: part for name, part in value.items() if part is not inner}
            return clean(inner), {**rest, **context} if rest else context
    if isinstance(value, str):
        return clean(value), context
    if isinstance(value, bytes | bytearray):
        return clean(bytes(value).decode("utf-8", "backslashreplace")), context
    if value is not None:
        return clean(json_text(value)), context
    if not context:
        raise EntryError('an entry needs a message, for example {"level":"info","message":"hello"}')
    # Pino allows an object without a message: then the object is what was said.
    return clean(json_text(context)), context


def _id_of(value: object) -> str:
    if isinstance(value, str):
        return clean(value[:MAX_ID_CHARACTERS])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def within_limit(message: str, max_bytes: int) -> str:
    """*message*, cut with a mark where it is longer than *max_bytes* in UTF-8."""
    if len(message) * 4 <= max_bytes:
        return message
    encoded = message.encode()
    if len(encoded) <= max_bytes:
        return message
    note = f" … [cut here by Desktop Logs: {len(encoded):,} bytes came, at most {MAX_ENTRY_BYTES:,} an entry are kept]"
    return encoded[: max_bytes - len(note.encode())].decode("utf-8", "ignore") + note


def _first_key(entry: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    for key in keys:  # not a generator: it costs three times as much, and this is asked three times an entry
        if entry.get(key) is not None:
            return key
    return None


def _first(entry: Mapping[str, Any], keys: Sequence[str]) -> Any:
    key = _first_key(entry, keys)
    return entry[key] if key else None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    return {"str": "a string", "dict": "an object", "bytes": "binary data"}.get(type(value).__name__, "that")
