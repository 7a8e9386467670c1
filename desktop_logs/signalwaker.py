"""Signals while Qt waits: Python is called for them at once. What a signal does others say."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress

from PySide6.QtCore import QSocketNotifier


class SignalWaker:
    """Lets Python see a signal while Qt waits: Qt wakes for what the signal writes into a socket, and calls Python."""

    def __init__(self) -> None:
        # A socket and not a pipe: Windows can wait for nothing else.
        self._receiver, self._sender = socket.socketpair()
        for end in (self._receiver, self._sender):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._receiver.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(self._drain)
        self._before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)

    def close(self) -> None:
        """Wake no longer, and leave to Python what it had."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        self._receiver.close()
        self._sender.close()

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            self._receiver.recv(4096)
