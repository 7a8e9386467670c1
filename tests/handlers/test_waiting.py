"""Who waits is let go on once its records are settled, and not before; who wakes is heard also a moment early."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from desktop_logs.handlers.waiting import Waiters

PATIENCE_S = 60.0


class Waiting:
    """Somebody who waits in a thread of its own, noted already."""

    def __init__(self, waiters: Waiters, number: int, with_old: bool = False) -> None:
        self.answers: list[bool] = []
        self._thread = threading.Thread(target=lambda: self.answers.append(waiters.wait(number, with_old, PATIENCE_S)))
        self._thread.start()
        waiters.listen(PATIENCE_S)

    def end(self) -> list[bool]:
        self._thread.join(PATIENCE_S)
        return self.answers


def test_who_waits_is_let_go_on_when_its_number_is_settled() -> None:
    waiters = Waiters()
    first, second = Waiting(waiters, 5), Waiting(waiters, 6)
    waiters.answer(5, is_old_done=True)
    assert first.end() == [True]
    assert second.answers == []
    assert waiters.count == 1
    waiters.answer(6, is_old_done=True)
    assert second.end() == [True]
    assert waiters.count == 0


def test_who_waits_for_what_is_old_too_waits_longer() -> None:
    waiters = Waiters()
    both = Waiting(waiters, 5, with_old=True)
    waiters.answer(5, is_old_done=False)
    assert waiters.count == 1
    assert not waiters.are_there(5), "nobody waits for a number"
    waiters.answer(5, is_old_done=True)
    assert both.end() == [True]


def test_who_has_given_up_is_waited_for_no_more() -> None:
    waiters = Waiters()
    assert not waiters.wait(5, with_old=False, timeout_s=0)
    waiters.listen(0)
    assert not waiters.are_there(4)
    waiters.answer(4, is_old_done=True)
    assert waiters.count == 0


@pytest.mark.parametrize("let_go", [Waiters.answer_all, lambda waiters: waiters.answer(9, is_old_done=True)])
def test_somebody_is_there_until_the_number_is_settled(let_go: Callable[[Waiters], None]) -> None:
    waiters = Waiters()
    one = Waiting(waiters, 5)
    assert waiters.are_there(4)
    assert not waiters.are_there(5)
    let_go(waiters)
    assert one.end() == [True]


def test_a_wake_that_comes_early_ends_the_next_sleep() -> None:
    waiters = Waiters()
    waiters.wake()
    waiters.listen(None)
    assert waiters.count == 0
