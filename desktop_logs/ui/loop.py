"""The event loop that Qt and asyncio share. It is made here and nowhere else."""

from __future__ import annotations

import asyncio
import os

# PySide6 first, and named: qasync takes whichever Qt binding it finds imported, or else installed (design.md).
from PySide6.QtWidgets import QApplication


def make_loop(app: QApplication) -> asyncio.AbstractEventLoop:
    """An asyncio loop that runs on the events of *app*. The caller sets it as the current one and closes it."""
    os.environ["QT_API"] = "pyside6"
    from desktop_logs.ui.eventloop import TurnLoop

    # Closing the last window begins an orderly shutdown; Qt must not end the loop in the middle of it.
    app.setQuitOnLastWindowClosed(False)
    return TurnLoop(app)
