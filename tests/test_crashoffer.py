"""The notice that offers a crash report: shown, deleted or dismissed, it comes at no later start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QToolButton

from desktop_logs.crashes import Crashes
from desktop_logs.crashfolder import CrashFolder, Report
from desktop_logs.crashoffer import offer_reports
from tests.support.asynchronous import soon
from tests.support.desktops import Opened, Run


@pytest.fixture
def folder(tmp_path: Path) -> CrashFolder:
    return CrashFolder(tmp_path / "crashes")


def write(folder: CrashFolder, *, hours_ago: int = 1, ended: bool = True) -> Report:
    return folder.write("What  Segmentation fault", datetime.now(UTC) - timedelta(hours=hours_ago), 7, ended=ended)


def offer(opened: Opened, folder: CrashFolder) -> Crashes:
    crashes = Crashes(folder.path, "window")
    offer_reports(crashes, opened.desktop._windows, asyncio.get_running_loop())
    return crashes


def dismiss(opened: Opened) -> None:
    buttons = opened.local.notices.findChildren(QToolButton)
    (button,) = [one for one in buttons if one.accessibleName() == "Dismiss" and one.isVisible()]
    button.click()


def read(opened: Opened) -> str:
    """What the dialog of a report shows; empty while none is open."""
    views = opened.window.findChildren(QPlainTextEdit)
    return "".join(view.toPlainText() for view in views if view.accessibleName() == "Report" and view.isVisible())


@contextmanager
def no_notice_afterwards(opened: Opened, folder: CrashFolder) -> Iterator[None]:
    yield
    assert opened.notices() == ""
    assert folder.unseen() == []
    offer(opened, folder)  # as the next start does
    assert opened.notices() == ""


def test_a_report_is_shown_and_offered_no_more(run: Run, qapp: QApplication, folder: CrashFolder) -> None:
    report = write(folder)

    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            offer(opened, folder)
            assert "Desktop Logs ended unexpectedly " in opened.notices()
            assert "A report was written; it holds no log contents." in opened.notices()
            with no_notice_afterwards(opened, folder):
                opened.press("Show it")
                assert read(opened) == "What  Segmentation fault"
            opened.press("Close")
            assert folder.reports() == [report]

    run(body())


@pytest.mark.parametrize("act", [lambda opened: opened.press("Delete it"), dismiss], ids=["delete", "dismiss"])
def test_one_that_is_sent_away_is_offered_no_more(
    run: Run, qapp: QApplication, folder: CrashFolder, act: Callable[[Opened], None]
) -> None:
    report = write(folder)

    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            offer(opened, folder)
            with no_notice_afterwards(opened, folder):
                act(opened)
            assert report.path.exists() == (act is dismiss)

    run(body())


def test_one_that_nobody_has_touched_is_offered_again(run: Run, qapp: QApplication, folder: CrashFolder) -> None:
    report = write(folder)

    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            offer(opened, folder)

    run(body())
    assert folder.unseen() == [report]


def test_of_several_the_newest_is_offered(run: Run, qapp: QApplication, folder: CrashFolder) -> None:
    for hours_ago, ended in ((50, True), (30, True), (2, False)):
        write(folder, hours_ago=hours_ago, ended=ended)

    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            offer(opened, folder)
            assert "Something in Desktop Logs failed" in opened.notices()
            assert "There are 2 more beside it." in opened.notices()
            with no_notice_afterwards(opened, folder):
                opened.press("Delete it")
            assert len(folder.reports()) == 2

    run(body())


def test_one_that_is_gone_says_so(run: Run, qapp: QApplication, folder: CrashFolder) -> None:
    report = write(folder)

    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            offer(opened, folder)
            report.path.unlink()
            opened.press("Show it")
            assert "cannot be read: No such file" in read(opened)
            opened.press("Close")

    run(body())


def test_a_fault_that_the_window_survives_is_told_at_once_from_any_thread(
    run: Run, qapp: QApplication, folder: CrashFolder
) -> None:
    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            crashes = offer(opened, folder)
            thread = threading.Thread(target=crashes.note, args=(ValueError("a log"),))
            thread.start()
            await soon("it is told", lambda: "Something in Desktop Logs failed; it goes on." in opened.notices())
            thread.join()
            dismiss(opened)
            crashes.note(KeyError("another"))
            await soon("the next is told too", lambda: "it goes on." in opened.notices())
            opened.press("Show it")
            assert "KeyError" in read(opened)
            opened.press("Close")
            assert folder.unseen() == []

    run(body())


def test_one_that_is_settled_in_one_window_is_settled_in_all(run: Run, qapp: QApplication, folder: CrashFolder) -> None:
    write(folder)

    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            crashes = offer(opened, folder)
            second = opened.desktop._windows.open()
            assert second.pages[0].notices.texts == opened.local.notices.texts
            dismiss(opened)
            assert second.pages[0].notices.texts == {}
            second.close()
            crashes.note(ValueError("a log"))
            await soon("it is told in the one that is left", lambda: "it goes on." in opened.notices())

    run(body())


def test_a_fault_after_the_loop_has_closed_is_kept_all_the_same(
    run: Run, qapp: QApplication, folder: CrashFolder
) -> None:
    kept: list[Crashes] = []

    async def body() -> None:
        async with Opened(qapp, folder.path.parent) as opened:
            loop = asyncio.new_event_loop()
            loop.close()
            crashes = Crashes(folder.path, "window")
            offer_reports(crashes, opened.desktop._windows, loop)
            kept.append(crashes)

    run(body())
    kept[0].note(ValueError("a log"))
    assert len(folder.unseen()) == 1
