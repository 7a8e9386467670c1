"""The event loop that Qt and asyncio share. It is made here and nowhere else."""

from __future__ import annotations

import asyncio
import os

# PySide6 first, and named: qasync takes whichever Qt binding it finds imported, or else installed (design.md).
from PySide6.QtWidgets import QApplication

# Rejected, with what tests/bench/loop.py measures of them: processor time of a callback put in with many, of one that
# puts in the next, and of a 100-byte message over a local socket. Ours: 1.6, 1.9 and 28 µs; asyncio alone 0.7, 2.4, 20.
# - qasync as shipped, 14, 7.2 and 41 µs: each call_soon is a Qt timer of its own, each readiness is one more, with the
#   notifier off and on. `log` events into a window: 1,240/s, and 7,700/s with all callbacks in one turn (design.md).
# - asyncio first, with Qt's processEvents pumped every 5 ms: as fast as asyncio, but 3 % of a core while idle, a click
#   waits up to 5 ms, and asyncio stands still as long as a menu is open.
# - a posted event instead of a zero timer for the next turn: as fast, but under glib Qt's timers then wait for three
#   turns, and for one at most now.
# - PySide6.QtAsyncio: not in PySide6-Essentials, and it has no sockets.
# - sys.setswitchinterval of 1 ms, so that the disk's thread gives the interpreter back sooner: at 30,000 records/s the
#   longest stall is 20 ms instead of 29 (medians of 6 runs that differ by twice as much), but at full speed 48,500
#   records/s instead of 60,400, with stalls of 19 ms instead of 13.
# - a server thread with its own loop: 14,200 events/s, and stalls of up to 817 ms (design.md).


def make_loop(app: QApplication) -> asyncio.AbstractEventLoop:
    """An asyncio loop that runs on the events of *app*. The caller sets it as the current one and closes it."""
    os.environ["QT_API"] = "pyside6"
    from desktop_logs.ui.eventloop import TurnLoop

    # Closing the last window begins an orderly shutdown; Qt must not end the loop in the middle of it.
    app.setQuitOnLastWindowClosed(False)
    return TurnLoop(app)
