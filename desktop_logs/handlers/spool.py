"""Batches that a program could not send before it ended, in files of this user's, for the next start to send. Knows
files and batches, and no thread, record or network; standard library only.

A file is one line that names the hub and how far it was sent, then batches (batches.py). It is written under another
name first. Who reads it holds a lock on it, which ends with the process: what a program that was killed had taken over
is free again. A file that is sent twice does no harm, since the hub knows its batches by their numbers.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from desktop_logs.handlers.batches import MAX_BODY_BYTES, MAX_HEAD_BYTES, Batch, Damaged, read, written

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_ENDING = ".spool"
_UNFINISHED = ".part"
_DAMAGED = ".damaged"
_MAX_FILES: Final = 1_000
_ABANDONED_S: Final = 60.0
"""A file that is still unfinished so long after its last byte belongs to a program that was killed."""

_SENT_AT: Final = len('{"spool": 1, "sent": "')
_SENT_DIGITS: Final = 20
_OPEN: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def state_folder() -> str | None:
    """Where a program of this user keeps what outlives it, on each system; None for a user without a home."""
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        home = os.path.expanduser("~/Library/Application Support")
    else:
        # Only an absolute one counts (XDG Base Directory Specification).
        given = os.environ.get("XDG_STATE_HOME", "")
        home = given if os.path.isabs(given) else os.path.expanduser("~/.local/state")
    return os.path.join(home, "desktop-logs", "spool") if os.path.isabs(home) else None


class Spool:
    """The files for the hub at *url* in *folder*, *max_bytes* together. For one thread at a time.

    Nothing is made or looked for before it is asked for. Without a folder, or with no bytes, nothing is kept.
    """

    def __init__(self, folder: str | None, url: str, source: str | None, max_bytes: int) -> None:
        self.max_bytes = max_bytes if folder else 0
        self.damaged: list[str] = []
        """Files that were set aside, since what they hold is not what was written."""
        self._folder = folder or ""
        self._url = url
        place = re.sub(r"[^A-Za-z0-9.]+", "-", url.partition("://")[2])[:60]
        self._prefix = f"{place}-{zlib.crc32(url.encode('utf-8', 'replace')):08x}."
        self._suffix = re.sub(r"[^A-Za-z0-9]+", "-", source or "")[:40]
        self._tried: set[str] = set()
        self._path = ""
        self._descriptor: int | None = None  # of the file that is being sent
        self._at = 0
        self._next_at = 0

    def has_files(self) -> bool:
        """True when something may wait here to be sent."""
        return bool(self._names())

    # Sending what an earlier run has left

    def next(self) -> Batch | None:
        """The oldest batch that waits here and is not `done`; the same one until it is. None when there is none, or
        others are sending them."""
        while self._descriptor is not None or self._claim():
            assert self._descriptor is not None
            try:
                content = self._read(self._descriptor)
                if content:
                    batch, size = read(content)
                    self._next_at = self._at + size
                    if batch is not None:
                        return batch
                self._remove()
            except Damaged:
                self._set_aside()
            except OSError:  # the disk is broken, or the file went away with it: the next start may have more luck
                self.release()
        return None

    def done(self) -> None:
        """The batch that `next` gave is settled."""
        self._at = self._next_at
        if self._descriptor is not None:
            # In place, so that the next start goes on from here. Should it fail, some is sent twice.
            with suppress(OSError):
                os.lseek(self._descriptor, _SENT_AT, os.SEEK_SET)
                os.write(self._descriptor, b"%0*d" % (_SENT_DIGITS, self._at))

    def release(self) -> None:
        """Leave the file that is being sent to others, or to the next start."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):  # the lock goes with it
                os.close(descriptor)

    # Keeping what this run has left

    def keep(self, batches: Iterable[Batch]) -> None:
        """Write *batches* into a new file, for this user's eyes only. Raises OSError, and then there is none."""
        stem = os.path.join(self._folder, f"{self._prefix}{time.time_ns():020d}-{os.getpid()}-{self._suffix}")
        descriptor = os.open(stem + _UNFINISHED, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o600)
        try:
            try:
                head = {"spool": 1, "sent": "0" * _SENT_DIGITS, "url": self._url}
                _write(descriptor, json.dumps(head).encode("ascii") + b"\n")
                for batch in batches:
                    _write(descriptor, written(batch))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(stem + _UNFINISHED, stem + _ENDING)
        except OSError:
            with suppress(OSError):
                os.unlink(stem + _UNFINISHED)
            raise

    def make_room(self, size: int) -> int:
        """Remove the oldest files until *size* bytes more have their place; make the folder if there is none. How many
        records were in them that nobody has sent. Raises OSError when there can be no folder."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        names = self._names((_ENDING, _UNFINISHED, _DAMAGED))
        sizes = {name: _size_of(os.path.join(self._folder, name)) for name in names}
        total, count, dropped = sum(sizes.values()), len(names), 0
        for name in names:
            if total + size <= self.max_bytes and count < _MAX_FILES:
                break
            if name.endswith(_DAMAGED):
                with suppress(OSError):
                    os.unlink(os.path.join(self._folder, name))
            elif self._open(name):
                dropped += self._unsent()
                self._remove()
            else:
                continue
            total, count = total - sizes[name], count - 1
        return dropped

    def _names(self, endings: Sequence[str] = (_ENDING, _UNFINISHED)) -> list[str]:
        """Of the files for this hub, the oldest first."""
        if not self.max_bytes:
            return []
        try:
            names = os.listdir(self._folder)
        except OSError:  # there is none yet, or none can be
            return []
        # Between the prefix and the ending stand the time, of a fixed width, the process and the source.
        return sorted(name for name in names if name.startswith(self._prefix) and name.endswith(tuple(endings)))

    def _claim(self) -> bool:
        """Take over the oldest file that is left. False when there is none; each is looked at once."""
        for name in self._names():
            if name not in self._tried:
                self._tried.add(name)
                if self._open(name):
                    return True
        return False

    def _open(self, name: str) -> bool:
        """Make *name* the file that is being sent, if nobody else sends it and it is for this hub."""
        path = os.path.join(self._folder, name)
        try:
            if name.endswith(_UNFINISHED) and abs(time.time() - os.stat(path).st_mtime) < _ABANDONED_S:
                return False
            descriptor = os.open(path, os.O_RDWR | _OPEN)
        except OSError:  # sent and removed by another meanwhile
            return False
        self._descriptor, self._path = descriptor, path
        try:
            # Locked by us, it may have been removed a moment before by who had it.
            if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return self._read_head()
        except OSError:
            pass
        self.release()
        return False

    def _read_head(self) -> bool:
        assert self._descriptor is not None
        line, newline, _ = os.read(self._descriptor, 4_096).partition(b"\n")
        if not newline:  # nothing had come into it
            self._remove()
            return False
        try:
            head = json.loads(line)
            url, sent = head["url"], int(head["sent"])
        except (ValueError, TypeError, KeyError, RecursionError):
            self._set_aside()
            return False
        if url != self._url:  # of the same name by chance
            self.release()
            return False
        self._at = max(sent, len(line) + 1)
        return True

    def _read(self, descriptor: int) -> bytes:
        """What stands from here on: one whole batch at least."""
        os.lseek(descriptor, self._at, os.SEEK_SET)
        return os.read(descriptor, MAX_BODY_BYTES + MAX_HEAD_BYTES)

    def _unsent(self) -> int:
        """The records in the open file from here on."""
        records = 0
        with suppress(Damaged):
            while self._descriptor is not None and (content := self._read(self._descriptor)):
                batch, size = read(content)
                records += batch.records if batch else 0
                self._at += size
        return records

    def _remove(self) -> None:
        # Windows removes no open file. Emptied first, it is nothing to send for who opens it in between.
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)
        self.release()
        with suppress(OSError):
            os.unlink(self._path)

    def _set_aside(self) -> None:
        self.release()
        with suppress(OSError):
            os.replace(self._path, self._path + _DAMAGED)
        self.damaged.append(self._path + _DAMAGED)


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # removed meanwhile
        return 0


def _lock(descriptor: int) -> bool:
    """False when another process, or another handler of this one, has it locked. Where the file system knows no locks
    everybody has it: at worst a file is sent twice."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, 1 << 40, os.SEEK_SET)  # a lock of Windows' keeps others from reading these bytes
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            # Not lockf, whose locks are a process's and not a file's: two handlers of one program would both have it.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
