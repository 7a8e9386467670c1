"""The folder of crash reports: their names, how many are kept, and which nobody has seen yet. Knows no faults."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from desktop_logs.core.crashreport import stamp, time_of

MOST_REPORTS: Final = 10
_MOST_BYTES: Final = 1_000_000
_NAME: Final = re.compile(r"(crash|fault)-(\d{8}T\d{6}Z)-(\d+(?:-\d+)?)\.txt")
_UNSEEN: Final = ".unseen"
"""An empty file beside a report that nobody has been told of: the report itself keeps its name."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report in the folder."""

    path: Path
    at: datetime
    ended: bool
    """The program ended by it; otherwise it went on."""

    def text(self) -> str:
        """What stands in it. Raises OSError."""
        with open(self.path, "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")


class CrashFolder:
    """*path*, which need not exist. Its owner's alone; with more than MOST_REPORTS the oldest go."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Make it, with its parents, unless it is there. Raises OSError."""
        # Each by itself: what makedirs makes on the way gets the mode that the system gives to all.
        self.path.parent.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.path.parent, self.path):
            folder.mkdir(mode=0o700, exist_ok=True)

    def write(self, text: str, at: datetime, pid: int, *, ended: bool) -> Report:
        """Keep *text* as a report that nobody has seen, of the process *pid*. Raises OSError; then nothing is left."""
        self.make()
        file, path = self._create(f"{'crash' if ended else 'fault'}-{stamp(at)}-{pid}")
        try:
            with open(file, "wb") as opened:
                opened.write(text.encode("utf-8", "replace"))
            _unseen_mark(path).touch(mode=0o600)
        except OSError:
            _remove(path)
            raise
        for old in self.reports()[MOST_REPORTS:]:
            self.delete(old)
        return Report(path, at.replace(microsecond=0), ended)

    def reports(self) -> list[Report]:
        """All that are there, the newest first. Empty when the folder cannot be read."""
        found = []
        with suppress(OSError):
            for name in os.listdir(self.path):
                parts = _NAME.fullmatch(name)
                if parts is None:
                    continue
                with suppress(ValueError):
                    found.append(Report(self.path / name, time_of(parts[2]), parts[1] == "crash"))
        return sorted(found, key=lambda report: (report.at, report.path.name), reverse=True)

    def unseen(self) -> list[Report]:
        """Those nobody has been told of, the newest first."""
        return [report for report in self.reports() if _unseen_mark(report.path).exists()]

    def mark_seen(self, reports: list[Report]) -> None:
        """Offer *reports* no more; they stay."""
        for report in reports:
            with suppress(OSError):
                _unseen_mark(report.path).unlink()

    def delete(self, report: Report) -> None:
        """Take *report* away; it may be gone already."""
        _remove(report.path)

    def _create(self, name: str) -> tuple[int, Path]:
        for number in range(1, 100):
            path = self.path / f"{name}{f'-{number}' if number > 1 else ''}.txt"
            with suppress(FileExistsError):
                return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), path
        raise FileExistsError(f"{path} and all names before it are taken")


def _unseen_mark(path: Path) -> Path:
    return path.with_suffix(_UNSEEN)


def _remove(path: Path) -> None:
    for one in (_unseen_mark(path), path):
        with suppress(OSError):
            one.unlink()
