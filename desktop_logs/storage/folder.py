"""The folder that everything is kept in: making it, testing it, and the sentence when it fails. Writes no logs."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from desktop_logs.core.errors import StorageError

_ELSEWHERE = "choose another folder with --data-dir"
_ADVICE = {
    errno.ENOSPC: f"Free some space or {_ELSEWHERE}.",
    errno.EDQUOT: f"Free some space or {_ELSEWHERE}.",
    errno.EFBIG: f"Raise the limit on file size (ulimit -f) or {_ELSEWHERE}.",
    errno.EMFILE: "Raise the limit on open files (ulimit -n).",
    errno.EACCES: f"Make it writable for you or {_ELSEWHERE}.",
    errno.EPERM: f"Make it writable for you or {_ELSEWHERE}.",
    errno.EROFS: f"Make it writable for you or {_ELSEWHERE}.",
    errno.EEXIST: f"Move that file away or {_ELSEWHERE}.",
    errno.ENOTDIR: f"Move that file away or {_ELSEWHERE}.",
}
_FILE_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR)


def cannot_write(folder: Path, fault: OSError) -> str:
    """What a person reads when log files in *folder* cannot be written: what, where, why, and what to do."""
    return f"Cannot write log files in {folder}: {_reason_and_advice(fault)}"


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


def _reason_and_advice(fault: OSError) -> str:
    if fault.errno in _FILE_IN_THE_WAY:
        reason = "a file stands where a folder should be"
    else:
        reason = fault.strerror or str(fault)
    advice = _ADVICE.get(fault.errno or 0, f"Check the disk or {_ELSEWHERE}.")
    return f"{reason}. {advice}"
