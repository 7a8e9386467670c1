"""How asyncio tasks are started: named, kept, and heard when they fail. Used by net, ui and the programs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """A set of running tasks. asyncio itself keeps only weak references, so a task nobody holds may vanish."""

    def __init__(self, report: Callable[[str, BaseException], None] | None = None) -> None:
        """*report* is called with a task's name and what it raised, except when it was cancelled. Without one the
        loop's exception handler is: the way of all faults that nobody has a better word for."""
        self._report = report
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run *work* on the current loop as a task called *name*."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    async def finish(self, timeout_s: float) -> None:
        """Wait until what runs has ended, *timeout_s* at most; then cancel what is left."""
        if self._running:
            await asyncio.wait(list(self._running), timeout=timeout_s)
        await self.cancel_all()

    async def cancel_all(self) -> None:
        """Cancel what still runs and wait until it has ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            if self._report is not None:
                self._report(task.get_name(), failure)
            else:
                context = {"message": f"{task.get_name()} failed", "exception": failure, "task": task}
                task.get_loop().call_exception_handler(context)
