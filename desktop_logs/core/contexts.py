"""What stands in an entry's context, as JSON text within its limits. Pure; entries as a whole are wire's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from desktop_logs.core.errors import EntryError
from desktop_logs.core.escapes import clean

MAX_CONTEXT_BYTES: Final = 192 * 1024
MAX_CONTEXT_KEYS: Final = 64
MAX_CONTEXT_DEPTH: Final = 16

_encode_json = msgspec.json.Encoder().encode


def context_text(context: dict[str, Any]) -> str:
    """*context* as JSON that any reader takes: what JSON cannot carry is made text, NaN null.

    Raises EntryError when it is over a limit; RecursionError when it is nested beyond reason.
    """
    _check_object(context, 1, "context")
    try:
        text = _encode_json(context).decode()
    except (UnicodeEncodeError, TypeError, ValueError):
        text = _encode_json(_cleaned(context)).decode()
    if (count := byte_count(text)) > MAX_CONTEXT_BYTES:
        raise EntryError(
            f"the context is {count:,} bytes long; at most {MAX_CONTEXT_BYTES:,} are taken. Log less with it"
        )
    return text


def json_text(value: object) -> str:
    """*value* as JSON in one line, without a limit; errors as of `context_text`."""
    try:
        return _encode_json(value).decode()
    except (UnicodeEncodeError, TypeError, ValueError):
        return _encode_json(_cleaned(value)).decode()


def byte_count(text: str) -> int:
    """How many bytes *text* takes in UTF-8; nothing is copied where it is ASCII."""
    return len(text) if text.isascii() else len(text.encode())


def _check_object(value: Mapping[str, Any], depth: int, name: str) -> None:
    if len(value) > MAX_CONTEXT_KEYS:
        raise EntryError(f"{name} has {len(value)} keys; at most {MAX_CONTEXT_KEYS} are taken")
    for key, part in value.items():
        if isinstance(part, str):
            continue
        _check_part(part, depth, f"{name}.{key}")


def _check_part(part: object, depth: int, name: str) -> None:
    if isinstance(part, int):
        if not -(2**63) <= part < 2**64:
            raise EntryError(f"{name[:80]} is an integer beyond 64 bits. Send it as a string")
    elif isinstance(part, dict | list):
        if depth >= MAX_CONTEXT_DEPTH:
            raise EntryError(f"the context is nested deeper than {MAX_CONTEXT_DEPTH} levels")
        if isinstance(part, dict):
            _check_object(part, depth + 1, name)
        else:
            for item in part:
                _check_part(item, depth + 1, name)


def _cleaned(value: object) -> object:
    """*value* with what JSON cannot carry made text; only for the rare context that has such a thing."""
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(part) for part in value]
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool | int | float | bytes):
        return value
    return clean(str(value))
