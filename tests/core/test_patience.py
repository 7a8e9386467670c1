"""Patience with a query ends by the work that it does, not by what else the machine is busy with."""

from __future__ import annotations

import pytest

from desktop_logs.core.errors import TooSlow
from desktop_logs.core.patience import PATIENCE_S, Patience
from desktop_logs.core.query_regex import SafePattern


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_it_ends_with_the_expression_or_the_query_at_fault() -> None:
    clock = Clock()
    patience = Patience(clock)
    patience.begin()
    patience.check()
    assert patience.left_s() == pytest.approx(PATIENCE_S)
    clock.now_s += PATIENCE_S * 1.1
    assert patience.left_s() < 0
    with pytest.raises(TooSlow, match="Leave out some of its parts"):
        patience.check()
    with pytest.raises(TooSlow, match="/a/ at 4"):
        patience.check(SafePattern("a", 4))
    patience.begin()
    patience.check()


def test_time_that_other_programs_took_does_not_count() -> None:
    clock, work_clock = Clock(), Clock()
    patience = Patience(clock, work_clock)
    patience.begin()
    clock.now_s += 5
    work_clock.now_s += PATIENCE_S * 0.4
    patience.check()
    assert patience.left_s() == pytest.approx(PATIENCE_S * 0.6)
    work_clock.now_s += PATIENCE_S
    clock.now_s += PATIENCE_S
    with pytest.raises(TooSlow):
        patience.check()
