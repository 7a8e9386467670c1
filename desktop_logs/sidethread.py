"""A thread for what may never come back, a read from a network drive that is away, say. Knows nothing of the work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class SideThread:
    """Does one thing after the other. asyncio's own threads are waited for when the program ends, and are few; this one
    is waited for by nobody but who wants a result."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._is_running = False

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What *work* returns or raises, behind what was asked for before. Cancelled, it is done all the same."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                settle: Callable[[], object] = partial(result.set_result, work())
            except Exception as fault:  # noqa: BLE001 - it is raised where the result is awaited
                settle = partial(result.set_exception, fault)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: None if result.done() else settle())

        self._jobs.put(job)
        if not self._is_running:
            self._is_running = True
            threading.Thread(target=_work_off, args=(self._jobs,), name=self._name, daemon=True).start()
        return result

    def end(self) -> None:
        """Let the thread go when it has done what was asked for. What is asked for then is done in another."""
        if self._is_running:
            self._is_running = False
            self._jobs.put(None)
            self._jobs = SimpleQueue()


def _work_off(jobs: SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
