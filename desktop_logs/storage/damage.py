"""What SQLite's errors say of the file: whether it is damaged, or only the moment was wrong. Opens nothing."""

from __future__ import annotations

import sqlite3
from typing import Final

_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)


def code_of(fault: sqlite3.Error) -> int | None:
    """SQLite's own code; None when Python itself found fault with what SQLite gave it."""
    code: int | None = getattr(fault, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # above the reason stands its kind


def is_damage(fault: sqlite3.Error) -> bool:
    """True when the file is at fault; a text that is no UTF-8 has no code."""
    return code_of(fault) in _DAMAGED or (code_of(fault) is None and isinstance(fault, sqlite3.OperationalError))
