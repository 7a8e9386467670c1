"""A lock on a file, which the operating system takes back however a program ends. What it says is the caller's."""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

Got = Literal["ours", "taken", "no locks"]
"""What came of asking: it is held; another program holds it; the file system knows no locks, so nobody can."""

_TRY_AGAIN_S = 0.05
_HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

if sys.platform == "win32":
    import msvcrt

    # Windows lets nobody read what is locked: a byte far behind the text, which need not exist, leaves that readable.
    _LOCKED_BYTE = 1 << 30

    def _lock(file: int) -> None:
        at = os.lseek(file, 0, os.SEEK_CUR)
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, at, os.SEEK_SET)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def try_lock(file: int) -> bool:
    """Lock *file*, open for writing, until it is closed; False when another opening of it has the lock. Never waits.

    Raises OSError where that cannot be, as on a file system that knows no locks.
    """
    try:
        _lock(file)
    except OSError as fault:
        if fault.errno in _HELD:
            return False
        raise
    return True


class FileLock:
    """The right to what *path* stands for; its folder must exist. No lock is ever left over, and programs that this one
    starts do not get it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def is_open(self) -> bool:
        """True from a successful `acquire` on, also of one that found no locks, until `release`."""
        return self._file is not None

    def acquire(self, patience_s: float = 0.0) -> Got:
        """Take it, waiting up to *patience_s* for one that is just ending. Raises OSError when the file cannot be made
        or locked."""
        if self._file is not None:
            return "ours"
        # Python opens files so that programs it starts do not inherit them (PEP 446).
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        got: Got = "taken"
        try:
            got = _take(file, patience_s)
        finally:
            if got == "taken":
                os.close(file)
        if got != "taken":
            self._file = file
        return got

    def write(self, text: bytes) -> None:
        """Let *text* be all that the file says, for those who come later. Only while it is open; never raises."""
        if self._file is None:
            return
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, text)
            os.ftruncate(self._file, len(text))
        except OSError:
            # A full disk keeps nobody from holding a lock: who comes later reads nothing instead of old words.
            with suppress(OSError):
                os.ftruncate(self._file, 0)

    def release(self) -> None:
        """Let others have it. Does nothing when it is not open."""
        # The file stays: a program that has just opened it would otherwise lock one that is no longer to be found.
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def _take(file: int, patience_s: float) -> Got:
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            if try_lock(file):
                return "ours"
        except OSError as fault:
            if fault.errno in _NO_LOCKS:
                return "no locks"
            raise
        if time.monotonic() >= deadline_s:
            return "taken"
        # Also time for a holder that has only just begun to put its name where the last one's stood.
        time.sleep(_TRY_AGAIN_S)
