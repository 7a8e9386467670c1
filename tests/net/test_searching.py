"""`GET /api/search`: entries with their numbers, newest first; every wrong question with a sentence."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from desktop_logs.core.errors import StorageError, TooSlow
from desktop_logs.core.history import Found
from desktop_logs.core.hub import Hub
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from desktop_logs.core.wire import parse_entry
from desktop_logs.net import searching
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon

RECORDS = [
    Record(seq, 1_795_341_600_000_000_000 + seq, 13, "warn", "api", f"{seq} \x1b \\ud800 ü\u202e", '{"a":1}')
    for seq in range(30, 0, -1)
]


class SmallHistory:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Query, int | None, int]] = []
        self.answer: Found | Exception = Found(RECORDS)
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.was_cancelled = False

    async def search(self, query: Query, *, before_seq: int | None, limit: int) -> Found:
        self.asked.append((query, before_seq, limit))
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def history() -> SmallHistory:
    return SmallHistory()


@pytest.fixture
async def http(hub: Hub, history: SmallHistory) -> AsyncIterator[aiohttp.ClientSession]:
    server = HubServer(hub, version="1.2.3", clock_ns=time.time_ns, report=lambda sentence: None, history=history)
    await server.start(0)
    async with aiohttp.ClientSession(server.url) as session:
        yield session
    await server.stop()


async def refused(http: aiohttp.ClientSession, **asked: str) -> tuple[int, dict[str, Any]]:
    async with http.get("/api/search", params=asked) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def test_entries_come_newest_first_with_their_numbers(http: aiohttp.ClientSession, history: SmallHistory) -> None:
    async with http.get("/api/search", params={"q": "level:warn a", "before": "31", "limit": "30"}) as response:
        lines = [json.loads(line) for line in (await response.read()).splitlines()]
        assert (response.status, response.content_type) == (200, "application/x-ndjson")
        assert "Desktop-Logs-More" not in response.headers
    ((query, before_seq, limit),) = history.asked
    assert (query.text, before_seq, limit) == ("level:warn a", 31, 30)
    assert next(iter(lines[0])) == "seq"
    numbers = [line.pop("seq") for line in lines]
    assert numbers == list(range(30, 0, -1))
    for line, record in zip(lines, RECORDS, strict=True):
        parsed = parse_entry(line, record.seq, 0)
        assert (parsed.message, parsed.id, parsed.time_ns) == (record.message, record.id, record.time_ns)


async def test_without_a_question_the_newest_come(http: aiohttp.ClientSession, history: SmallHistory) -> None:
    history.answer = Found([])
    async with http.get("/api/search") as response:
        assert (response.status, await response.read()) == (200, b"")
    ((query, before_seq, limit),) = history.asked
    assert (query.is_empty, before_seq, limit) == (True, None, 200)


async def test_more_and_what_could_not_be_searched_stand_in_headers(
    http: aiohttp.ClientSession, history: SmallHistory
) -> None:
    history.answer = Found(RECORDS[:1], more=True, problem="Tag → ü\r\nis damaged.")
    async with http.get("/api/search") as response:
        assert response.headers["Desktop-Logs-More"] == "true"
        told = response.headers["Desktop-Logs-Problem"]
    assert told.startswith("Tag \\u2192 \\xfc")
    assert told.endswith("is damaged.")


async def test_long_answers_come_in_pieces(http: aiohttp.ClientSession, history: SmallHistory) -> None:
    history.answer = Found([Record(seq, 1, 9, "info", "", "x" * 200_000) for seq in range(20, 0, -1)])
    async with http.get("/api/search") as response:
        lines = (await response.read()).splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(20, 0, -1))


async def test_a_wrong_query_says_where(http: aiohttp.ClientSession) -> None:
    status, told = await refused(http, q="a (b")
    assert (status, told["position"]) == (400, 2)
    assert told["error"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"limit": "0"}, "limit must be from 1 to 1,000. Ask for more with before."),
        ({"limit": "1001"}, "limit must be from 1 to 1,000. Ask for more with before."),
        ({"limit": "many"}, "limit must be a whole number, not 'many'."),
        ({"before": "-1"}, "before must be a whole number, not '-1'."),
        ({"before": "9" * 30}, f"before must be a whole number, not '{'9' * 30}'."),
    ],
)
async def test_a_wrong_number_is_400(http: aiohttp.ClientSession, asked: dict[str, str], error: str) -> None:
    assert await refused(http, **asked) == (400, {"error": error})


async def test_a_slow_expression_is_the_asker_s_fault(http: aiohttp.ClientSession, history: SmallHistory) -> None:
    history.answer = TooSlow("The expression is too slow.", 4)
    assert await refused(http) == (400, {"error": "The expression is too slow.", "position": 4})


async def test_a_history_that_cannot_be_read_is_503(http: aiohttp.ClientSession, history: SmallHistory) -> None:
    history.answer = StorageError("It is locked.")
    async with http.get("/api/search") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert await response.json() == {"error": "It is locked."}


async def test_who_leaves_ends_the_search(
    http: aiohttp.ClientSession, history: SmallHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOK_AGAIN_S", 0.01)
    history.go_on.clear()
    asking = asyncio.ensure_future(http.get("/api/search"))
    await soon("the search has begun", lambda: history.asked)
    asking.cancel()
    await soon("it is cancelled", lambda: history.was_cancelled)


async def test_a_page_of_elsewhere_is_refused(http: aiohttp.ClientSession, history: SmallHistory) -> None:
    async with http.get("/api/search", headers={"Origin": "http://evil.example"}) as response:
        assert response.status == 403
    assert history.asked == []


async def test_a_hub_without_a_history_says_so(server: HubServer) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        assert await refused(session) == (
            404,
            {"error": "This hub keeps no history. Start it without --no-history."},
        )
