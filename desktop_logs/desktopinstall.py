"""`desktop-logs install-desktop`: puts the program into the menu of this user's desktop, and takes it out again. No Qt.

What it made is listed in desktop-entry.json in the share folder's desktop-logs/, and nothing else is ever removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from desktop_logs.core.errors import EnvironmentFault, UserError
from desktop_logs.desktopentry import ENTRY, PROGRAM, share_files
from desktop_logs.terminal import complain, write_out

RECORD = f"{PROGRAM}/desktop-entry.json"
_TOOL_S = 60.0

_ENTRIES_CACHE = "applications/mimeinfo.cache"
_TYPES_CACHE = "mime/mime.cache"
_ICONS_CACHE = "icons/hicolor/icon-theme.cache"
_TYPES_GENERATED = (
    "XMLnamespaces", "aliases", "generic-icons", "globs", "globs2", "icons", "magic", "mime.cache", "subclasses",
    "treemagic", "types", "version",
)  # fmt: skip
"""What update-mime-database writes into mime/ whatever the types are (its update-mime-database.c)."""


@dataclass(slots=True)
class Made:
    """What was made below the share folder, by names relative to it."""

    files: dict[str, str] = field(default_factory=dict)
    """Each with the SHA-256 of what was written."""
    folders: list[str] = field(default_factory=list)
    """The outer before those in them."""
    caches: list[str] = field(default_factory=list)
    """Those that the system's tools wrote where there were none before."""


def install_desktop(remove: bool = False) -> int:
    """Put the program into the menu, again where it is there already, or take it out; the exit code.

    Raises UserError where that cannot be done here, and EnvironmentFault where a folder cannot be written.
    """
    if sys.platform in ("win32", "darwin"):
        system, what = (
            ("Windows", "pin it to the Start menu") if sys.platform == "win32" else ("macOS", "keep it in the Dock")
        )
        raise UserError(f"install-desktop is for the desktops of Linux. On {system}, start the program and {what}.")
    share = share_folder()
    try:
        return _take_out(share) if remove else _put_in(share)
    except OSError as fault:
        what = fault.filename or share
        done = "Make it writable and try again; what was done by then, `install-desktop --remove` takes out."
        raise EnvironmentFault(f"{what} cannot be changed: {fault.strerror or fault}. {done}") from None


def share_folder() -> Path:
    """`$XDG_DATA_HOME`, or `~/.local/share`. Raises UserError when there is no home."""
    named = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(named):  # "All paths must be absolute … consider the path invalid and ignore it"
        return Path(named)
    try:
        return Path.home() / ".local" / "share"
    except RuntimeError:
        raise UserError("There is no home folder to put a menu entry into. Set HOME.") from None


def this_program() -> tuple[str, ...]:
    """What starts the program that is running, by its absolute path. Raises UserError when nothing does everywhere."""
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    script = Path(os.path.abspath(sys.argv[0]))
    # Not resolved: a link on the path outlives the version that it leads to.
    if script.name == PROGRAM and os.access(script, os.X_OK):
        return (str(script),)
    # `python -m desktop_logs`: the script beside that Python, or that Python again where it finds the package itself.
    script = Path(sys.executable).with_name(PROGRAM)
    if os.access(script, os.X_OK):
        return (str(script),)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    found = subprocess.run(
        [sys.executable, "-c", "import desktop_logs.cli"], cwd="/", env=bare, capture_output=True, check=False
    )
    if found.returncode != 0:
        raise UserError(
            "A menu entry needs a program that starts from any folder, and this one starts from its own. Install it "
            "with pip, or use the bundle, and give the command again."
        )
    return (sys.executable, "-m", "desktop_logs")


# --- in -------------------------------------------------------------------------------------------------------------


def _put_in(share: Path) -> int:
    command = this_program()
    wanted = share_files(command)
    before = _read(share)
    _refuse_what_is_not_ours(share, wanted, before)
    made = Made(
        {name: _sha256(data) for name, data in wanted.items()},
        # The last is made by update-mime-database, for the one type that is described.
        before.folders + _missing_folders(share, [*wanted, RECORD, "mime/application/x-ndjson.xml"]),
        before.caches + [name for name in (_ENTRIES_CACHE, _TYPES_CACHE) if not (share / name).exists()],
    )
    made.caches = list(dict.fromkeys(made.caches))
    stale = {name: known for name, known in before.files.items() if name not in wanted}
    # The record before all else: what is there is always in it, however this ends.
    _write(share, RECORD, json.dumps(_plain(made, stale), indent=2).encode() + b"\n")
    for name, data in wanted.items():
        _write(share, name, data)
    _unlink_ours(share, stale)
    _write(share, RECORD, json.dumps(_plain(made, {}), indent=2).encode() + b"\n")
    _tell_the_desktop(share)
    write_out(
        f"Desktop Logs is in the menu, and opens *.log, *.jsonl and *.ndjson files and desktop-logs:// links.\n"
        f"The entry is {share / ENTRY} and starts {' '.join(command)}\n"
        f"`desktop-logs install-desktop --remove` takes it out again.\n"
    )
    return 0


def _refuse_what_is_not_ours(share: Path, wanted: dict[str, bytes], before: Made) -> None:
    for name, data in wanted.items():
        path = share / name
        if not os.path.lexists(path):
            continue
        is_plain = path.is_file() and not path.is_symlink()
        if not is_plain or _sha256(path.read_bytes()) not in (before.files.get(name), _sha256(data)):
            raise UserError(
                f"{path} is there already and is not what install-desktop put there. Nothing was changed. Move it "
                "away, or remove it, and try again."
            )


def _missing_folders(share: Path, names: list[str]) -> list[str]:
    """Those that *names* need and that are not there, the outer first; the share folder itself may be among them."""
    missing = {
        os.path.relpath(folder, share): None
        for name in names
        for folder in reversed((share / name).parents)
        if not folder.exists()
    }
    return list(missing)


def _write(share: Path, name: str, data: bytes) -> None:
    """The file whole, in one step: a desktop may read it at any moment."""
    path = share / name
    # The folder of the record is the hub's own, which others may not look into; the desktop reads the rest.
    path.parent.mkdir(mode=0o700 if name == RECORD else 0o755, parents=True, exist_ok=True)
    part, part_name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with open(part, "wb") as file:
            file.write(data)
        os.chmod(part_name, 0o644)
        os.replace(part_name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(part_name)
        raise


# --- out ------------------------------------------------------------------------------------------------------------


def _take_out(share: Path) -> int:
    if not (share / RECORD).exists():
        write_out("There is nothing to take out: install-desktop has put nothing here, or it was taken out already.\n")
        if os.path.lexists(share / ENTRY):
            complain(f"{share / ENTRY} was put there by something else, and stays.")
        return 0
    made = _read(share)
    for kept in _unlink_ours(share, made.files):
        complain(f"{kept} was changed since, and stays.")
    _tell_the_desktop(share)
    if _ENTRIES_CACHE in made.caches and not any((share / "applications").glob("**/*.desktop")):
        (share / _ENTRIES_CACHE).unlink(missing_ok=True)
    if _TYPES_CACHE in made.caches and not any((share / "mime" / "packages").glob("*")):
        for generated in _TYPES_GENERATED:
            (share / "mime" / generated).unlink(missing_ok=True)
    (share / RECORD).unlink()
    for folder in reversed(made.folders):
        with suppress(OSError):  # something else lies in it by now, or it was never made
            Path(os.path.normpath(share / folder)).rmdir()
    write_out("Desktop Logs is out of the menu. The logs, the settings and the program itself are as they were.\n")
    return 0


def _unlink_ours(share: Path, files: dict[str, str]) -> list[Path]:
    """Remove those of *files* that are as they were written; the others that are still there."""
    kept = []
    for name, known in files.items():
        path = share / name
        if path.is_file() and not path.is_symlink() and _sha256(path.read_bytes()) == known:
            path.unlink()
        elif os.path.lexists(path):
            kept.append(path)
    return kept


# --- the desktop's own lists ----------------------------------------------------------------------------------------


def _tell_the_desktop(share: Path) -> None:
    """Have the system's tools write their lists anew. Where one is missing or fails, that is told and no more."""
    _run_tool("update-desktop-database", [], share / "applications", "files and links may not find the program")
    _run_tool("update-mime-database", [], share / "mime", "*.jsonl and *.ndjson files may not be known")
    hicolor = share / "icons" / "hicolor"
    if (share / _ICONS_CACHE).exists():
        # Without an index of its own, which the one in /usr/share has for all.
        options = ["--quiet", "--force", "--ignore-theme-index"]
        _run_tool("gtk-update-icon-cache", options, hicolor, "the icon may not be shown")
    elif hicolor.is_dir():
        os.utime(hicolor)  # by this a running desktop sees that there are new ones (Icon Theme Specification)


def _run_tool(name: str, options: list[str], folder: Path, consequence: str) -> None:
    if not folder.is_dir():
        return
    command = [name, *options, str(folder)]
    problem = ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TOOL_S, check=False)
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip() or "it does not say why"
            problem = f"ended with {done.returncode}: {said}"
    except FileNotFoundError:
        problem = "is not installed here"
    except (OSError, subprocess.TimeoutExpired) as fault:
        problem = f"did not run: {fault}"
    if problem:
        complain(f"{name} {problem.rstrip('.')}. Everything is in its place, but {consequence} before the next login.")


# --- the record -----------------------------------------------------------------------------------------------------


def _read(share: Path) -> Made:
    path = share / RECORD
    try:
        told = json.loads(path.read_bytes())
        return Made(dict(told["files"]), list(told["folders"]), list(told["caches"]))
    except FileNotFoundError:
        return Made()
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{path}, the list of what install-desktop made, cannot be understood. Remove it, and what was made by "
            "hand."
        ) from None


def _plain(made: Made, stale: dict[str, str]) -> dict[str, object]:
    return {"files": {**stale, **made.files}, "folders": made.folders, "caches": made.caches}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
