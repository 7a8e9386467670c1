"""How a crash report reads, and the sentences about one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from desktop_logs.core.crashreport import (
    facts_text,
    fatal_of,
    offer_sentence,
    report_text,
    spoken_time,
    stamp,
    started_fact,
    time_of,
)

NOON = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
"""A Monday."""


def test_a_report_reads_from_what_happened_to_where() -> None:
    started = NOON - timedelta(days=1, hours=2, minutes=3, seconds=4)
    facts = facts_text({"Program": "window", **started_fact(started)}, {"received": 1234, "stall": 1.5})
    text = report_text("KeyError in f", NOON, True, facts, ["  a.py, line 1, in f", "KeyError"])
    assert text == (
        "A fault in Desktop Logs\n"
        "This report holds no log contents and was sent to nobody. Read it before you pass it on.\n"
        "\n"
        "What  KeyError in f\n"
        "When  2026-11-23 12:00:05 UTC, 1 d 2 h 3 min after the start\n"
        "Then  the program went on\n"
        "\n"
        "Program  window\n"
        "Started  2026-11-22 09:57:01 UTC\n"
        "\n"
        "Last counters\n"
        "  received  1,234\n"
        "  stall     1.5\n"
        "\n"
        "Traceback\n"
        "  a.py, line 1, in f\n"
        "KeyError\n"
    )


def test_counters_are_numbers_and_nothing_else() -> None:
    text = facts_text({}, {"received": 1, "last": "a log", "is": True})  # type: ignore[dict-item]
    assert "received" in text
    assert "log" not in text
    assert "is" not in text
    assert "none yet" in facts_text({}, {})


@pytest.mark.parametrize("facts", ["", "Started  soon", "Started  2027-01-01 00:00:00 UTC"])
def test_how_long_it_ran_is_left_out_where_nobody_knows(facts: str) -> None:
    assert "after the start" not in report_text("x", NOON, False, facts, [])


@pytest.mark.parametrize(
    ("text", "fatal"),
    [
        ("Fatal Python error: Segmentation fault\n\nThread 0x1", "Segmentation fault"),
        ("Windows fatal exception: access violation\n", "access violation"),
        ("Windows fatal exception: code 0x8001010d\n\nThread 0x1\n", ""),
        ("Windows fatal exception: code 0x8001010d\n\nFatal Python error: Aborted\n", "Aborted"),
        ("", ""),
    ],
)
def test_what_ends_a_process_is_told_from_what_is_dealt_with(text: str, fatal: str) -> None:
    assert fatal_of(text) == fatal


def test_a_stamp_sorts_by_time_and_gives_it_back() -> None:
    assert stamp(NOON) == "20261123T120005Z"
    assert time_of(stamp(NOON)) == NOON
    with pytest.raises(ValueError, match="2026"):
        time_of("2026")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(hours=1), "today at 11:00"),
        (timedelta(hours=13), "on Sunday at 23:00"),
        (timedelta(days=5), "on Wednesday at 12:00"),
        (timedelta(days=20), "on 3 November at 12:00"),
        (timedelta(days=400), "on 19 October 2025 at 12:00"),
        (timedelta(days=-2), "on 25 November at 12:00"),
    ],
)
def test_times_are_said_as_people_do(before: timedelta, said: str) -> None:
    assert spoken_time(NOON - before, NOON) == said


def test_the_sentence_tells_an_end_from_a_fault() -> None:
    assert offer_sentence(True, NOON, NOON) == "Desktop Logs ended unexpectedly today at 12:00."
    assert offer_sentence(False, NOON, NOON) == "Something in Desktop Logs failed today at 12:00; it went on."
