"""When the clock may be deleted by: jumps, sleep, daylight saving, and what was found at the start."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.storage.clockwatch import DAY_S, HOUR_S, ClockWatch, running_s

TODAY = date(2026, 11, 22)
LOOK_S = 60.0


class Machine:
    """A machine with both clocks and a watch on them."""

    def __init__(self):
        self.wall_s, self.running_s = 1_800_000_000.0, 7.0
        self.watch = ClockWatch(lambda: self.wall_s, lambda: self.running_s)

    def jump(self, seconds):
        self.wall_s += seconds
        return self.watch.look()

    def run(self, seconds):
        """Go on for *seconds* with a look every minute, and return what the last one said."""
        said = ""
        for _ in range(int(seconds / LOOK_S)):
            self.wall_s += LOOK_S
            self.running_s += LOOK_S
            said = self.watch.look()
        return said

    def sleep(self, seconds, *, running_goes_on):
        self.wall_s += seconds
        self.running_s += seconds if running_goes_on else 0
        return self.watch.look()


@pytest.fixture
def machine():
    return Machine()


@pytest.mark.parametrize(
    ("days", "said"), [(3_650, "forward by 3,650 days"), (-2, "back by 2 days"), (-3_650, "back by 3,650 days")]
)
def test_a_jump_pauses_until_it_is_undone(machine, days, said):
    assert machine.run(HOUR_S) == ""
    assert said in machine.jump(days * DAY_S)
    assert said in machine.run(23 * HOUR_S)
    assert machine.jump(-days * DAY_S) == ""
    assert machine.run(HOUR_S) == ""


def test_a_jump_is_believed_after_24_hours_of_running(machine):
    machine.jump(100 * DAY_S)
    assert machine.run(24 * HOUR_S - LOOK_S)
    assert machine.run(LOOK_S) == ""
    assert "back by 100 days" in machine.jump(-100 * DAY_S)


def test_every_further_jump_starts_the_24_hours_anew(machine):
    machine.jump(100 * DAY_S)
    machine.run(23 * HOUR_S)
    assert "forward by 150 days" in machine.jump(50 * DAY_S)
    assert machine.run(23 * HOUR_S)
    assert machine.run(HOUR_S) == ""


@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S, DAY_S, -DAY_S, 0.5])
def test_up_to_a_day_is_no_jump_so_daylight_saving_is_none(machine, seconds):
    assert machine.jump(seconds) == ""
    assert machine.run(HOUR_S) == ""


def test_200_midnights_with_a_clock_that_drifts_are_no_jump(machine):
    for _ in range(200):
        assert machine.jump(-300) == ""
        assert machine.sleep(DAY_S, running_goes_on=True) == ""


def test_a_weekend_asleep_is_no_jump_where_the_running_clock_goes_on(machine):
    assert machine.sleep(3 * DAY_S, running_goes_on=True) == ""


def test_where_it_stands_still_in_sleep_a_weekend_pauses_and_nights_do_not(machine):
    for _ in range(10):
        assert machine.sleep(10 * HOUR_S, running_goes_on=False) == ""
    assert "forward by 3 days" in machine.sleep(3 * DAY_S, running_goes_on=False)
    assert machine.run(24 * HOUR_S) == ""


def test_sleep_proves_nothing_about_the_clock(machine):
    machine.jump(100 * DAY_S)
    assert machine.sleep(10 * DAY_S, running_goes_on=True)


@pytest.mark.parametrize("days", [0, 1, -1])
def test_a_start_within_a_day_of_what_was_written_last_is_trusted(machine, days):
    machine.watch.begin(TODAY - timedelta(days), TODAY)
    assert machine.watch.look() == ""


def test_a_first_start_is_trusted(machine):
    machine.watch.begin(None, TODAY)
    assert machine.watch.look() == ""


def test_what_the_clock_did_before_the_start_is_no_jump(machine):
    machine.wall_s += 3_650 * DAY_S
    machine.watch.begin(TODAY, TODAY)
    assert machine.watch.look() == ""


def test_a_start_long_after_what_was_written_last_is_trusted_after_an_hour(machine):
    machine.watch.begin(TODAY - timedelta(52), TODAY)
    assert "in the first hour, since the newest of what is kept is 52 days old" in machine.watch.look()
    assert machine.run(HOUR_S - LOOK_S)
    assert machine.run(LOOK_S) == ""


def test_a_start_with_a_wrong_clock_that_is_then_set_right_is_trusted_at_once(machine):
    machine.watch.begin(TODAY - timedelta(3_650), TODAY)
    assert machine.watch.look()
    assert machine.jump(-3_650 * DAY_S) == ""


def test_a_start_before_what_was_written_last_pauses_until_the_clock_is_right(machine):
    machine.watch.begin(TODAY + timedelta(3_650), TODAY)
    assert "back by 3,650 days" in machine.watch.look()
    assert machine.run(HOUR_S)
    assert "in the first hour" in machine.jump(3_657 * DAY_S), "the program was off for a week"
    assert machine.run(HOUR_S) == ""


@given(st.lists(st.tuples(st.integers(-3_000, 3_000), st.integers(0, 5)), max_size=20))
def test_jumps_that_cancel_out_leave_the_clock_trusted(steps):
    machine = Machine()
    away = 0
    for jump_days, hours in steps:
        machine.run(hours / 5 * HOUR_S)
        away += jump_days
        assert bool(machine.jump(jump_days * DAY_S)) == (abs(away) > 1)
        if abs(away) <= 1:
            away = 0
    assert machine.jump(-away * DAY_S) == ""


def test_the_running_clock_never_goes_back():
    assert running_s() <= running_s()
