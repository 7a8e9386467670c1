"""The settings in a file that a person may edit. Knows nothing of what the settings mean."""

from __future__ import annotations

import json
import os
from pathlib import Path

from desktop_logs.core.errors import SettingsError
from desktop_logs.core.settings import LogSettings


def read_settings(path: Path) -> LogSettings:
    """The settings in *path*; the defaults when there is no such file. Raises SettingsError with what to do."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return LogSettings()
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8"
        raise SettingsError(f"Cannot read the settings in {path}: {reason}. Mend or delete it.") from None
    try:
        values = json.loads(text)
    except ValueError as wrong:
        raise SettingsError(f"{path} is not JSON: {wrong}. Mend or delete it.") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path} must hold one JSON object. Mend or delete it.")
    try:
        return LogSettings.from_mapping(values)
    except SettingsError as wrong:
        raise SettingsError(f"{path}: {wrong} Mend or delete it.") from None


def write_settings(path: Path, settings: LogSettings) -> None:
    """Write *settings* to *path*, whole or not at all. Raises SettingsError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_text(json.dumps(settings.as_mapping(), indent=2) + "\n", "utf-8")
        os.replace(part, path)
    except OSError as fault:
        raise SettingsError(
            f"Cannot keep the settings in {path}: {fault.strerror or fault}. They hold until the program ends."
        ) from None
