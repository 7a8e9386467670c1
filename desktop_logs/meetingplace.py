"""Where the starts of one user's program meet: a lock and a socket that nobody else can put there. No Qt."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from desktop_logs.core.errors import EnvironmentFault

_NAME_LETTERS = 16
"""Of a hash; short, for the path of a socket may not be long."""
_LONGEST_SOCKET = 94
"""Bytes of its path: 103 on macOS (107 on Linux), of which Qt takes 9 while it makes one."""


@dataclass(frozen=True, slots=True)
class MeetingPlace:
    """What the starts with one data folder, on one display, have in common."""

    lock: Path
    """Whoever holds it is the first."""
    socket: str
    """Where the first listens: a path, on Windows the name of a pipe."""


def meeting_place(data_dir: Path, environ: Mapping[str, str] | None = None) -> MeetingPlace:
    """The place for *data_dir*, whose folder is made where it must be.

    Raises EnvironmentFault when there is no folder that is this user's alone.
    """
    env = os.environ if environ is None else environ
    display = env.get("WAYLAND_DISPLAY") or env.get("DISPLAY") or ""
    same = os.path.normcase(os.path.realpath(data_dir))
    name = hashlib.sha256(os.fsencode(f"{same}\n{display}")).hexdigest()[:_NAME_LETTERS]
    if sys.platform == "win32":
        # The user's own already, by its access list.
        folder = _made(Path(tempfile.gettempdir(), "desktop-logs"))
        user = "".join(letter for letter in env.get("USERNAME", "") if letter.isalnum())
        return MeetingPlace(folder / f"{name}.lock", f"desktop-logs-{user}-{name}")
    folder = _folder(env)
    return MeetingPlace(folder / f"{name}.lock", str(folder / name))


def keep_from_cleaning(path: Path) -> None:
    """Tell those who tidy up a runtime folder that *path* is in use, by the sticky bit (XDG Base Directory)."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            os.chmod(path, stat.S_IMODE(path.stat().st_mode) | stat.S_ISVTX)


def _folder(env: Mapping[str, str]) -> Path:
    """A folder of this user's alone, made if need be. Raises EnvironmentFault."""
    runtime = env.get("XDG_RUNTIME_DIR", "")
    folder = Path(runtime, "desktop-logs")
    is_ours = os.path.isabs(runtime) and not _why_not_ours(Path(runtime), stat.S_IWGRP | stat.S_IWOTH)
    if not is_ours or _is_too_long(folder):
        folder = Path(tempfile.gettempdir(), f"desktop-logs-{os.getuid()}")
    if _is_too_long(folder):
        raise EnvironmentFault(f"{folder} has too long a path for a socket (TMPDIR).")
    _made(folder)
    if why := _why_not_ours(folder, 0o077):
        # Whoever has made it in a folder that is open to all could hear what is handed over there.
        raise EnvironmentFault(f"{folder} {why}, so it is not used. Take it away.")
    return folder


def _is_too_long(folder: Path) -> bool:
    """Whether no socket can lie in *folder*."""
    return len(os.fsencode(folder)) + 1 + _NAME_LETTERS > _LONGEST_SOCKET


def _made(folder: Path) -> Path:
    """*folder*, which is there now. Raises EnvironmentFault."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as fault:
        raise EnvironmentFault(f"Cannot make {folder}: {fault.strerror or fault}.") from None
    return folder


def _why_not_ours(folder: Path, forbidden_mode: int) -> str:
    """Why *folder* is not this user's alone, as the end of a sentence; empty when it is."""
    try:
        found = folder.lstat()
    except OSError as fault:
        return f"cannot be looked at ({fault.strerror or fault})"
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if sys.platform != "win32" and found.st_uid != os.getuid():
        return "belongs to another user"
    if found.st_mode & forbidden_mode:
        return "is open to other users"
    return ""
