"""The floor of free space: nothing more is stored below it. Deletes nothing: what may go is for the limits to say."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from desktop_logs.core.errors import StorageError

_MEASURE_S = 0.5
# What a line costs on the disk: itself, perhaps once more among the errors, in the history and its index, and until a
# checkpoint in the write-ahead log.
_GROWTH = 4
_AGAIN = 1.01


def free_bytes(folder: Path) -> int:
    """What this user may still write to the disk of *folder*, which need not exist yet. Raises OSError."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except (FileNotFoundError, NotADirectoryError):
            continue
    raise FileNotFoundError(f"{folder} is on no disk")


class FreeSpace:
    """Watches the disk that *folder* is on. For one thread.

    *free* is asked about twice a second (it costs 10 µs); between that, what is written is taken off its answer.
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._ask = free
        self._asked_s: float | None = None
        self._free: int | None = None
        self._is_low = False

    @property
    def is_low(self) -> bool:
        """The last check has refused."""
        return self._is_low

    def check(self, size: int, min_free_bytes: int) -> None:
        """Raise StorageError unless lines of *size* bytes can be stored with *min_free_bytes* left.

        Once refused, it takes one per cent more, so that a disk at the very limit does not go on and off. A disk
        that cannot be asked refuses nothing: writing to it will tell what is wrong.
        """
        now_s = self._clock()
        needed = size * _GROWTH
        is_estimate = self._asked_s is not None and now_s - self._asked_s < _MEASURE_S
        if not is_estimate:
            self._measure(now_s)
        if is_estimate and not self._is_low and self._falls_short(needed, min_free_bytes):
            self._measure(now_s)  # an estimate alone refuses nothing
        self._is_low = self._falls_short(needed, min_free_bytes)
        if self._free is None:
            return
        if self._is_low:
            raise StorageError(
                f"Only {_spelled(self._free)} are free on the disk of {self._folder}; below {_spelled(min_free_bytes)} "
                "nothing more is stored. Free some space, or lower the limit in the settings."
            )
        self._free -= needed

    def _measure(self, now_s: float) -> None:
        self._asked_s = now_s
        try:
            self._free = self._ask(self._folder)
        except OSError:
            self._free = None

    def _falls_short(self, needed: int, min_free_bytes: int) -> bool:
        floor = min_free_bytes * _AGAIN if self._is_low else min_free_bytes
        return self._free is not None and min_free_bytes > 0 and self._free - needed < floor


def _spelled(size: int) -> str:
    """*size* rounded down, for a person: `480 MB`."""
    for unit, name in ((10_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= unit:
            return f"{size // (1_000_000_000 if name == 'GB' else unit):,} {name}"
    return f"{max(size, 0)} bytes"
