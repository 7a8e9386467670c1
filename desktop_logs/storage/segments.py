"""The files of the history: their names, their order, and which of them are there. Opens none of them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DAMAGED = ".damaged"
"""The end of the name of a segment that was set aside."""
COMPANIONS = ("-wal", "-shm")
"""What SQLite keeps beside a database that is open, or was when its program was killed."""

_NAME = re.compile(r"segment-([0-9]{6,12})-([0-9]{4}-[0-9]{2}-[0-9]{2})\.db")


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """`segment-000012-2026-11-22.db`: the twelfth segment, begun on that local day.

    Numbers only grow, so their order is that of the records' numbers, whatever the clock did meanwhile.
    """

    number: int
    day: date

    def __str__(self) -> str:
        return f"segment-{self.number:06d}-{self.day.isoformat()}.db"

    @classmethod
    def parse(cls, text: str) -> SegmentName | None:
        """The name that *text* spells exactly, else None: such a file is not ours to touch."""
        match = _NAME.fullmatch(text)
        if match is None:
            return None
        try:
            name = cls(int(match[1]), date.fromisoformat(match[2]))
        except ValueError:  # a month 13
            return None
        return name if str(name) == text else None


def segments_in(folder: Path) -> list[SegmentName]:
    """The segments in *folder*, oldest first; empty when there is no such folder. Raises OSError."""
    names: list[SegmentName] = []
    with suppress(FileNotFoundError, NotADirectoryError):
        names = [name for entry in folder.iterdir() if (name := SegmentName.parse(entry.name)) is not None]
    return sorted(names)


def was_left_open(folder: Path) -> bool:
    """True when the newest segment seems to have been open when its program ended; asked before it is opened again."""
    try:
        names = segments_in(folder)
        return bool(names) and (folder / f"{names[-1]}{COMPANIONS[0]}").exists()
    except OSError:  # nobody can tell
        return True


def bytes_of(folder: Path, name: SegmentName) -> int:
    """The size of a segment with what SQLite keeps beside it; 0 when it is gone."""
    size = 0
    for path in (folder / str(name), *(folder / f"{name}{ending}" for ending in COMPANIONS)):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size
