"""Where this program keeps its things on each system. Only names of folders; nothing is made or opened."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from desktop_logs.core.errors import UserError


def default_data_dir() -> Path:
    """The data folder of this user: `~/.local/share/desktop-logs` on Linux, `%LOCALAPPDATA%` on Windows, and so on."""
    return platformdirs.user_data_path("desktop-logs", appauthor=False)


def data_dir(typed: str | None) -> Path:
    """The data folder that was asked for, or the default one, as an absolute path. Raises UserError."""
    if typed is None:
        return default_data_dir()
    if not typed.strip() or "\x00" in typed:
        raise UserError("--data-dir needs the name of a folder.")
    try:
        return Path(typed).expanduser().absolute()
    except RuntimeError as wrong:
        raise UserError(f"--data-dir {typed}: {wrong}.") from None


def logs_dir(data: Path) -> Path:
    """Where the rotating files lie."""
    return data / "logs"


def history_dir(data: Path) -> Path:
    """Where the segments of the history lie."""
    return data / "history"


def settings_file(data: Path) -> Path:
    """Where the settings of what is written where are kept."""
    return data / "settings.json"


def tokens_file(data: Path) -> Path:
    """Where the hub's tokens are kept."""
    return data / "tokens.json"


def window_file(data: Path) -> Path:
    """Where the window keeps its geometry, its columns and the recent servers."""
    return data / "window.ini"


def crashes_dir(data: Path) -> Path:
    """Where reports of this program's own faults lie."""
    return data / "crashes"
