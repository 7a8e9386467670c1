"""Timestamps: every form that protocol.md allows is read, everything else is not, and nothing is made up."""

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.timestamps import format_clock, format_iso, format_local, parse_timestamp

MOMENT_NS = 1_795_341_600_123_000_000  # 2026-11-22T10:00:00.123Z
BORDERS_NS = (-(2**63) + 10**9, 2**63 - 1)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:00.123Z",
        "2026-11-22T11:00:00.123+01:00",
        "2026-11-22 10:00:00.123 +0000",
        "2026-11-22T10:00:00,123Z",
        "1795341600123",
        "1795341600.123",
    ],
)
def test_the_same_moment_in_text(text: str) -> None:
    assert parse_timestamp(text) == MOMENT_NS


@pytest.mark.parametrize(
    "number", [1_795_341_600.123, 1_795_341_600_123, 1_795_341_600_123_000, 1_795_341_600_123_000_000]
)
def test_a_number_is_told_by_its_size(number: float) -> None:
    assert parse_timestamp(number) == MOMENT_NS


def test_winstons_format_without_a_zone_is_local_time() -> None:
    local = datetime.fromtimestamp(1_795_341_600).strftime("%Y-%m-%d %H:%M:%S")
    assert parse_timestamp(local) == 1_795_341_600_000_000_000


def test_nanoseconds_in_text_are_kept() -> None:
    assert parse_timestamp("2026-11-22T10:00:00.123456789Z") == 1_795_341_600_123_456_789


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "2026-13-01", "22.11.2026", None, True, -1, math.nan, math.inf, [], {},
     "9999-12-31T00:00:00Z", 10**30],
)  # fmt: skip
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_timestamp(value) is None


@given(st.integers(*BORDERS_NS))
def test_what_is_written_is_read_again(time_ns: int) -> None:
    assert parse_timestamp(format_iso(time_ns)) == time_ns


@given(st.one_of(st.text(), st.floats(), st.integers()))
def test_nothing_raises(value: object) -> None:
    parsed = parse_timestamp(value)
    assert parsed is None or isinstance(parsed, int)


def test_the_clock_is_local_with_milliseconds() -> None:
    expected = datetime.fromtimestamp(1_795_341_600).strftime("%H:%M:%S") + ".123"
    assert format_clock(MOMENT_NS) == expected
    assert format_local(MOMENT_NS).endswith(" " + expected)
