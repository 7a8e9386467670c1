"""What is done to that which is no longer written, in a thread of its own: log files are compressed, and what is over
the limits is deleted. Knows no records."""

from __future__ import annotations

import gzip
import os
import stat
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.clockwatch import DAY_S, ClockWatch
from desktop_logs.storage.pruning import names_of, newest_of, prune_files, prune_history
from desktop_logs.storage.retention import Limits
from desktop_logs.storage.rotation import GZ, PART, LogName, RotatingFile
from desktop_logs.storage.segments import SegmentName, segments_in

_CHUNK_BYTES = 256 * 1024


class _Stopped(Exception):
    """The program is closing: leave the rest for the next run."""


def tidy(series: RotatingFile, today: date, stop: threading.Event) -> str:
    """Compress the files of *series* that are closed, and take away what a kill left half compressed.

    The newest file of *today* stays as it is even when nobody writes it: the next start continues it.
    Returns empty, or one sentence about the first file that could not be tidied; the others are still done. Stops
    between two chunks when *stop* is set, and leaves no half file.
    """
    names = names_of(series)
    problem = ""
    newest_today = newest_of(names, today)
    for name in names:
        try:
            if stop.is_set():
                break
            if name.suffix == PART:  # only one run at a time writes these, so it was left by a kill
                (series.folder / str(name)).unlink()
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    today: date
    settings: LogSettings
    live_segment: str
    by_age: bool


class Housekeeping:
    """Tidies *series* and *history* in a thread that lives as long as there is something to do; one run at a time.

    A run compresses, then deletes by age and by bytes as the settings say. By age nothing goes while *watch* has its
    doubts about the clock, nor a log file that this run of the program has written less than that age ago, by a clock
    that nobody sets: one of ten years ago may be of the minute in which the clock was wrong.
    *history* is the folder of the segments, None when there is none. *report* is called from the thread after each
    run, with an empty text when all went well.
    """

    def __init__(
        self,
        series: Sequence[RotatingFile],
        report: Callable[[str], None],
        history: Path | None = None,
        watch: ClockWatch | None = None,
    ) -> None:
        self._series = tuple(series)
        self._report = report
        self._history = history
        self._watch = watch or ClockWatch()
        self._lock = threading.Lock()  # guards the next four
        self._stop = threading.Event()
        self._wanted: _Wanted | None = None
        self._thread: threading.Thread | None = None
        self._written_s: dict[str, float] = {}

        # The rest belongs to the thread that writes.
        self._has_begun = False
        self._notice = ""

    @property
    def notice(self) -> str:
        """Why nothing is deleted by age at present, in one sentence that is no complaint; else empty."""
        return self._notice

    @property
    def is_after_pause(self) -> bool:
        """True while `notice` comes of a pause of the program, most likely: no reason to trouble a person."""
        return self._watch.is_after_pause

    def begin(self, today: date) -> None:
        """Look at what earlier runs have left, before this one opens anything for writing: a segment that is begun by a
        wrong clock would make it look right. The first request does it otherwise. Raises OSError.
        """
        if not self._has_begun:
            self._watch.begin(self._newest_day(today), today)
            self._has_begun = True

    def request(self, today: date, settings: LogSettings, *, live_segment: str = "") -> None:
        """Tidy soon: at once, or after the run that is under way. Does nothing once stopped.

        For the thread that writes, so that what is live is known: *live_segment* names the segment that is open for
        writing, empty when none is. To be called every few minutes at least, for the sake of the clock's watch.
        Raises OSError, the first time.
        """
        self.begin(today)
        # Here and not in the run: that may come after a jump that made *today* wrong is undone.
        self._notice = self._watch.look()
        with self._lock:
            if self._stop.is_set():
                return
            self._wanted = _Wanted(today, settings, live_segment, by_age=not self._notice)
            now_s = self._watch.running_s
            self._written_s.update((series.live, now_s) for series in self._series if series.live)
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
                problem = self._tidy(wanted)
            except Exception as fault:  # noqa: BLE001 - a thread must not end without a word
                problem = f"Tidying up old logs failed: {fault!r}. They are kept; it is tried again later."
            self._report(problem)

    def _tidy(self, wanted: _Wanted) -> str:
        settings, today = wanted.settings, wanted.today
        problems = [tidy(series, today, self._stop) for series in self._series]
        max_age_days = settings.max_age_days if wanted.by_age else None
        limits = Limits(max_age_days, settings.max_total_bytes)
        problems.append(prune_files(self._series, today, limits, self._stop, self._spared(settings.max_age_days)))
        if self._history is not None:
            max_age_days = settings.history_max_age_days if wanted.by_age else None
            limits = Limits(max_age_days, settings.history_max_bytes)
            kept_from = self._kept_from(self._history, wanted)
            problems.append(prune_history(self._history, today, limits, self._stop, kept_from))
        return next(filter(None, problems), "")

    def _newest_day(self, today: date) -> date | None:
        """The day of what was written last before this run."""
        days = [name.day for series in self._series for name in names_of(series)]
        if self._history is not None and (segments := segments_in(self._history)):
            # Their numbers tell what came last, days do not: a file that a wrong clock dated ahead stays for years.
            days = [day for day in days if day <= today] + [segments[-1].day]
        return max(days, default=None)

    def _spared(self, max_age_days: int) -> frozenset[str]:
        """The log files that were written in this run, less than *max_age_days* ago, also once they are compressed."""
        with self._lock:
            since_s = self._watch.running_s - max_age_days * DAY_S
            self._written_s = {name: at_s for name, at_s in self._written_s.items() if at_s > since_s}
            return frozenset(name + ending for name in self._written_s for ending in ("", GZ))

    def _kept_from(self, history: Path, wanted: _Wanted) -> int | None:
        """The number of the segment that is written, or may be opened for writing while this run is under way."""
        if live := SegmentName.parse(wanted.live_segment):
            return live.number
        segments = segments_in(history) if wanted.settings.history else []
        return segments[-1].number if segments else None
