"""The file of a program that runs: what is known of it, and room for faulthandler's last words. Makes no reports.

A process that dies of a signal can write no report. So it keeps a file from its start: a block of fixed size with
the facts, written over in place, and behind it whatever faulthandler writes while the process dies. It is locked while
the process lives, and gone after an orderly end; who comes next takes what is left over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from desktop_logs.storage.filelock import try_lock

FACTS_BYTES: Final = 4096
_MOST_WORDS_BYTES: Final = 200_000
_TRIES: Final = 3
_PATTERN: Final = "running-[0-9]*.txt"
_FLAGS: Final = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What a process that is gone has left."""

    facts: str
    last_words: str
    """What faulthandler wrote; empty when the process was killed, or the machine went."""
    at: datetime
    """When the file was last written."""
    pid: int


class RunningFile:
    """This process's own, in *folder*, which must exist. Raises OSError when it cannot be made or locked."""

    def __init__(self, folder: Path) -> None:
        self.file, self._path = _make(folder)
        self._written = b""
        try:
            self.write("")
            # Behind the facts: there faulthandler writes, which knows only the position.
            os.lseek(self.file, FACTS_BYTES, os.SEEK_SET)
        except OSError:
            self.close()
            raise

    def write(self, facts: str) -> None:
        """Put *facts* in the place of those before; what does not fit is cut off. Raises OSError."""
        block = facts.encode("utf-8", "replace")[: FACTS_BYTES - 1].ljust(FACTS_BYTES - 1) + b"\n"
        if block != self._written:
            _write_at_start(self.file, block)
            self._written = block

    def close(self) -> None:
        """An orderly end: nothing is left."""
        # Closed first: Windows removes no file that is open.
        os.close(self.file)
        with suppress(OSError):
            self._path.unlink()


def left_over(folder: Path) -> Iterator[LeftOver]:
    """What processes that run no longer have left in *folder*; each is taken away before the caller gets it: on a full
    disk there is room then for what the caller writes."""
    for path in sorted(folder.glob(_PATTERN)):
        with suppress(OSError, ValueError):  # or its name is none of ours
            yield _taken(path, int(path.stem.split("-")[1]))


def _taken(path: Path, pid: int) -> LeftOver:
    """What stands in *path*, which goes. Raises OSError when it cannot be read, or is not left over."""
    file = os.open(path, _FLAGS)
    try:
        if not try_lock(file) or os.fstat(file).st_nlink == 0:
            raise BlockingIOError(f"{path} is a running program's, or another start was faster")
        left = _read(file, pid)
        # Where it cannot be removed while somebody has it open, it is at least read only once.
        os.ftruncate(file, 0)
    finally:
        os.close(file)
    with suppress(OSError):
        path.unlink()
    return left


def _make(folder: Path) -> tuple[int, Path]:
    # One of the same number may run in another container, or have left what could not be taken away.
    for number in range(1, _TRIES + 1):
        path = folder / f"running-{os.getpid()}{f'-{number}' if number > 1 else ''}.txt"
        try:
            file = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        try:
            # Another start may have come between, and taken it for left over.
            if try_lock(file) and os.fstat(file).st_nlink:
                return file, path
        except OSError:
            os.close(file)
            with suppress(OSError):
                path.unlink()
            raise
        os.close(file)
    raise FileExistsError(f"no file of this process's own can be made in {folder}")


def _read(file: int, pid: int) -> LeftOver:
    at = datetime.fromtimestamp(os.fstat(file).st_mtime, UTC)
    os.lseek(file, 0, os.SEEK_SET)
    data = b""
    while len(data) < FACTS_BYTES + _MOST_WORDS_BYTES and (piece := os.read(file, 65_536)):
        data += piece
    text = [part.decode("utf-8", "replace").strip() for part in (data[:FACTS_BYTES], data[FACTS_BYTES:])]
    return LeftOver(text[0], text[1], at, pid)


def _write_at_start(file: int, block: bytes) -> None:
    if hasattr(os, "pwrite"):
        os.pwrite(file, block, 0)
        return
    at = os.lseek(file, 0, os.SEEK_CUR)
    os.lseek(file, 0, os.SEEK_SET)
    try:
        os.write(file, block)
    finally:
        os.lseek(file, at, os.SEEK_SET)
