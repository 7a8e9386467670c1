"""The line that stands in a view where records are missing. Pure; who finds the gap makes it."""

from __future__ import annotations

from typing import Final

from desktop_logs.core.levels import WARN
from desktop_logs.core.records import Record

SOURCE: Final = "desktop-logs"
"""Of every gap; what has another need not be asked whether it is one."""
_ID: Final = "desktop-logs-gap-"
_REASONS: Final = {
    "slow": "this viewer could not take all as fast as it came",
    "evicted": "the hub no longer has all that was logged",
    "epoch": "the hub's history was replaced",
    "unknown": "the server cannot tell what was logged while there was no connection",
}


def gap_record(seq: int, time_ns: int, reason: str, first: int = 0, last: int = 0) -> Record:
    """A record for a view, with the number *seq*, that says what is missing there.

    The numbers *first* to *last*, or an unknown count where both are 0; *reason* is one of protocol.md's, or `unknown`.
    """
    count = last - first + 1 if last else 0
    # Numbers are not all given: after a crash they jump. So it is `up to`.
    what = f"Up to {count:,} records are missing here" if count > 1 else "Records may be missing here"
    if count == 1:
        what = "A record may be missing here"
    message = f"{what}: {_REASONS.get(reason, _REASONS['slow'])}."
    return Record(seq, time_ns, WARN, "warn", SOURCE, message, given_id=f"{_ID}{seq}-{count}")


def is_gap(record: Record) -> bool:
    """True for what `gap_record` makes."""
    return record.source == SOURCE and record.given_id.startswith(_ID)


def missing_count(record: Record) -> int:
    """How many records at most are missing where *record*, a gap, stands; 0 when nobody knows."""
    count = record.given_id.rpartition("-")[2]
    return int(count) if count.isdecimal() and len(count) < 20 else 0
