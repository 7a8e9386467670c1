"""What goes and what stays, for any mixture of ages, sizes and clocks."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.storage.retention import Kept, Limits, plan, true_days

TODAY = date(2026, 11, 22)


@st.composite
def things(draw):
    days = draw(st.lists(st.integers(-5, 60), max_size=30))
    return [
        Kept(
            f"thing {number}",
            TODAY - timedelta(days=ago),
            (draw(st.integers(0, 9)),),
            draw(st.integers(0, 100)),
            live=draw(st.integers(0, 9)) == 0,
            spared=draw(st.integers(0, 9)) == 0,
        )
        for number, ago in enumerate(days)
    ]


limits = st.builds(Limits, st.none() | st.integers(1, 50), st.integers(0, 2_000))


def size_of(kept):
    return sum(one.size for one in kept)


@given(things(), limits)
def test_what_stays_is_within_the_limits_or_may_not_go(kept, limits):
    going = plan(kept, TODAY, limits)
    staying = [one for one in kept if one not in going]
    assert len(set(going)) == len(going)
    assert not any(one.live for one in going)
    for one in staying:
        if limits.max_age_days is not None and not one.live and not one.spared:
            assert (TODAY - one.day).days <= limits.max_age_days
    assert size_of(staying) <= limits.max_bytes or all(one.live for one in staying)


@given(things(), limits)
def test_nothing_goes_without_need_and_the_first_goes_first(kept, limits):
    going = plan(kept, TODAY, limits)
    young = [
        one
        for one in going
        if one.spared or limits.max_age_days is None or (TODAY - one.day).days <= limits.max_age_days
    ]
    staying = [one for one in kept if one not in going]
    if young:
        assert size_of(staying) + young[-1].size > limits.max_bytes
        assert all(one.live or (young[-1].order, young[-1].name) < (one.order, one.name) for one in staying)
    assert [one.order for one in young] == sorted(one.order for one in young)


@given(things(), limits)
def test_a_second_look_finds_nothing_more_to_delete(kept, limits):
    going = plan(kept, TODAY, limits)
    assert plan([one for one in kept if one not in going], TODAY, limits) == []


@given(things(), st.integers(0, 2_000))
def test_a_clock_in_doubt_deletes_no_more_on_any_day(kept, max_bytes):
    limits = Limits(None, max_bytes)
    assert plan(kept, TODAY, limits) == plan(kept, TODAY + timedelta(days=3_650), limits)


def days(text):
    return [date.fromisoformat(day) for day in text.split()]


def test_days_in_their_order_are_right_as_they_are():
    right = days("2026-11-19 2026-11-20 2026-11-20 2026-11-22")
    assert true_days(right, TODAY) == right


def test_a_clock_that_was_behind_makes_no_segment_older_than_the_one_before_it():
    assert true_days(days("2026-11-20 2016-11-20 2026-11-21"), TODAY) == days("2026-11-20 2026-11-20 2026-11-21")


def test_a_clock_that_was_ahead_makes_no_segment_younger_than_the_one_after_it():
    assert true_days(days("2026-01-01 2036-11-20 2026-11-21"), TODAY) == days("2026-01-01 2026-11-21 2026-11-21")
    assert true_days(days("2026-01-01 2036-11-20"), TODAY) == [date(2026, 1, 1), TODAY]


@given(st.lists(st.integers(-4_000, 4_000)))
def test_right_days_never_go_back_nor_beyond_today(ago):
    right = true_days([TODAY - timedelta(days=each) for each in ago], TODAY)
    assert right == sorted(right)
    assert len(right) == len(ago)
    assert all(day <= TODAY for day in right)
