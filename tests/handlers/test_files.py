"""What `RotatingFilesHandler` says of a disk that fails; what it writes is tested with `setup_logging`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.settings import LogSettings
from desktop_logs.handlers import files
from desktop_logs.handlers.files import RotatingFilesHandler
from desktop_logs.handlers.setup import setup_logging


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


@pytest.mark.parametrize(
    ("settings", "floor"),
    [(None, 0), ({"max_age_days": 7}, 0), ({"min_free_bytes": 1_000}, 1_000), (LogSettings(), 500_000_000)],
)
def test_a_program_goes_on_filing_on_a_full_disk_unless_it_asked_otherwise(
    tmp_path: Path, settings: Any, floor: int
) -> None:
    """The floor of free space is the hub's; the rest of a mapping stays as it was given."""
    handler = RotatingFilesHandler(tmp_path, settings=settings)
    handler.close()
    assert handler.settings.min_free_bytes == floor
    assert handler.settings.max_age_days == (7 if settings == {"max_age_days": 7} else 30)


def test_setup_logging_files_on_a_full_disk(tmp_path: Path) -> None:
    """As the handler alone does, also after a change of the settings."""
    logs = setup_logging(console=False, log_dir=tmp_path, logger="test_files", capture_exceptions=False)
    try:
        assert logs.configure(max_age_days=7).min_free_bytes == 0
        assert logs.settings.max_total_bytes == 2_000_000_000
    finally:
        logs.close()
