"""Real programs that fail: each leaves a report without a word of its logs, and the next start tells of it once."""

from __future__ import annotations

import ctypes
import http.client
import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs.crashes import Crashes
from desktop_logs.crashfolder import CrashFolder
from tests.support.display import Display
from tests.support.program import Program, eventually
from tests.support.reports import SECRET, names, the_one

Start = Callable[..., Program]
FAULTY = """
import asyncio, sys
import desktop_logs.collector, desktop_logs.localhub, desktop_logs.storage.disk

SECRET = "hunter2-Zebra"

def fails(*_, **__):
    error = KeyError(SECRET)
    error.add_note(SECRET)
    raise error

async def fails_later(*_, **__):
    fails()

{patch}

from desktop_logs.cli import main
sys.exit(main())
"""
IN_MAIN = "desktop_logs.localhub.LocalHub.load = fails_later"
IN_A_CALLBACK = """
listen = desktop_logs.localhub.LocalHub.listen

async def listen_and_fail(*args):
    await listen(*args)
    asyncio.get_running_loop().call_later(0.1, fails)

desktop_logs.localhub.LocalHub.listen = listen_and_fail
"""
IN_A_TASK = """
listen = desktop_logs.localhub.LocalHub.listen

async def listen_and_fail(*args):
    await listen(*args)
    asyncio.get_running_loop().create_task(fails_later())

desktop_logs.localhub.LocalHub.listen = listen_and_fail
"""
IN_A_THREAD = """
import threading
listen = desktop_logs.localhub.LocalHub.listen

async def listen_and_fail(*args):
    await listen(*args)
    threading.Thread(target=fails).start()

desktop_logs.localhub.LocalHub.listen = listen_and_fail
"""
IN_A_SLOT = """
from PySide6.QtCore import QTimer
from desktop_logs.ui.window import MainWindow
show = MainWindow.show

def show_and_fail(window):
    show(window)
    window.failing = QTimer(window, interval=20)
    window.failing.timeout.connect(fails)
    window.failing.start()

MainWindow.show = show_and_fail
"""
ON_THE_DISK = "desktop_logs.localhub.LocalHub._hold_folder = fails"
IN_THE_WATCH = "import desktop_logs.localtab\ndesktop_logs.localtab.LocalTab.look = fails"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def folder(data: Path) -> CrashFolder:
    return CrashFolder(data / "crashes")


@pytest.fixture
def serve(start: Start, data: Path) -> Callable[..., Program]:
    """Starts `desktop-logs serve`, with a fault planted before where a patch is given."""

    def begin(patch: str = "") -> Program:
        return start([sys.executable, "-c", FAULTY.format(patch=patch), "serve", "--port", "0", "--data-dir", data])

    return begin


@pytest.fixture
def window(start: Start, display: Display, data: Path) -> Callable[..., Program]:
    """The same with the window."""

    def begin(patch: str = "", **env: str) -> Program:
        command = [sys.executable, "-c", FAULTY.format(patch=patch), "--port", "0", "--data-dir", data]
        return start(command, env=display.env(**env))

    return begin


def post(program: Program, message: str) -> None:
    """Give *program* a log that must not be found again in a report."""
    port = int(program.line_with("^listening on ").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/api/logs", json.dumps([{"message": message}]).encode())
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def fault(program: Program, number: int) -> None:
    """The signal as a fault in the main thread raises it. One to the whole process any of its threads may get."""
    assert ctypes.CDLL(None).tgkill(program.pid, program.pid, number) == 0


# --- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_signal_that_ends_a_hub_becomes_a_report_that_the_next_start_tells_once(
    serve: Callable[..., Program], folder: CrashFolder, number: signal.Signals
) -> None:
    first = serve()
    post(first, SECRET)
    fault(first, number)
    assert first.wait() == -number
    assert [name.split("-")[0] for name in names(folder)] == ["running"]

    second = serve()
    said = second.error_with(r"ended unexpectedly (today|on \w+) at")
    report, text = the_one(folder)
    assert str(report.path) in said
    assert f"-{first.pid}.txt" in report.path.name
    assert "Fatal Python error" in text
    assert "in _serve" in text  # where it stood
    second.line_with("^history")
    assert second.end() == 0
    assert names(folder) == [report.path.name]

    third = serve()
    third.line_with("^history")
    third.end()
    assert not any("unexpectedly" in line for line in third.stderr)


BUSY = """
import json, sys, threading, time
from pathlib import Path
from desktop_logs.crashes import Crashes

def deep(n):
    return n and deep(n - 1) + 1

def work():
    while True:
        json.loads('[1, 2, {"a": [3]}]')
        [each for each in map(deep, (1, 5, 9))]

def where_it_stood():
    time.sleep(100)

with Crashes(Path(sys.argv[1]), "test"):
    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    threading.Timer(0.2, print, ["it sleeps"], {"flush": True}).start()
    where_it_stood()
"""


def test_threads_that_go_on_meanwhile_do_not_spoil_the_report_of_a_signal(
    start: Callable[..., Program], folder: CrashFolder
) -> None:
    for _ in range(8):
        program = start([sys.executable, "-c", BUSY, folder.path])
        program.line_with("it sleeps")
        fault(program, signal.SIGFPE)
        assert program.wait() == -signal.SIGFPE
        (left,) = folder.path.glob("running-*")
        assert "in where_it_stood" in left.read_text(encoding="utf-8")
        left.unlink()


def test_the_last_counters_are_in_the_report_of_a_signal(serve: Callable[..., Program], folder: CrashFolder) -> None:
    program = serve("import desktop_logs.crashes\ndesktop_logs.crashes.COUNTERS_EVERY_S = 0.0")
    post(program, "a")
    running = next(folder.path.glob("running-*"))
    eventually("the counters are kept", lambda: "  stored           1\n" in running.read_text())
    fault(program, signal.SIGSEGV)
    program.wait()
    with Crashes(folder.path, "serve"):
        assert "  stored           1\n" in the_one(folder)[1]


def test_what_is_killed_has_not_crashed(serve: Callable[..., Program], folder: CrashFolder) -> None:
    program = serve()
    program.line_with("^history")
    program.signal(signal.SIGKILL)
    program.wait()
    second = serve()
    second.line_with("^history")
    assert names(folder) == [f"running-{second.pid}.txt"]
    second.end()
    assert names(folder) == []
    assert not any("unexpectedly" in line for line in second.stderr)


def test_a_program_that_runs_is_no_crash_for_another(serve: Callable[..., Program], folder: CrashFolder) -> None:
    running = serve()
    running.line_with("^history")
    other = serve()
    assert other.wait() == 2  # the folder is in use
    assert names(folder) == [f"running-{running.pid}.txt"]
    running.end()


def test_a_signal_that_ends_the_window_is_offered_at_the_next_start(
    window: Callable[..., Program], folder: CrashFolder
) -> None:
    first = window()
    post(first, SECRET)
    fault(first, signal.SIGABRT)
    assert first.wait() == -signal.SIGABRT
    second = window()
    second.line_with("^listening")
    report, text = the_one(folder)
    assert folder.unseen() == [report]
    assert "PySide6" in text
    assert "Screen           xcb" in text
    assert second.end() == 0
    assert folder.unseen() == [report]  # nobody has looked
    assert not list(folder.path.glob("running-*"))


def test_a_fatal_error_of_qt_is_a_crash(window: Callable[..., Program], folder: CrashFolder) -> None:
    program = window(QT_QPA_PLATFORM="none-such")
    assert program.wait() == -signal.SIGABRT
    with Crashes(folder.path, "window"):
        _, text = the_one(folder)
    assert "Aborted" in text
    assert "_run_window" in text


# --- exceptions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", ["serve", "window"])
def test_an_exception_that_ends_the_program_is_reported_and_told_as_before(
    request: pytest.FixtureRequest, folder: CrashFolder, program: str
) -> None:
    begin: Callable[..., Program] = request.getfixturevalue(program)
    failing = begin(IN_MAIN)
    assert failing.wait() == 1
    assert any(line.startswith("KeyError") for line in failing.stderr)
    report, text = the_one(folder)
    assert report.ended
    assert any(str(report.path) in line for line in failing.stderr)
    assert "KeyError: (its message is left out" in text
    assert re.search(f"Program +{program}\n", text)
    assert names(folder) == [report.path.name, report.path.with_suffix(".unseen").name]

    second = begin()
    second.line_with("^listening")
    if program == "serve":
        second.error_with("ended unexpectedly")
    else:
        assert folder.unseen() == [report]
    assert second.end() == 0


@pytest.mark.parametrize("patch", [IN_A_CALLBACK, IN_A_TASK, IN_A_THREAD], ids=["callback", "task", "thread"])
@pytest.mark.parametrize("program", ["serve", "window"])
def test_a_fault_that_the_program_survives_is_reported_at_once(
    request: pytest.FixtureRequest, folder: CrashFolder, program: str, patch: str
) -> None:
    begin: Callable[..., Program] = request.getfixturevalue(program)
    failing = begin(patch)
    failing.error_with("A report of this fault is in")
    report, text = the_one(folder)
    assert not report.ended
    assert "the program went on" in text
    assert any("Traceback" in line for line in failing.stderr)
    post(failing, "it goes on")
    assert failing.end() == 0


def test_a_fault_in_a_slot_that_comes_again_and_again_is_one_report(
    window: Callable[..., Program], folder: CrashFolder
) -> None:
    program = window(IN_A_SLOT)
    eventually("it has failed often", lambda: sum("KeyError" in line for line in program.stderr) > 5)
    the_one(folder)
    assert sum("A report of this fault" in line for line in program.stderr) == 1
    assert program.end() == 0


def test_a_task_of_the_window_that_fails_is_reported(window: Callable[..., Program], folder: CrashFolder) -> None:
    program = window(IN_THE_WATCH)
    program.error_with("watch failed: .*This is a fault of Desktop Logs")
    _, text = the_one(folder)
    assert "Desktop._watch" in text
    assert program.end() == 0


def test_a_fault_that_the_disk_thread_outlives_is_reported(serve: Callable[..., Program], folder: CrashFolder) -> None:
    program = serve(ON_THE_DISK)
    program.error_with("Cannot write log files in .*This is a fault of Desktop Logs: report it")
    _, text = the_one(folder)
    assert "DiskThread._attempt" in text
    assert program.end() == 0


def test_a_short_command_says_on_stderr_where_it_stood(start: Start) -> None:
    patch = (
        "import os, signal, desktop_logs.send\ndesktop_logs.send.send = lambda _: os.kill(os.getpid(), signal.SIGSEGV)"
    )
    program = start([sys.executable, "-c", FAULTY.format(patch=patch), "send", "hello"])
    assert program.wait() == -signal.SIGSEGV
    assert any("Fatal Python error: Segmentation fault" in line for line in program.stderr)
