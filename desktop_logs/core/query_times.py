"""Times as a query writes them: `10m` ago, `10:30`, `today`, a date. Pure: callers pass now; the time zone is local."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from desktop_logs.core.timestamps import NS_PER_S, parse_timestamp

UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
DAYS_AGO: Final = {"today": 0, "yesterday": 1}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGO = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?[smhdw])+", re.ASCII)
_STEP = re.compile(r"([\d.]+)([smhdw])", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?", re.ASCII)
_INT64_MAX = 2**63 - 1


def parse_time(text: str, now_ns: int) -> int | None:
    """Nanoseconds since 1970 UTC for *text* as typed behind `after:` or `before:`; None when it is not a time.

    A duration (`10m`, `1h30m`, `2.5d`) is counted back from *now_ns*; a time of day is today's; `today` and
    `yesterday` are where that day starts; the rest is as timestamps.parse_timestamp has it: local without an offset.
    """
    text = text.strip().lower()
    if _AGO.fullmatch(text):
        ago_ns = sum(round(float(count) * UNITS_S[unit] * NS_PER_S) for count, unit in _STEP.findall(text))
        return max(now_ns - ago_ns, -_INT64_MAX)
    try:
        if text in DAYS_AGO:
            return _local_ns(now_ns, DAYS_AGO[text], 0, 0, 0)
        clock = _CLOCK.fullmatch(text)
        if clock:
            time_ns = _local_ns(now_ns, 0, int(clock[1]), int(clock[2]), int(clock[3] or 0))
            return time_ns + int((clock[4] or "").ljust(9, "0"))
    except (OverflowError, OSError, ValueError):
        return None  # now is a time that this machine's calendar does not reach
    return parse_timestamp(text.upper())


def _local_ns(now_ns: int, days_ago: int, hour: int, minute: int, second: int) -> int:
    """Where the clock on the wall showed that time, *days_ago* days before the day of *now_ns*."""
    day = (_EPOCH + timedelta(seconds=now_ns // NS_PER_S)).astimezone().date() - timedelta(days=days_ago)
    # Without a zone of its own it is looked up anew: the offset of that hour, not of now, is what counts.
    moment = datetime(day.year, day.month, day.day, hour, minute, second).astimezone()
    return (moment - _EPOCH) // timedelta(seconds=1) * NS_PER_S
