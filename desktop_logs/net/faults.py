"""What peers do wrong, found by us or told by the libraries under a hub: counted, told once a kind in a sentence of
ours, never with a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError

# What engineio and socketio warn of when a hub stops or starts under its clients.
_NO_FAULTS: Final = ("Invalid session", "is not connected to namespace", "Cannot send to sid")
# How that begins which they tell of a client, and what a person reads instead.
_SENTENCES: Final = {
    "The client is using an unsupported version": "A client speaks a Socket.IO older than version 3.",
    "Invalid transport": "A client asked for a transport that is neither polling nor a WebSocket.",
    "Invalid websocket upgrade": "A client asked for a WebSocket without the headers for one.",
    "Unexpected HTTP request": "A client polled that has a WebSocket.",
    "Socket for session": "A client polled before its WebSocket was open.",
    "Method %s not supported": "A client used a method of HTTP that Socket.IO does not have.",
    "Unknown receive error": "A client sent a frame that is no Engine.IO packet.",
}
_NO_HTTP: Final = "A client sent what is no HTTP."
_BROKE_OFF: Final = "A client went away in the midst of a request."
_MAX_TOLD: Final = 100  # kinds; who finds another text each time fills neither memory nor a log


class PeerFaults(logging.Handler):
    """Where engineio's and socketio's own log goes: counted, and passed on once a kind; never to a program's log."""

    def __init__(
        self, report: Callable[[str], None], on_fault: Callable[[BaseException], object] = lambda failure: None
    ) -> None:
        """*on_fault* gets what was raised by what no client is known to be able to send."""
        super().__init__(logging.WARNING)
        self.count = 0
        self._report = report
        self._on_fault = on_fault
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if any(part in text for part in _NO_FAULTS):
            return
        cause = record.exc_info[1] if record.exc_info else None
        for beginning, sentence in _SENTENCES.items():
            if record.msg.startswith(beginning):
                self.add(sentence)
                return
        # The second: aiohttp quotes what it was asked to expect, and stumbles over what is no Unicode in it.
        if isinstance(cause, HttpProcessingError | UnicodeEncodeError):
            self.add(_NO_HTTP)
        elif isinstance(cause, ConnectionError):
            self.add(_BROKE_OFF)
        else:
            # Nothing that a client can send is known to lead here: it is most likely a fault of ours.
            self.add(f"What a client sent was not understood, perhaps by a fault of this program: {cause or text!r}")
            if cause is not None:
                self._on_fault(cause)

    def add(self, sentence: str) -> None:
        """One more fault of the kind that *sentence* tells of."""
        self.count += 1
        if sentence not in self._told and len(self._told) < _MAX_TOLD:
            self._told.add(sentence)
            self._report(sentence[:300])


def quiet_logger(name: str, faults: PeerFaults) -> logging.Logger:
    """A logger outside the program's tree: python-socketio's loggers must never feed a handler."""
    logger = logging.Logger(name, logging.WARNING)
    logger.addHandler(faults)
    logger.propagate = False
    return logger
