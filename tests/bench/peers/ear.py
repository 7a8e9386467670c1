"""What every measured window has beside its own: a stall meter, and an ear for commands. On PySide6 and on PyQt5.

A command is a line of JSON on stdin, {"do": NAME, …its arguments}; its answer a line on stdout, {"done": NAME, …}.
Times are seconds of CLOCK_MONOTONIC, which Python's perf_counter and Node's hrtime show alike in all processes.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

try:
    from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer
except ImportError:  # cutelog's environment
    from PyQt5.QtCore import QObject, QSocketNotifier, Qt, QTimer

INTERVAL_MS = 5
QUIET_S = 10.0
"""After so long without a new row no more are waited for."""

Answer = Callable[..., None]
Command = Callable[..., "dict[str, Any] | None"]


class Ear(QObject):
    """Make one when the application object is there. *rows* tells how many rows the table has."""

    def __init__(self, rows: Callable[..., int], commands: dict[str, Command] | None = None) -> None:
        super().__init__()
        self._rows = rows
        self._commands: dict[str, Command] = {
            "reset": self._reset,
            "rows": self._wait_for_rows,
            "stall": lambda: {"stall_ms": self.longest_ms},
            "tidy": _tidy,
            **(commands or {}),
        }
        self._waiting: list[tuple[Callable[[], bool], Callable[[], None]]] = []
        self._unread = b""
        os.set_blocking(sys.stdin.fileno(), False)
        self._notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._hear)
        self._longest_s = 0.0
        self._last_s = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(INTERVAL_MS)

    @property
    def longest_ms(self) -> float:
        """How late the meter's timer came at most since the last reset: what a click would have waited at least."""
        return self._longest_s * 1000

    def reset(self) -> None:
        """Forget the stalls until now."""
        self._longest_s = 0.0
        self._last_s = time.perf_counter()

    def when(self, condition: Callable[[], bool], act: Callable[[], None]) -> None:
        """Call *act* once, at the first tick at which *condition* holds."""
        self._waiting.append((condition, act))

    def say(self, name: str, **answer: Any) -> None:
        """Answer the command *name*."""
        sys.stdout.write(json.dumps({"done": name, **answer}) + "\n")
        sys.stdout.flush()

    def _reset(self) -> dict[str, Any]:
        self.reset()
        return {}

    def _wait_for_rows(self, count: int, **where: Any) -> None:
        """Answer when there are *count* rows, or when none has come for a while: how many, and since when."""
        rows, at_s = 0, time.perf_counter()

        def has_ended() -> bool:
            nonlocal rows, at_s
            if rows != (rows := self._rows(**where)):
                at_s = time.perf_counter()
            return rows >= count or time.perf_counter() - at_s > QUIET_S

        self.when(has_ended, lambda: self.say("rows", rows=rows, at_s=at_s))

    def _tick(self) -> None:
        now_s = time.perf_counter()
        self._longest_s = max(self._longest_s, now_s - self._last_s - INTERVAL_MS / 1000)
        self._last_s = now_s
        for entry in self._waiting[:]:
            condition, act = entry
            if condition():
                self._waiting.remove(entry)
                act()

    def _hear(self) -> None:
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:  # whoever measures has gone, and so does the window
            os._exit(0)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            arguments = json.loads(line)
            name = arguments.pop("do")
            answer = self._commands[name](**arguments)
            if answer is not None:
                self.say(name, **answer)


def _tidy() -> dict[str, Any]:
    """Give back what only the allocator still holds, so that memory is that of what is kept."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return {}
