"""A signal is heard while Qt waits for something else."""

from __future__ import annotations

import os
import signal
import threading

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from desktop_logs.signalwaker import SignalWaker


def test_a_signal_is_heard_while_qt_waits(qapp: QApplication) -> None:
    """Without a waker Python runs the handler only once some event calls Python: here, that of the timer."""
    heard: list[str] = []
    waiting = QEventLoop()
    before = signal.signal(signal.SIGTERM, lambda *_: (heard.append("signal"), waiting.quit()))
    waker = SignalWaker()
    late = QTimer()
    late.setSingleShot(True)
    late.timeout.connect(lambda: heard.append("timer"))
    late.start(10_000)
    try:
        late.timeout.connect(waiting.quit)
        threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        waiting.exec()
    finally:
        late.stop()
        waker.close()
        signal.signal(signal.SIGTERM, before)
    assert heard == ["signal"]
    assert signal.set_wakeup_fd(-1) == -1
