"""Sockets that are ready, as handles in the loop's own queue: one Qt notifier for each, and no timer between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QSocketNotifier


class ReadyHandle(asyncio.Handle):
    """What runs when a file descriptor is ready, as often as it is, until it is cancelled.

    Ready is what stays ready until somebody reads: the notifier speaks again in each pass of Qt. As long as the handle
    waits for its turn, or runs (a nested Qt loop may be inside), the second such word silences the notifier until the
    handle has run. Silencing it every time, as qasync does, would cost two changes of Qt's poll set for each message.
    """

    __slots__ = ("_begin", "_is_due", "_is_silent", "_notifier", "fileobj")

    def __init__(
        self,
        fileobj: Any,
        number: int,
        kind: QSocketNotifier.Type,
        begin: Callable[[asyncio.Handle], None],
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        parent: QObject,
    ) -> None:
        """*begin* takes this handle into the queue. *fileobj* is what the caller named the descriptor *number* by."""
        super().__init__(callback, args, loop, None)
        self.fileobj = fileobj
        self._begin = begin
        self._is_due = False
        self._is_silent = False
        # With a parent it is Qt's to free: this handle may be dropped while the notifier is still speaking.
        self._notifier = QSocketNotifier(number, kind, parent)
        self._notifier.activated.connect(self._ready)

    def cancel(self) -> None:
        if not self._cancelled:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
        super().cancel()

    def _ready(self) -> None:
        if self._cancelled:
            return
        if self._is_due:
            self._is_silent = True
            self._notifier.setEnabled(False)
            return
        self._is_due = True
        self._begin(self)

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            self._is_due = False
            if self._is_silent and not self._cancelled:
                self._is_silent = False
                self._notifier.setEnabled(True)


def fileno_of(fileobj: Any) -> int:
    """The descriptor of an int or of anything with `fileno()`; -1 for what is closed. Raises ValueError for others."""
    if isinstance(fileobj, int):
        return fileobj
    try:
        return int(fileobj.fileno())
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"Invalid file object: {fileobj!r}") from None
