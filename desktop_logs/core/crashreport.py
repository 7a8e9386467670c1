"""What stands in a crash report and how it reads. Pure: callers bring the facts, the times and the trace."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

_TITLE: Final = "A fault in Desktop Logs"
_PROMISE: Final = "This report holds no log contents and was sent to nobody. Read it before you pass it on."
_TIME: Final = "%Y-%m-%d %H:%M:%S UTC"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STARTED: Final = "Started"
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
# What faulthandler writes when the process ends by it. On Windows it also tells of exceptions that are dealt with, as
# COM's are; those have a number and no name.
_FATAL: Final = re.compile(r"^(?:Fatal Python error: (.+)|Windows fatal exception: (?!code )(.+))$", re.MULTILINE)


def facts_text(facts: Mapping[str, str], counters: Mapping[str, float]) -> str:
    """*facts* and *counters* as aligned lines. Of the counters numbers only."""
    numbers = {name: value for name, value in counters.items() if type(value) in (int, float)}
    lines = _aligned(facts)
    lines += ["", "Last counters", *_aligned({name: f"{value:,}" for name, value in numbers.items()}, "  ")]
    if not numbers:
        lines.append("  none yet")
    return "\n".join(lines)


def report_text(what: str, at: datetime, went_on: bool, facts: str, trace: Sequence[str]) -> str:
    """A whole report: *what* happened *at* that time, whether the program *went_on*, *facts* as `facts_text` made them,
    and the lines of the *trace*."""
    head = {
        "What": what,
        "When": at.astimezone(UTC).strftime(_TIME) + _after_start(at, facts),
        "Then": "the program went on" if went_on else "the program ended",
    }
    return "\n".join([_TITLE, _PROMISE, "", *_aligned(head), "", facts.strip("\n"), "", "Traceback", *trace, ""])


def started_fact(at: datetime) -> dict[str, str]:
    """The fact by which a report tells how long the program ran."""
    return {_STARTED: at.astimezone(UTC).strftime(_TIME)}


def fatal_of(text: str) -> str:
    """What faulthandler's *text* says has ended the process; empty when nothing has."""
    found = _FATAL.search(text)
    return (found[1] or found[2]).strip() if found else ""


def stamp(at: datetime) -> str:
    """*at* as it stands in a file's name: it sorts by time."""
    return at.astimezone(UTC).strftime(_STAMP)


def time_of(stamped: str) -> datetime:
    """The time of a stamp. Raises ValueError."""
    return datetime.strptime(stamped, _STAMP).replace(tzinfo=UTC)


def spoken_time(at: datetime, now: datetime) -> str:
    """*at*, both in the reader's own zone, as one says it: `today at 14:03`, `on Monday at 14:03`, `on 3 May at …`.

    Not strftime's names of days: they are in the language of the system, and the sentence around is not.
    """
    clock = f"at {at:%H:%M}"
    if at.date() == now.date():
        return f"today {clock}"
    if timedelta(0) < now - at < timedelta(days=6):
        return f"on {_DAYS[at.weekday()]} {clock}"
    year = "" if at.year == now.year else f" {at.year}"
    return f"on {at.day} {_MONTHS[at.month - 1]}{year} {clock}"


def offer_sentence(ended: bool, at: datetime, now: datetime) -> str:
    """What a person reads of a fault at the next start; both times in the reader's own zone."""
    when = spoken_time(at, now)
    return (
        f"Desktop Logs ended unexpectedly {when}." if ended else f"Something in Desktop Logs failed {when}; it went on."
    )


def _after_start(at: datetime, facts: str) -> str:
    found = re.search(rf"^{_STARTED} +(.+)$", facts, re.MULTILINE)
    try:
        seconds = (at - datetime.strptime(found[1], _TIME).replace(tzinfo=UTC)).total_seconds() if found else -1
    except ValueError:
        return ""
    if seconds < 0:
        return ""  # the clock was set back
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return f", {' '.join(filter(None, parts)) or f'{rest} s'} after the start"


def _aligned(pairs: Mapping[str, str], indent: str = "") -> list[str]:
    width = max(map(len, pairs), default=0)
    return [f"{indent}{name:<{width}}  {value}" for name, value in pairs.items()]
