"""`RotatingFilesHandler`: a program's records in daily rotated files, as the hub writes them. How files are written and
rotated stands in storage; here records go in, and what goes wrong is said once."""

from __future__ import annotations

import concurrent.futures
import itertools
import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desktop_logs.core.errors import Busy, EntryError, StorageError
from desktop_logs.core.settings import LogSettings
from desktop_logs.core.wire import encode_entry, parse_entry
from desktop_logs.handlers.base import LockFreeHandler
from desktop_logs.handlers.entries import entry_from, fitted
from desktop_logs.handlers.process import (
    EXIT_PATIENCE_S,
    MAX_DEPTH,
    exit_budget,
    flush_when_child_ends,
    here,
    ignore_forks,
    say,
    watch_exit,
    watch_forks,
)
from desktop_logs.storage.disk import DiskThread

# How long after one complaint the next may come, for a disk that fails, recovers and fails again.
_SAY_AGAIN_S = 60.0


class RotatingFilesHandler(LockFreeHandler):
    """Writes records to `application-….log` and `errors-….log` in *log_dir*, as *settings* say, from its own thread.

    A busy or failing disk never raises into the program: what could not be written is counted in `stats()`, and the
    first time, also after a recovery, is said on stderr: once a minute at most. One program at a time should write to a
    folder.

    Files go after 30 days, and the oldest when all together are above 2 GB (`max_age_days`, `max_total_bytes`).
    Without *settings*, or with a mapping that does not name `min_free_bytes`, they are written however full the disk
    is; a `LogSettings` has a floor of 500 MB unless it says otherwise.

    For `logging.config.dictConfig`: `{"class": "desktop_logs.handlers.files.RotatingFilesHandler", "log_dir": …}`, with
    *settings* as a mapping. Raises SettingsError for settings that cannot be.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        *,
        source: str | None = None,
        level: int | str = logging.NOTSET,
        settings: LogSettings | Mapping[str, Any] | None = None,
    ) -> None:
        # What may be refused comes before logging knows of this handler: it would flush and close a half-built one too.
        if not isinstance(settings, LogSettings):
            settings = LogSettings.from_mapping({"min_free_bytes": 0, **(settings or {})})
        self._settings = settings
        self.folder = Path(log_dir).absolute()
        super().__init__(level)
        self.source = source
        self._is_closed = False
        self._begin()
        watch_exit()
        watch_forks(self)

    def _begin(self) -> None:
        self._starting = threading.RLock()
        self._disk: DiskThread | None = None
        self._last: concurrent.futures.Future[None] | None = None
        self._numbers = itertools.count(1)
        self._written = 0
        self._lost = 0
        self._said_at_s: float | None = None
        self._has_recovered = False

    @property
    def settings(self) -> LogSettings:
        """What is written where; assign to change it."""
        return self._settings

    @settings.setter
    def settings(self, settings: LogSettings) -> None:
        with self._starting:
            self._settings = settings
            if self._disk is not None:
                self._disk.configure(settings)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand *record* to the disk thread. Nothing happens once the handler is closed."""
        if self._is_closed or here.depth >= MAX_DEPTH:
            return
        try:
            entry = entry_from(record, self.source, self.formatter)
            number, now_ns = next(self._numbers), time.time_ns()
            try:
                parsed = parse_entry(entry, number, now_ns)
            except EntryError:  # longer than an entry may be
                parsed = parse_entry(fitted(entry), number, now_ns)
            self._last = future = (self._disk or self._start()).write((parsed,))
            future.add_done_callback(self._count)
        except (Busy, StorageError) as why:
            self._lose(str(why))
        except Exception as fault:  # noqa: BLE001 - a handler never raises into the program; counted and said once
            self._lose(f"{type(fault).__name__}: {fault}")

    def flush(self, timeout_s: float = EXIT_PATIENCE_S) -> None:
        """Wait until all that was logged before is in the files or could not be written, *timeout_s* at most."""
        last = self._last
        if last is None or last.done() or here.depth >= MAX_DEPTH:
            return
        started_s = time.monotonic()
        # Batches are settled in order, so the last one stands for all.
        concurrent.futures.wait((last,), exit_budget.allow(timeout_s))
        exit_budget.spend(started_s)

    def close(self, timeout_s: float = EXIT_PATIENCE_S) -> None:
        """Write what waits, for *timeout_s* at most, and close the files."""
        if self._is_closed:
            return
        self._is_closed = True
        with self._starting:
            disk = self._disk
        if disk is not None:
            started_s = time.monotonic()
            disk.close(exit_budget.allow(timeout_s))
            exit_budget.spend(started_s)
        ignore_forks(self)
        super().close()

    def stats(self) -> dict[str, int]:
        """Records `written` (or below the files' levels), `lost` because the disk was busy or failing, and `queued`."""
        disk = self._disk
        return {"written": self._written, "lost": self._lost, "queued": disk.queue_records if disk else 0}

    def after_fork_in_child(self) -> None:
        """The disk thread is the parent's; the child's first record starts its own."""
        self._begin()

    def _start(self) -> DiskThread:
        with self._starting:
            if self._disk is None:
                disk = DiskThread(self.folder, self._settings, encode_entry, elsewhere="pass another log_dir")
                disk.start()
                self._disk = disk
                flush_when_child_ends(self.flush)
            return self._disk

    def _count(self, future: concurrent.futures.Future[None]) -> None:
        fault = future.exception()
        if fault is None:
            self._written += 1
            self._has_recovered = True
        else:
            self._lose(str(fault))

    def _lose(self, why: str) -> None:
        self._lost += 1
        now_s = time.monotonic()
        if self._said_at_s is None or (self._has_recovered and now_s - self._said_at_s >= _SAY_AGAIN_S):
            self._said_at_s, self._has_recovered = now_s, False
            say(f"log records were not written to {self.folder}: {why} Later ones are counted only.")
