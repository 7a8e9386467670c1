"""`setup_logging`: console, rotating files, hub and broadcast for a program in one call. Puts the handlers together;
what each does stands in its own file."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, TextIO

from desktop_logs.core import safe_text
from desktop_logs.core.levels import parse_threshold
from desktop_logs.core.settings import LogSettings
from desktop_logs.handlers.broadcasting import BroadcastHandler
from desktop_logs.handlers.entries import severity_of_record
from desktop_logs.handlers.exceptions import ExceptionCapture
from desktop_logs.handlers.files import RotatingFilesHandler
from desktop_logs.handlers.links import server_in
from desktop_logs.handlers.process import MAX_DEPTH, here
from desktop_logs.handlers.sending import DesktopLogsHandler

_OWNER = "desktop_logs_setup"


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Prints records to stderr, a line each and tracebacks below it, from the severity *threshold* on.

    Control characters and bidi marks are shown as symbols: a log line must not steer the terminal.
    """

    def __init__(self, threshold: int) -> None:
        super().__init__(sys.stderr)
        self.threshold = threshold
        line = "%(asctime)s.%(msecs)03d %(levelname)-8s %(name)s: %(message)s"
        self.setFormatter(logging.Formatter(line, "%Y-%m-%d %H:%M:%S"))

    def filter(self, record: logging.LogRecord) -> Any:
        """As every handler's, and nothing below the threshold."""
        return super().filter(record) if severity_of_record(record) >= self.threshold else False

    def emit(self, record: logging.LogRecord) -> None:
        """As every stream's; an object that logs itself in its own `__str__` comes to an end here too."""
        if here.depth >= MAX_DEPTH:
            return
        here.depth += 1
        try:
            super().emit(record)
        finally:
            here.depth -= 1

    def format(self, record: logging.LogRecord) -> str:
        """The record as text that a terminal can show safely."""
        return safe_text.block(super().format(record))


class LoggingSetup:
    """What `setup_logging` put in place. Made by it; `close()` takes it all away again."""

    def __init__(
        self,
        logger: logging.Logger,
        settings: LogSettings,
        files: RotatingFilesHandler,
        sender: DesktopLogsHandler | None,
        broadcast: BroadcastHandler | None,
        owns_broadcast: bool,
    ) -> None:
        self.logger = logger
        self.sender = sender
        """Sends to the hub; None without a *url*."""
        self.broadcast = broadcast
        """Broadcasts over the program's own server; None without one."""
        self._settings = settings
        self._files = files
        self._console: ConsoleHandler | None = None
        # With everything off, logging's handler of last resort would print all the same; and this is a mark to find.
        self._silence = logging.NullHandler()
        self._owns_broadcast = owns_broadcast
        self._level_before: int | None = None
        self._capture: ExceptionCapture | None = None
        self._is_closed = False

    @property
    def settings(self) -> LogSettings:
        """What goes to the console and the files; assign, or call `configure`, to change it while running."""
        return self._settings

    @settings.setter
    def settings(self, settings: LogSettings) -> None:
        if self._is_closed:
            return
        self._settings = settings
        self._follow()

    def configure(self, **changes: Any) -> LogSettings:
        """Change some settings: `configure(console_level="debug")`. Raises SettingsError, and then nothing changes."""
        self.settings = self._settings.changed(**changes)
        return self._settings

    def stats(self) -> dict[str, dict[str, int]]:
        """The counters of each handler in use."""
        counters = {"files": self._files.stats()}
        if self.sender is not None:
            counters["sender"] = self.sender.stats()
        if self.broadcast is not None:
            counters["broadcast"] = self.broadcast.stats()
        return counters

    def close(self) -> None:
        """Take the handlers off the logger, write and send what waits (2 s each at most), give the hooks back. A
        BroadcastHandler that the program brought itself is only taken off."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._capture is not None:
            self._capture.close()
        if self._level_before is not None:
            self.logger.setLevel(self._level_before)
        for handler in (self._console, self._files, self.sender, self.broadcast, self._silence):
            if handler is None:
                continue
            self.logger.removeHandler(handler)
            if getattr(handler, _OWNER, None) is self:
                delattr(handler, _OWNER)
            if handler is not self.broadcast or self._owns_broadcast:
                handler.close()

    def _install(self, level: int | str, capture_exceptions: bool) -> None:
        self._level_before = self.logger.level
        self.logger.setLevel(level)
        for handler in (self.sender, self.broadcast, self._silence):
            if handler is not None:
                self._add(handler)
        self._follow()
        if capture_exceptions:
            self._capture = ExceptionCapture(self.logger, self._is_printed)

    def _is_printed(self, level: int) -> bool:
        record = logging.makeLogRecord({"levelno": level, "levelname": logging.getLevelName(level)})
        return self._console is not None and severity_of_record(record) >= self._console.threshold

    def _follow(self) -> None:
        settings = self._settings
        threshold = parse_threshold(settings.console_level)
        if settings.console and self._console is None and sys.stderr is not None:
            self._console = ConsoleHandler(threshold)
            self._add(self._console)
        elif not settings.console and self._console is not None:
            self.logger.removeHandler(self._console)
            self._console.close()
            self._console = None
        elif self._console is not None:
            self._console.threshold = threshold
        self._files.settings = settings
        if settings.files:
            self._add(self._files)
        else:
            self.logger.removeHandler(self._files)

    def _add(self, handler: logging.Handler) -> None:
        # The mark by which the next setup_logging finds what this one put there; no module-level state.
        setattr(handler, _OWNER, self)
        self.logger.addHandler(handler)


def setup_logging(
    *,
    level: int | str = "INFO",
    source: str | None = None,
    url: str | None = None,
    token: str | None = None,
    broadcast: Any = None,
    console: bool | None = None,
    files: bool | None = None,
    log_dir: str | os.PathLike[str] = "logs",
    settings: LogSettings | None = None,
    capture_exceptions: bool = True,
    logger: logging.Logger | str | None = None,
) -> LoggingSetup:
    """Give a program its logging: console, rotating files, and what else is asked for. Called again, it replaces what
    it put there before.

    *level* is the lowest that *logger* (the root logger) lets through; *source* names the program. With *url* records
    go to the hub there, with *token* if it needs one. *broadcast* is a python-socketio server of the program's, or a
    BroadcastHandler. *console* and *files* switch those on or off; left out, *settings* decide, and without settings
    both are on, and files are written however full the disk is. Files are made in *log_dir*. Uncaught exceptions are
    logged unless *capture_exceptions* is false.

    Raises ValueError, TypeError or SettingsError for an argument that cannot be, before anything is changed.
    """
    if settings is None:
        settings = LogSettings(console=True, files=True, min_free_bytes=0)
    if console is not None:
        settings = settings.changed(console=console)
    if files is not None:
        settings = settings.changed(files=files)
    target = logging.getLogger(logger) if logger is None or isinstance(logger, str) else logger
    checked_level = _checked(level)
    is_own = isinstance(broadcast, BroadcastHandler)
    if broadcast is not None and not is_own:
        server_in(broadcast)
    sender = DesktopLogsHandler(url, source=source, token=token) if url else None

    _close_previous(target)

    broadcaster: BroadcastHandler | None = None
    if is_own:
        broadcaster = broadcast
    elif broadcast is not None:
        broadcaster = BroadcastHandler(source)
        broadcaster.attach(broadcast)
    made = LoggingSetup(
        target,
        settings,
        RotatingFilesHandler(log_dir, source=source, settings=settings),
        sender,
        broadcaster,
        owns_broadcast=not is_own,
    )
    made._install(checked_level, capture_exceptions)
    return made


def _checked(level: int | str) -> int:
    if isinstance(level, int):
        return level
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        known = ", ".join(sorted(logging.getLevelNamesMapping()))
        raise ValueError(f"{level!r} is not a level of Python's logging. Use one of {known}.")
    return number


def _close_previous(logger: logging.Logger) -> None:
    for handler in list(logger.handlers):
        owner = getattr(handler, _OWNER, None)
        if isinstance(owner, LoggingSetup):
            owner.close()
