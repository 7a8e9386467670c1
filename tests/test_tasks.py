"""Tasks are named, kept while they run, and heard when they fail."""

import asyncio
import gc
from typing import Any

from desktop_logs.tasks import Tasks


async def test_a_failure_is_reported_with_the_tasks_name() -> None:
    told: list[tuple[str, str]] = []
    tasks = Tasks(lambda name, failure: told.append((name, str(failure))))

    async def fail() -> None:
        raise ValueError("no")

    await asyncio.wait([tasks.start(fail(), "failing")])
    await asyncio.sleep(0)
    assert told == [("failing", "no")]
    assert len(tasks) == 0


async def test_without_a_report_the_loop_hears_of_a_failure() -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context))
    failure = ValueError("no")

    async def fail() -> None:
        raise failure

    task = Tasks().start(fail(), "failing")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert heard == [{"message": "failing failed", "exception": failure, "task": task}]


async def test_a_task_nobody_holds_is_not_lost() -> None:
    tasks = Tasks(lambda name, failure: None)
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.02)
        done.set()

    tasks.start(work(), "work")
    gc.collect()
    async with asyncio.timeout(20):
        await done.wait()


async def test_all_are_cancelled_without_a_word_and_waited_for() -> None:
    told: list[str] = []
    tasks = Tasks(lambda name, failure: told.append(name))
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("work")

    tasks.start(work(), "work")
    await asyncio.sleep(0)
    await tasks.cancel_all()
    assert (ended, told, len(tasks)) == (["work"], [], 0)
