"""An exclusive lock on an open file. The operating system takes it back however this program ends. Opens nothing."""

from __future__ import annotations

import errno
import os
import sys

_HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)

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
