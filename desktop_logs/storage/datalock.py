"""One program at a time writes in a data folder: the lock, and who has it. Knows nothing of what is written there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from desktop_logs.core.errors import FolderInUse, StorageError
from desktop_logs.storage.filelock import FileLock
from desktop_logs.storage.folder import cannot_write

LOCK_FILE = "hub.lock"

_PATIENCE_S = 0.5
_TEXT_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a folder, as its lock file tells. All empty when that cannot be read."""

    what: str = ""
    pid: int = 0
    url: str = ""
    """Where it listens; empty while it does not."""

    def __str__(self) -> str:
        if not self.pid:
            return "another program"
        return f"{self.what} (process {self.pid}{', ' if self.url else ''}{self.url})"


class DataLock:
    """The right to write in *folder*, which is made when it is not there. The operating system takes it back however
    this program ends, so that no lock is ever left over; programs that this one starts do not get it.

    *description* tells others who has it: `desktop-logs serve`.
    """

    def __init__(self, folder: Path, description: str) -> None:
        self._folder = folder
        self._description = description
        self._lock = FileLock(folder / LOCK_FILE)

    def acquire(self) -> str:
        """Take the lock, waiting half a second for one that is just ending.

        Returns empty, or a sentence where the file system knows no locks: then nothing keeps a second program out.
        Raises FolderInUse, and StorageError when the lock file cannot be made.
        """
        if self._lock.is_open:
            return ""
        try:
            # A lock that cannot be made for want of its folder would not tell why there is none.
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            got = self._lock.acquire(_PATIENCE_S)
        except OSError as fault:
            raise StorageError(cannot_write(self._folder, fault)) from fault
        if got == "taken":
            raise self._in_use(holder_of(self._folder))
        self.announce("")
        if got == "ours":
            return ""
        return (
            f"The file system of {self._folder} knows no locks, so nothing keeps a second program from "
            "writing there too. See to it that there is one alone."
        )

    def announce(self, url: str) -> None:
        """Tell those who come later where this program listens; empty when it no longer does. Only while it is held."""
        said = {"what": self._description, "pid": os.getpid(), "url": url}
        self._lock.write(json.dumps(said).encode() + b"\n")

    def release(self) -> None:
        """Let others write. Does nothing when it is not held."""
        self._lock.release()

    def _in_use(self, holder: Holder) -> FolderInUse:
        way = "Use that one" if holder.pid else "End it"
        return FolderInUse(
            f"The data folder {self._folder} is in use by {holder}. {way}, or choose another folder with --data-dir.",
            str(holder),
            holder.url,
        )


def holder_of(folder: Path) -> Holder:
    """Who had the lock of *folder* last; whether it still runs only `acquire` can tell."""
    try:
        with open(folder / LOCK_FILE, "rb", buffering=0) as file:
            said = json.loads(file.read(_TEXT_BYTES))
        return Holder(str(said["what"]), int(said["pid"]), str(said["url"]))
    except (OSError, ValueError, KeyError, TypeError):  # being written at this moment, or not ours
        return Holder()
