"""One run of the benchmarks: the display, a folder, how often and how much; what two figures need is measured once."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tests.support.display import Display

T = TypeVar("T")


class Bench:
    """`with Bench(runs, is_quick) as bench:` — what was started inside has ended afterwards."""

    def __init__(self, runs: int, *, is_quick: bool = False) -> None:
        self.runs = runs
        self.is_quick = is_quick
        self._measured: dict[Callable[[Bench], Any], Any] = {}
        self._folders = 0

    def __enter__(self) -> Bench:
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="desktop-logs-bench-")))
            self.screen = self.new_folder()
            self.display = Display(self.screen)
            stack.callback(self.display.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def count(self, records: int) -> int:
        """So many records; a tenth in a quick run."""
        return records // 10 if self.is_quick else records

    def new_folder(self) -> Path:
        """An empty folder that nobody else has."""
        self._folders += 1
        folder = self._folder / str(self._folders)
        folder.mkdir()
        return folder

    def once(self, measure: Callable[[Bench], Sequence[T]]) -> Sequence[T]:
        """What *measure* returns; it is called for the first of those who ask."""
        if measure not in self._measured:
            self._measured[measure] = measure(self)
        found: Sequence[T] = self._measured[measure]
        return found

    def tell(self, what: str, **measured: object) -> None:
        """Show on stderr how far it is, with the single figures."""
        figures = ", ".join(f"{name} {_rounded(value)}" for name, value in measured.items())
        sys.stderr.write(f"  {what}: {figures}\n")


def _rounded(value: object) -> object:
    return f"{value:,.1f}" if isinstance(value, float) else value
