"""The history of a version 2 hub, asked over its connection as `search`. Knows no sockets: how to ask is given."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, Protocol

from desktop_logs.core.errors import ConnectError, PeerError, QueryError, StorageError, TooSlow
from desktop_logs.core.history import Found, OnProgress, Progress
from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.core.query import Query
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import one_line
from desktop_logs.core.viewing import MAX_SEARCH_LIMIT, MAX_SPAN_MS, parse_numbered
from desktop_logs.net.fastpath import TURN_S

SEARCH_TIMEOUT_S: Final = 600.0  # over all that is stored; who waits may cancel
SLICE_RECORDS: Final = 64  # 0.6 ms of parsing
_HIGHEST: Final = 2**63 - 1


class Line(Protocol):
    """What is needed of a connection (link.Link)."""

    async def ask(self, name: str, payload: object, timeout_s: float) -> Mapping[str, Any]: ...

    async def send(self, name: str, payload: object = None) -> None: ...


class RemoteHistory:
    """A History at a hub. Its records have the feed's numbers, which are the hub's and an offset."""

    def __init__(
        self, host: str, line: Callable[[], Line | None], offset: Callable[[], int], clock_ns: Callable[[], int]
    ) -> None:
        """*line* gives the connection to the hub called *host*, None while there is none."""
        self._host = host
        self._line = line
        self._offset = offset
        self._clock_ns = clock_ns
        self._ids = itertools.count(1)
        self._watching: dict[int, OnProgress] = {}

    async def search(
        self,
        query: Query,
        *,
        bands: frozenset[int] = ALL_BANDS,
        before_seq: int | None = None,
        limit: int = 200,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """As History.search; more than the hub gives at once is asked for in pages."""
        asked: dict[str, Any] = {"query": query.text if query.tree is None else str(query.tree)}
        if bands != ALL_BANDS:
            asked["levels"] = [BANDS[band] for band in sorted(bands)]
        records: list[Record] = []
        problem, is_whole = "", True
        offset = self._offset()
        while True:
            if before_seq is not None:
                if before_seq - offset <= 1:
                    return Found(records, False, problem, is_whole)  # the history that had those was replaced
                asked["before_seq"] = before_seq - offset
            page = await self._ask({**asked, "limit": min(limit - len(records), MAX_SEARCH_LIMIT)}, on_progress)
            found, unreadable = await self._records(page, offset, newest_first=True)
            records += found
            problem = problem or one_line(str(page.get("problem") or ""))
            is_whole = is_whole and page.get("whole") is not False
            if unreadable:
                problem, is_whole = problem or f"{unreadable:,} records from {self._host} could not be read.", False
            has_more = page.get("more") is True
            if not has_more or not found or len(records) >= limit or offset != self._offset():
                return Found(records, has_more, problem, is_whole)
            before_seq = found[-1].seq

    async def newer(self, after_seq: int, limit: int) -> Sequence[Record]:
        """As History.newer."""
        records: list[Record] = []
        offset = self._offset()
        while True:
            count = min(limit - len(records), MAX_SEARCH_LIMIT)
            page = await self._ask({"after_seq": max(after_seq - offset, 0), "limit": count})
            found, _ = await self._records(page, offset, newest_first=False)
            records += found
            if page.get("more") is not True or not found or len(records) >= limit or offset != self._offset():
                return records
            after_seq = found[-1].seq

    async def around(self, record: Record, span_ns: int, limit: int) -> Sequence[Record]:
        """As History.around; at most MAX_SEARCH_LIMIT and MAX_SPAN_MS, which a hub gives at once."""
        offset = self._offset()
        if record.seq - offset <= 0:
            return []
        span = {"seq": record.seq - offset, "span_ms": min(-(-span_ns // 1_000_000), MAX_SPAN_MS)}
        page = await self._ask({"around": span, "limit": min(limit, MAX_SEARCH_LIMIT)})
        found, _ = await self._records(page, offset, newest_first=False)
        return found

    def progress(self, payload: object) -> None:
        """A `progress` event has come; of a search that nobody waits for it says nothing."""
        if not isinstance(payload, dict):
            return
        told, day, done = payload.get("id"), payload.get("day"), payload.get("done")
        watching = self._watching.get(told) if isinstance(told, int) else None
        if watching is None or not isinstance(day, str) or not isinstance(done, int | float):
            return
        try:
            watching(Progress(date.fromisoformat(day), min(max(float(done), 0.0), 1.0)))
        except ValueError:
            return  # no day: the next one may be

    async def _ask(self, asked: dict[str, Any], on_progress: OnProgress | None = None) -> Mapping[str, Any]:
        """The hub's answer. Raises StorageError, QueryError and TooSlow."""
        line = self._line()
        if line is None:
            raise StorageError(f"There is no connection to {self._host} now. Search again when it is back.")
        number = next(self._ids)
        if on_progress is not None:
            self._watching[number] = on_progress
        try:
            answer = await line.ask("search", {**asked, "id": number}, SEARCH_TIMEOUT_S)
        except asyncio.CancelledError:
            await _cancel(line, number)
            raise
        except ConnectError as failure:
            if self._line() is line:
                raise StorageError(str(failure)) from None
            lost = f"The connection to {self._host} was lost. Search again when it is back."
            raise StorageError(lost) from None
        finally:
            self._watching.pop(number, None)
        if answer.get("ok") is not True:
            self._refuse(answer)
        return answer

    def _refuse(self, answer: Mapping[str, Any]) -> None:
        error = one_line(str(answer.get("error") or ""))
        position = answer.get("position")
        if type(position) is int:
            # A fault of the hub's reading: what was typed is understood here, or it would not have been asked.
            raise TooSlow(error, position) if position < 0 else QueryError(error, position)
        raise StorageError(error or f"{self._host} gives no answer to a search. Is it a newer version of Desktop Logs?")

    async def _records(self, page: Mapping[str, Any], offset: int, *, newest_first: bool) -> tuple[list[Record], int]:
        """The records of an answer in their order, and how many could not be read; in turns of the loop."""
        entries = page.get("data")
        if not isinstance(entries, list):
            raise StorageError(f"What {self._host} answers to a search cannot be understood.")
        rising = entries[::-1] if newest_first else entries
        records: list[Record] = []
        unreadable, after, now_ns = 0, -1, self._clock_ns()
        turn_ends_s = time.perf_counter() + TURN_S
        for start in range(0, len(rising), SLICE_RECORDS):
            try:
                part, wrong = parse_numbered(rising[start : start + SLICE_RECORDS], after, _HIGHEST, now_ns, offset)
            except PeerError:
                raise StorageError(f"What {self._host} answers to a search is not in order.") from None
            records += part
            unreadable += wrong
            after = part[-1].seq - offset if part else after
            if time.perf_counter() >= turn_ends_s:
                await asyncio.sleep(0)
                turn_ends_s = time.perf_counter() + TURN_S
        return (records[::-1] if newest_first else records), unreadable


async def _cancel(line: Line, number: int) -> None:
    try:
        await line.send("cancel", {"id": number})
    except ConnectError:
        return  # with the connection the search has ended
