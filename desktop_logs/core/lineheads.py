"""How a line of text begins when it begins a record: its time, level and source, in the formats in use. Pure.

Python's logging, logback and Spring, loguru, gunicorn, nginx, Go's log, Kubernetes' klog, Rust's env_logger, syslog
(RFC 3164, 5424 and with ISO times), the access log of web servers, logfmt, and what looks like them. What is not
recognised stays in the message.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

import msgspec

from desktop_logs.core.escapes import clean
from desktop_logs.core.levels import ERROR, INFO, WARN, severity_of_name
from desktop_logs.core.timestamps import NS_PER_S
from desktop_logs.core.wire import MAX_NAME_CHARACTERS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_NS: Final = 86_400 * NS_PER_S
_MAX_HEAD: Final = 1_000
"""Characters of a line in which its head is looked for: no expression here sees a long line."""
_SYSLOG_LEVELS: Final = ("emerg", "alert", "crit", "error", "warning", "notice", "info", "debug")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MONTH = "|".join(_MONTHS)
_CLOCK = r"(?P<minute>\d\d:\d\d):(?P<second>[0-5]\d|60)(?:[.,](?P<fraction>\d{1,9})\d*)?"
_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)(?!\d))?"
_PRIORITY = r"(?:<(?P<priority>\d{1,3})>(?:1 )?)?"
_AFTER = r"(?:[\])]|(?=[\s|,:-])|$)(?:[ \t]*[|,:-](?=[\s\[])|[ \t])?[ \t]*"
_ISO = re.compile(
    rf"{_PRIORITY}[\[(]?(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]{_CLOCK}{_ZONE}{_AFTER}", re.ASCII
)
_DAYTIME = re.compile(rf"\[?{_CLOCK}{_AFTER}", re.ASCII)
_BSD = re.compile(rf"{_PRIORITY}(?P<name>{_MONTH}) (?P<day>[ \d]\d) {_CLOCK} +", re.ASCII)
_GLOG = re.compile(
    rf"[IWEF](?P<month>\d\d)(?P<day>\d\d) {_CLOCK} +(?P<process>\d{{1,10}}) "
    r"(?P<place>[\w./@-]{1,100}:\d{1,9})\] ?",
    re.ASCII,
)
_GLOG_LEVELS: Final = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}
_ACCESS = re.compile(
    rf"\S+ \S+ \S+ \[(?P<day>\d\d)/(?P<name>{_MONTH})/(?P<year>\d{{4}}):{_CLOCK}{_ZONE}\] "
    r'"[^"]*" (?P<status>\d{3})\b',
    re.ASCII,
)

_NAMES = (
    "TRACE|DEBUG|DBG|VERBOSE|FINEST|FINER|FINE|INFORMATION|INFO|NOTICE|WARNING|WARN|ERROR|ERR|SEVERE|FATAL|CRITICAL|"
    "CRIT|PANIC|ALERT|EMERGENCY|EMERG"
)
_LEVEL = (
    rf"(?:[\[<(]\s*(?P<in_brackets>(?i:{_NAMES}))\s*[\]>)]|(?P<in_capitals>{_NAMES})(?=[\s:|\]]|$)"
    rf"|(?P<marked>(?i:{_NAMES}))(?=:|\s+[-|]\s))"
)
_SOURCE = (
    r"(?:(?P<process>\d+) --- \[\s*(?P<thread>[^\]]{1,100}?)\s*\] (?P<spring>[\w.$\[\]/-]{1,100}?)\s*: "
    r"|\[(?P<named>[\w.:/$@-]{1,100})\]:?\s+(?:- )?"
    r"|(?P<told>[\w.$/@-]{1,100}?)(?:\s*:|\s+[-|])\s+"
    r"|(?P<placed>[\w.$/:<>-]{1,100}) [-|]\s+"
    r"|(?P<closed>[\w.$/:@-]{1,100})\]\s+)?"  # env_logger's, whose bracket is before the time
)
_LEVEL_FIRST = re.compile(rf"{_LEVEL}[ \t]*[:|-]?[ \t]*{_SOURCE}")
_BRACKETS_FIRST = re.compile(rf"\[(?P<first>[^\]\[]{{1,100}})\][ \t]*{_LEVEL}[ \t]*[:|-]?[ \t]*{_SOURCE}")
_SOURCE_FIRST = re.compile(rf"(?P<first>[\w.$/:@-]{{1,100}})[ \t]+[-|][ \t]+{_LEVEL}[ \t]*(?:[:|-][ \t]+)?")
_PROGRAM = re.compile(r"(?P<host>[\w.:-]{1,100}) (?P<first>[\w./@()-]{1,100})(?:\[(?P<process>\d{1,10})\])?: ?")
_PROGRAM_5424 = re.compile(
    r"(?P<host>\S{1,100}) (?P<first>\S{1,100}) (?P<process>\S{1,100}) \S{1,100} (?:-|\[[^\]]*\]) ?(?:\ufeff)?"
)
_UNTIMED = re.compile(rf"(?P<level>{_NAMES}):(?:(?P<source>[\w.-]{{1,100}}):|[ \t]+)|\[(?P<boxed>(?i:{_NAMES}))\][ \t]")
_LOGFMT = re.compile(r'([A-Za-z_@][\w.@/-]{0,100})=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)')
_LOGFMT_FIRST = re.compile(r"(?:time|ts|t|timestamp|level|lvl)=")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Head:
    """What a line says of its record. Without a time, *time_ns* is None."""

    time_ns: int | None
    level: str
    severity: int
    source: str
    message: str
    context: str = ""
    """A compact JSON object, as a record's."""

    def saying(self, message: str) -> Head:
        """The same record's head over another *message*, at no time of its own."""
        return replace(self, time_ns=None, message=message)


def head_of(line: str, file_ns: int, zone: tzinfo | None = None) -> Head | None:
    """The head of *line*; None when it does not begin a record. About 4 µs.

    Times without a zone are those of *zone*, this machine's when it is None. What a time does not say is taken from
    *file_ns*, when the file was changed last: the day, or the year, that makes it the latest before that.
    """
    first = line[:1]
    if first.isdigit() or first in ("[", "(", "<"):
        beginning = line[:_MAX_HEAD]
        if found := _ISO.match(beginning):
            date = f"{found['year']}-{found['month']}-{found['day']}"
            return _timed(line, beginning, found, _moment(date, found, zone))
        if found := _DAYTIME.match(beginning):
            return _timed(line, beginning, found, _of_day(found, file_ns, zone))
    if first in ("<", *"JFMASOND") and (found := _BSD.match(line[:_MAX_HEAD])):
        return _timed(line, line[:_MAX_HEAD], found, _of_year(found, file_ns, zone))
    if first in _GLOG_LEVELS and (found := _GLOG.match(line[:_MAX_HEAD])):
        time_ns = _of_year(found, file_ns, zone)
        if time_ns is not None:
            level, severity = _level(_GLOG_LEVELS[first])
            beside = _json({"process": found["process"]})
            return Head(time_ns, level, severity, _name(found["place"]), line[found.end() :], beside)
    if (found := _UNTIMED.match(line[:_MAX_HEAD])) is not None:
        name = found["level"] or found["boxed"]
        return Head(None, *_level(name), _name(found["source"] or ""), line[found.end() :])
    if ' "' in line and (found := _ACCESS.match(line[:_MAX_HEAD])):
        date = f"{found['year']}-{_MONTHS.index(found['name']) + 1:02}-{found['day']}"
        time_ns = _moment(date, found, zone)
        if time_ns is not None:
            status = int(found["status"])
            severity = ERROR if status >= 500 else WARN if status >= 400 else INFO
            return Head(time_ns, {ERROR: "error", WARN: "warn"}.get(severity, "info"), severity, "", line)
    return None


def logfmt_of(line: str) -> dict[str, str] | None:
    """The pairs of a line as `time=… level=info msg="said so"`; None when it is none."""
    if _LOGFMT_FIRST.match(line) is None or len(line) > 50_000:
        return None
    pairs: dict[str, str] = {}
    at = 0
    while at < len(line):
        found = _LOGFMT.match(line, at)
        if found is None:
            return None
        value = found[2]
        pairs[found[1]] = _ESCAPED.sub(_unescaped, value[1:-1]) if value[:1] == '"' else value
        at = found.end()
    return pairs if "msg" in pairs or "message" in pairs else None


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1])


def _timed(line: str, beginning: str, time: re.Match[str], time_ns: int | None) -> Head | None:
    """The head of a line of which *time* matched the beginning; None when that is no time after all."""
    if time_ns is None:
        return None
    at = time.end()
    priority = time["priority"] if time.re is not _DAYTIME else None
    level, severity = _level(_SYSLOG_LEVELS[int(priority) & 7]) if priority else ("info", INFO)
    is_bsd = time.re is _BSD
    if priority and not is_bsd and (found := _PROGRAM_5424.match(beginning, at)):
        return Head(time_ns, level, severity, _name(found["first"]), line[found.end() :], _beside(found))
    if is_bsd:
        found = _PROGRAM.match(beginning, at)
        if found is None:
            return Head(time_ns, level, severity, "", line[at:])
        return Head(time_ns, level, severity, _name(found["first"]), line[found.end() :], _beside(found))
    for pattern in (_LEVEL_FIRST, _BRACKETS_FIRST, _SOURCE_FIRST):
        if found := pattern.match(beginning, at):
            return _leveled(line, found, time_ns)
    if (found := _PROGRAM.match(beginning, at)) and found["process"]:
        return Head(time_ns, level, severity, _name(found["first"]), line[found.end() :], _beside(found))
    return Head(time_ns, level, severity, "", line[at:])


def _leveled(line: str, found: re.Match[str], time_ns: int) -> Head:
    parts = found.groupdict()
    level, severity = _level(parts["in_brackets"] or parts["in_capitals"] or parts["marked"])
    first = parts.get("first") or ""
    source = parts.get("spring") or parts.get("named") or parts.get("told") or parts.get("placed") or ""
    source = source or parts.get("closed") or ""
    beside = {name: value for name in ("process", "thread") if (value := parts.get(name))}
    if first and (source or first.isdecimal()):
        beside["process" if first.isdecimal() else "thread"] = first
    elif first:
        source = first
    return Head(time_ns, level, severity, _name(source), line[found.end() :], _json(beside))


def _beside(found: re.Match[str]) -> str:
    return _json({name: value for name in ("host", "process") if (value := found[name]) and value != "-"})


def _json(values: dict[str, str]) -> str:
    return msgspec.json.encode({key: clean(value) for key, value in values.items()}).decode() if values else ""


@lru_cache(maxsize=256)
def _level(name: str) -> tuple[str, int]:
    return sys.intern(name), severity_of_name(name) or INFO


@lru_cache(maxsize=1024)
def _name(source: str) -> str:
    return sys.intern(clean(source[:MAX_NAME_CHARACTERS]))


# Times


def _moment(date: str, found: re.Match[str], zone: tzinfo | None) -> int | None:
    """When it is by *found*'s clock and zone on the day *date* (`2026-11-20`); None when there is no such time."""
    named = found["zone"] if found.re is _ISO or found.re is _ACCESS else None
    minute_ns = _minute_ns(f"{date}T{found['minute']}", UTC if named else zone)
    if minute_ns is None:
        return None
    fraction = found["fraction"]
    time_ns = minute_ns + int(found["second"]) * NS_PER_S + (int(fraction.ljust(9, "0")) if fraction else 0)
    return time_ns - _offset_s(named) * NS_PER_S if named else time_ns


def _of_day(found: re.Match[str], file_ns: int, zone: tzinfo | None) -> int | None:
    for day in (file_ns, file_ns - _DAY_NS):
        time_ns = _moment(_local_date(day // NS_PER_S // 60, zone), found, zone)
        if time_ns is not None and time_ns <= file_ns + NS_PER_S:
            return time_ns
    return None


def _of_year(found: re.Match[str], file_ns: int, zone: tzinfo | None) -> int | None:
    latest = int(_local_date(file_ns // NS_PER_S // 60, zone)[:4])
    month = int(found["month"]) if found.re is _GLOG else _MONTHS.index(found["name"]) + 1
    day = int(found["day"])
    for year in range(latest, latest - 5, -1):  # the 29th of February is not in each
        time_ns = _moment(f"{year:04}-{month:02}-{day:02}", found, zone)
        if time_ns is not None and time_ns <= file_ns + _DAY_NS:
            return time_ns
    return None


# Lines come in order of time, so nearly every one shares its minute with the one before.
@lru_cache(maxsize=4096)
def _minute_ns(text: str, zone: tzinfo | None) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()
        time_ns = (moment - _EPOCH) // timedelta(seconds=1) * NS_PER_S
    except (ValueError, OverflowError, OSError):
        return None
    return time_ns if abs(time_ns) < 2**63 - 1 - _DAY_NS * 3 else None


@lru_cache(maxsize=64)
def _local_date(minute: int, zone: tzinfo | None) -> str:
    try:
        return (_EPOCH + timedelta(minutes=minute)).astimezone(zone).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "1970-01-01"


@lru_cache(maxsize=64)
def _offset_s(zone: str) -> int:
    if zone in ("Z", "UTC", "GMT"):
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
