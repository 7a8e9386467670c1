"""Times as they travel and as they are shown. Pure: callers pass now; only the machine's time zone is looked up."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_INT64_MAX = 2**63 - 1
_NUMERIC = re.compile(r"\d{10,19}(\.\d+)?")
_SPACED_OFFSET = re.compile(r" (?=[+-]\d\d:?\d\d$)")
_BEYOND_MICROSECONDS = re.compile(r"[.,]\d{6}(\d{1,3})")

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


def parse_timestamp(value: object) -> int | None:
    """Nanoseconds since 1970 UTC for a timestamp as protocol.md allows it; None when it cannot be read.

    Text is ISO 8601 with `Z` or an offset; without one it is this machine's local time (Winston's usual format).
    A number is Unix seconds, milliseconds, microseconds or nanoseconds, told apart by its size.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _parse_number(value)
    return None


def _parse_text(text: str) -> int | None:
    # What JavaScript writes, and most send: most share their second with the one before.
    if len(text) == 24 and text[19] == "." and text[23] == "Z" and text.isascii() and (ms := text[20:23]).isdigit():
        second_ns = _second_ns(text[:19])
        if second_ns is not None:
            return second_ns + int(ms) * NS_PER_MS
    text = text.strip()
    if _NUMERIC.fullmatch(text):
        return _parse_number(float(text) if "." in text else int(text))
    try:
        # Winston and git put a space before the offset, which fromisoformat takes only without a fraction.
        moment = datetime.fromisoformat(_SPACED_OFFSET.sub("", text) if " " in text else text)
        if moment.tzinfo is None:
            moment = moment.astimezone()
    except (ValueError, OverflowError, OSError):
        return None
    time_ns = ((moment - _EPOCH) // _MICROSECOND) * 1_000
    if len(text) > 26:
        # fromisoformat stops at microseconds; what follows them is kept, since it orders records.
        finer = _BEYOND_MICROSECONDS.search(text)
        if finer:
            time_ns += int(finer[1].ljust(3, "0"))
    return time_ns if abs(time_ns) <= _INT64_MAX else None


def _parse_number(number: float) -> int | None:
    if not math.isfinite(number) or number < 0:
        return None
    # 1e11 seconds is the year 5138 and 1e11 milliseconds is 1973: nothing that logs today is near a border.
    if number < 1e11:
        scale = NS_PER_S
    elif number < 1e14:
        scale = NS_PER_MS
    elif number < 1e17:
        scale = 1_000
    else:
        scale = 1
    # A float times a billion loses nanoseconds; microseconds are all that a float of seconds carries anyway.
    time_ns = number * scale if isinstance(number, int) else round(number * scale / 1_000) * 1_000
    return time_ns if time_ns <= _INT64_MAX else None


def format_iso(time_ns: int) -> str:
    """ISO 8601 in UTC with `Z`: milliseconds, or as many digits as the time has beyond them."""
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    if rest_ns % NS_PER_MS == 0:
        return f"{_utc_second(seconds)}.{rest_ns // NS_PER_MS:03d}Z"
    if rest_ns % 1_000 == 0:
        return f"{_utc_second(seconds)}.{rest_ns // 1_000:06d}Z"
    return f"{_utc_second(seconds)}.{rest_ns:09d}Z"


def format_clock(time_ns: int) -> str:
    """Local time of day with milliseconds, as the table shows it: `10:42:31.560`."""
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    return f"{_local_second(seconds)[11:]}.{rest_ns // NS_PER_MS:03d}"


def format_local(time_ns: int) -> str:
    """Local date and time with milliseconds: `2026-11-22 10:42:31.560`."""
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    return f"{_local_second(seconds)}.{rest_ns // NS_PER_MS:03d}"


# Records come in order of time, so nearly every one shares its second with the one before: the cache saves the
# conversion (0.6 µs) and keeps one string a second.
@lru_cache(maxsize=4096)
def _second_ns(text: str) -> int | None:
    """Nanoseconds since 1970 for a date and time of day in UTC; None when it is none, or far away."""
    try:
        seconds = (datetime.fromisoformat(f"{text}Z") - _EPOCH) // _SECOND
    except (ValueError, OverflowError):
        return None
    return seconds * NS_PER_S if abs(seconds) < _INT64_MAX // NS_PER_S - 1 else None


@lru_cache(maxsize=4096)
def _utc_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=4096)
def _local_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
