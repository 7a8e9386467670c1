"""Work done in order, a turn of the loop at a time: what was given first is done first. Knows no records."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator

from desktop_logs.net.fastpath import TURN_S
from desktop_logs.tasks import Tasks


class Turns:
    """A queue of work. A piece of it is an iterator that does a step of at most some tenths of a millisecond each time
    it is asked for the next."""

    def __init__(self, tasks: Tasks, name: str) -> None:
        self._tasks = tasks
        self._name = name
        self._waiting: deque[Iterator[None]] = deque()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """True while some of the work is left."""
        return self._task is not None

    def do(self, work: Iterator[None]) -> asyncio.Task[None] | None:
        """Do *work* behind all that was given before. None when it has been done at once, which it is where nothing
        waits and TURN_S is enough; else a task that is done when it is."""
        if self._task is None:
            if _advance(work, time.perf_counter() + TURN_S):
                return None
            # A task of its own, so that what a connection brought is taken as a whole even when that is lost.
            self._task = self._tasks.start(self._run(), self._name)
        self._waiting.append(work)
        return self._task

    async def settled(self) -> None:
        """Wait until all work is done."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while True:
                await asyncio.sleep(0)
                turn_ends_s = time.perf_counter() + TURN_S
                while self._waiting and _advance(self._waiting[0], turn_ends_s):
                    self._waiting.popleft()
                if not self._waiting:
                    return
        finally:
            self._task = None


def _advance(work: Iterator[None], turn_ends_s: float) -> bool:
    """Do steps of *work* until *turn_ends_s*; True when it is done."""
    return all(time.perf_counter() < turn_ends_s for _ in work)
