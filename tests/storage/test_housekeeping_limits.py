"""What is over the limits goes by itself, and nothing goes by age while the clock is in doubt."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest

from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.clockwatch import ClockWatch
from desktop_logs.storage.housekeeping import Housekeeping
from desktop_logs.storage.rotation import RotatingFile


class Clocks:
    """The clock on the wall, and the one that nobody sets, in seconds."""

    def __init__(self):
        self.wall_s, self.running_s = 1_800_000_000.0, 50.0

    @property
    def today(self):
        return date.fromtimestamp(self.wall_s)

    def pass_by(self, seconds):
        self.wall_s += seconds
        self.running_s += seconds


@pytest.fixture
def clocks():
    return Clocks()


class House:
    """Log files and a history, with a run of housekeeping at every call of `run`."""

    def __init__(self, folder, clocks):
        self.clocks = clocks
        self.logs, self.history = folder / "logs", folder / "history"
        for below in (self.logs, self.history):
            below.mkdir()
        self.series = tuple(RotatingFile(self.logs, stem, 1_000_000) for stem in ("application", "errors"))
        self.live_segment = ""
        self.reports, self._reported = [], threading.Event()
        watch = ClockWatch(lambda: clocks.wall_s, lambda: clocks.running_s)
        self.keeper = Housekeeping(self.series, self._report, self.history, watch)

    def _report(self, problem):
        self.reports.append(problem)
        self._reported.set()

    def run(self, **settings):
        self._reported.clear()
        self.keeper.request(self.clocks.today, LogSettings(**settings), live_segment=self.live_segment)
        assert self._reported.wait(10)
        return self.reports[-1]

    def write(self):
        self.series[0].append(b"1\n", self.clocks.today)

    def put_log(self, days_ago, size=10, stem="application"):
        name = f"{stem}-{self.clocks.today - timedelta(days_ago)}.log.gz"
        (self.logs / name).write_bytes(bytes(size))
        return name

    def put_segment(self, number, days_ago, size=10):
        name = f"segment-{number:06d}-{self.clocks.today - timedelta(days_ago)}.db"
        (self.history / name).write_bytes(bytes(size))
        return name

    def kept(self):
        return sorted(path.name for folder in (self.logs, self.history) for path in folder.iterdir())


@pytest.fixture
def house(tmp_path, clocks):
    made = House(tmp_path, clocks)
    yield made
    assert made.keeper.stop(10)
    for series in made.series:
        series.close()


def test_files_and_history_go_by_their_own_ages(house):
    house.put_log(8)
    house.put_segment(1, 8)
    kept = [house.put_log(7), house.put_log(0), house.put_segment(2, 8), house.put_segment(3, 0)]
    assert house.run(max_age_days=7, history_max_age_days=8) == ""
    house.put_segment(1, 8)
    assert len(house.kept()) == 5
    assert house.run(max_age_days=7, history_max_age_days=7) == ""
    assert house.kept() == sorted([*kept[:2], kept[3]])


def test_files_and_history_go_by_their_own_bytes_and_follow_changed_settings(house):
    house.put_log(3, 1_000)
    house.put_segment(2, 3, 600_000)
    kept = [house.put_log(0, 2_000), house.put_log(0, 2_000, "errors"), house.put_segment(3, 0, 600_000)]
    assert house.run(max_total_bytes=5_000, history_max_bytes=1_200_000) == ""
    assert len(house.kept()) == 5
    assert house.run(max_total_bytes=4_999, history_max_bytes=1_199_999) == ""
    assert house.kept() == sorted(kept)


def test_nothing_goes_by_age_after_a_jump_and_bytes_still_count(house, clocks):
    old = [house.put_log(1), house.put_segment(1, 1)]
    new = [house.put_log(0), house.put_segment(2, 0)]
    assert house.run() == ""
    assert house.keeper.notice == ""
    clocks.wall_s += 3_650 * 86_400
    assert house.run() == ""
    assert house.kept() == sorted(old + new)
    assert house.keeper.notice.startswith(
        "Nothing is deleted by age at present, since the clock has jumped forward by "
    )
    (house.history / old[1]).write_bytes(bytes(1_500_000))
    house.run(history_max_bytes=1_000_000)
    assert house.kept() == sorted(old[:1] + new)
    clocks.wall_s -= 3_650 * 86_400
    assert house.run() == ""
    assert house.keeper.notice == ""


def test_a_jump_that_lasts_for_a_day_of_running_is_believed(house, clocks):
    house.put_log(1)
    house.run()
    clocks.wall_s += 3_650 * 86_400
    house.run()
    for _ in range(24 * 12):
        clocks.pass_by(300)
        house.run()
    assert house.keeper.notice == ""
    assert house.kept() == []


@pytest.mark.parametrize("jump_days", [-3_650, 3_650])
def test_what_is_written_by_a_wrong_clock_is_there_when_it_is_right_again(house, clocks, jump_days):
    house.put_log(1)
    house.put_segment(1, 1)
    house.run()
    clocks.wall_s += jump_days * 86_400
    house.write()
    house.live_segment = house.put_segment(2, 0)
    house.run()
    clocks.wall_s -= jump_days * 86_400
    house.write()
    house.live_segment = house.put_segment(3, 0)
    before = len(house.kept())
    for _ in range(3):
        house.run()
        assert house.keeper.notice == ""
    assert len(house.kept()) == before
    clocks.pass_by(300)
    house.run()
    assert len(house.kept()) == before


def test_a_start_after_weeks_off_deletes_by_age_only_after_an_hour(house, clocks):
    house.put_log(40)
    house.put_segment(1, 40)
    assert house.run() == ""
    assert "in the first hour, since the newest of what is kept is 40 days old" in house.keeper.notice
    assert len(house.kept()) == 2
    for _ in range(12):
        clocks.pass_by(300)
        house.run()
    assert house.kept() == [house.put_segment(1, 40)], "the newest segment is gone on with, or the first to be followed"


def test_what_this_run_begins_does_not_make_a_wrong_clock_look_right(house, clocks):
    old = [house.put_log(1), house.put_segment(1, 1)]
    clocks.wall_s += 3_650 * 86_400
    house.keeper.begin(clocks.today)
    house.write()
    house.live_segment = house.put_segment(2, 0)
    house.run()
    assert "in the first hour" in house.keeper.notice
    assert set(old) < set(house.kept())
    clocks.wall_s -= 3_650 * 86_400
    house.run()
    assert house.keeper.notice == ""
    assert set(old) < set(house.kept())


def test_200_midnights_leave_the_thirty_days_before_today(house, clocks):
    for night in range(200):
        house.write()
        house.live_segment = house.put_segment(night + 1, 0)
        house.run()
        for _ in range(4):
            clocks.pass_by(6 * 3_600)
            house.run()
        assert house.keeper.notice == ""
    names = house.kept()
    assert len([name for name in names if name.startswith("segment")]) == 30
    assert len([name for name in names if name.startswith("application")]) == 30


def test_the_segment_that_may_be_opened_is_never_deleted(house):
    house.put_segment(1, 400, 2_000_000)
    kept = house.put_segment(2, 400, 2_000_000)
    assert house.run(history_max_bytes=1_000_000) == ""
    assert house.kept() == [kept]
    house.live_segment = kept
    later = house.put_segment(3, 0, 2_000_000)
    assert house.run(history_max_bytes=1_000_000) == ""
    assert house.kept() == [kept, later]
    house.live_segment = ""
    assert house.run(history=False, history_max_bytes=1_000_000) == ""
    assert house.kept() == []


def test_a_stray_file_of_the_future_holds_nothing_up_where_the_segments_know_better(house):
    house.put_log(40)
    stray = house.put_log(-3_650)
    kept = house.put_segment(7, 0)
    house.run()
    assert house.keeper.notice == ""
    assert house.kept() == [stray, kept]
