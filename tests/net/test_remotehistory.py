"""The history of a hub, asked over its connection: numbers, pages, progress, cancelling, and each way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from desktop_logs.core.errors import ConnectError, QueryError, StorageError
from desktop_logs.core.history import Progress
from desktop_logs.core.levels import BANDS
from desktop_logs.core.query import Query, parse
from desktop_logs.core.records import Record
from desktop_logs.net.remotehistory import RemoteHistory
from tests.net.fake_hub2 import numbered

OFFSET = 1_000


class FakeLine:
    """A connection to a hub that has the records 1 to *count*."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[dict[str, Any]] = []
        self.sent: list[tuple[str, object]] = []
        self.answer: Callable[[], Mapping[str, Any]] | None = None
        self.waits: asyncio.Event | None = None

    async def ask(self, name: str, payload: Any, timeout_s: float) -> Mapping[str, Any]:
        assert name == "search"
        self.asked.append({key: value for key, value in payload.items() if key != "id"})
        if self.waits is not None:
            await self.waits.wait()
        if self.answer is not None:
            return self.answer()
        limit = payload["limit"]
        if "after_seq" in payload:
            seqs = list(range(payload["after_seq"] + 1, self.count + 1))
        elif "around" in payload:
            middle = payload["around"]["seq"]
            return {"ok": True, "data": [numbered(seq) for seq in (middle - 1, middle, middle + 1)], "more": False}
        else:
            seqs = list(range(min(payload.get("before_seq", self.count + 1) - 1, self.count), 0, -1))
        return {"ok": True, "data": [numbered(seq) for seq in seqs[:limit]], "more": len(seqs) > limit}

    async def send(self, name: str, payload: object = None) -> None:
        self.sent.append((name, payload))


@pytest.fixture
def line() -> FakeLine:
    return FakeLine(2_500)


@pytest.fixture
def history(line: FakeLine) -> RemoteHistory:
    return RemoteHistory("hub:1", lambda: line, lambda: OFFSET, lambda: 0)


async def test_a_search_speaks_the_feeds_numbers(history: RemoteHistory, line: FakeLine) -> None:
    bands = frozenset((BANDS.index("warn"), BANDS.index("error")))
    found = await history.search(parse(" level:>=warn "), bands=bands, before_seq=OFFSET + 100, limit=3)
    assert [record.seq for record in found.records] == [OFFSET + 99, OFFSET + 98, OFFSET + 97]
    assert found.more
    assert found.is_whole
    assert line.asked == [{"query": "level:>=warn", "levels": ["warn", "error"], "before_seq": 100, "limit": 3}]


async def test_more_than_a_hub_gives_at_once_is_asked_for_in_pages(history: RemoteHistory, line: FakeLine) -> None:
    found = await history.search(Query(), limit=2_200)
    assert [record.seq - OFFSET for record in found.records] == list(range(2_500, 300, -1))
    assert found.more
    assert [asked["limit"] for asked in line.asked] == [1_000, 1_000, 200]
    whole = await history.search(Query(), limit=10_000)
    assert len(whole.records) == 2_500
    assert not whole.more


async def test_numbers_of_a_history_that_was_replaced_find_nothing(history: RemoteHistory, line: FakeLine) -> None:
    found = await history.search(Query(), before_seq=OFFSET - 5)
    assert (found.records, found.more) == ([], False)
    assert await history.around(Record(OFFSET - 5, 0, 9, "info", "", ""), 1, 10) == []
    assert line.asked == []


async def test_what_is_newer_comes_oldest_first(history: RemoteHistory, line: FakeLine) -> None:
    newer = await history.newer(OFFSET + 400, 1_500)
    assert [record.seq - OFFSET for record in newer] == list(range(401, 1_901))
    assert [asked["after_seq"] for asked in line.asked] == [400, 1_400]
    assert len(await history.newer(0, 5)) == 5


@pytest.mark.parametrize("newest_first", [False, True])
async def test_what_is_around_comes_lowest_first_whichever_way_the_hub_sends_it(
    history: RemoteHistory, line: FakeLine, newest_first: bool
) -> None:
    data = [numbered(seq) for seq in (6, 7, 8)]
    line.answer = lambda: {"ok": True, "data": data[::-1] if newest_first else data}
    around = await history.around(Record(OFFSET + 7, 0, 9, "info", "", ""), 1_500_000, 10)
    assert [record.seq - OFFSET for record in around] == [6, 7, 8]
    assert line.asked == [{"around": {"seq": 7, "span_ms": 2}, "limit": 10}]


async def test_progress_is_told_while_the_search_runs(history: RemoteHistory, line: FakeLine) -> None:
    line.waits = asyncio.Event()
    told: list[Progress] = []
    searching = asyncio.ensure_future(history.search(Query(), on_progress=told.append))
    await asyncio.sleep(0)
    history.progress({"id": 1, "day": "2026-11-22", "done": 0.5})
    for nonsense in ({"id": 2, "day": "2026-11-22", "done": 0.5}, {"id": 1, "day": "x", "done": 1}, 7, {"id": [1]}):
        history.progress(nonsense)
    line.waits.set()
    await searching
    history.progress({"id": 1, "day": "2026-11-22", "done": 1.0})
    assert told == [Progress(date(2026, 11, 22), 0.5)]


async def test_a_search_that_is_cancelled_is_cancelled_at_the_hub(history: RemoteHistory, line: FakeLine) -> None:
    line.waits = asyncio.Event()
    searching = asyncio.ensure_future(history.search(Query()))
    await asyncio.sleep(0)
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    assert line.sent == [("cancel", {"id": 1})]


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        ({"ok": False, "error": "The disk is away."}, StorageError, "The disk is away."),
        ({"ok": False, "error": "What is that?", "position": 4}, QueryError, "What is that?"),
        ({}, StorageError, "hub:1 gives no answer to a search"),
        ({"ok": True, "data": 7}, StorageError, "cannot be understood"),
        ({"ok": True, "data": [numbered(5), numbered(5)]}, StorageError, "is not in order"),
    ],
)
async def test_what_a_hub_refuses_is_told(
    history: RemoteHistory, line: FakeLine, answer: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    line.answer = lambda: answer
    with pytest.raises(error, match=sentence):
        await history.search(Query())


async def test_what_was_not_searched_is_passed_on(history: RemoteHistory, line: FakeLine) -> None:
    line.answer = lambda: {"ok": True, "data": [], "problem": "A day is damaged.", "whole": False}
    found = await history.search(Query())
    assert (found.problem, found.is_whole) == ("A day is damaged.", False)
    line.answer = lambda: {"ok": True, "data": [numbered(5), {"seq": 4}], "more": False}
    found = await history.search(Query())
    assert (len(found.records), found.problem, found.is_whole) == (1, "1 records from hub:1 could not be read.", False)


async def test_a_connection_that_is_lost_or_not_there_is_told(line: FakeLine) -> None:
    lines: list[FakeLine | None] = [line, None]
    history = RemoteHistory("hub:1", lambda: lines[0], lambda: 0, lambda: 0)

    def lost() -> Mapping[str, Any]:
        lines.pop(0)
        raise ConnectError("gone")

    line.answer = lost
    with pytest.raises(StorageError, match="The connection to hub:1 was lost. Search again when it is back."):
        await history.search(Query())
    with pytest.raises(StorageError, match="There is no connection to hub:1 now."):
        await history.newer(0, 1)
