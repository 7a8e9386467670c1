"""What `RotatingFilesHandler` says of a disk that fails; what it writes is tested with `setup_logging`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.handlers import files
from desktop_logs.handlers.files import RotatingFilesHandler


class Disk:
    """A disk thread whose disk is full while `is_full`."""

    is_full = False
    queue_records = 0

    def write(self, records: Any) -> Future[None]:
        future: Future[None] = Future()
        if self.is_full:
            future.set_exception(StorageError("the disk is full."))
        else:
            future.set_result(None)
        return future

    def close(self, timeout_s: float) -> bool:
        return True


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[RotatingFilesHandler]:
    made = RotatingFilesHandler(tmp_path)
    yield made
    made.close()


def fail_recover_and_fail_again(handler: RotatingFilesHandler) -> None:
    handler._disk = disk = Disk()  # type: ignore[assignment]
    for disk.is_full in (True, True, False, False, True, True):
        handler.handle(logging.makeLogRecord({"msg": "x", "levelno": 20, "levelname": "INFO"}))
    assert handler.stats() == {"written": 2, "lost": 4, "queued": 0}


def test_a_disk_that_fails_again_after_a_recovery_is_said_again(
    handler: RotatingFilesHandler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "_SAY_AGAIN_S", 0.0)
    fail_recover_and_fail_again(handler)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_disk_that_goes_back_and_forth_is_said_once_a_minute(
    handler: RotatingFilesHandler, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(files, "_SAY_AGAIN_S", 3600.0)
    fail_recover_and_fail_again(handler)
    (line,) = capsys.readouterr().err.splitlines()
    assert "the disk is full. Later ones are counted only." in line
