"""Printing of records to a console, beside the files and never in their way. What they look like is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from desktop_logs.core.levels import parse_threshold
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings

Console = Callable[[Sequence[Record]], None]
"""Prints records; called on the disk thread."""


class Printing:
    """Hands *console* what the settings `console` and `console_level` let through; to None nothing."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._problem = ""

    @property
    def problem(self) -> str:
        """Why the last records could not be printed, in one sentence; empty when they were."""
        return self._problem

    def follow(self, settings: LogSettings) -> None:
        """*settings* are in force: where nothing is to be printed, nothing is wrong with it."""
        if not settings.console:
            self._problem = ""

    def show(self, records: Iterable[Record], settings: LogSettings) -> None:
        """Print of *records* what *settings* let through. Raises nothing: see `problem`."""
        if self._console is None or not settings.console:
            return
        floor = parse_threshold(settings.console_level)
        shown = [record for record in records if record.severity >= floor]
        if not shown:
            return
        try:
            self._console(shown)
        except Exception as fault:  # noqa: BLE001 - a closed terminal must not stop the files
            self._problem = f"Cannot print records to the console: {fault!r}. Everything else goes on."
        else:
            self._problem = ""
