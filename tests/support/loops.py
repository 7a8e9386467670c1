"""The window's loop for one test, closed in order whatever the test did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtWidgets import QApplication

from desktop_logs.ui.loop import make_loop


@contextmanager
def window_loop(app: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    """The loop, current for the thread until the end, when it is closed."""
    loop = make_loop(app)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()
