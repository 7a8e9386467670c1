"""A console gets what the settings let through; that it fails is told, and ends by itself."""

from __future__ import annotations

from collections.abc import Sequence

from desktop_logs.core.levels import DEBUG
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.printing import Printing
from tests.storage.support import record

ON = LogSettings(console=True)
OFF = LogSettings(console=False)


class Terminal:
    """One that may be closed."""

    def __init__(self) -> None:
        self.is_closed = False
        self.printed: list[list[str]] = []

    def show(self, records: Sequence[Record]) -> None:
        if self.is_closed:
            raise ValueError("closed terminal")
        self.printed.append([one.message for one in records])


def test_what_the_level_lets_through_is_printed_together() -> None:
    terminal = Terminal()
    printing = Printing(terminal.show)
    printing.show(iter([record("one"), record("quiet", DEBUG), record("two")]), ON)
    printing.show([record("quiet", DEBUG)], ON)
    printing.show([record("silence")], OFF)
    printing.show([record("quiet", DEBUG)], ON.changed(console_level="debug"))
    assert terminal.printed == [["one", "two"], ["quiet"]]


def test_a_console_that_fails_is_told_until_it_works_or_is_not_wanted() -> None:
    terminal = Terminal()
    printing = Printing(terminal.show)
    assert printing.problem == ""
    for _ in range(2):
        terminal.is_closed = True
        printing.show([record("lost")], ON)
        assert (
            printing.problem
            == "Cannot print records to the console: ValueError('closed terminal'). Everything else goes on."
        )
        printing.follow(ON)
        assert printing.problem
        terminal.is_closed = False
        printing.show([record("one")], ON)
        assert printing.problem == ""
    terminal.is_closed = True
    printing.show([record("lost")], ON)
    printing.follow(OFF)
    assert printing.problem == ""


def test_without_a_console_nothing_is_printed() -> None:
    printing = Printing(None)
    printing.show([record("one")], ON)
    assert printing.problem == ""
