"""Faults are heard where they happen and reported once; a fault in the reporter itself hides none."""

from __future__ import annotations

import asyncio
import errno
import faulthandler
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import desktop_logs.crashes
from desktop_logs.crashes import MOST_A_RUN, Crashes
from desktop_logs.crashfolder import CrashFolder, Report
from desktop_logs.runningfile import RunningFile
from tests.support.reports import SECRET, names, the_one


@pytest.fixture
def folder(tmp_path: Path) -> CrashFolder:
    return CrashFolder(tmp_path / "data" / "crashes")


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


def made_in_a_line_of_its_own(number: int) -> ValueError:
    """One of up to a hundred different faults, with a log in it."""
    code = compile("\n" * number + f"raise ValueError({SECRET!r})", "made.py", "exec")
    try:
        exec(code)
    except ValueError as failure:
        return failure
    raise AssertionError


def test_many_different_faults_make_a_few_reports(folder: CrashFolder) -> None:
    with heard(folder) as crashes:
        for number in range(MOST_A_RUN * 2):
            crashes.note(made_in_a_line_of_its_own(number))
        assert len(folder.reports()) == MOST_A_RUN


def test_a_flood_of_one_fault_costs_little_and_makes_one_report(folder: CrashFolder) -> None:
    told: list[Report] = []
    with heard(folder) as crashes:
        crashes.tell = told.append
        failure = made_in_a_line_of_its_own(0)
        for _ in range(10_000):
            crashes.note(failure)
    assert told == folder.reports()


def test_an_end_is_reported_even_after_many_faults(folder: CrashFolder) -> None:
    def run() -> None:
        with heard(folder) as crashes:
            for number in range(MOST_A_RUN):
                crashes.note(made_in_a_line_of_its_own(number))
            raise made_in_a_line_of_its_own(0)

    with pytest.raises(ValueError, match=SECRET):
        run()
    assert [report.ended for report in folder.reports()].count(True) == 1


def test_what_is_asked_for_and_what_is_explained_are_no_faults(folder: CrashFolder) -> None:
    from desktop_logs.core.errors import UserError

    for orderly in (UserError("no"), SystemExit(3), KeyboardInterrupt()):

        def run(orderly: BaseException = orderly) -> None:
            with heard(folder):
                raise orderly

        with pytest.raises(type(orderly)):
            run()
    assert names(folder) == []


def test_where_the_folder_cannot_be_made_the_program_runs_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("in the way")
    with heard(CrashFolder(tmp_path / "data" / "crashes")) as crashes:
        crashes.know(Screen="none")
        crashes.look(lambda: {"received": 1})
        crashes.note(ValueError(SECRET))
    assert "No report of this fault could be written" in capsys.readouterr().err


def test_a_full_disk_hides_no_fault(
    folder: CrashFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(CrashFolder, "write", full)
    with heard(folder):
        sys.excepthook(ValueError, ValueError("the first"), None)
    said = capsys.readouterr().err
    assert "ValueError: the first" in said
    assert "No space left on device" in said


def test_a_full_disk_hides_no_end_of_an_earlier_run(
    folder: CrashFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.make()
    gone = RunningFile(folder.path)
    os.write(gone.file, b"Fatal Python error: Aborted\n")
    os.close(gone.file)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(CrashFolder, "write", full)
    with heard(folder):
        said = capsys.readouterr().err
    assert re.search(r"Desktop Logs ended unexpectedly (today|on \w+) at", said)
    assert f"No report of it could be written in {folder.path}: No space left on device." in said


def test_a_fault_in_the_reporter_hides_none(
    folder: CrashFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("desktop_logs.core.faulttrace.describe", lambda *_: 1 / 0)
    with heard(folder):
        sys.excepthook(ValueError, ValueError("the first"), None)
    said = capsys.readouterr().err
    assert "ValueError: the first" in said
    assert "No report of this fault could be made: ZeroDivisionError." in said


def test_who_is_told_may_fail(folder: CrashFolder) -> None:
    with heard(folder) as crashes:
        crashes.tell = lambda _report: 1 // 0
        crashes.note(made_in_a_line_of_its_own(0))
    assert len(folder.reports()) == 1


def test_faults_of_many_threads_at_once_are_all_told(folder: CrashFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop_logs.crashes, "_PATIENCE_S", 30.0)
    with heard(folder) as crashes:
        failures = [made_in_a_line_of_its_own(number) for number in range(MOST_A_RUN)]
        threads = [threading.Thread(target=crashes.note, args=(failure,)) for failure in failures]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(folder.reports()) == MOST_A_RUN


def test_counters_are_asked_for_now_and_then(folder: CrashFolder) -> None:
    asked: list[int] = []

    def stats() -> dict[str, int]:
        asked.append(1)
        return {"received": len(asked)}

    with heard(folder) as crashes:
        for _ in range(100):
            crashes.look(stats)
    assert len(asked) == 1


def test_what_the_network_refuses_in_a_task_nobody_waits_for_is_told_and_no_report(folder: CrashFolder) -> None:
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


def test_the_home_folder_is_not_named(folder: CrashFolder, home: Path) -> None:
    with heard(folder) as crashes:
        try:
            exec(compile("1 / 0", str(home / "plugin.py"), "exec"))
        except ZeroDivisionError as failure:
            crashes.note(failure)
    _, text = the_one(folder)
    assert "~/plugin.py, line 1" in text.replace(os.sep, "/")
    assert str(home) not in text
