"""Log files that have a tab: read while they have it, and let go with it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from desktop_logs.core.logtext import LogText
from desktop_logs.fileloading import OpenFiles
from desktop_logs.tasks import Tasks
from tests.support.asynchronous import soon


async def test_open_files_are_closed_and_retried_by_their_feed(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    failures: list[tuple[str, BaseException]] = []
    tasks = Tasks(lambda name, failure: failures.append((name, failure)))
    files = OpenFiles(tasks)
    path.mkdir()
    feed = files.open(str(path), 1_000)
    await soon("it has failed", lambda: feed.state.phase == "failed")
    path.rmdir()
    path.write_text("one\n", encoding="utf-8")
    files.retry(feed)
    await soon("it is read", lambda: feed.head == 1)
    files.close(feed)
    await soon("it has ended", lambda: not len(tasks))
    files.close(feed)  # twice is once
    files.retry(feed)
    assert failures == []
    assert not _is_open(path)


async def test_a_file_whose_reading_a_fault_has_ended_says_so_and_is_read_on_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\n", encoding="utf-8")
    failures: list[tuple[str, BaseException]] = []
    tasks = Tasks(lambda name, failure: failures.append((name, failure)))
    files = OpenFiles(tasks)
    fault = MemoryError()

    def parse(*_: object) -> None:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr(LogText, "parse", parse)
        feed = files.open(str(path), 1_000)
        await soon("its task has ended", lambda: not len(tasks))
    assert failures == [(f"read {path}", fault)]
    assert feed.state.phase == "failed"
    assert feed.state.problem == f"{path} is read no further. This is a fault of Desktop Logs: report it."
    assert not _is_open(path)
    with path.open("a", encoding="utf-8") as file:
        file.write("two\n")
    files.retry(feed)
    await soon("it goes on", lambda: [record.message for record in feed.since(0)] == ["two"])
    await soon("all is well", lambda: feed.state.phase == "live")
    files.close(feed)
    await soon("it has ended", lambda: not len(tasks))


def _is_open(path: Path) -> bool:
    """Whether this process has a file of that name open."""
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if os.readlink(entry) == str(path):
                return True
    return False
