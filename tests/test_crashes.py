"""Real programs that fail: each leaves a report without a word of its logs, and the next start tells of it once."""

from __future__ import annotations

import asyncio
import errno
import faulthandler
import http.client
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from desktop_logs import __version__
from desktop_logs.crashes import MOST_A_RUN, Crashes
from desktop_logs.crashfolder import CrashFolder, Report
from tests.support.display import Display
from tests.support.program import Program, eventually

Start = Callable[..., Program]
SECRET = "hunter2-Zebra"

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
IN_THE_WATCH = "import desktop_logs.localtab\ndesktop_logs.localtab.LocalTab.look = fails"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def folder(data: Path) -> CrashFolder:
    return CrashFolder(data / "crashes")


def names(folder: CrashFolder) -> list[str]:
    return sorted(os.listdir(folder.path)) if folder.path.exists() else []


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


def the_one(folder: CrashFolder) -> tuple[Report, str]:
    (report,) = eventually("a report is there", folder.reports)
    text = report.text()
    assert SECRET not in text
    assert report.path.stat().st_mode & 0o077 == 0
    for wanted in ("holds no log contents", f"Desktop Logs +{__version__}\n", "Python +3", "Last counters"):
        assert re.search(wanted, text), text
    return report, text


# --- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_a_signal_that_ends_a_hub_becomes_a_report_that_the_next_start_tells_once(
    serve: Callable[..., Program], folder: CrashFolder, number: signal.Signals
) -> None:
    first = serve()
    post(first, SECRET)
    first.signal(number)
    assert first.wait() == -number
    assert [name.split("-")[0] for name in names(folder)] == ["running"]

    second = serve()
    said = second.error_with("ended unexpectedly today at")
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


def test_the_last_counters_are_in_the_report_of_a_signal(serve: Callable[..., Program], folder: CrashFolder) -> None:
    program = serve()
    post(program, "a")
    running = next(folder.path.glob("running-*"))
    eventually("the counters are kept", lambda: "  received         1\n" in running.read_text())
    program.signal(signal.SIGSEGV)
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
    first.signal(signal.SIGABRT)
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


# --- the reporter itself --------------------------------------------------------------------------------------------


@contextmanager
def heard(folder: CrashFolder) -> Iterator[Crashes]:
    """Crashes inside the test's own process, under Python's own hooks, which it must give back."""
    before = sys.excepthook, threading.excepthook
    plain = sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__
    try:
        with Crashes(folder.path, "serve") as crashes:
            yield crashes
    finally:
        assert (sys.excepthook, threading.excepthook) == plain
        sys.excepthook, threading.excepthook = before
        faulthandler.enable(sys.__stderr__)  # pytest's own


class TestCrashes:
    def test_many_different_faults_make_a_few_reports(self, folder: CrashFolder) -> None:
        with heard(folder) as crashes:
            for number in range(MOST_A_RUN * 2):
                crashes.note(made_in_a_line_of_its_own(number))
            assert len(folder.reports()) == MOST_A_RUN

    def test_a_flood_of_one_fault_costs_little_and_makes_one_report(self, folder: CrashFolder) -> None:
        told: list[Report] = []
        with heard(folder) as crashes:
            crashes.tell = told.append
            failure = made_in_a_line_of_its_own(0)
            for _ in range(10_000):
                crashes.note(failure)
        assert told == folder.reports()

    def test_an_end_is_reported_even_after_many_faults(self, folder: CrashFolder) -> None:
        def run() -> None:
            with heard(folder) as crashes:
                for number in range(MOST_A_RUN):
                    crashes.note(made_in_a_line_of_its_own(number))
                raise made_in_a_line_of_its_own(0)

        with pytest.raises(ValueError, match=SECRET):
            run()
        assert [report.ended for report in folder.reports()].count(True) == 1

    def test_what_is_asked_for_and_what_is_explained_are_no_faults(self, folder: CrashFolder) -> None:
        from desktop_logs.core.errors import UserError

        for orderly in (UserError("no"), SystemExit(3), KeyboardInterrupt()):

            def run(orderly: BaseException = orderly) -> None:
                with heard(folder):
                    raise orderly

            with pytest.raises(type(orderly)):
                run()
        assert names(folder) == []

    def test_where_the_folder_cannot_be_made_the_program_runs_all_the_same(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "data").write_text("in the way")
        with heard(CrashFolder(tmp_path / "data" / "crashes")) as crashes:
            crashes.know(Screen="none")
            crashes.look(lambda: {"received": 1})
            crashes.note(ValueError(SECRET))
        assert "No report of this fault could be written" in capsys.readouterr().err

    def test_a_full_disk_hides_no_fault(
        self, folder: CrashFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(*_: Any, **__: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(CrashFolder, "write", full)
        with heard(folder):
            sys.excepthook(ValueError, ValueError("the first"), None)
        said = capsys.readouterr().err
        assert "ValueError: the first" in said
        assert "No space left on device" in said

    def test_a_fault_in_the_reporter_hides_none(
        self, folder: CrashFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("desktop_logs.crashes.describe", lambda *_: 1 / 0)
        with heard(folder):
            sys.excepthook(ValueError, ValueError("the first"), None)
        said = capsys.readouterr().err
        assert "ValueError: the first" in said
        assert "No report of this fault could be made: ZeroDivisionError." in said

    def test_who_is_told_may_fail(self, folder: CrashFolder) -> None:
        with heard(folder) as crashes:
            crashes.tell = lambda _report: 1 // 0
            crashes.note(made_in_a_line_of_its_own(0))
        assert len(folder.reports()) == 1

    def test_faults_of_many_threads_at_once_are_all_told(self, folder: CrashFolder) -> None:
        with heard(folder) as crashes:
            failures = [made_in_a_line_of_its_own(number) for number in range(MOST_A_RUN)]
            threads = [threading.Thread(target=crashes.note, args=(failure,)) for failure in failures]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(folder.reports()) == MOST_A_RUN

    def test_counters_are_asked_for_now_and_then(self, folder: CrashFolder) -> None:
        asked: list[int] = []

        def stats() -> dict[str, int]:
            asked.append(1)
            return {"received": len(asked)}

        with heard(folder) as crashes:
            for _ in range(100):
                crashes.look(stats)
        assert len(asked) == 1

    def test_what_the_network_refuses_in_a_task_nobody_waits_for_is_told_and_no_report(
        self, folder: CrashFolder
    ) -> None:
        told: list[str] = []

        class Loop(asyncio.SelectorEventLoop):
            def default_exception_handler(self, context: dict[str, Any]) -> None:
                told.append(context["message"])

        loop = Loop()
        with heard(folder) as crashes:
            crashes.hear(loop)
            loop.call_exception_handler({"message": "reset", "exception": ConnectionResetError(SECRET)})
            loop.call_exception_handler({"message": "no exception"})
            assert folder.reports() == []
            loop.call_exception_handler({"message": "fault", "exception": made_in_a_line_of_its_own(0)})
        loop.close()
        assert told == ["reset", "no exception", "fault"]
        the_one(folder)

    def test_the_home_folder_is_not_named(self, folder: CrashFolder, home: Path) -> None:
        with heard(folder) as crashes:
            try:
                exec(compile("1 / 0", str(home / "plugin.py"), "exec"))
            except ZeroDivisionError as failure:
                crashes.note(failure)
        _, text = the_one(folder)
        assert "~/plugin.py, line 1" in text.replace(os.sep, "/")
        assert str(home) not in text


def made_in_a_line_of_its_own(number: int) -> ValueError:
    """One of up to a hundred different faults, with a log in it."""
    code = compile("\n" * number + f"raise ValueError({SECRET!r})", "made.py", "exec")
    try:
        exec(code)
    except ValueError as failure:
        return failure
    raise AssertionError
