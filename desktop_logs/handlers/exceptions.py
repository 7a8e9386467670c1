"""Uncaught exceptions as log records: Python's three hooks, taken and given back. Knows no handlers."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any


class ExceptionCapture:
    """Logs to *logger* what nobody caught: in the main thread, in other threads, and where Python can only say that it
    ignored it. Exceptions in asyncio tasks are logged by asyncio itself.

    An exception is printed once. Python's own hook prints, and is left out while *is_printed(level)* says that a record
    of that level reaches the terminal anyway; another's hook (an error tracker's, a debugger's) is always called after
    the record is made. KeyboardInterrupt and SystemExit pass through.
    """

    def __init__(self, logger: logging.Logger, is_printed: Callable[[int], bool]) -> None:
        self._logger = logger
        self._is_printed = is_printed
        self._is_on = True
        self._main_before = sys.excepthook
        self._thread_before = threading.excepthook
        self._unraisable_before = sys.unraisablehook
        sys.excepthook = self._main
        threading.excepthook = self._thread
        sys.unraisablehook = self._unraisable

    def close(self) -> None:
        """Give the hooks back. One that somebody has wrapped since stays where it is and only passes on."""
        self._is_on = False
        if sys.excepthook == self._main:
            sys.excepthook = self._main_before
        if threading.excepthook == self._thread:
            threading.excepthook = self._thread_before
        if sys.unraisablehook == self._unraisable:
            sys.unraisablehook = self._unraisable_before

    def _main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logged = issubclass(kind, Exception) and self._log(logging.CRITICAL, "Uncaught exception", (kind, error, trace))
        if not (logged and self._main_before is sys.__excepthook__ and self._is_printed(logging.CRITICAL)):
            self._main_before(kind, error, trace)

    def _thread(self, args: Any) -> None:
        kind, error = args.exc_type, args.exc_value
        logged = False
        if issubclass(kind, Exception):
            name = args.thread.name if args.thread is not None else "?"
            info = (kind, error if error is not None else kind(), args.exc_traceback)
            logged = self._log(logging.CRITICAL, f"Uncaught exception in thread {name}", info)
        if not (logged and self._thread_before is threading.__excepthook__ and self._is_printed(logging.CRITICAL)):
            self._thread_before(args)

    def _unraisable(self, args: Any) -> None:
        kind, error = args.exc_type, args.exc_value
        logged = False
        if issubclass(kind, Exception):
            # Only the type: Python warns that args.object may be half finalized, so its repr is not called.
            what = f"{args.err_msg or 'Exception ignored in'}: {type(args.object).__name__}"
            info = (kind, error if error is not None else kind(), args.exc_traceback)
            logged = self._log(logging.ERROR, what, info)
        if not (logged and self._unraisable_before is sys.__unraisablehook__ and self._is_printed(logging.ERROR)):
            self._unraisable_before(args)

    def _log(
        self, level: int, what: str, info: tuple[type[BaseException], BaseException, TracebackType | None]
    ) -> bool:
        """Whether the exception was logged."""
        if not self._is_on or not self._logger.isEnabledFor(level):
            return False
        try:
            self._logger.log(level, "%s: %s: %s", what, info[0].__name__, _text(info[1]), exc_info=info)
        except Exception:  # noqa: BLE001 - another handler of the program failed; the hook before ours then tells it
            return False
        return True


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the exception's own __str__; the record says so
        return "<unprintable>"
