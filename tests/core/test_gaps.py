"""The line that stands where records are missing."""

from __future__ import annotations

import pytest

from desktop_logs.core.gaps import gap_record, is_gap
from desktop_logs.core.levels import WARN
from desktop_logs.core.records import Record
from desktop_logs.core.viewing import GapReason


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("slow", "faster than this viewer"),
        ("evicted", "no longer has them"),
        ("epoch", "history was replaced"),
        ("unknown", "cannot tell"),
        ("a reason of next year", "faster than this viewer"),
    ],
)
def test_it_says_how_many_may_be_missing_and_why(reason: GapReason, why: str) -> None:
    record = gap_record(5, 99, reason, 11, 1_210)
    assert record.message.startswith("Up to 1,200 records are missing here: ")
    assert why in record.message
    assert (record.seq, record.time_ns, record.severity) == (5, 99, WARN)


def test_one_number_is_counted_as_one() -> None:
    assert gap_record(5, 99, "slow", 7, 7).message.startswith("Up to 1 ")


def test_without_numbers_it_names_none() -> None:
    assert gap_record(5, 99, "unknown").message.startswith("Records may be missing here: ")


def test_it_is_told_from_what_a_program_of_the_same_name_logs() -> None:
    assert is_gap(gap_record(5, 99, "slow", 1, 2))
    assert not is_gap(Record(5, 99, WARN, "warn", "desktop-logs", "Up to 2 records are missing here"))
    assert not is_gap(Record(5, 99, WARN, "warn", "other", "x", given_id="desktop-logs-gap-5"))


def test_two_of_them_have_different_ids() -> None:
    assert gap_record(5, 99, "slow").id != gap_record(6, 99, "slow").id
