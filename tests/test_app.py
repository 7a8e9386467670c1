"""The window with its hub, put together as the program does: real programs log to it, and it ends in order."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from PySide6.QtWidgets import QApplication

from desktop_logs.app import Desktop, WindowOptions
from desktop_logs.collector import Collector
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.opening import Opening
from desktop_logs.core.settings import LogSettings
from desktop_logs.localhub import LocalHub
from desktop_logs.localtab import LocalTab
from desktop_logs.net.client import RemoteFeed
from tests.support.asynchronous import soon
from tests.support.desktops import Opened, Run
from tests.support.program import Program

THREADS = 8
RECORDS_EACH = 150

# A program as people write them: dictConfig, eight threads, extra, exceptions.
PRODUCER = """
import logging, logging.config, sys, threading

logging.config.dictConfig({
    "version": 1,
    "handlers": {"window": {"class": "desktop_logs.DesktopLogsHandler", "url": sys.argv[1], "source": "producer"}},
    "root": {"level": "DEBUG", "handlers": ["window"]},
})

def work(thread):
    log = logging.getLogger(f"worker.{thread}")
    for number in range(int(sys.argv[2])):
        extra = {"thread_no": thread, "number": number}
        if number % 10 == 9:
            try:
                1 / 0
            except ZeroDivisionError:
                log.exception("thread %d number %d failed", thread, number, extra=extra)
        else:
            log.info("thread %d number %d", thread, number, extra=extra)

threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_eight_threads_of_a_python_program_arrive_in_the_window_in_the_files_and_at_a_second_viewer(
    run: Run, qapp: QApplication, tmp_path: Path, start: Callable[..., Program]
) -> None:
    total = THREADS * RECORDS_EACH

    async def body() -> None:
        async with Opened(qapp, tmp_path / "data") as opened:
            viewer = RemoteFeed(Target(ServerAddress.parse(opened.url)))
            viewer.start()
            await viewer.first_records()
            (tmp_path / "producer.py").write_text(PRODUCER)
            program = start([sys.executable, tmp_path / "producer.py", opened.url, str(RECORDS_EACH)])
            await soon("all are in the window", lambda: len(opened.local.model.shown) == total, 30)
            await soon("all are at the viewer", lambda: viewer.head == total, 30)
            assert await asyncio.to_thread(program.wait) == 0
            assert program.stderr == []
            check([(record.source, record.message, record.context) for record in opened.local.model.shown])
            check([(record.source, record.message, record.context) for record in viewer.since(0, total)])
            stats = opened.window.stats()
            assert (stats["window_rows"], stats["window_shown"]) == (total, total)
            await viewer.close()
        assert opened.exit_code == 0

    run(body())
    files = [json.loads(line) for line in log_lines(tmp_path / "data", "application")]
    check([(entry["context"].pop("source"), entry["message"], json.dumps(entry["context"])) for entry in files])
    errors = [json.loads(line) for line in log_lines(tmp_path / "data", "errors")]
    assert len(errors) == total // 10
    assert all("ZeroDivisionError: division by zero" in entry["context"]["traceback"] for entry in errors)


def check(records: list[tuple[str, str, str]]) -> None:
    """Each thread's records are all there, in its order, each with its extra and its traceback."""
    assert len(records) == THREADS * RECORDS_EACH
    numbers: dict[int, list[int]] = {}
    for source, message, context_json in records:
        context = json.loads(context_json)
        assert source == "producer"
        thread, number = context["thread_no"], context["number"]
        assert message == f"thread {thread} number {number}" + (" failed" if number % 10 == 9 else "")
        assert context["logger"] == f"worker.{thread}"
        assert ("traceback" in context) is (number % 10 == 9)
        numbers.setdefault(thread, []).append(number)
    assert numbers == {thread: list(range(RECORDS_EACH)) for thread in range(THREADS)}


def log_lines(data: Path, stem: str) -> list[str]:
    lines: list[str] = []
    for path in sorted((data / "logs").glob(f"{stem}-*")):
        lines += (
            (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode().splitlines()
        )
    return lines


def test_a_refused_entry_is_told_in_the_window_and_the_rest_goes_on(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            assert (await opened.post("good", ""))[0] == 200
            async with aiohttp.ClientSession() as session:
                await session.post(f"{opened.url}/api/logs", data=b"[7]")
            await soon("it is told", lambda: "An entry was refused: an entry must be a JSON object" in opened.notices())
            assert (await opened.post("after"))[0] == 200
            await soon("the rest is shown", lambda: opened.messages()[-1] == "after")

    run(body())


def test_settings_are_changed_while_running_and_kept(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            opened.desktop.change_log_settings(opened.desktop.log_settings.changed(file_level="trace"))
            async with aiohttp.ClientSession() as session:
                await session.post(f"{opened.url}/api/logs", data=b'{"level":"trace","message":"low"}')
            assert len(log_lines(tmp_path, "application")) == 1

    run(body())
    assert json.loads((tmp_path / "settings.json").read_text())["file_level"] == "trace"


def test_a_closed_window_leaves_nothing_behind(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    async def body() -> None:
        before = asyncio.all_tasks()
        async with Opened(qapp, tmp_path) as opened:
            port = int(opened.url.rpartition(":")[2])
            await opened.post("last words")
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
        assert opened.exit_code == 0
        assert asyncio.all_tasks() == before

    run(body())
    assert [json.loads(line)["message"] for line in log_lines(tmp_path, "application")] == ["last words"]


def pool_threads() -> set[threading.Thread]:
    """Those that the loop keeps for `to_thread`."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")}


def test_whatever_fails_while_the_window_is_open_the_hub_is_stopped_in_order(
    run: Run, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ValueError("a fault of ours")

    async def body() -> None:
        desktop = Desktop(WindowOptions(0, "/socket.io", tmp_path), qapp)
        monkeypatch.setattr(LocalTab, "_tell_address", fail)
        before = set(threading.enumerate())
        with pytest.raises(ValueError, match="a fault of ours"):
            await desktop.run()
        assert desktop._hub.state.phase == "closed"
        await soon("no thread of the hub is left", lambda: not (set(threading.enumerate()) - before - pool_threads()))
        desktop._windows.front.close()
        desktop._windows.front.deleteLater()

    run(body())


def test_a_hub_that_is_not_loaded_yet_says_that_it_starts(tmp_path: Path) -> None:
    hub = LocalHub(tmp_path, LogSettings(), what="a test", report=pytest.fail)
    assert (hub.state.phase, hub.url, hub.address) == ("starting", "", "")
    assert hub.stats()["received"] == 0


def test_the_collector_is_told_what_lasts_before_a_tab_that_may_go_is_opened(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    class Noting(Collector):
        pages_when_settled = 0
        looks = 0

        def settle(self) -> None:
            self.pages_when_settled = len(desktop._windows.front.pages)

        def look(self, is_quiet: bool) -> None:
            self.looks += 1

    collector = Noting()
    nowhere = Opening(Target(ServerAddress("http://127.0.0.1:9")))
    desktop = Desktop(WindowOptions(0, "/socket.io", tmp_path, nowhere), qapp, collector)

    async def body() -> None:
        running = asyncio.ensure_future(desktop.run())
        await soon("it looks", lambda: collector.looks > 0)
        assert collector.pages_when_settled == 1
        await soon("the keyring was asked, and the tab is there", lambda: len(desktop._windows.front.pages) == 2)
        desktop._windows.front.close()
        await running
        desktop._windows.front.deleteLater()

    run(body())


def test_a_window_that_is_closed_while_it_opens_does_not_listen_any_more(
    run: Run, qapp: QApplication, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    remote = Opening(Target(ServerAddress("http://127.0.0.1:9")))

    async def body() -> None:
        desktop = Desktop(WindowOptions(0, "/socket.io", tmp_path, remote), qapp)
        running = asyncio.ensure_future(desktop.run())
        desktop._windows.front.closed.connect(lambda: heard.append(desktop._hub.state.phase))
        await asyncio.sleep(0)
        desktop._windows.front.close()
        assert await running == 0
        assert heard == ["starting"]
        assert len(desktop._windows.front.pages) == 1
        desktop._windows.front.deleteLater()

    heard: list[str] = []
    run(body())
    assert capfd.readouterr().out == ""


def test_a_signal_never_closes_the_window_in_the_middle_of_something(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            signal.raise_signal(signal.SIGTERM)
            assert opened.window.isVisible()
            await soon("it is closed", lambda: not opened.window.isVisible())
        assert opened.exit_code == 0

    run(body())
