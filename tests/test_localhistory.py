"""The history on a loop: a fake that searches until it is let go, and claims about who waits for what."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from desktop_logs.core.errors import Cancelled, StorageError
from desktop_logs.core.history import Found, History, OnProgress, Progress
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query, parse
from desktop_logs.core.query_tree import Node
from desktop_logs.core.records import Record
from desktop_logs.localhistory import LocalHistory
from tests.support.asynchronous import soon

DAY = date(2026, 11, 22)
RECORD = Record(7, 1, 9, "info", "", "seven")
WAIT_S = 20.0


class HeldSearch:
    """A search whose every call notes its name and waits for `go`; `cancel` ends the one under way."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.threads: set[int] = set()
        self.go = threading.Semaphore(0)
        self.progress: list[Progress] = []
        self.hears_cancel = True
        self.is_closed = False
        self._cancelled = threading.Event()

    def search(
        self,
        tree: Node | None,
        *,
        bands: frozenset[int],
        before_seq: int | None,
        limit: int,
        on_progress: OnProgress | None,
    ) -> Found:
        self._wait((str(tree), bands, before_seq, limit), on_progress)
        return Found([RECORD], more=True)

    def newer(self, after_seq: int, limit: int) -> list[Record]:
        self._wait(("newer", after_seq, limit))
        return [RECORD]

    def around(self, record: Record, span_ns: int, limit: int) -> list[Record]:
        self._wait(("around", record.seq, span_ns, limit))
        return [RECORD]

    def cancel(self) -> None:
        self._cancelled.set()

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.is_closed = True

    def _wait(self, name: object, on_progress: OnProgress | None = None) -> None:
        self.threads.add(threading.get_ident())
        self._cancelled.clear()
        self.begun.append(name)
        while not self.go.acquire(timeout=0.001):
            for progress in self.progress if on_progress else ():
                on_progress(progress)
            if self._cancelled.is_set() and self.hears_cancel:
                raise Cancelled


@pytest.fixture
def held() -> HeldSearch:
    return HeldSearch()


@pytest.fixture
async def history(held: HeldSearch) -> AsyncIterator[LocalHistory]:
    running = LocalHistory(Path("nowhere"), lambda folder: held)
    yield running
    async with asyncio.timeout(WAIT_S):
        await running.close()


def asked(history: LocalHistory, text: str, on_progress: OnProgress | None = None) -> asyncio.Task[Found]:
    return asyncio.create_task(history.search(parse(text), on_progress=on_progress))


def names(held: HeldSearch) -> Sequence[str]:
    return [name[0] for name in held.begun]


async def test_each_call_asks_for_what_it_was_asked(history: LocalHistory, held: HeldSearch) -> None:
    as_history: History = history
    held.go.release(4)
    assert (await as_history.search(Query())).more
    assert await as_history.search(parse("a"), bands=frozenset({3}), before_seq=9, limit=5) == Found(
        [RECORD], more=True
    )
    assert await as_history.newer(3, 4) == await as_history.around(RECORD, 5, 6) == [RECORD]
    assert held.begun == [
        ("None", ALL_BANDS, None, 200),
        ("a", frozenset({3}), 9, 5),
        ("newer", 3, 4),
        ("around", 7, 5, 6),
    ]


async def test_all_of_it_happens_on_one_thread_that_is_not_the_loop_s(history: LocalHistory, held: HeldSearch) -> None:
    held.go.release(3)
    await asyncio.gather(history.search(Query()), history.newer(1, 1), history.around(RECORD, 1, 1))
    await history.close()
    assert len(held.threads) == 1
    assert threading.get_ident() not in held.threads


async def test_calls_are_answered_in_the_order_they_came(history: LocalHistory, held: HeldSearch) -> None:
    tasks = [asked(history, text) for text in "abc"]
    await soon("the first has begun", lambda: held.begun)
    held.go.release(3)
    await asyncio.gather(*tasks)
    assert names(held) == ["a", "b", "c"]


async def test_a_cancelled_call_ends_its_search_and_the_next_is_answered(
    history: LocalHistory, held: HeldSearch
) -> None:
    first, second = asked(history, "a"), asked(history, "b")
    await soon("the first has begun", lambda: held.begun)
    first.cancel()
    await soon("the second has begun", lambda: len(held.begun) == 2)
    held.go.release()
    assert (await second).records == [RECORD]
    assert first.cancelled()


async def test_a_call_that_is_cancelled_while_it_waits_is_never_begun(history: LocalHistory, held: HeldSearch) -> None:
    first, second, third = (asked(history, text) for text in "abc")
    await soon("the first has begun", lambda: held.begun)
    second.cancel()
    with suppress(asyncio.CancelledError):
        await second
    held.go.release(2)
    await asyncio.gather(first, third)
    assert names(held) == ["a", "c"]


async def test_a_cancellation_that_came_too_early_is_heard_at_the_next_progress(
    history: LocalHistory, held: HeldSearch
) -> None:
    held.hears_cancel = False
    held.progress = [Progress(DAY, 0.5)]
    first, second = asked(history, "a"), asked(history, "b")
    await soon("the first has begun", lambda: held.begun)
    first.cancel()
    await soon("the second has begun", lambda: len(held.begun) == 2)
    held.go.release()
    await second


async def test_progress_comes_on_the_loop_and_not_at_every_step(
    history: LocalHistory, held: HeldSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop_logs.localhistory.PROGRESS_EVERY_S", 1e9)
    told: list[tuple[Progress, int]] = []
    held.progress = [Progress(DAY, 0.25), Progress(DAY, 0.5)]
    task = asked(history, "a", lambda progress: told.append((progress, threading.get_ident())))
    await soon("progress is told", lambda: told)
    held.go.release()
    await task
    assert told == [(Progress(DAY, 0.25), threading.get_ident())]


async def test_nothing_is_told_to_who_has_given_up(
    history: LocalHistory, held: HeldSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop_logs.localhistory.PROGRESS_EVERY_S", 0)
    told: list[Progress] = []
    held.progress = [Progress(DAY, 0.5)]
    task = asked(history, "a", told.append)
    await soon("progress is told", lambda: told)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    count = len(told)
    held.go.release(2)
    await history.newer(1, 1)
    assert len(told) == count


async def test_what_a_search_raises_is_raised(history: LocalHistory, held: HeldSearch) -> None:
    def fail(after_seq: int, limit: int) -> list[Record]:
        raise StorageError("The history cannot be read.")

    held.newer = fail  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="cannot be read"):
        await history.newer(1, 1)


async def test_closing_ends_what_is_under_way_and_what_waits(history: LocalHistory, held: HeldSearch) -> None:
    tasks = [asked(history, text) for text in "ab"]
    await soon("the first has begun", lambda: held.begun)
    async with asyncio.timeout(WAIT_S):
        await history.close()
        await history.close()
        await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [True, True]
    assert (names(held), held.is_closed) == (["a"], True)
    with pytest.raises(StorageError, match="is closed"):
        await history.newer(1, 1)
