"""The settings: what is written where, and how much a window holds, as one object. Pure: the file is read elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from desktop_logs.core.errors import SettingsError
from desktop_logs.core.levels import parse_threshold

DEFAULT_HELD_RECORDS: Final = 1_000_000
MAX_HELD_RECORDS: Final = 1_000_000
_LEVEL_FIELDS = ("console_level", "file_level", "error_level")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is printed, filed and kept searchable, and for how long. Frozen: change it with `changed(...)`."""

    console: bool = False
    """Print records to the terminal as they come."""
    console_level: str = "info"
    files: bool = True
    """Write `application-….log` and `errors-….log`."""
    file_level: str = "info"
    """The lowest level that goes to `application-….log`."""
    error_level: str = "error"
    """The lowest level that goes to `errors-….log`."""
    max_file_bytes: int = 20_000_000
    """A file that would grow past this is followed by a numbered one (`.log.1`, `.log.2`, …)."""
    max_age_days: int = 30
    """Files of days longer ago than this are deleted."""
    max_total_bytes: int = 2_000_000_000
    """The oldest files are deleted when all of them together are larger than this."""
    history: bool = True
    """Keep records searchable in `history/`."""
    history_max_age_days: int = 30
    """Segments of the history of days longer ago than this are deleted."""
    history_max_bytes: int = 5_000_000_000
    """The oldest segments are deleted when all of them together are larger than this."""
    min_free_bytes: int = 500_000_000
    """Nothing more is stored while the disk has less free space than this."""
    held_records: int = DEFAULT_HELD_RECORDS
    """How many of the newest records each tab of the window holds; about 200 bytes each, and their text."""

    def __post_init__(self) -> None:
        for name in _LEVEL_FIELDS:
            value = getattr(self, name)
            if not isinstance(value, str):
                raise SettingsError(f"{name} must be a level's name, not {value!r}.")
            try:
                parse_threshold(value)
            except ValueError as wrong:
                raise SettingsError(f"{name}: {wrong}") from None
        for name in ("console", "files", "history"):
            if not isinstance(getattr(self, name), bool):
                raise SettingsError(f"{name} must be true or false, not {getattr(self, name)!r}.")
        _check_number("max_file_bytes", self.max_file_bytes, 1_000, 100_000_000_000)
        _check_number("max_age_days", self.max_age_days, 1, 36_500)
        _check_number("max_total_bytes", self.max_total_bytes, 1_000, 100_000_000_000_000)
        _check_number("history_max_age_days", self.history_max_age_days, 1, 36_500)
        _check_number("history_max_bytes", self.history_max_bytes, 1_000_000, 100_000_000_000_000)
        _check_number("min_free_bytes", self.min_free_bytes, 0, 100_000_000_000_000)
        _check_number("held_records", self.held_records, 1_000, MAX_HELD_RECORDS)

    def changed(self, **changes: Any) -> LogSettings:
        """A copy with *changes*. Raises SettingsError for an unknown name or a value that cannot be."""
        return LogSettings.from_mapping({**dataclasses.asdict(self), **changes})

    def as_mapping(self) -> dict[str, Any]:
        """The settings as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> LogSettings:
        """Settings out of plain values; what is missing has its default. Raises SettingsError."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise SettingsError(f"{unknown[0]!r} is not a setting. Known ones: {', '.join(sorted(known))}.")
        return cls(**values)


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SettingsError(f"{name} must be a whole number from {least:,} to {most:,}, not {value!r}.")
