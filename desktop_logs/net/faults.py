"""What peers do wrong, as the libraries under a hub tell it: counted, told once a kind, never with a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable

# What engineio and socketio warn of when a hub stops or starts under its clients.
_NO_FAULTS = ("Invalid session", "is not connected to namespace", "Cannot send to sid")
_OF_ENGINEIO = " (further occurrences of this error will be logged with level INFO)"


class PeerFaults(logging.Handler):
    """Where engineio's and socketio's own log goes: counted, and passed on once a kind; never to a program's log."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self.count = 0
        self._report = report
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if any(part in text for part in _NO_FAULTS):
            return
        cause = record.exc_info[1] if record.exc_info else None
        self.add(record.msg, cause or text)

    def add(self, kind: str, what: object = "") -> None:
        """One more fault of that *kind*; *what* is told of the first."""
        self.count += 1
        if kind not in self._told:
            self._told.add(kind)
            # aiohttp quotes the line at fault below an empty one: it may be the header with the token.
            told = str(what or kind).partition("\n\n")[0].removesuffix(_OF_ENGINEIO)
            self._report(f"A peer sent what cannot be understood: {told}"[:300])


def quiet_logger(name: str, faults: PeerFaults) -> logging.Logger:
    """A logger outside the program's tree: python-socketio's loggers must never feed a handler."""
    logger = logging.Logger(name, logging.WARNING)
    logger.addHandler(faults)
    logger.propagate = False
    return logger
