"""The file of an export while it is written: all of it or none. Used by the window and by the command; no asyncio."""

from __future__ import annotations

import contextlib
import errno
import os
from itertools import count
from pathlib import Path
from typing import BinaryIO

from desktop_logs.core.errors import StorageError

_PERMISSION_ERRNOS = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_GONE_ERRNOS = (errno.ENOENT, errno.ENOTDIR)


class PartFile:
    """A file that grows as `<name>.part` beside its target and takes the target's name when it is complete.

    Discarded, a file that had the target's name before is as it was. `open`, `write` and `finish` raise OSError, which
    export_problem puts into a sentence.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self._path: Path | None = None
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Make the part; before any other call."""
        if self.target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self.target))
        # A part that lies there already may belong to another export or to another program: it is left alone.
        for number in count(1):
            suffix = ".part" if number == 1 else f".{number}.part"
            path = self.target.with_name(self.target.name + suffix)
            try:
                self._file = open_new(path)
            except FileExistsError:
                continue
            self._path = path
            return

    def write(self, data: bytes) -> None:
        """Add *data* at its end."""
        assert self._file is not None
        self._file.write(data)

    def finish(self) -> None:
        """Put it on the disk and in the place of the target."""
        assert self._file is not None
        assert self._path is not None
        self._file.flush()
        os.fsync(self._file.fileno())  # a full disk may tell only now, and then the old file must still be there
        self._file.close()
        os.replace(self._path, self.target)
        self._path = None

    def discard(self) -> None:
        """Delete the unfinished file, if there is one. Raises StorageError when it stays."""
        path, self._path = self._path, None
        if path is None or self._file is None:
            return
        # Closing writes what is buffered, and fails again where writing failed; the file is closed all the same.
        with contextlib.suppress(OSError):
            self._file.close()
        try:
            path.unlink(missing_ok=True)
        except OSError as problem:
            reason = problem.strerror or problem
            raise StorageError(f"The unfinished file {path} could not be deleted ({reason}). Delete it.") from problem


def open_new(path: Path) -> BinaryIO:
    """A new, empty file at *path*. Raises FileExistsError when there is one."""
    return open(path, "xb")


def export_problem(problem: OSError, target: Path) -> str:
    """What went wrong with the file, and what to do, in one or two sentences."""
    if problem.errno in _FULL_ERRNOS:
        return f"The disk that holds {target.parent} is full. Free some space there, or choose another folder."
    if problem.errno == errno.EFBIG:
        return f"{target.name} would be larger than files may be in {target.parent}. Choose another folder."
    if problem.errno in _PERMISSION_ERRNOS:
        return (
            f"{target} cannot be written: this folder is not yours to write in, or another program holds the file "
            "open. Choose another folder or name."
        )
    if problem.errno in _GONE_ERRNOS:
        return f"There is no folder {target.parent}. Choose another one."
    if problem.errno == errno.EISDIR:
        return f"{target} is a folder. Choose another name."
    if problem.errno == errno.ENAMETOOLONG:
        return f"The name {target.name[:40]}… is too long. Choose a shorter one."
    return f"{target} could not be written ({problem.strerror or problem}). Choose another folder or name."
