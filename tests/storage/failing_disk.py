"""A disk that fills up when a test says so. Real files below it."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path


class FailingDisk:
    """Its `open` is an Opener: *room* bytes may still be written (None: any number), *step* at once."""

    def __init__(self, room: int | None = None, step: int | None = None) -> None:
        self.room = room
        self.step = step

    def open(self, path: Path) -> io.FileIO:
        return _File(self, path)


class _File(io.FileIO):
    def __init__(self, disk: FailingDisk, path: Path) -> None:
        super().__init__(path, "a+")
        self._disk = disk

    def write(self, data) -> int:
        if self._disk.room is not None:
            if self._disk.room == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self._disk.room]
        if self._disk.step is not None:
            data = data[: self._disk.step]
        written = super().write(data)
        if self._disk.room is not None:
            self._disk.room -= written
        return written
