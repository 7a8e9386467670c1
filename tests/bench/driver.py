"""The real program, started as it starts itself, with an ear: what is measured inside is measured in its own process.

    python -m tests.bench.driver --port 0 --data-dir D [--connect URL …]

takes the program's arguments, and commands on stdin (peers/ear.py).
"""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from PySide6.QtWidgets import QApplication

import desktop_logs.app
from desktop_logs.cli import main
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.window import MainWindow
from tests.bench.filterwatch import FilterWatch
from tests.bench.peers.ear import Ear
from tests.bench.texts import Filter

_LAST_NUMBER = re.compile(r"\d+$")


class Driven(desktop_logs.app.Desktop):
    """The window with its hub, which also answers."""

    async def run(self) -> int:
        self._ear = Ear(
            lambda page=0: len(_page(page).model.held),
            {
                "live": self._wait_until_live,
                "numbers": _check_numbers,
                "filter": self._filter,
                "clear": self._clear_filter,
                "open": self._open_file,
            },
        )
        return await super().run()

    def _wait_until_live(self, page: int) -> None:
        feed = _page(page).feed
        self._ear.when(lambda: feed.state.phase == "live", lambda: self._ear.say("live"))

    def _filter(self, **wanted: Any) -> None:
        """Change the filter, and answer when it is complete and the view right."""
        watch = FilterWatch(_page(0), Filter(**wanted))

        def begin() -> None:
            self._ear.reset()
            watch.begin()
            self._ear.when(lambda: watch.is_over, lambda: self._ear.when(_after(0.1), tell))

        def tell() -> None:
            stall_ms = self._ear.longest_ms
            self._ear.say("filter", stall_ms=stall_ms, **watch.result())

        # The reference takes a while to work out, and what came meanwhile must be in the model first.
        self._ear.when(_after(0.5), begin)

    def _open_file(self, path: str) -> dict[str, Any]:
        _window().files.open(path)
        return {}

    def _clear_filter(self) -> None:
        page = _page(0)
        page.bar.clear()
        self._ear.when(lambda: not page.model.is_filtering, lambda: self._ear.say("clear"))


def _after(seconds: float) -> Any:
    due_s = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= due_s


def _window() -> MainWindow:
    (window,) = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow)]
    return window


def _page(number: int) -> FeedPage:
    return _window().pages[number]


def _check_numbers(page: int, count: int) -> dict[str, Any]:
    """Of messages that end in the numbers 1 to *count*: how many are missing, and how many came twice."""
    found = [_LAST_NUMBER.search(record.message) for record in _page(page).model.held]
    numbers = [int(match[0]) for match in found if match]
    return {"missing": len(set(range(1, count + 1)) - set(numbers)), "twice": len(numbers) - len(set(numbers))}


if __name__ == "__main__":
    desktop_logs.app.Desktop = Driven  # type: ignore[misc]  # the program looks its window up there
    sys.exit(main(sys.argv[1:]))
