"""How lines of the formats in use begin: their time, level, source, and what is left for the message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop_logs.core.levels import BANDS, band_of
from desktop_logs.core.lineheads import Head, head_of, logfmt_of
from desktop_logs.core.timestamps import format_iso

FILE_NS = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * 1_000_000_000


def head(line: str, file_ns: int = FILE_NS) -> Head:
    found = head_of(line, file_ns, UTC)
    assert found is not None, line
    return found


@pytest.mark.parametrize(
    ("line", "band", "source", "message"),
    [
        ("2026-11-20 10:15:30,123 ERROR app.web: it failed", "error", "app.web", "it failed"),
        ("2026-11-20 10:15:30,123 - app.db - WARNING - slow query", "warn", "app.db", "slow query"),
        ("2026-11-20 10:15:30,123 [main] INFO  com.shop.Cart - added", "info", "com.shop.Cart", "added"),
        ("2026-11-20 10:15:30,123 [WARN] [pool-1] waiting", "warn", "pool-1", "waiting"),
        ("2026-11-20 10:15:30.123 | DEBUG    | jobs:run:12 - begun", "debug", "jobs:run:12", "begun"),
        (
            "2026-11-20T10:15:30.123Z  INFO 12345 --- [  main] c.s.Application : Started",
            "info",
            "c.s.Application",
            "Started",
        ),
        ("[2026-11-20 10:15:30 +0000] [1234] [INFO] Booting worker", "info", "", "Booting worker"),
        ("2026/11/20 10:15:30 [crit] 12#0: *5 open() failed", "fatal", "", "12#0: *5 open() failed"),
        ("2026/11/20 10:15:30 main.go:12: hello", "info", "", "main.go:12: hello"),
        ("2026-11-20 10:15:30 Error connecting to the database", "info", "", "Error connecting to the database"),
        ("2026-11-20 10:15:30 error: no such file", "error", "", "no such file"),
        ("2026-11-20 10:15:30", "info", "", ""),
        ("10:15:30.123 [main] TRACE shop.Cart - hi", "trace", "shop.Cart", "hi"),
        ("Nov 20 10:15:30 box sshd[123]: Failed password", "info", "sshd", "Failed password"),
        ("Nov  2 10:15:30 box kernel: oops", "info", "kernel", "oops"),
        ("<11>Nov 20 10:15:30 box cron[9]: it failed", "error", "cron", "it failed"),
        ("<34>1 2026-11-20T10:15:30.003Z box su 12 ID47 - 'su root' failed", "fatal", "su", "'su root' failed"),
        ("2026-11-20T10:15:30.123456+01:00 box prog[77]: said", "info", "prog", "said"),
        ("I1120 10:15:30.123456       1 controller.go:116] Starting", "info", "controller.go:116", "Starting"),
        ("E1120 10:15:30.123456    4711 http/server.go:7] it failed", "error", "http/server.go:7", "it failed"),
        ("[2026-11-20T10:15:30Z WARN  shop::cart] slow", "warn", "shop::cart", "slow"),
        ("WARNING:root:careful", "warn", "root", "careful"),
        ("INFO:     Application startup complete.", "info", "", "Application startup complete."),
        ("[error] no time here", "error", "", "no time here"),
    ],
)
def test_formats_in_use_are_read(line: str, band: str, source: str, message: str) -> None:
    found = head(line)
    assert (BANDS[band_of(found.severity)], found.source, found.message) == (band, source, message)


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("2026-11-20 10:15:30,123 x", "2026-11-20T10:15:30.123Z"),
        ("2026-11-20T10:15:30.123456789Z x", "2026-11-20T10:15:30.123456789Z"),
        ("2026-11-20 10:15:30.5 +0200 x", "2026-11-20T08:15:30.500Z"),
        ("2026-11-20T10:15:30-05:30 x", "2026-11-20T15:45:30.000Z"),
        ("2026-12-31 23:59:60 a leap second", "2027-01-01T00:00:00.000Z"),
        ("Nov 20 10:15:30 box x: y", "2026-11-20T10:15:30.000Z"),
        ("Dec 31 23:59:59 box x: of last year", "2025-12-31T23:59:59.000Z"),
        ("Feb 29 10:00:00 box x: of the last year that had one", "2024-02-29T10:00:00.000Z"),
        ("I1120 10:15:30.123456       1 a.go:1] x", "2026-11-20T10:15:30.123456Z"),
        ("W1231 23:59:59.000000       1 a.go:1] of last year", "2025-12-31T23:59:59.000Z"),
        ("11:59:59 INFO of the day", "2026-11-23T11:59:59.000Z"),
        ("13:00:00 INFO of the day before", "2026-11-22T13:00:00.000Z"),
        ('::1 - - [20/Nov/2026:13:55:36 -0700] "GET / HTTP/1.1" 200 5', "2026-11-20T20:55:36.000Z"),
    ],
)
def test_times_are_read_and_what_they_do_not_say_is_the_latest_before_the_file_was_changed(
    line: str, time: str
) -> None:
    time_ns = head(line).time_ns
    assert time_ns is not None
    assert format_iso(time_ns) == time


def test_times_without_a_zone_are_of_the_zone_given() -> None:
    found = head_of("2026-11-20 10:15:30 x", FILE_NS, timezone(timedelta(hours=2)))
    assert found is not None
    assert found.time_ns is not None
    assert format_iso(found.time_ns) == "2026-11-20T08:15:30.000Z"


@pytest.mark.parametrize(("status", "band"), [(200, "info"), (404, "warn"), (503, "error")])
def test_an_access_log_has_its_level_from_the_status_and_stays_whole(status: int, band: str) -> None:
    line = f'127.0.0.1 - bob [20/Nov/2026:13:55:36 +0000] "GET /x HTTP/1.0" {status} 23 "-" "curl"'
    assert (BANDS[band_of(head(line).severity)], head(line).message) == (band, line)


def test_what_stands_beside_is_kept_as_context() -> None:
    spring = head("2026-11-20T10:15:30.123Z  INFO 12345 --- [main] c.s.App : Started")
    assert json.loads(spring.context) == {"process": "12345", "thread": "main"}
    assert json.loads(head("Nov 20 10:15:30 box sshd[9]: x").context) == {"host": "box", "process": "9"}
    assert json.loads(head("2026-11-20 10:15:30 [1234] [INFO] x").context) == {"process": "1234"}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain words",
        '  File "a.py", line 3',
        "2026-13-20 10:15:30 no such month",
        "2026-11-20 25:15:30 no such hour",
        "Feb 30 10:00:00 box x: never",
        "Errors happen",
        "127.0.0.1 answered",
        "20261120 10:15:30",
        "12:30 is the time",
    ],
)
def test_other_lines_have_no_head(line: str) -> None:
    assert head_of(line, FILE_NS, UTC) is None


def test_logfmt_is_read_as_pairs() -> None:
    line = r'time=2026-11-20T10:15:30Z level=warn msg="said \"so\"\nand more" user=7 empty='
    assert logfmt_of(line) == {
        "time": "2026-11-20T10:15:30Z",
        "level": "warn",
        "msg": 'said "so"\nand more',
        "user": "7",
        "empty": "",
    }
    assert logfmt_of("level=high water") is None
    assert logfmt_of("time=12 level=info") is None  # it says nothing


PIECES = st.sampled_from(
    [
        *("2026-11-20 10:15:30", ",123", "Z", " ", "[", "]", "INFO", "error", ":", " - ", "app", "<34>", "1 "),
        *("Nov 20 10:15:30 ", "level=info ", 'msg="', "\\", "\x00", "\ud800", "\u202e", "9" * 30),
        *('- - [20/Nov/2026:13:55:36 +0000] "', "0000-00-00 00:00:00"),
    ]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join), st.integers(-(2**63), 2**63 - 1))
@example("9999-12-31 23:59:60 -23:59 x", 0)
@example("0001-01-01 00:00:00 +23:59 x", 0)
@example("23:59:59 x", -(2**62))
def test_no_line_raises(line: str, file_ns: int) -> None:
    for zone in (UTC, None):
        found = head_of(line, file_ns, zone)
        assert found is None or (line.endswith(found.message) and 1 <= found.severity <= 24)
        assert found is None or found.time_ns is None or abs(found.time_ns) < 2**63
    logfmt_of(line)
