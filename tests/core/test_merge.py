"""Snapshots and live events of a version 1 server become one sequence: nothing twice, nothing missing, in order."""

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.merge import SnapshotMerge


def entry(number: int) -> dict[str, Any]:
    minute, second = divmod(number, 60)
    return {"id": f"n{number}", "message": f"m{number}", "timestamp": f"2026-11-22T10:{minute:02}:{second:02}Z"}


def newest_first(*numbers: int) -> list[object]:
    return [entry(number) for number in sorted(numbers, reverse=True)]


def whole(merge: SnapshotMerge, payloads: list[object]) -> list[object]:
    return list(itertools.chain.from_iterable(merge.snapshot(payloads)))


def test_a_first_snapshot_is_all_new_and_oldest_first() -> None:
    merge = SnapshotMerge()
    merge.begin()
    assert whole(merge, newest_first(1, 2, 3)) == [entry(1), entry(2), entry(3)]


def test_live_events_before_the_snapshot_wait_for_it_and_come_once() -> None:
    merge = SnapshotMerge()
    merge.begin()
    assert merge.live(entry(3)) == []
    assert merge.live(entry(4)) == []
    assert whole(merge, newest_first(1, 2, 3)) == [entry(1), entry(2), entry(3), entry(4)]
    assert merge.live(entry(5)) == [entry(5)]


def test_without_a_snapshot_the_events_held_back_come_all_the_same() -> None:
    merge = SnapshotMerge()
    merge.begin()
    merge.live(entry(1))
    assert merge.is_waiting
    assert list(merge.give_up()) == [[entry(1)]]
    assert not merge.is_waiting
    assert merge.live(entry(2)) == [entry(2)]


def test_after_a_reconnect_only_what_was_missed_is_new() -> None:
    merge = SnapshotMerge()
    merge.begin()
    whole(merge, newest_first(1, 2))
    merge.live(entry(3))
    merge.begin()
    assert whole(merge, newest_first(1, 2, 3, 4, 5)) == [entry(4), entry(5)]


def test_a_server_that_counts_from_one_again_is_not_taken_for_the_old_one() -> None:
    merge = SnapshotMerge()
    merge.begin()
    whole(merge, [{"id": "1", "message": "old"}])
    merge.begin()
    assert whole(merge, [{"id": "1", "message": "new"}]) == [{"id": "1", "message": "new"}]


def test_two_equal_lines_without_id_are_two() -> None:
    merge = SnapshotMerge()
    merge.begin()
    assert len(whole(merge, [{"message": "tick"}, {"message": "tick"}])) == 2
    assert merge.live({"message": "tick"}) == [{"message": "tick"}]
    merge.begin()
    assert whole(merge, [{"message": "tick"}] * 4) == [{"message": "tick"}]


def test_an_event_that_the_snapshot_already_had_is_dropped() -> None:
    merge = SnapshotMerge()
    merge.begin()
    whole(merge, newest_first(1, 2))
    assert merge.live(entry(2)) == []


def test_the_envelope_makes_no_difference() -> None:
    merge = SnapshotMerge()
    merge.begin()
    merge.live({"type": "log", "data": entry(1), "timestamp": 1})
    assert whole(merge, [entry(1)]) == [entry(1)]


def test_what_json_cannot_carry_is_still_told_apart() -> None:
    merge = SnapshotMerge()
    merge.begin()
    odd = {"message": "\ud800", "data": {1, 2}}
    assert whole(merge, [odd, odd]) == [odd, odd]


@given(st.data())
def test_whatever_happens_between_nothing_is_twice_and_nothing_missing(data: st.DataObject) -> None:
    """A server keeps its last 50; a viewer loses the connection now and then, never for more than 50 entries."""
    merge = SnapshotMerge(memory=200)
    made: list[int] = []
    seen: list[object] = []
    for _ in range(data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(0, 40))):  # while away
            made.append(len(made) + 1)
        merge.begin()
        held = data.draw(st.integers(0, 5))
        for _ in range(held):  # between the connect and the snapshot
            made.append(len(made) + 1)
            seen += merge.live(entry(made[-1]))
        order = data.draw(st.booleans())
        kept = [entry(number) for number in made[-50:]]
        seen += whole(merge, kept if order and len(kept) > 1 else kept[::-1])
        for _ in range(data.draw(st.integers(0, 20))):  # live
            made.append(len(made) + 1)
            seen += merge.live(entry(made[-1]))
    assert seen == [entry(number) for number in made]
