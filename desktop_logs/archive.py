"""The history as commands read it: what is wanted of it, its records in pages, Ctrl+C, progress. No Qt, no loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

from desktop_logs.core.errors import Cancelled, StorageError, UserError
from desktop_logs.core.history import Found, Progress
from desktop_logs.core.levels import TRACE
from desktop_logs.core.query import parse
from desktop_logs.core.query_times import parse_time
from desktop_logs.core.query_tree import After, Before, Node, Severity, all_of
from desktop_logs.core.records import Record
from desktop_logs.folders import history_dir
from desktop_logs.storage.search import HistorySearch
from desktop_logs.storage.segments import segments_in
from desktop_logs.terminal import ProgressLine

FIRST_PAGE: Final = 250
LARGEST_PAGE: Final = 4_000
PAGE_CHARACTERS: Final = 4_000_000
"""About so much text is held at once."""
KEPT_CHARACTERS: Final = 32_000_000
"""And so much at most where what was found newest first is wanted oldest first."""
WAKE_S: Final = 0.2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records a command line asks for, as typed."""

    query: str = ""
    since: str = ""
    until: str = ""
    least_severity: int = TRACE

    def tree(self, now_ns: int) -> Node | None:
        """All of it as one tree; None for every record. Raises QueryError for the query, UserError for a time."""
        parts: list[Node] = []
        if (typed := parse(self.query, now_ns).tree) is not None:
            parts.append(typed)
        if self.since:
            parts.append(After(_time("--since", self.since, now_ns)))
        if self.until:
            parts.append(Before(_time("--until", self.until, now_ns)))
        if self.least_severity > TRACE:
            parts.append(Severity(">=", self.least_severity))
        return all_of(parts) if parts else None


@dataclass(frozen=True, slots=True)
class _Page:
    """A part of an answer: its *count* records below *before_seq*, down to *first_seq*."""

    before_seq: int | None
    first_seq: int
    count: int
    records: Sequence[Record]
    """Newest first; empty when they have to be asked for again."""


class Archive:
    """The history of a data folder, open for reading while a hub may write it. A context manager.

    SQLite works on a thread of its own, so that Ctrl+C is heard while it does.
    """

    def __init__(self, data: Path) -> None:
        """Raises StorageError when there is no history."""
        folder = history_dir(data)
        if not segments_in(folder):
            raise StorageError(
                f"There is no history in {folder}. Has a hub run with this data folder? Name another with --data-dir."
            )
        self.problem = ""
        """What went wrong so far, as Found tells it."""
        self.is_whole = True
        """False when some of what is stored could not be read."""
        self._search = HistorySearch(folder)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")
        self._line = ProgressLine()
        self._is_given_up = False

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._line.clear()
        self._thread.submit(self._search.close)
        self._thread.shutdown()

    def newest(self, tree: Node | None, limit: int) -> list[Record]:
        """The newest *limit* records that *tree* selects, oldest first."""
        records: list[Record] = []
        for page in self._newest_first(tree, limit):
            records += page.records
        self._line.clear()
        return records[::-1]

    def oldest_first(self, tree: Node | None) -> Iterator[Sequence[Record]]:
        """All records there are now that *tree* selects, oldest first, in pages of about PAGE_CHARACTERS.

        What is written meanwhile is not among them. Takes as long as it takes to read them once, or twice where a
        tree selects more than KEPT_CHARACTERS.
        """
        yield from self._everything() if tree is None else self._selected(tree)
        self._line.clear()

    def _newest_first(self, tree: Node | None, limit: int | None) -> Iterator[_Page]:
        """Pages of what *tree* selects, at most *limit* records in all."""
        before_seq: int | None = None
        size = FIRST_PAGE
        left = limit
        while left != 0:
            found = self._find(tree, before_seq, size if left is None else min(size, left))
            if found.records:
                yield _Page(before_seq, found.records[-1].seq, len(found.records), found.records)
            if not found.more:
                return
            before_seq = found.records[-1].seq
            left = None if left is None else left - len(found.records)
            size = _next_size(size, found.records)

    def _selected(self, tree: Node) -> Iterator[Sequence[Record]]:
        """A search goes from the newest back, so its pages are turned round. Of those that are too many to be kept
        their place is, and they are asked for again: a file with all of them would need as much room as the answer."""
        pages: list[_Page] = []
        kept = 0
        for page in self._newest_first(tree, None):
            kept += _characters(page.records)
            pages.append(page if kept <= KEPT_CHARACTERS else replace(page, records=()))
        for done, page in enumerate(reversed(pages)):
            self._line.show(f"reading, {done / len(pages):.0%}")
            records = page.records or self._find(tree, page.before_seq, page.count).records
            # Where a day was deleted meanwhile, the answer goes on with older ones.
            yield [record for record in reversed(records) if record.seq >= page.first_seq]

    def _everything(self) -> Iterator[Sequence[Record]]:
        newest = self._find(None, None, 1)
        head = newest.records[0].seq if newest.records else 0
        after_seq, size = 0, FIRST_PAGE
        while after_seq < head and (page := self._newer(after_seq, size)):
            self._line.show(f"reading, {min(page[-1].seq / head, 1):.0%}")
            yield [record for record in page if record.seq <= head]
            after_seq = page[-1].seq
            size = _next_size(size, page)

    def _find(self, tree: Node | None, before_seq: int | None, limit: int) -> Found:
        found = self._ask(
            lambda: self._search.search(tree, before_seq=before_seq, limit=limit, on_progress=self._tell_progress)
        )
        self.problem = found.problem or self.problem
        self.is_whole = self.is_whole and found.is_whole
        return found

    def _newer(self, after_seq: int, limit: int) -> list[Record]:
        return self._ask(lambda: self._search.newer(after_seq, limit, self._miss))

    def _miss(self, problem: str) -> None:
        self.problem, self.is_whole = problem, False

    def _ask(self, work: Callable[[], T]) -> T:
        """What *work* returns, done on the thread. Raises what it raises; KeyboardInterrupt ends it at once."""
        answer = self._thread.submit(work)
        try:
            # Windows hears Ctrl+C only between two waits.
            while not wait((answer,), WAKE_S).done:
                pass
        except KeyboardInterrupt:
            self._is_given_up = True
            self._search.cancel()
            raise
        return answer.result()

    def _tell_progress(self, progress: Progress) -> None:
        if self._is_given_up:
            raise Cancelled  # `cancel` came before the search had begun
        self._line.show(f"searching {progress.day.isoformat()}, {progress.done:.0%}")


def _next_size(size: int, page: Sequence[Record]) -> int:
    """How many records to ask for after *page*, which is what *size* brought."""
    characters = _characters(page)
    if characters > PAGE_CHARACTERS:
        return max(size // 2, 1)
    return min(size * 2, LARGEST_PAGE) if characters * 2 < PAGE_CHARACTERS else size


def _characters(records: Sequence[Record]) -> int:
    return sum(len(record.message) + len(record.context) for record in records)


def _time(option: str, text: str, now_ns: int) -> int:
    time_ns = parse_time(text, now_ns)
    if time_ns is None:
        raise UserError(
            f"{option} {text!r} is not a time. Give a duration back from now (2h, 1h30m), a time of today (10:30), "
            "today, yesterday, or a date (2026-11-20, 2026-11-20T10:30:00Z)."
        )
    return time_ns
