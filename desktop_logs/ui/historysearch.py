"""One search of the history at a time, page by page: what is asked, and what came of it. No widgets.

A search runs as a task; a new one takes the place of the one under way, whose answer nobody hears any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from desktop_logs.core.errors import QueryError, StorageError
from desktop_logs.core.history import Found, History, Progress
from desktop_logs.core.query import Query
from desktop_logs.tasks import Tasks

PAGE_RECORDS: Final = 200
NO_HISTORY: Final = "There is no history to search. Turn it on in the settings."

Answer = Found | StorageError | QueryError


class HistorySearch(QObject):
    """Searches what *history* gives when a search begins; None is told as a problem."""

    started = Signal(bool)
    """A search began: True for a new one, False for the next page of the last."""
    progressed = Signal(object)
    """The Progress of the search under way."""
    found = Signal(object)
    """The Found that ended it: a page of at most 200 records."""
    failed = Signal(object)
    """The StorageError or QueryError that ended it."""
    cancelled = Signal()
    """It was ended by `stop`."""

    def __init__(self, history: Callable[[], History | None], tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._tasks = tasks
        self._task: asyncio.Task[Answer] | None = None
        self._before_seq: int | None = None
        self.query = Query()
        """What was searched last."""
        self.bands: frozenset[int] = frozenset()
        """The bands it was searched with; empty before the first search."""
        self.has_more = False
        """True when the search can be continued by `go_on`."""

    @property
    def is_running(self) -> bool:
        """True while records are searched."""
        return self._task is not None

    def start(self, query: Query, bands: frozenset[int]) -> None:
        """Search for the newest records of *bands* that *query* selects; a search under way is given up."""
        self.query, self.bands = query, bands
        self._before_seq = None
        self._ask()

    def go_on(self) -> None:
        """Search for the next page; nothing happens where there is none, or while a search is under way."""
        if self.has_more and self._task is None:
            self._ask()

    def stop(self) -> None:
        """Give the search under way up, if there is one. What it would have found can be asked for again."""
        if self._give_up():
            self.cancelled.emit()

    # Inside

    def _ask(self) -> None:
        self._give_up()
        history = self._history()
        if history is None:
            self.failed.emit(StorageError(NO_HISTORY))
            return
        search = history.search(
            self.query,
            bands=self.bands,
            before_seq=self._before_seq,
            limit=PAGE_RECORDS,
            on_progress=lambda progress: self._progressed(task, progress),
        )
        task = self._task = self._tasks.start(_answer(search), "search of the history")
        task.add_done_callback(self._ended)
        self.started.emit(self._before_seq is None)

    def _give_up(self) -> bool:
        task, self._task = self._task, None
        return task is not None and task.cancel()

    def _progressed(self, task: asyncio.Task[Answer], progress: Progress) -> None:
        if task is self._task:
            self.progressed.emit(progress)

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        if task is not self._task:
            return
        self._task = None
        if task.cancelled():
            self.cancelled.emit()
        elif task.exception() is not None:  # Tasks reports it
            self.failed.emit(StorageError("The search stopped for a fault of this program."))
        else:
            self._take(task.result())

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Found):
            self.has_more = answer.more
            if answer.records:
                self._before_seq = answer.records[-1].seq
            self.found.emit(answer)
        else:
            self.failed.emit(answer)


async def _answer(search: Coroutine[Any, Any, Found]) -> Answer:
    """What the search found, or why it could not."""
    try:
        return await search
    except (StorageError, QueryError) as problem:
        return problem
