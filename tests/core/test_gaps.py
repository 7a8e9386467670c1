"""A line for missing records is told from every record of a program, and says how many are missing, and why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from desktop_logs.core.gaps import gap_record, is_gap, missing_count
from desktop_logs.core.records import Record


@pytest.mark.parametrize(
    ("gap", "message", "count"),
    [
        (
            gap_record(7, 1, "slow", 1_001, 2_204),
            "Up to 1,204 records are missing here: they came faster than this viewer could take them.",
            1_204,
        ),
        (
            gap_record(7, 1, "evicted", 5, 5),
            "Up to 1 records are missing here: the hub no longer has them.",
            1,
        ),
        (
            gap_record(7, 1, "unknown"),
            "Records may be missing here: the server cannot tell what was logged while there was no connection.",
            0,
        ),
    ],
)
def test_a_gap_says_what_is_missing(gap: Record, message: str, count: int) -> None:
    assert is_gap(gap)
    assert (gap.seq, gap.time_ns, gap.message) == (7, 1, message)
    assert missing_count(gap) == count


def test_no_record_of_a_program_is_a_gap_by_its_source_or_its_id_alone() -> None:
    gap = gap_record(7, 1, "slow", 1, 2)
    assert not is_gap(replace(gap, source="api"))
    assert not is_gap(replace(gap, given_id="1"))


def test_a_count_that_nobody_can_mean_is_unknown() -> None:
    gap = gap_record(7, 1, "slow")
    assert missing_count(replace(gap, given_id="desktop-logs-gap-7-" + "9" * 5_000)) == 0
