"""No full collection comes by itself; garbage in cycles goes all the same, and what lasts is not walked over again."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from desktop_logs.collector import OVERDUE_S, Collector


class Node:
    """Something that can be garbage: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


class Case:
    def __init__(self) -> None:
        self.now_s = 50.0
        self.collector = Collector(clock=lambda: self.now_s)
        self.collector.start()


@pytest.fixture
def case() -> Iterator[Case]:
    # What the tests around this one have frozen is their matter: it is as before afterwards.
    was_frozen = gc.get_freeze_count() > 0
    made = Case()
    yield made
    made.collector.stop()
    gc.collect()
    if was_frozen:
        gc.freeze()


def old_garbage() -> weakref.ref[Node]:
    """A cycle that nobody holds and that has outlived the younger generations."""
    node = Node()
    gc.collect(1)
    gc.collect(1)
    return weakref.ref(node)


def test_full_collections_happen_only_when_asked_for(case: Case) -> None:
    full: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            full.append(1)

    gc.callbacks.append(note)
    try:
        kept = [[] for _ in range(300_000)]  # type: ignore[var-annotated]
        assert len(kept) == 300_000
        assert full == []
        case.collector.look(is_quiet=True)
        assert full == [1]
    finally:
        gc.callbacks.remove(note)


def test_garbage_in_a_cycle_goes_in_a_quiet_moment(case: Case) -> None:
    garbage = old_garbage()
    case.collector.look(is_quiet=False)
    assert garbage() is not None
    case.collector.look(is_quiet=True)
    assert garbage() is None


def test_garbage_goes_in_time_even_if_it_is_never_quiet(case: Case) -> None:
    garbage = old_garbage()
    case.now_s += OVERDUE_S - 1
    case.collector.look(is_quiet=False)
    assert garbage() is not None
    case.now_s += 1
    case.collector.look(is_quiet=False)
    assert garbage() is None


def test_nothing_is_walked_over_when_nothing_was_made(case: Case) -> None:
    gc.collect()
    garbage = weakref.ref(Node())
    case.collector.look(is_quiet=True)
    assert garbage() is not None


def test_what_is_settled_is_not_walked_over_and_what_comes_after_is_collected(case: Case) -> None:
    settled = old_garbage()
    case.collector.settle()
    later = old_garbage()
    case.collector.look(is_quiet=True)
    assert settled() is not None, "a full collection has walked over what was settled"
    assert later() is None


def test_python_has_its_collector_back_at_the_end() -> None:
    before = gc.get_threshold()
    frozen = gc.get_freeze_count()
    collector = Collector()
    collector.start()
    assert gc.get_threshold() != before
    collector.settle()
    collector.stop()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
    if frozen:
        gc.freeze()
