"""Log files that have a tab: read while they have it, and let go with it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

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


def _is_open(path: Path) -> bool:
    """Whether this process has a file of that name open."""
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if os.readlink(entry) == str(path):
                return True
    return False
