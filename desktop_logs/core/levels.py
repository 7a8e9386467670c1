"""Levels: names and numbers to OpenTelemetry severities, and the bands a person filters by. Standard library only."""

from __future__ import annotations

import re
import sys
from typing import Final

BANDS: Final = ("trace", "debug", "info", "warn", "error", "fatal")
"""The six bands a person filters by, lowest first: severities 1 to 4 are trace, 5 to 8 debug, and so on."""

ALL_BANDS: Final = frozenset(range(len(BANDS)))

TRACE: Final = 1
DEBUG: Final = 5
INFO: Final = 9
WARN: Final = 13
ERROR: Final = 17
FATAL: Final = 21

# Winston's npm, syslog and cli levels as OpenTelemetry's own Winston instrumentation maps them; Python's and the
# usual short forms beside them. The steps keep the order that each scheme gives its names.
_BY_NAME: Final[dict[str, int]] = {
    "silly": TRACE,
    "finest": TRACE,
    "trace": TRACE,
    "finer": 2,
    "input": 2,
    "prompt": 4,
    "debug": DEBUG,
    "fine": DEBUG,
    "dbg": DEBUG,
    "verbose": 6,
    "http": 7,
    "config": 8,
    "info": INFO,
    "information": INFO,
    "informational": INFO,
    "log": INFO,
    "notset": INFO,
    "data": 10,
    "notice": 10,
    "success": 10,
    "help": 11,
    "warn": WARN,
    "warning": WARN,
    "error": ERROR,
    "err": ERROR,
    "severe": ERROR,
    "exception": ERROR,
    "fatal": FATAL,
    "critical": FATAL,
    "crit": FATAL,
    "panic": FATAL,
    "alert": 22,
    "emerg": 23,
    "emergency": 23,
}
PLAIN_NAMES: Final = {
    sys.intern(spelt): (sys.intern(spelt), severity)
    for name, severity in _BY_NAME.items()
    for spelt in (name, name.upper())
}
"""The names known, in small letters and in capitals, each with itself (one string for all) and its severity."""
_PYTHON_NUMBERED = re.compile(r"level (-?\d+)", re.IGNORECASE)
_CANONICAL: Final = {TRACE: "trace", DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error", FATAL: "fatal"}


def severity_of_name(name: str) -> int | None:
    """The severity of a level *name*, any case; None when nobody knows the name.

    `Level 25` is how Python writes a number that has no name, so it is read on Python's scale.
    """
    key = name.strip().lower()
    known = _BY_NAME.get(key)
    if known is not None:
        return known
    numbered = _PYTHON_NUMBERED.fullmatch(key)
    return severity_of_python(int(numbered[1])) if numbered else None


def severity_of_pino(number: float) -> int:
    """The severity of a number on pino's scale: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal."""
    if number < 20:
        return TRACE
    return min(1 + 4 * (int(number) // 10 - 1), FATAL)


def severity_of_python(number: int) -> int:
    """The severity of a number on Python's scale: 10 debug, 20 info, 30 warning, 40 error, 50 critical."""
    if number < 10:
        return TRACE
    base = min(1 + 4 * (number // 10), FATAL)
    step = min((number % 10) * 4 // 10, 3)
    return min(base + step, 24)


def band_of(severity: int) -> int:
    """The index into BANDS of a *severity* from 1 to 24."""
    return min(max(severity - 1, 0) // 4, 5)


def name_of(severity: int) -> str:
    """The band's name, for a severity that came without one."""
    return _CANONICAL.get(severity) or BANDS[band_of(severity)]


def v1_level(severity: int) -> str:
    """One of `error`, `warn`, `info`, `debug`: the only levels that a version 1 viewer knows."""
    if severity >= ERROR:
        return "error"
    if severity >= WARN:
        return "warn"
    return "info" if severity >= INFO else "debug"


def parse_threshold(text: str) -> int:
    """The lowest severity that *text* (a level's name) lets through. Raises ValueError with a sentence."""
    severity = severity_of_name(text)
    if severity is None:
        raise ValueError(f"{text!r} is not a level. Use one of {', '.join(BANDS)}.")
    return severity
