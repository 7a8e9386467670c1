"""One series of daily, numbered log files. Standard library only: knows no records, no thread and no clock."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

Opener = Callable[[Path], io.FileIO]
"""Opens a file for reading and appending, unbuffered, and makes it when it is missing."""

GZ = ".gz"
PART = ".gz.part"
"""A compressed file that is not whole yet."""

_NAME = re.compile(r"(.+)-([0-9]{4}-[0-9]{2}-[0-9]{2})\.log(?:\.([1-9][0-9]{0,8}))?(\.gz|\.gz\.part)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogName:
    """A file's name in a series: `<stem>-YYYY-MM-DD.log`, then `.log.1`, `.log.2` and so on; the highest is newest."""

    stem: str
    day: date
    number: int = 0
    suffix: str = ""
    """Empty, GZ or PART."""

    def __str__(self) -> str:
        numbered = f".{self.number}" if self.number else ""
        return f"{self.stem}-{self.day.isoformat()}.log{numbered}{self.suffix}"

    @classmethod
    def parse(cls, text: str) -> LogName | None:
        """The name that *text* spells exactly, else None: such a file is not ours to touch."""
        match = _NAME.fullmatch(text)
        if match is None:
            return None
        stem, day, number, suffix = match.groups()
        try:
            return cls(stem, date.fromisoformat(day), int(number or 0), suffix or "")
        except ValueError:  # a month 13 or a day 31 of June
            return None


def open_appending(path: Path) -> io.FileIO:
    """The Opener for real files."""
    return io.FileIO(path, "a+")


@dataclass(slots=True)
class _Touched:
    """What an append did to one file: *created* it or found it *start* bytes long, and left it at *end*."""

    name: LogName
    created: bool
    start: int
    end: int


class RotatingFile:
    """The series *stem* in *folder*: a new file each day, and a numbered one when *max_bytes* would be passed.

    One thread appends; `unless_live` may be called from another. No live file is ever renamed: Windows forbids it, and
    a reader that follows it would lose it. Two processes may append to one series, as lines are written whole.
    """

    def __init__(self, folder: Path, stem: str, max_bytes: int, opener: Opener = open_appending) -> None:
        self.folder = folder
        self.stem = stem
        self.max_bytes = max_bytes
        self._opener = opener
        self._file: io.FileIO | None = None
        self._name: LogName | None = None  # kept after closing: numbers of a day never go back
        self._size = 0
        self._torn = False
        self._touched: list[_Touched] = []
        self._pending: list[_Touched] = []
        # Held while a file is chosen and opened, and while housekeeping takes one away: never both for one file.
        self._lock = threading.Lock()
        self._live: frozenset[str] = frozenset()

    @property
    def live(self) -> str:
        """The name of the file that is open for writing; empty when none is."""
        return str(self._name) if self._file is not None else ""

    @property
    def size(self) -> int:
        """How many bytes the open file holds, as far as this process knows."""
        return self._size

    def append(self, lines: bytes, day: date) -> None:
        """Write *lines*, each ended by a newline, to the file of *day*: all of them, or none and OSError.

        After return the operating system has them, so they outlive this process, kill -9 included. There is no fsync:
        it would guard against the loss of power alone, and costs milliseconds for each group.
        A line longer than *max_bytes* gets a file of its own.
        """
        if not lines:
            self._touched = []
            return
        if not lines.endswith(b"\n"):
            raise ValueError("lines must end with a newline")
        self._settle()
        self._touched = []
        try:
            self._ready(day)
            at = 0
            while at < len(lines):
                end = self._cut(lines, at)
                if end == at:
                    self._open(day, roll=True)
                else:
                    self._write(lines[at:end])
                    at = end
        except BaseException:
            self.undo()
            raise
        with self._lock:
            # Also what it has rolled away from: until the next append it may have to be taken back.
            self._live = frozenset({self.live, *(str(touched.name) for touched in self._touched)})

    def undo(self) -> None:
        """Take back the last append, so that it can be tried again without doubling a line. Closes the file.

        What cannot be taken back now is tried again by the next append, which raises OSError for as long as it fails.
        """
        self._pending += self._touched
        self._touched = []
        if self._pending:
            self._name = self._pending[0].name
        # Not lost: what fails here stays pending, and the next append raises it.
        with contextlib.suppress(OSError):
            self._close_file()
            self._settle()

    def close(self) -> None:
        """Close the file; the next append opens it again."""
        self._touched = []
        try:
            self._close_file()
        finally:
            with self._lock:
                self._live = frozenset(str(touched.name) for touched in self._pending)

    def position(self, day: date) -> tuple[str, int]:
        """Where an append of *day* would begin: the file's name and its size, as far as both are known before it.

        Raises OSError.
        """
        if self._file is not None and self._name is not None and self._name.day == day:
            return str(self._name), self._size
        if not self.folder.exists():
            return str(LogName(self.stem, day)), 0
        with self._lock:  # or the file may be compressed between two looks at it
            name, existed = self._choose(day, roll=False)
            return str(name), (self.folder / str(name)).stat().st_size if existed else 0

    def beyond(self, name: str, size: int) -> list[tuple[Path, int, int]]:
        """What was written after this series had come to *size* bytes of the file *name*: each file, newest first, how
        much of it comes before, and how much after.

        None is open. A file that is gone, or compressed by now, has nothing after. Raises OSError.
        """
        marked = LogName.parse(name)
        if marked is None or marked.stem != self.stem or marked.suffix or not self.folder.is_dir():
            return []
        found = []
        for entry in self.folder.iterdir():
            other = LogName.parse(entry.name)
            if other is None or (other.stem, other.day, other.suffix) != (self.stem, marked.day, ""):
                continue
            before = size if other.number == marked.number else 0
            if other.number >= marked.number and entry.is_file() and entry.stat().st_size > before:
                found.append((other.number, entry, before, entry.stat().st_size - before))
        return [(path, before, after) for _, path, before, after in sorted(found, reverse=True)]

    def unless_live(self, name: LogName, act: Callable[[], None]) -> bool:
        """Run *act* while the file *name* cannot be opened for writing; False, without running it, when it is open."""
        with self._lock:
            if str(name) in self._live:
                return False
            act()
            return True

    def _ready(self, day: date) -> None:
        """Have the right file open: the newest of *day*, and the one that its path still leads to."""
        if self._file is None or self._name is None or self._name.day != day:
            self._open(day, roll=False)
            return
        try:
            at_path = os.stat(self.folder / str(self._name))
        except OSError:  # deleted, or its folder is gone or shut: opening it makes it anew, or says what is wrong
            self._open(day, roll=False)
            return
        # Windows deletes no open file, and its two stat calls do not always agree on the device.
        if os.name != "nt" and not os.path.samestat(at_path, os.fstat(self._file.fileno())):
            self._open(day, roll=False)
            return
        if at_path.st_size != self._size:  # another process wrote or cut it
            self._measure(self._file)
        self._touched.append(_Touched(self._name, False, self._size, self._size))

    def _open(self, day: date, *, roll: bool) -> None:
        self._close_file()
        # Logs tell secrets: a folder made here is its owner's alone. One that exists stays as it is.
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        with self._lock:
            name, existed = self._choose(day, roll)
            file = self._opener(self.folder / str(name))
            self._live |= {str(name)}
        self._file, self._name = file, name
        size = self._measure(file)
        self._touched.append(_Touched(name, not existed, size, size))

    def _choose(self, day: date, roll: bool) -> tuple[LogName, bool]:
        """The file to write to, and whether it exists: the newest of *day*, or its successor when it cannot grow."""
        plain: set[int] = set()
        closed: set[int] = set()
        with os.scandir(self.folder) as entries:
            for entry in entries:
                name = LogName.parse(entry.name)
                if name is None or name.stem != self.stem or name.day != day or name.suffix == PART:
                    continue
                # What is compressed, or no file at all, has its number but takes no more lines.
                (plain if not name.suffix and entry.is_file() else closed).add(name.number)
        known = self._name.number if self._name is not None and self._name.day == day else 0
        number = max(plain | closed | {known})
        # A number above ours is another process's file, which may have room.
        if number in closed or (roll and number == known):
            number += 1
        return LogName(self.stem, day, number), number in plain

    def _measure(self, file: io.FileIO) -> int:
        """Learn the file's size, and whether its last line was torn by a kill."""
        self._size = file.seek(0, os.SEEK_END)
        self._torn = False
        if self._size:
            file.seek(-1, os.SEEK_END)
            self._torn = file.read(1) != b"\n"
        return self._size

    def _cut(self, lines: bytes, at: int) -> int:
        """Where the part of *lines* from *at* ends that fits into the open file; *at* itself when nothing does."""
        room = self.max_bytes - self._size - self._torn
        if len(lines) - at <= room:
            return len(lines)
        fitting = lines.rfind(b"\n", at, at + room) + 1 if room > 0 else 0
        if fitting > at:
            return fitting
        return at if self._size else lines.index(b"\n", at) + 1

    def _write(self, part: bytes) -> None:
        if self._file is None:
            raise OSError(errno.EBADF, "the log file is closed")
        # No later line may be glued to a torn one, or both would be unreadable.
        rest = memoryview(b"\n" + part if self._torn else part)
        while rest:
            written = self._file.write(rest)
            if not written:
                raise OSError(errno.EIO, "the disk took nothing")
            self._size += written
            self._touched[-1].end += written
            rest = rest[written:]
        self._torn = False

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _settle(self) -> None:
        """Bring the files that a failed append has touched back to what they were."""
        while self._pending:
            touched = self._pending[-1]
            path = self.folder / str(touched.name)
            # A file of another size is no longer as we left it: cutting it could take somebody else's lines.
            if path.exists() and path.stat().st_size == touched.end:
                if touched.created:
                    path.unlink()
                elif touched.end > touched.start:
                    os.truncate(path, touched.start)
            self._pending.pop()
