"""Results come to the loop in order, and what never comes back holds up nobody: not even the end of the program."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from desktop_logs.sidethread import SideThread
from tests.support.asynchronous import soon
from tests.support.program import Program

NAME = "aside"
HANGS = """
import asyncio, threading
from desktop_logs.sidethread import SideThread

async def main():
    disk = SideThread("hangs")
    hanging = disk.run(threading.Event().wait)
    disk.end()
    await asyncio.wait([hanging], timeout=0.05)

asyncio.run(main())
print("ended", flush=True)
"""


@pytest.fixture
def side() -> Iterator[SideThread]:
    thread = SideThread(NAME)
    yield thread
    thread.end()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


async def test_it_is_done_in_another_thread_one_after_the_other(side: SideThread) -> None:
    done: list[int] = []

    def work(number: int) -> threading.Thread:
        done.append(number)
        return threading.current_thread()

    results = [side.run(partial(work, number)) for number in range(50)]
    assert set(await asyncio.gather(*results)) == set(threads())
    assert done == list(range(50))


async def test_what_it_raises_is_raised_where_it_is_awaited(side: SideThread) -> None:
    with pytest.raises(ZeroDivisionError):
        await side.run(lambda: 1 // 0)
    assert await side.run(lambda: "and it goes on") == "and it goes on"


async def test_what_is_cancelled_is_done_all_the_same(side: SideThread) -> None:
    go_on = threading.Event()
    first, second = side.run(lambda: go_on.wait(20)), side.run(lambda: "second")
    first.cancel()
    go_on.set()
    assert await second == "second"
    assert first.cancelled()


async def test_it_ends_behind_what_was_asked_for_and_begins_again(side: SideThread) -> None:
    last = side.run(lambda: "last")
    side.end()
    assert await last == "last"
    await soon("the thread has gone", lambda: not threads())
    assert await side.run(lambda: "again") == "again"


def test_a_program_ends_while_its_work_hangs() -> None:
    with Program([sys.executable, "-c", HANGS]) as program:
        assert program.line(20) == "ended"
        assert program.wait() == 0
