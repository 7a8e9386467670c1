"""The folder that everything is kept in: making it, testing it, and the sentence when it fails. Writes no logs."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

from desktop_logs.core.errors import StorageError

ELSEWHERE = "choose another folder with --data-dir"
"""The second half of every advice, where the folder was chosen on the command line."""

_ADVICE = {
    errno.ENOSPC: "Free some space or {elsewhere}.",
    errno.EDQUOT: "Free some space or {elsewhere}.",
    errno.EFBIG: "Raise the limit on file size (ulimit -f) or {elsewhere}.",
    errno.EMFILE: "Raise the limit on open files (ulimit -n).",
    errno.EACCES: "Make it writable for you or {elsewhere}.",
    errno.EPERM: "Make it writable for you or {elsewhere}.",
    errno.EROFS: "Make it writable for you or {elsewhere}.",
    errno.EEXIST: "Move that file away or {elsewhere}.",
    errno.ENOTDIR: "Move that file away or {elsewhere}.",
}
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: (os.strerror(errno.ENOSPC), _ADVICE[errno.ENOSPC]),
    sqlite3.SQLITE_BUSY: ("it is locked by another program", "End that program or {elsewhere}."),
    sqlite3.SQLITE_LOCKED: ("it is locked by another program", "End that program or {elsewhere}."),
    sqlite3.SQLITE_READONLY: ("it cannot be written", _ADVICE[errno.EACCES]),
    sqlite3.SQLITE_CANTOPEN: ("its files cannot be opened", _ADVICE[errno.EACCES]),
    sqlite3.SQLITE_PERM: ("its files cannot be opened", _ADVICE[errno.EACCES]),
    sqlite3.SQLITE_CORRUPT: ("a file in it is damaged", "Move the newest one away or {elsewhere}."),
    sqlite3.SQLITE_NOTADB: ("a file in it is damaged", "Move the newest one away or {elsewhere}."),
}
_FILE_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR)


def cannot_write(folder: Path, fault: OSError, elsewhere: str = ELSEWHERE) -> str:
    """What a person reads when log files in *folder* cannot be written: what, where, why, and what to do.

    *elsewhere* names the way to another folder, which is not a command line's in somebody's own program.
    """
    return f"Cannot write log files in {folder}: {_reason_and_advice(fault, elsewhere)}"


def cannot_keep(folder: Path, fault: OSError | sqlite3.Error, elsewhere: str = ELSEWHERE) -> str:
    """As `cannot_write`, of the history in *folder*."""
    if isinstance(fault, OSError):
        told = _reason_and_advice(fault, elsewhere)
    else:
        code = getattr(fault, "sqlite_errorcode", 0) & 0xFF  # the reason; above it stand its kinds
        reason, advice = _OF_SQLITE.get(code, (str(fault), "Check the disk or {elsewhere}."))
        told = f"{reason}. {advice.format(elsewhere=elsewhere)}"
    return f"Cannot store records in {folder}: {told}"


def check_folder(folder: Path) -> None:
    """Make *folder*, with its parents, unless it is there, and see that files can be written in it.

    On POSIX a folder made here is its owner's alone (mode 0700): logs tell secrets. One that exists keeps its mode.
    Raises StorageError with a sentence that says what to do.
    """
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # A real write: permission bits tell nothing about a disk that is read-only or full, nor to root.
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(b"\n")
    except OSError as fault:
        raise StorageError(f"Cannot use {folder} as the data folder: {_reason_and_advice(fault)}") from fault


def _reason_and_advice(fault: OSError, elsewhere: str = ELSEWHERE) -> str:
    if fault.errno in _FILE_IN_THE_WAY:
        reason = "a file stands where a folder should be"
    else:
        reason = fault.strerror or str(fault)
    advice = _ADVICE.get(fault.errno or 0, "Check the disk or {elsewhere}.").format(elsewhere=elsewhere)
    return f"{reason}. {advice}"
