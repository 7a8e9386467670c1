"""The ring against plain Python: what it holds, what it gives, and what has left it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.errors import Evicted
from desktop_logs.core.records import Record
from desktop_logs.core.ring import Ring


def records(first: int, count: int) -> list[Record]:
    return [Record(seq, seq, 9, "info", "test", f"message {seq}") for seq in range(first, first + count)]


@given(st.integers(1, 40), st.lists(st.integers(0, 30)), st.integers(0, 500), st.integers(1, 50))
def test_since_is_a_slice_of_all_that_came(capacity: int, batches: list[int], seq: int, limit: int) -> None:
    ring, everything = Ring(capacity), list[Record]()
    for count in batches:
        batch = records(len(everything) + 1, count)
        everything += batch
        ring.extend(batch)
    assert ring.head == len(everything)
    assert min(len(everything), capacity) <= len(ring) <= max(len(everything), 0)
    assert len(ring) <= capacity + max(capacity // 8, 1) + 30
    expected = [record for record in everything if record.seq > seq][:limit]
    held = {record.seq for record in everything[-len(ring) :]} if len(ring) else set()
    if expected and expected[0].seq not in held:
        with pytest.raises(Evicted) as evicted:
            ring.since(seq, limit)
        assert evicted.value.first_seq == min(held)
        assert ring.since(evicted.value.first_seq - 1, 1)[0].seq == evicted.value.first_seq
    else:
        assert ring.since(seq, limit) == expected


@given(st.integers(1, 20), st.integers(0, 60), st.integers(0, 30))
def test_latest_are_the_newest_oldest_first(capacity: int, count: int, wanted: int) -> None:
    ring = Ring(capacity)
    everything = records(1, count)
    ring.extend(everything)
    latest = ring.latest(wanted)
    assert latest == everything[len(everything) - len(latest) :]
    assert len(latest) == min(wanted, len(ring))


def test_numbers_may_have_holes() -> None:
    ring = Ring(10)
    ring.extend([*records(1, 2), *records(7, 2)])
    assert [record.seq for record in ring.since(2)] == [7, 8]
    assert [record.seq for record in ring.since(4)] == [7, 8]


def test_clearing_forgets_records_and_not_the_numbers() -> None:
    ring = Ring(10)
    ring.extend(records(1, 3))
    ring.clear()
    assert (len(ring), ring.head, ring.first_seq) == (0, 3, 4)
    with pytest.raises(Evicted):
        ring.since(0)
    ring.extend(records(4, 1))
    assert [record.seq for record in ring.since(3)] == [4]


def test_a_ring_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ring(0)
