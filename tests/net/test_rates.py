"""How often a client may ask: at once, and in the long run."""

from __future__ import annotations

from desktop_logs.net.rates import Rate


def test_so_many_at_once_and_then_no_more_than_fill_up() -> None:
    now_s = [100.0]
    rate = Rate(20, 40, lambda: now_s[0])
    assert sum(rate.take() for _ in range(100)) == 40
    now_s[0] += 0.5
    assert sum(rate.take() for _ in range(100)) == 10
    now_s[0] += 3_600
    assert sum(rate.take() for _ in range(100)) == 40


def test_a_clock_that_stands_still_gives_nothing_back() -> None:
    rate = Rate(20, 1, lambda: 5.0)
    assert [rate.take() for _ in range(3)] == [True, False, False]
