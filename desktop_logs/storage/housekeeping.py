"""What is done to log files that are no longer written: compressing and deleting. Standard library only; no records."""

from __future__ import annotations

import gzip
import os
import stat
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

from desktop_logs.storage.rotation import GZ, PART, LogName, RotatingFile

_CHUNK_BYTES = 256 * 1024


class _Stopped(Exception):
    """The program is closing: leave the rest for the next run."""


def tidy(series: RotatingFile, today: date, max_age_days: int, stop: threading.Event) -> str:
    """Delete the files of *series* whose name says more than *max_age_days* before *today*; gzip the closed others.

    The newest file of *today* stays as it is even when nobody writes it: the next start continues it.
    Returns empty, or one sentence about the first file that could not be tidied; the others are still done. Stops
    between two chunks when *stop* is set, and leaves no half file.
    """
    names = _names_of(series)
    problem = ""
    newest_today = max((name.number for name in names if name.day == today), default=0)
    for name in names:
        try:
            if stop.is_set():
                break
            if name.suffix == PART:  # only one run at a time writes these, so it was left by a kill
                (series.folder / str(name)).unlink()
            elif (today - name.day).days > max_age_days:
                series.unless_live(name, (series.folder / str(name)).unlink)
            elif not name.suffix and (name.day, name.number) != (today, newest_today):
                _compress(series, name, stop)
        except _Stopped:
            break
        except FileNotFoundError:  # somebody else took it away, which is as good
            continue
        except OSError as fault:
            problem = problem or (
                f"Cannot tidy up {series.folder / str(name)}: {fault.strerror or fault}. "
                "It is kept as it is and tried again later; new records are not touched by this."
            )
    return problem


def _names_of(series: RotatingFile) -> list[LogName]:
    """The files of *series*, what makes room first: leftovers, then by day and number. Empty without a folder."""
    names = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(series.folder) as entries:
        for entry in entries:
            name = LogName.parse(entry.name)
            if name is not None and name.stem == series.stem and entry.is_file(follow_symlinks=False):
                names.append(name)
    return sorted(names, key=lambda name: (name.suffix != PART, name.day, name.number, name.suffix))


def _compress(series: RotatingFile, name: LogName, stop: threading.Event) -> None:
    original = series.folder / str(name)
    packed = series.folder / str(replace(name, suffix=GZ))
    part = series.folder / str(replace(name, suffix=PART))
    if not series.unless_live(name, lambda: None):
        return
    if packed.exists():
        # A kill came between making the packed file, which has its name only when whole, and deleting the original.
        held = _unpacked_bytes(packed, stop)
        size = original.stat().st_size
        if held == size:
            series.unless_live(name, original.unlink)
        if held >= size:  # it holds more than the original: not for us to choose between them
            return
    try:
        size = _pack(original, part, stop)

        def swap() -> None:
            if original.stat().st_size == size:  # else another process wrote to it meanwhile: next time
                os.replace(part, packed)
                original.unlink()

        # Both steps in one hold of the lock, so that the writer sees the number as taken at every moment.
        series.unless_live(name, swap)
    finally:
        part.unlink(missing_ok=True)


def _pack(original: Path, part: Path, stop: threading.Event) -> int:
    """Compress *original* into *part*, for the same eyes only; returns how many bytes were read."""
    size = 0
    about = original.stat()

    def open_as_private(path: str, flags: int) -> int:
        return os.open(path, flags, stat.S_IMODE(about.st_mode))

    with open(original, "rb") as source, open(part, "wb", opener=open_as_private) as raw:
        with gzip.GzipFile(original.name, "wb", 6, raw, about.st_mtime) as target:
            while chunk := source.read(_CHUNK_BYTES):
                if stop.is_set():
                    raise _Stopped
                target.write(chunk)
                size += len(chunk)
        raw.flush()
        # Unlike a log line this replaces something older: without it a power cut could lose a whole day.
        os.fsync(raw.fileno())
    return size


def _unpacked_bytes(packed: Path, stop: threading.Event) -> int:
    """How many bytes *packed* holds; -1 when it is damaged."""
    size = 0
    try:
        with gzip.open(packed, "rb") as source:
            while chunk := source.read(_CHUNK_BYTES):
                if stop.is_set():
                    raise _Stopped
                size += len(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return -1
    return size


class Housekeeping:
    """Tidies *series* in a thread that lives as long as there is something to do; at most one run at a time.

    *report* is called from that thread after each run, with an empty text when all went well.
    """

    def __init__(self, series: Sequence[RotatingFile], report: Callable[[str], None]) -> None:
        self._series = tuple(series)
        self._report = report
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._wanted: tuple[date, int] | None = None
        self._thread: threading.Thread | None = None

    def request(self, today: date, max_age_days: int) -> None:
        """Tidy soon: at once, or after the run that is under way. Does nothing once stopped."""
        with self._lock:
            if self._stop.is_set():
                return
            self._wanted = (today, max_age_days)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="log housekeeping", daemon=True)
                thread.start()  # waits for the lock
                self._thread = thread

    def stop(self, timeout_s: float) -> bool:
        """End the run under way and take no more; False when it has not ended after *timeout_s*."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is None:
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                if wanted is None or self._stop.is_set():
                    self._thread = None
                    return
            try:
                problems = [tidy(series, *wanted, self._stop) for series in self._series]
            except Exception as fault:  # noqa: BLE001 - a thread must not end without a word
                problems = [f"Tidying up old log files failed: {fault!r}. They are kept; it is tried again later."]
            self._report(next(filter(None, problems), ""))
