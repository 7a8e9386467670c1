"""What starts of the program and the system want to see: opened in the window that is meant. Nothing is heard here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

from desktop_logs.clientloading import load_client
from desktop_logs.core.errors import UserError
from desktop_logs.core.handover import Answer, Handover, unfollowed
from desktop_logs.core.opening import Opening, is_link, parse_link
from desktop_logs.fileloading import load_file_feed
from desktop_logs.tasks import Tasks
from desktop_logs.ui.window import MainWindow
from desktop_logs.ui.windowplace import bring_to_front
from desktop_logs.windows import Windows


class Openings:
    """Shows them, one tab after another, so that a window with a hundred of them goes on meanwhile."""

    def __init__(self, windows: Windows, tasks: Tasks, running: Callable[[], Mapping[str, str]]) -> None:
        """*running* says how the hub runs, by the names of HUB_OPTIONS."""
        self._windows = windows
        self._tasks = tasks
        self._running = running
        self._is_over = False
        windows.closed.connect(self._end)

    def show(self, opening: Opening) -> None:
        """Show *opening* in the window that is in front now, once what it takes is loaded."""
        if opening:
            self._tasks.start(self._show(opening, self._windows.front), "open what was asked for")

    def show_item(self, item: str) -> None:
        """Show a link or a file that the system wants opened."""
        bring_to_front(self._windows.front)
        self.show(Opening(links=(item,)) if is_link(item) else Opening(files=(item,)))

    def take(self, handover: Handover) -> Answer:
        """Do what a later start of the program asks for."""
        window = self._windows.open() if handover.new_window else self._windows.front
        bring_to_front(window, handover.activation)
        self.show(handover.opening)
        return Answer(os.getpid(), unfollowed(handover.asked, self._running()))

    # Inside

    async def _show(self, opening: Opening, window: MainWindow) -> None:
        if opening.server is not None or opening.links:
            await asyncio.to_thread(load_client)
        if opening.server is not None:
            named = self._still_open(window).remotes.open_with_kept_token(opening.server)
            self._tasks.start(named, f"connect to {opening.server.address.host}")
        for link in opening.links:
            try:
                self._still_open(window).remotes.offer(parse_link(link))
            except UserError as wrong:
                # Who clicked it in a browser sees no terminal, and of the window the tab in front.
                page = self._still_open(window).current_page
                if page is not None:
                    page.notices.clear_notice("link")  # it may be the one that was told of before, and dismissed
                    page.notices.show_notice("link", str(wrong))
        if opening.files:
            await asyncio.to_thread(load_file_feed)
        for path in opening.files:
            if self._is_over:
                return
            self._still_open(window).files.open(path)
            await asyncio.sleep(0)

    def _end(self) -> None:
        self._is_over = True

    def _still_open(self, window: MainWindow) -> MainWindow:
        """*window*, or the one in front when a person has closed it meanwhile."""
        return window if window in self._windows.all else self._windows.front
