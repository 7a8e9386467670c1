"""A whole window with its hub inside the test's own process, as the program puts it together. No assertions here."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from PySide6.QtWidgets import QApplication, QPushButton

from desktop_logs.app import Desktop, WindowOptions
from desktop_logs.core.connecting import Target
from desktop_logs.core.opening import Opening
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.loop import make_loop
from tests.support.asynchronous import soon

Run = Callable[[Coroutine[Any, Any, None]], None]
_WITHIN_S = 50


@contextmanager
def window_loop(application: QApplication) -> Iterator[Run]:
    """What runs a coroutine on the loop that the window has; signal handlers are as before afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    loop = make_loop(application)
    asyncio.set_event_loop(loop)

    def to_end(work: Coroutine[Any, Any, None]) -> None:
        loop.run_until_complete(asyncio.wait_for(work, _WITHIN_S))

    yield to_end
    asyncio.set_event_loop(None)
    loop.close()
    for number, handler in before.items():
        signal.signal(number, handler)


class Opened:
    """`async with Opened(application, folder) as opened:` — a running Desktop, closed in order at the end."""

    def __init__(
        self,
        application: QApplication,
        data_dir: Path,
        port: int = 0,
        server: Target | None = None,
        **options: Any,
    ) -> None:
        """*options* are further ones of WindowOptions."""
        plain = WindowOptions(port, "/socket.io", data_dir, Opening(server))
        self.desktop = Desktop(replace(plain, **options), application)
        self.window = self.desktop._windows.first
        self.hub = self.desktop._hub

    async def __aenter__(self) -> Opened:
        self._running = asyncio.ensure_future(self.desktop.run())
        await soon("the hub has tried to listen", lambda: self.hub.state.phase != "starting")
        return self

    async def __aexit__(self, *_: object) -> None:
        windows = self.desktop._windows
        windows.close()
        self.exit_code = await self._running
        for window in windows.all:
            window.deleteLater()

    @property
    def url(self) -> str:
        """Where its hub listens."""
        return self.hub.url

    @property
    def local(self) -> FeedPage:
        """The page of its hub."""
        return self.window.pages[0]

    def messages(self, page: int = 0) -> list[str]:
        """What a page shows; nothing while it is not there."""
        return [record.message for shown in self.window.pages[page : page + 1] for record in shown.model.shown]

    async def post(self, *messages: str) -> tuple[int, dict[str, Any]]:
        """Send *messages* to its hub; status and answer."""
        body = "\n".join(json.dumps({"message": message}) for message in messages)
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/api/logs", data=body) as response:
            return response.status, await response.json()

    def notices(self, page: int = 0) -> str:
        """All that is told above a page; nothing while it is not there."""
        pages = self.window.pages[page : page + 1]
        return " | ".join(text for shown in pages for text in shown.notices.texts.values())

    def press(self, label: str) -> None:
        """Click the one button that says *label* somewhere in the window and can be seen."""
        buttons = [button for button in self.window.findChildren(QPushButton) if button.text() == label]
        (button,) = [button for button in buttons if button.isVisible()]
        button.click()
