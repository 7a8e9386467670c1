"""The loop of the window beside other ways to have Qt and asyncio in one program: the same work, one process for each.

    .venv/bin/python -m tests.bench.loop [RUNS]

Not part of the tests: a figure depends on the machine. Prints the medians as a table; `-` is what a way cannot do.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyside6"

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

RUNS = 5
CALLS = 20_000
MESSAGES = 5_000
TIMERS = 200
TIMER_EVERY_S = 0.005
LOAD_S = 0.0001
PUMP_S = 0.005

Main = Coroutine[Any, Any, dict[str, float]]


# --- the work ---------------------------------------------------------------------------------------------------------


async def work() -> dict[str, float]:
    figures = {
        "µs/call": await calls(),
        "µs/chained call": await chained_calls(),
        "µs/message": await messages(),
    }
    figures |= await lateness()
    figures["idle cpu %"] = await idle()
    return figures


async def calls() -> float:
    """Processor time of a callback, where many are put in at once; other programs on the machine do not count."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    began_s = time.process_time()
    for _ in range(CALLS):
        loop.call_soon(int)
    loop.call_soon(done.set)
    await done.wait()
    return (time.process_time() - began_s) / CALLS * 1e6


async def chained_calls() -> float:
    """Processor time of a callback, where each puts in the next, as a coroutine's steps do."""
    began_s = time.process_time()
    for _ in range(CALLS):
        await asyncio.sleep(0)
    return (time.process_time() - began_s) / CALLS * 1e6


class Echo(asyncio.Protocol):
    """Sends back what comes, until *left* messages have come."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.left -= 1
        if self.left > 0:
            self.transport.write(data)
        elif not self.done.done():
            self.done.set_result(None)


async def messages() -> float:
    """Processor time of a small message, sent from one socket to another and back, one at a time."""
    loop = asyncio.get_running_loop()
    one, other = socket.socketpair()
    first, ping = await loop.create_connection(lambda: Echo(MESSAGES), sock=one)
    second, _ = await loop.create_connection(lambda: Echo(sys.maxsize), sock=other)
    began_s = time.process_time()
    first.write(b"x" * 100)
    await ping.done
    took_s = time.process_time() - began_s
    first.close()
    second.close()
    return took_s / (2 * MESSAGES) * 1e6


async def lateness() -> dict[str, float]:
    """How late asyncio's timers and Qt's are while callbacks of 100 µs put in each other without end."""
    loop = asyncio.get_running_loop()
    late_s: list[float] = []
    all_heard = asyncio.Event()
    qt_late_s: list[float] = []
    last_s = loop.time()
    ends = False

    def load() -> None:
        until_s = time.perf_counter() + LOAD_S
        while time.perf_counter() < until_s:
            pass
        if not ends:
            loop.call_soon(load)

    def tick() -> None:
        nonlocal last_s
        now_s = loop.time()
        qt_late_s.append(max(0.0, now_s - last_s - TIMER_EVERY_S))
        last_s = now_s

    qt_timer = QTimer(timerType=Qt.TimerType.PreciseTimer)
    qt_timer.timeout.connect(tick)
    qt_timer.start(int(TIMER_EVERY_S * 1000))
    loop.call_soon(load)
    for number in range(1, TIMERS + 1):
        due_s = loop.time() + number * TIMER_EVERY_S
        loop.call_later(number * TIMER_EVERY_S, lambda due_s=due_s: late_s.append(loop.time() - due_s))
    loop.call_later((TIMERS + 1) * TIMER_EVERY_S, all_heard.set)
    await all_heard.wait()
    ends = True
    qt_timer.stop()
    told = {"timer p99 ms": _p99(late_s) * 1000}
    if qt_late_s:
        told["Qt timer p99 ms"] = _p99(qt_late_s) * 1000
    return told


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99) - 1]


async def idle() -> float:
    """Percent of a core while nothing is due."""
    began_s = time.process_time()
    await asyncio.sleep(1)
    return (time.process_time() - began_s) * 100


# --- the ways ---------------------------------------------------------------------------------------------------------


def desktop_logs(app: QApplication, main: Main) -> dict[str, float]:
    from desktop_logs.ui.loop import make_loop

    return _run(make_loop(app), main)


def qasync_as_shipped(app: QApplication, main: Main) -> dict[str, float]:
    import qasync

    return _run(qasync.QEventLoop(app), main)


def asyncio_that_pumps_qt(app: QApplication, main: Main) -> dict[str, float]:
    async def pump() -> dict[str, float]:
        task = asyncio.ensure_future(main)
        while not task.done():
            app.processEvents()
            await asyncio.sleep(PUMP_S)
        return task.result()

    return asyncio.run(pump())


def asyncio_without_qt(_app: QApplication, main: Main) -> dict[str, float]:
    return asyncio.run(main)


def _run(loop: asyncio.AbstractEventLoop, main: Main) -> dict[str, float]:
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


WAYS: dict[str, Callable[[QApplication, Main], dict[str, float]]] = {
    way.__name__: way for way in (desktop_logs, qasync_as_shipped, asyncio_that_pumps_qt, asyncio_without_qt)
}
COLUMNS = ("µs/call", "µs/chained call", "µs/message", "timer p99 ms", "Qt timer p99 ms", "idle cpu %")


def figures_of(way: str) -> dict[str, float]:
    """What a process of its own tells of *way*; nothing when it has failed."""
    command = [sys.executable, "-m", "tests.bench.loop", "--way", way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        sys.stderr.write(f"{way} failed: {done.stderr.strip().splitlines()[-1:]}\n")
        return {}
    told = json.loads(lines[-1])
    assert isinstance(told, dict)
    return told


def main(runs: int) -> None:
    sys.stdout.write(f"{'':24}" + "".join(f"{column:>18}" for column in COLUMNS) + "\n")
    told: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(runs):
        for way in WAYS:
            told[way].append(figures_of(way))
    for way, figures in told.items():
        cells = []
        for column in COLUMNS:
            values = [each[column] for each in figures if column in each]
            cells.append(f"{statistics.median(values):18,.1f}" if values else f"{'-':>18}")
        sys.stdout.write(f"{way.replace('_', ' '):24}" + "".join(cells) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        sys.stdout.write(json.dumps(WAYS[sys.argv[2]](QApplication([]), work())) + "\n")
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
