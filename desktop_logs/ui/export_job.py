"""An export at work: records into a file, in slices that never hold up the window. Files and asyncio; no widgets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

from desktop_logs.core.errors import StorageError
from desktop_logs.core.export import Format
from desktop_logs.core.records import Record

SLICE_S: Final = 0.004
"""How long encoding may hold the loop before it is given back."""
# The clock is read between groups, so a group must stay well below a slice: 64 usual records take about 0.2 ms to
# encode, and 64 K characters (more only where one record alone is longer) at most about 1 ms.
_GROUP_RECORDS: Final = 64
_GROUP_CHARACTERS: Final = 65_536
_PERMISSION_ERRNOS = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_GONE_ERRNOS = (errno.ENOENT, errno.ENOTDIR)


class ExportJob:
    """One export over records that do not change any more, all or nothing.

    The file grows as `<name>.part` beside its target and takes the target's name when it is complete. Cancelled or
    failed, the part is deleted and a file that had the target's name before is as it was.
    """

    def __init__(
        self,
        records: Sequence[Record],
        form: Format,
        target: Path,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """*progress* is called on the loop with the records done and their total, about 200 times a second."""
        self.total = len(records)
        self._records = records
        self._form = form
        self._progress = progress
        self._part = _PartFile(target)
        # One thread of its own, so that what is asked of the file happens in that order: a cancelled export deletes
        # its file only after the write that was under way.
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")

    async def run(self) -> int:
        """Write the file and return the number of records in it; once only.

        Raises StorageError with a sentence when the file cannot be written.
        """
        try:
            try:
                await self._write_all()
            except BaseException:
                await self._on_disk(self._part.discard)
                raise
        except OSError as problem:
            raise StorageError(export_problem(problem, self._part.target)) from problem
        finally:
            self._disk.shutdown(wait=False)
        return self.total

    async def _write_all(self) -> None:
        await self._on_disk(self._part.open)
        self._progress(0, self.total)
        done = 0
        pieces = [self._form.head]
        slice_end_s = time.perf_counter() + SLICE_S
        for group in groups(self._records):
            pieces.append(self._form.encode(group))
            done += len(group)
            if time.perf_counter() >= slice_end_s:
                await self._on_disk(self._part.write, b"".join(pieces))
                pieces.clear()
                self._progress(done, self.total)
                slice_end_s = time.perf_counter() + SLICE_S
        pieces.append(self._form.tail)
        await self._on_disk(self._part.write, b"".join(pieces))
        await self._on_disk(self._part.finish)
        self._progress(self.total, self.total)

    async def _on_disk(self, work: Callable[..., None], *args: Any) -> None:
        # Shielded: a thread cannot be stopped, and what it is asked for after a cancellation must still happen.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._disk, work, *args))


class _PartFile:
    """The unfinished file. Everything here runs on the job's disk thread, one call after the other."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._path: Path | None = None
        self._file: BinaryIO | None = None

    def open(self) -> None:
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
        assert self._file is not None
        self._file.write(data)

    def finish(self) -> None:
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


def groups(records: Iterable[Record]) -> Iterator[list[Record]]:
    """*records* in order, in groups that take at most about a millisecond to encode."""
    group: list[Record] = []
    characters = 0
    for record in records:
        group.append(record)
        characters += len(record.message) + len(record.context)
        if len(group) >= _GROUP_RECORDS or characters >= _GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


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
