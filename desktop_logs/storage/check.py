"""Whether a segment is sound, and which were found so already. Repairs none.

A check reads the whole file, so that it is made once: a closed segment never changes again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from desktop_logs.storage.schema import FORMAT, fact
from desktop_logs.storage.segments import segments_in
from desktop_logs.storage.wal import fault_of_wal

CHECKED: Final = "checked.json"
Mark = tuple[int, int]
"""Size and time of the last change (ns) of a segment that was found sound."""

_BUSY_MS: Final = 5_000
_STEPS: Final = 10_000
"""Instructions of SQLite's machine between two looks at whether to stop: well under a millisecond."""
_ROWS: Final = 1_000


class Stopped(Exception):
    """The check was told to end."""


def check(path: Path, is_stopped: Callable[[], bool] = lambda: False, *, is_live: bool = False) -> str:
    """Empty when the segment *path* is sound, else what is wrong with it. About 2 s for 100 MB, others' turn meanwhile.

    Changes nothing, but for a `-wal` that is brought in. One that *is_live* may be written meanwhile; then damage
    inside the index can go unseen, since FTS5's own check locks out the writer. Raises Stopped, and OSError when the
    file cannot be read at all, which says nothing about it.
    """
    with open(path, "rb"):  # SQLite says of a file that may not be read what it says of one that is broken
        pass
    # Before SQLite looks, since that forgets what stands behind a damaged frame.
    if not is_live and (fault_in_wal := fault_of_wal(path)):
        return fault_in_wal
    try:
        found = _checked(path, "ro", is_stopped, _fault_in)
        return found if found or is_live else _checked(path, "rw", is_stopped, _fault_of_index)
    except sqlite3.OperationalError as fault:
        if is_stopped():
            raise Stopped from None
        # In use, out of memory, unreadable: the next check may tell more.
        if _code(fault) in (None, sqlite3.SQLITE_ERROR):
            return str(fault)
        raise OSError(f"{path} cannot be checked: {fault}") from fault
    except sqlite3.DatabaseError as fault:
        return str(fault)


def _checked(path: Path, mode: str, is_stopped: Callable[[], bool], find: Callable[[sqlite3.Connection], str]) -> str:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.set_progress_handler(is_stopped, _STEPS)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        return find(connection)


def _fault_in(connection: sqlite3.Connection) -> str:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        return str(found[0] if found else "the check gave no answer").replace("\n", " ")
    if (version := fact(connection, "format")) != FORMAT:
        return f"its format is {version!r} and not {FORMAT}"
    # SQLite looks at no text; whoever reads one that is no UTF-8 meets an error.
    rows = connection.execute("SELECT level, source, message, context, given_id FROM records")
    while rows.fetchmany(_ROWS):
        time.sleep(0)  # the window's turn
    return ""


def _fault_of_index(connection: sqlite3.Connection) -> str:
    """Damage inside the index, which SQLite before 3.44 takes for mere bytes: 31 of 200 damages."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'words'").fetchone():
        return ""
    try:
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")  # its command; inserts nothing
    except sqlite3.OperationalError as fault:
        # A folder that is only read stays as sound as the first look has found it.
        if _code(fault) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise
    return ""


def _code(fault: sqlite3.OperationalError) -> int | None:
    """SQLite's own number for the fault: SQLITE_ERROR is one in the file, like a table that is not there; the others
    are the disk's or a lock's. None when it is Python's, of a text that is no UTF-8."""
    code: int | None = getattr(fault, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


class Checked:
    """The closed segments of *folder* that were found sound, kept in a file beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._marks: dict[str, Mark] = {}
        # Without it, or with a broken one, every segment is checked again: it costs time alone.
        with suppress(OSError, ValueError, TypeError, AttributeError):
            kept = json.loads((folder / CHECKED).read_bytes())
            self._marks = {str(name): (int(size), int(changed)) for name, (size, changed) in kept.items()}

    def knows(self, name: str) -> bool:
        """True when *name* was found sound and looks as it did then."""
        mark = self._marks.get(name)
        return mark is not None and mark == self.mark_of(name)

    def mark_of(self, name: str) -> Mark | None:
        """How *name* looks now; None when it is gone, or not closed: then it has more beside it."""
        with suppress(FileNotFoundError):
            about = os.stat(self._folder / name)
            wal = self._folder / f"{name}-wal"
            if not (wal.exists() and wal.stat().st_size):
                return about.st_size, about.st_mtime_ns
        return None

    def note(self, name: str, mark: Mark | None) -> None:
        """Remember that *name* was sound when it looked like *mark*, and forget what is gone. Raises OSError."""
        here = {str(segment) for segment in segments_in(self._folder)}
        self._marks = {known: at for known, at in self._marks.items() if known in here and known != name}
        if mark is not None and mark == self.mark_of(name):
            self._marks[name] = mark
        part = self._folder / f"{CHECKED}.part"
        part.write_text(json.dumps(self._marks), encoding="utf-8")
        os.replace(part, self._folder / CHECKED)
