"""The bounded queue: order, bounds, what goes first, and the count of what went."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.handlers.queueing import BoundedQueue


def drained(queue: BoundedQueue[str]) -> list[str]:
    return [item for _, item in queue.take(1_000, 1_000_000)]


def test_it_is_first_in_first_out_across_errors_and_others() -> None:
    queue: BoundedQueue[str] = BoundedQueue(10, 1_000)
    for item, is_error in (("a", False), ("B", True), ("c", False), ("D", True)):
        queue.put(item, 1, is_error)
    assert queue.oldest() == 1
    assert drained(queue) == ["a", "B", "c", "D"]
    assert (queue.oldest(), queue.arrived, queue.dropped) == (None, 4, 0)


def test_the_oldest_below_error_goes_first_then_the_oldest() -> None:
    queue: BoundedQueue[str] = BoundedQueue(3, 1_000)
    for item in ("A", "b", "C", "d", "E", "F"):
        queue.put(item, 1, item.isupper())
    assert drained(queue) == ["C", "E", "F"]
    assert queue.dropped == 3


def test_bytes_bound_it_too() -> None:
    queue: BoundedQueue[str] = BoundedQueue(100, 10)
    for item in ("a", "b", "c"):
        queue.put(item, 4, False)
    assert drained(queue) == ["b", "c"]
    assert queue.dropped == 1


def test_dropping_all_counts_all() -> None:
    queue: BoundedQueue[str] = BoundedQueue(100, 100)
    queue.put("a", 1, False)
    queue.put("B", 1, True)
    queue.drop_all()
    assert (len(queue), queue.dropped) == (0, 2)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans())), st.integers(1, 5))
def test_nothing_is_lost_but_what_is_counted(steps: list[tuple[int, bool, bool]], capacity: int) -> None:
    """Against a plain list that drops by the same rule."""
    queue: BoundedQueue[int] = BoundedQueue(capacity, 12)
    model: list[tuple[int, int, bool]] = []
    out = dropped = 0
    for number, (size, is_error, takes) in enumerate(steps):
        queue.put(number, size, is_error)
        model.append((number, size, is_error))
        while len(model) > capacity or sum(one[1] for one in model) > 12:
            victim = next((one for one in model if not one[2]), model[0])
            model.remove(victim)
            dropped += 1
        if takes:
            taken = [item for _, item in queue.take(2, 6)]
            expected: list[tuple[int, int, bool]] = []
            while model and len(expected) < 2 and sum(one[1] for one in expected) < 6:
                expected.append(model.pop(0))
            assert taken == [one[0] for one in expected]
            out += len(taken)
    assert queue.dropped == dropped
    assert len(queue) == len(model)
    assert queue.arrived == out + dropped + len(queue)
