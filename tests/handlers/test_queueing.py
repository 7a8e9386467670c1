"""The bounded queue: order, bounds, what goes first, and the count of what went."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.handlers.queueing import BoundedQueue


def of_strings(capacity: int, max_bytes: int) -> BoundedQueue[str]:
    """A string is as heavy as it is long, and an error in capitals; see `put` below for the small ones."""
    return BoundedQueue(capacity, max_bytes, lambda item: (len(item), item.isupper()), small_bytes=1)


def put(queue: BoundedQueue[str], item: str) -> None:
    """As the handler does: one small lower-case letter is an item like most."""
    (queue.put if len(item) == 1 and item.islower() else queue.put_other)(item)


def drained(queue: BoundedQueue[str]) -> list[str]:
    return [item for _, item in queue.take(1_000, 1_000_000)]


def test_it_is_first_in_first_out_across_errors_and_others() -> None:
    queue = of_strings(10, 1_000)
    for item in "aBcD":
        put(queue, item)
    assert queue.oldest() == 1
    assert drained(queue) == ["a", "B", "c", "D"]
    assert (queue.oldest(), queue.arrived(), queue.dropped) == (None, 4, 0)


def test_the_oldest_below_error_goes_first_then_the_oldest() -> None:
    queue = of_strings(3, 1_000)
    for item in ("A", "b", "C", "d", "E", "F"):
        put(queue, item)
    assert drained(queue) == ["C", "E", "F"]
    assert queue.dropped == 3


def test_bytes_bound_it_too() -> None:
    queue = of_strings(100, 10)
    for item in ("aaaa", "bbbb", "cccc"):
        put(queue, item)
    assert drained(queue) == ["bbbb", "cccc"]
    assert queue.dropped == 1


def test_what_cannot_be_weighed_is_given_up_and_counted() -> None:
    queue: BoundedQueue[str] = BoundedQueue(10, 1_000, lambda item: (1 // (item != "odd"), False), small_bytes=1)
    for item in ("a", "odd", "b"):
        put(queue, item)
    assert drained(queue) == ["a", "b"]
    assert (queue.arrived(), queue.dropped, queue.odd) == (3, 0, 1)


def test_the_bounds_hold_but_for_a_tenth_though_nobody_looks() -> None:
    queue = of_strings(1_000, 10_000)
    for number in range(50_000):
        queue.put("x")
        assert len(queue) <= 1_100
        if number % 500 == 0:
            queue.put_other("y" * 200)
    assert queue.arrived() == 50_100
    assert len(queue) <= 1_000
    assert queue.dropped + len(queue) == 50_100


def test_a_put_inside_another_loses_nothing() -> None:
    """As by a signal handler that logs, or a finalizer."""
    nested = 0

    def weigh(item: int) -> tuple[int, bool]:
        nonlocal nested
        if item < 1_000:
            nested += 1
            queue.put(item + 1_000)
        return 1, item % 7 == 0

    queue: BoundedQueue[int] = BoundedQueue(100, 1_000, weigh, small_bytes=1)
    for item in range(1_000):
        queue.put_other(item)
    assert queue.arrived() == 1_000 + nested
    assert nested == 1_000
    assert len(queue) + queue.dropped == 2_000


def test_many_threads_at_once_lose_nothing() -> None:
    queue = of_strings(500, 1_000_000)
    taken = 0

    def fill() -> None:
        for _ in range(20_000):
            queue.put("x")

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += len(queue.take(100, 1_000_000))
    assert queue.arrived() == 80_000
    assert taken + queue.dropped + len(queue) == 80_000


def test_hours_without_a_hub_leave_nothing_but_what_is_held() -> None:
    """What tells the order of small ones and others goes with them."""
    queue = of_strings(100, 1_000)
    for _ in range(1_000):
        for item in "aBcc":
            put(queue, item)
        put(queue, "long")
    assert len(queue) <= 110
    assert len(queue._places) <= 110


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans())), st.integers(1, 5))
def test_nothing_is_lost_but_what_is_counted(steps: list[tuple[int, bool, bool]], capacity: int) -> None:
    """Against a plain list that drops by the same rule."""
    queue: BoundedQueue[tuple[int, int, bool]] = BoundedQueue(capacity, 12, lambda item: item[1:], small_bytes=1)
    model: list[tuple[int, int, bool]] = []
    out = dropped = 0
    for number, (size, is_error, takes) in enumerate(steps):
        put = queue.put if size == 1 and not is_error else queue.put_other
        put((number, size, is_error))
        model.append((number, size, is_error))
        while len(model) > capacity or sum(one[1] for one in model) > 12:
            victim = next((one for one in model if not one[2]), model[0])
            model.remove(victim)
            dropped += 1
        if takes:
            numbered = queue.take(2, 6)
            assert [at for at, _ in numbered] == [item[0] + 1 for _, item in numbered]
            taken = [item for _, item in numbered]
            expected: list[tuple[int, int, bool]] = []
            while model and len(expected) < 2 and sum(one[1] for one in expected) < 6:
                expected.append(model.pop(0))
            assert taken == expected
            out += len(taken)
    assert queue.arrived() == len(steps)
    assert queue.dropped == dropped
    assert len(queue) == len(model)
    assert queue.oldest() == (model[0][0] + 1 if model else None)
    assert queue.arrived() == out + dropped + len(queue)
