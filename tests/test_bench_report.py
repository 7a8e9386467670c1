"""The arithmetic of `make bench`'s table; what it measures is no test."""

from __future__ import annotations

import math

import pytest

from tests.bench.report import Figure, Row, at_least, at_most, never_more_than, table, times_better


def test_a_figure_tells_its_median_and_its_range():
    assert str(Figure([30_100, 40_000.4, 35_000], "/s")) == "35,000/s (30,100/s to 40,000/s)"
    assert str(Figure([3.14], "ms")) == "3.1 ms"
    assert str(Figure([math.inf, 1, math.inf], "ms")) == "never (1.0 ms to never)"


@pytest.mark.parametrize(("unit", "expected"), [("/s", 4.0), ("ms", 0.25)])
def test_more_a_second_is_better_and_less_of_all_else(unit: str, expected: float):
    assert times_better(Figure([40, 39, 41], unit), Figure([10], unit)) == expected


def test_a_promise_is_broken_by_one_run_where_a_speed_is_judged_by_its_median():
    lost = Figure([0, 0, 7], "records")
    assert at_most(0).is_reached(lost)
    assert not never_more_than(0).is_reached(lost)


def test_a_row_says_whether_the_goal_is_reached_and_each_peer_has_a_line():
    rows = [
        Row(
            "events",
            Figure([9_000], "/s"),
            at_least(8_000),
            [("stock", Figure([1_000], "/s")), ("Node", Figure([18_000], "/s"))],
        ),
        Row("stall", Figure([51], "ms"), at_most(50)),
    ]
    assert table(rows).splitlines()[2:] == [
        "| events | 9,000/s | ≥ 8,000/s | yes | stock | 1,000/s | 9.0 |",
        "|  |  |  |  | Node | 18,000/s | 0.50 |",
        "| stall | 51 ms | ≤ 50 ms | **no** |  |  |  |",
    ]
