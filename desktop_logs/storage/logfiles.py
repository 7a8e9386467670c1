"""The pair of log files, application and errors, that one stream of lines goes to. Knows no records, no thread."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from desktop_logs.core.errors import StorageError
from desktop_logs.core.levels import parse_threshold
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.rotation import Opener, RotatingFile, open_appending

NOTHING = 1_000
"""A threshold above every severity."""

_PROBE_BYTES = 1_000_000
_MOST_CUT_BYTES = 64_000_000


class LogFiles:
    """`application-….log` and `errors-….log` in *folder*, as *settings* say. For one thread."""

    def __init__(self, folder: Path, settings: LogSettings, opener: Opener = open_appending) -> None:
        self.folder = folder
        self._application = RotatingFile(folder, "application", settings.max_file_bytes, opener)
        self._errors = RotatingFile(folder, "errors", settings.max_file_bytes, opener)
        self.series = (self._application, self._errors)
        self.configure(settings)

    @property
    def live(self) -> tuple[str, ...]:
        """The names of the files that are open; it changes when one is followed by another."""
        return tuple(series.live for series in self.series)

    @property
    def floor(self) -> int:
        """The lowest severity that is written at all: a line below it need not be made."""
        return min(self._file_floor, self._error_floor)

    @property
    def is_on(self) -> bool:
        """True when some line may be written."""
        return self.floor != NOTHING

    @property
    def reached(self) -> dict[str, tuple[str, int]]:
        """Of each series with an open file, the file's name and its size."""
        return {series.stem: (series.live, series.size) for series in self.series if series.live}

    def configure(self, settings: LogSettings) -> None:
        """Follow *settings* from the next write on. Raises OSError when a file does not close well."""
        on = settings.files
        self._file_floor = parse_threshold(settings.file_level) if on else NOTHING
        self._error_floor = parse_threshold(settings.error_level) if on else NOTHING
        for series in self.series:
            series.max_bytes = settings.max_file_bytes
        if not on:
            self.close()

    def write(self, entries: Sequence[tuple[int, bytes]], day: date) -> None:
        """Append each line (its severity, and its text without a newline) where its severity sends it.

        All of them in both files, or none in either and OSError.
        """
        self._application.append(_lines(entries, self._file_floor), day)
        try:
            self._errors.append(_lines(entries, self._error_floor), day)
        except BaseException:
            self._application.undo()
            raise

    def undo(self) -> None:
        """Take back the last write; to be called only when it has returned. What fails now is tried by the next one."""
        for series in self.series:
            series.undo()

    def positions(self, day: date) -> dict[str, tuple[str, int]]:
        """Of each series, the name of the file that a write of *day* would go on with, and its size. Raises OSError."""
        return {series.stem: series.position(day) for series in self.series}

    def cut_back(self, marks: Mapping[str, tuple[str, int]]) -> int:
        """Take away what was written after the files were as *marks*, which `positions` gave, say; returns its bytes.

        Before the first write. Raises OSError, and StorageError with nothing cut when it would be more than 64 MB: no
        group of batches is as large, so that somebody else has written there.
        """
        beyond = [
            found for series in self.series if series.stem in marks for found in series.beyond(*marks[series.stem])
        ]
        total = sum(after for _, _, after in beyond)
        if total > _MOST_CUT_BYTES:
            raise StorageError(
                f"{beyond[-1][0]} holds {total:,} bytes that the history knows nothing of. They are left as they are."
            )
        for path, before, _ in beyond:
            if before:
                os.truncate(path, before)
            else:
                path.unlink()
        return total

    def probe(self, size: int, day: date) -> None:
        """Raise OSError if lines of *size* bytes together (1 MB at most) could not be written now; leaves no trace.

        It takes the very way of a write, since a free disk and an open folder do not promise that a file opens.
        """
        for series, floor in ((self._application, self._file_floor), (self._errors, self._error_floor)):
            if floor != NOTHING:
                # Should a kill come right here, then empty lines are left, which readers of JSON lines skip.
                series.append(b"\n" * max(1, min(size, _PROBE_BYTES, series.max_bytes)), day)
                series.undo()

    def close(self) -> None:
        """Close both files; the next write opens them again. Raises OSError when one does not close well."""
        try:
            self._application.close()
        finally:
            self._errors.close()


def _lines(entries: Sequence[tuple[int, bytes]], floor: int) -> bytes:
    lines = [line for severity, line in entries if severity >= floor]
    lines.append(b"")
    return b"\n".join(lines)
