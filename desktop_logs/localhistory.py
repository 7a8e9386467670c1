"""The history of this machine's hub, asked from a loop: one thread that searches, calls in turn. No Qt, no SQL."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol, TypeVar

from desktop_logs.core.errors import Cancelled, StorageError
from desktop_logs.core.history import Found, OnProgress, Progress
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query
from desktop_logs.core.query_tree import Node
from desktop_logs.core.records import Record
from desktop_logs.storage.search import HistorySearch

PROGRESS_EVERY_S: Final = 0.1

T = TypeVar("T")


class Searcher(Protocol):
    """What is needed of storage's HistorySearch: every call but `cancel` comes from one thread."""

    def search(
        self,
        tree: Node | None,
        *,
        bands: frozenset[int],
        before_seq: int | None,
        limit: int,
        on_progress: OnProgress | None,
    ) -> Found: ...

    def newer(self, after_seq: int, limit: int) -> Sequence[Record]: ...

    def around(self, record: Record, span_ns: int, limit: int) -> Sequence[Record]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class LocalHistory:
    """A History over the segments in a folder, for one loop.

    Calls wait for each other in the order they came, so none is starved; one that was cancelled meanwhile is left out.
    """

    def __init__(self, folder: Path, open_searcher: Callable[[Path], Searcher] = HistorySearch) -> None:
        self._searcher = open_searcher(folder)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        # Between the loop, which gives up calls, and the thread, which goes on to the next: without it the
        # cancellation of a call that has just ended would meet the one after it.
        self._lock = threading.Lock()
        self._calls: set[_Call] = set()
        self._under_way: _Call | None = None
        self._is_closed = False

    async def search(
        self,
        query: Query,
        *,
        bands: frozenset[int] = ALL_BANDS,
        before_seq: int | None = None,
        limit: int = 200,
        on_progress: OnProgress | None = None,
    ) -> Found:
        """As History.search; *on_progress* is called once in PROGRESS_EVERY_S at most."""
        call = _Call(on_progress)
        return await self._in_turn(
            call,
            lambda: self._searcher.search(
                query.tree, bands=bands, before_seq=before_seq, limit=limit, on_progress=call.progress
            ),
        )

    async def newer(self, after_seq: int, limit: int) -> Sequence[Record]:
        """As History.newer."""
        return await self._in_turn(_Call(), lambda: self._searcher.newer(after_seq, limit))

    async def around(self, record: Record, span_ns: int, limit: int) -> Sequence[Record]:
        """As History.around."""
        return await self._in_turn(_Call(), lambda: self._searcher.around(record, span_ns, limit))

    async def close(self) -> None:
        """End the search under way and let go of the files. Calls that wait end as cancelled. Twice is once."""
        if self._is_closed:
            return
        self._is_closed = True
        for call in tuple(self._calls):
            self._give_up(call)
        closing = self._thread.submit(self._searcher.close)
        self._thread.shutdown(wait=False)
        await asyncio.wrap_future(closing)

    async def _in_turn(self, call: _Call, work: Callable[[], T]) -> T:
        if self._is_closed:
            raise StorageError("The history is closed, since its hub has stopped. Start the hub again.")
        self._calls.add(call)
        try:
            return await asyncio.wrap_future(self._thread.submit(self._run, call, work))
        except asyncio.CancelledError:
            self._give_up(call)
            raise
        except Cancelled:
            raise asyncio.CancelledError from None
        finally:
            self._calls.discard(call)

    def _give_up(self, call: _Call) -> None:
        with self._lock:
            call.is_given_up = True
            if self._under_way is call:
                self._searcher.cancel()

    def _run(self, call: _Call, work: Callable[[], T]) -> T:
        """Do *work* on the thread. Raises Cancelled when nobody waits for it any more."""
        with self._lock:
            if call.is_given_up:
                raise Cancelled
            self._under_way = call
        try:
            return work()
        finally:
            with self._lock:
                self._under_way = None


class _Call:
    """One question, from when it is asked until it is answered or given up."""

    def __init__(self, on_progress: OnProgress | None = None) -> None:
        self.is_given_up = False
        self._on_progress = on_progress
        self._loop = asyncio.get_running_loop()
        self._next_s = 0.0

    def progress(self, progress: Progress) -> None:
        """Pass *progress* on to the loop; on the thread. Raises Cancelled when the call was given up: that may have
        happened just before its search began, and then `cancel` has met nothing."""
        if self.is_given_up:
            raise Cancelled
        now_s = time.monotonic()
        if self._on_progress is not None and now_s >= self._next_s:
            self._next_s = now_s + PROGRESS_EVERY_S
            self._loop.call_soon_threadsafe(self._tell, self._on_progress, progress)

    def _tell(self, on_progress: OnProgress, progress: Progress) -> None:
        if not self.is_given_up:
            on_progress(progress)
