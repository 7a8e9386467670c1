"""Single `log` events a second without a window: from a Node producer into the hub, and from a Node winston server to
the client, beside a stock python-socketio server and client that do the same with each entry.

    .venv/bin/python -m tests.bench.single_events [EVENTS]

Not part of the tests: a figure depends on the machine. Prints a line for each run, and the medians with their ratio.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import socketio
from aiohttp import web

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.hub import Hub
from desktop_logs.core.merge import SnapshotMerge
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.core.wire import parse_entry
from desktop_logs.localhub import LocalHub
from desktop_logs.net.client import RemoteFeed
from desktop_logs.storage.disk import DiskThread
from tests.support.node import NodeProgram

RUNS = 5
TEXT = "request served in 12 ms with status 200 for user 48213"
GIVE_UP_S = 120.0


class Figures(NamedTuple):
    """What one burst cost."""

    rate: float
    """Events a second."""
    cpu_us: float
    """Processor time of this process for each event, which other programs on the machine disturb least."""
    stall_ms: float
    """The longest time for which the loop did nothing else."""

    def __str__(self) -> str:
        return f"{self.rate:8,.0f} events/s, {self.cpu_us:5.1f} µs each, longest stall {self.stall_ms:.1f} ms"


class StallWatch:
    """How long the loop was held at the most since it began."""

    def __init__(self) -> None:
        self.longest_ms = 0.0
        self._task = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        before_s = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now_s = time.perf_counter()
            self.longest_ms = max(self.longest_ms, (now_s - before_s) * 1_000 - 1)
            before_s = now_s

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def measured(count: int, begin: Callable[[], None], came: Callable[[], int]) -> Figures:
    """Have *begin* start a burst, and wait until *count* events *came*, none more."""
    # A collection walks all that was imported, 30 ms: not what is measured here.
    gc.collect()
    gc.freeze()
    watch = StallWatch()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    begin()
    while came() < count:
        assert time.perf_counter() - began_s < GIVE_UP_S, f"only {came():,} of {count:,} came"
        await asyncio.sleep(0.005)
    took_s, took_cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    await watch.stop()
    assert came() == count
    return Figures(count / took_s, took_cpu_s / count * 1e6, watch.longest_ms)


# Into the hub


@asynccontextmanager
async def our_hub(folder: Path) -> AsyncIterator[tuple[int, Hub]]:
    hub = LocalHub(folder, LogSettings(), what="a measurement", report=print)
    await hub.open()
    await hub.listen(0)
    try:
        yield int(hub.url.rpartition(":")[2]), hub.hub
    finally:
        await hub.stop()


@asynccontextmanager
async def stock_hub(folder: Path) -> AsyncIterator[tuple[int, Hub]]:
    disk = DiskThread(folder / "logs", LogSettings())
    disk.start()
    hub = Hub(disk)
    server = socketio.AsyncServer(async_mode="aiohttp")
    server.on("log", lambda sid, entry: hub.take([entry], time.time_ns()) and None)
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], hub
    finally:
        await server.shutdown()
        await runner.cleanup()
        disk.close(10)


async def into_hub(count: int, serve: Callable[[Path], AbstractAsyncContextManager[tuple[int, Hub]]]) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        async with serve(Path(folder)) as (port, hub):
            node = await asyncio.to_thread(NodeProgram, "producer.js", f"http://127.0.0.1:{port}")
            await asyncio.to_thread(node.line_with, '"event":"connect"')
            figures = await measured(count, lambda: node.send(f"burst {count} {TEXT}"), lambda: hub.head)
            assert [record.message for record in hub.ring.latest(count)] == [f"{TEXT} {n}" for n in range(1, count + 1)]
            await asyncio.to_thread(node.end)
    return figures


# From a server


async def to_our_client(count: int, port: int, begin: Callable[[], None]) -> Figures:
    feed = RemoteFeed(Target(ServerAddress(f"http://127.0.0.1:{port}", "/llamaproxws")))
    feed.start()
    await feed.first_records()
    try:
        figures = await measured(count, begin, lambda: feed.head)
        assert [record.message for record in feed.since(0, count)] == [f"{TEXT} {n}" for n in range(1, count + 1)]
        return figures
    finally:
        await feed.close()


async def to_stock_client(count: int, port: int, begin: Callable[[], None]) -> Figures:
    client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
    merge = SnapshotMerge()
    records: list[Record] = []

    def on_log(payload: object) -> None:
        records.extend(parse_entry(new, len(records) + 1, time.time_ns()) for new in merge.live(payload))

    client.on("log", on_log)
    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"], socketio_path="/llamaproxws")
    try:
        figures = await measured(count, begin, lambda: len(records))
        assert [record.message for record in records] == [f"{TEXT} {n}" for n in range(1, count + 1)]
        return figures
    finally:
        await client.disconnect()


async def from_server(count: int, client: Callable[[int, int, Callable[[], None]], Awaitable[Figures]]) -> Figures:
    node = await asyncio.to_thread(NodeProgram, "winston-server.js")
    try:
        port = await asyncio.to_thread(node.listening_port)
        return await client(count, port, lambda: node.send(f"burst {count} {TEXT}"))
    finally:
        await asyncio.to_thread(node.end)


def main(count: int) -> None:
    for way, run, ours, stock in (
        ("from a Node producer into the hub", into_hub, our_hub, stock_hub),
        ("from a Node winston server to the client", from_server, to_our_client, to_stock_client),
    ):
        figures: dict[str, list[Figures]] = {"ours": [], "stock": []}
        for _ in range(RUNS):
            for name, peer in (("ours", ours), ("stock", stock)):
                figures[name].append(asyncio.run(run(count, peer)))  # type: ignore[operator]
                sys.stdout.write(f"{count:,} {way}, {name}: {figures[name][-1]}\n")
        ours_in_the_middle, stock_in_the_middle = (
            Figures(*map(statistics.median, zip(*figures[name], strict=True))) for name in ("ours", "stock")
        )
        sys.stdout.write(f"{way}, medians, ours:  {ours_in_the_middle}\n")
        sys.stdout.write(f"{way}, medians, stock: {stock_in_the_middle}\n")
        sys.stdout.write(
            f"{way}: {ours_in_the_middle.rate / stock_in_the_middle.rate:.1f} times as many a second, "
            f"each for 1/{stock_in_the_middle.cpu_us / ours_in_the_middle.cpu_us:.1f} of the processor time\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
