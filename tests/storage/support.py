"""What the tests of the disk thread share: records, their text, and waiting. No tests here."""

from __future__ import annotations

import threading
import time
from datetime import date

from desktop_logs.core.levels import INFO
from desktop_logs.core.records import Record

DAY = date(2026, 11, 22)
APPLICATION = "application-2026-11-22.log"
ERRORS = "errors-2026-11-22.log"
WAIT_S = 20


class Gate:
    """An encoder that waits until it is opened, and tells when it is reached."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def encode(self, record):
        self.reached.set()
        assert self.opened.wait(WAIT_S)
        return text_of(record)


def text_of(record):
    return record.message.encode()


def record(message, severity=INFO):
    return Record(1, 0, severity, "info", "test", str(message))


def lines(tmp_path, name=APPLICATION):
    return (tmp_path / "logs" / name).read_text().splitlines()


def until(is_so):
    """Wait for something that happens by itself and tells nobody."""
    deadline_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)
