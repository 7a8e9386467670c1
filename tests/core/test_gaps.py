"""The line that stands where records are missing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from desktop_logs.core.gaps import gap_record, is_gap, missing_count
from desktop_logs.core.levels import WARN
from desktop_logs.core.records import Record
from desktop_logs.core.viewing import GapReason


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("slow", "not take all as fast as it came"),
        ("evicted", "no longer has all that was logged"),
        ("epoch", "history was replaced"),
        ("unknown", "cannot tell"),
        ("a reason of next year", "not take all as fast as it came"),
    ],
)
def test_it_says_how_many_may_be_missing_and_why(reason: GapReason, why: str) -> None:
    record = gap_record(5, 99, reason, 11, 1_210)
    assert record.message.startswith("Up to 1,200 records are missing here: ")
    assert why in record.message
    assert (record.seq, record.time_ns, record.severity) == (5, 99, WARN)


def test_one_number_may_be_one_record() -> None:
    record = gap_record(5, 99, "slow", 7, 7)
    assert record.message.startswith("A record may be missing here: ")
    assert missing_count(record) == 1


def test_without_numbers_it_names_none() -> None:
    assert gap_record(5, 99, "unknown").message.startswith("Records may be missing here: ")


def test_it_is_told_from_what_a_program_of_the_same_name_logs() -> None:
    assert is_gap(gap_record(5, 99, "slow", 1, 2))
    assert not is_gap(Record(5, 99, WARN, "warn", "desktop-logs", "Up to 2 records are missing here"))
    assert not is_gap(Record(5, 99, WARN, "warn", "other", "x", given_id="desktop-logs-gap-5"))


def test_two_of_them_have_different_ids() -> None:
    assert gap_record(5, 99, "slow").id != gap_record(6, 99, "slow").id


def test_it_says_how_many_are_missing_where_that_is_known() -> None:
    assert missing_count(gap_record(5, 99, "slow", 11, 1_210)) == 1_200
    assert missing_count(gap_record(5, 99, "unknown")) == 0
    forged = replace(gap_record(5, 99, "slow"), given_id="desktop-logs-gap-5-" + "9" * 5_000)
    assert missing_count(forged) == 0
