"""Work in turns of the loop: in order, at once where it is short, and never holding the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from desktop_logs.net import turns
from desktop_logs.net.turns import Turns
from desktop_logs.tasks import Tasks


def steps(name: str, count: int, done: list[str]) -> Iterator[None]:
    for number in range(count):
        done.append(f"{name}{number}")
        yield


@pytest.fixture
def failed() -> list[str]:
    return []


@pytest.fixture
def work(failed: list[str]) -> Turns:
    return Turns(Tasks(lambda name, failure: failed.append(f"{name}: {failure}")), "work")


async def test_what_is_short_is_done_at_once(work: Turns) -> None:
    done: list[str] = []
    assert work.do(steps("a", 3, done)) is None
    assert done == ["a0", "a1", "a2"]
    assert not work.is_busy


async def test_what_is_long_leaves_turns_to_others_and_keeps_the_order(
    work: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_S", 0.0)
    done: list[str] = []
    first = work.do(steps("a", 2, done))
    second = work.do(steps("b", 2, done))
    assert first is not None
    assert work.is_busy
    assert done == ["a0"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done == ["a0", "a1"]
    await work.settled()
    assert done == ["a0", "a1", "b0", "b1"]
    assert second is not None
    assert second.done()
    assert not work.is_busy
    await work.settled()


async def test_a_fault_in_the_work_is_told_and_the_next_is_done(
    work: Turns, failed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_S", 0.0)

    def faulty() -> Iterator[None]:
        yield
        raise RuntimeError("broken")

    task = work.do(faulty())
    assert task is not None
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert failed == ["work: broken"]
    assert not work.is_busy
