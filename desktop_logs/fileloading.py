"""The log files that have a tab: when what reads them is loaded, and that it ends with it. Nothing is read here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from desktop_logs.core.feed import Feed
from desktop_logs.tasks import Tasks

if TYPE_CHECKING:
    from desktop_logs.filefeed import FileFeed


def load_file_feed() -> None:
    """Import what reading log files needs; to be called in a thread, for whoever opens one next."""
    import desktop_logs.filefeed  # noqa: F401


class OpenFiles:
    """Their feeds, by the tasks that read them."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._running: dict[Feed, tuple[FileFeed, asyncio.Task[None]]] = {}

    def open(self, path: str, most_records: int) -> Feed:
        """A feed of the file at the absolute *path*, which begins to read."""
        # Loaded when it is wanted: the first sight of the window does not wait for what formats of logs there are.
        from desktop_logs.filefeed import FileFeed

        feed = FileFeed(path, most_records=most_records)
        self._running[feed] = feed, self._read(feed)
        return feed

    def retry(self, feed: Feed) -> None:
        """Try again to read *feed*, if it is a file."""
        if feed in self._running:
            file, reading = self._running[feed]
            if reading.done():  # a fault of this program has ended it
                self._running[feed] = file, self._read(file)
            else:
                file.retry()

    def close(self, feed: Feed) -> None:
        """Let the file of *feed* go, if it is one."""
        if feed in self._running:
            self._running.pop(feed)[1].cancel()

    def _read(self, feed: FileFeed) -> asyncio.Task[None]:
        return self._tasks.start(feed.run(), f"read {feed.address}")
