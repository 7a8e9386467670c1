"""Qt and asyncio run on one loop."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop_logs.ui.loop import make_loop


def test_qt_timers_and_coroutines_share_the_loop(qapp: QApplication) -> None:
    loop = make_loop(qapp)
    asyncio.set_event_loop(loop)
    heard: list[str] = []

    async def work() -> str:
        done = loop.create_future()
        QTimer.singleShot(1, lambda: done.set_result("from Qt"))
        await asyncio.sleep(0.001)
        heard.append("from asyncio")
        return str(await done)

    try:
        assert loop.run_until_complete(work()) == "from Qt"
        assert heard == ["from asyncio"]
        assert not qapp.quitOnLastWindowClosed()
    finally:
        asyncio.set_event_loop(None)
        loop.close()
