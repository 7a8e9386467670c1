"""How often a page has a frame, and how much one takes over."""

from __future__ import annotations

import pytest

from desktop_logs.core.feed import FeedState
from desktop_logs.ui.pacing import LEAST, LIVE, LOADING, Pace, Portion, pace_of
from tests.ui.fakes import make_record

PACE = Pace(frame_ms=40, budget_s=0.008, most=10_000, most_characters=1_000)


def test_only_a_file_that_is_read_in_has_frames_that_take_more_and_come_less_often() -> None:
    assert pace_of(FeedState("starting", "reading 5 %", is_file=True)) is LOADING
    assert pace_of(FeedState("live", "following app.log", is_file=True)) is LIVE
    assert pace_of(FeedState("starting", "starting")) is LIVE
    assert LOADING.frame_ms > LIVE.frame_ms
    assert LOADING.most > LIVE.most


@pytest.mark.parametrize("took_ms", [4, 6, 8])
def test_what_takes_its_time_stays(took_ms: int) -> None:
    portion = Portion()
    portion.learn(took_ms / 1000, PACE)
    assert portion.records == LIVE.most


@pytest.mark.parametrize(("took_ms", "records"), [(10, 3_000), (60, 2_500), (3.75, 8_000), (1, 10_000), (0, 10_000)])
def test_what_takes_too_long_or_little_changes_so_that_it_takes_three_quarters(took_ms: float, records: int) -> None:
    portion = Portion()
    portion.learn(took_ms / 1000, PACE)
    assert portion.records == records


def test_a_frame_never_takes_less_than_the_least_or_more_than_the_most() -> None:
    portion = Portion()
    for _ in range(10):
        portion.learn(1.0, PACE)
    assert portion.records == LEAST
    for _ in range(10):
        portion.learn(0.0001, PACE)
    assert portion.records == PACE.most
    portion.begin_small()
    assert portion.records == LEAST


def test_so_many_records_are_taken_over_as_have_the_characters_and_at_least_one() -> None:
    records = [make_record(seq, "x" * 300) for seq in range(1, 6)]
    assert [record.seq for record in Portion().of(records, PACE)] == [1, 2, 3]
    huge = [make_record(seq, "x" * 5_000) for seq in range(1, 6)]
    assert [record.seq for record in Portion().of(huge, PACE)] == [1]
