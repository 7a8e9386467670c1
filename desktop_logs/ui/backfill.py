"""Puts older records in front of those a model holds, out of the feed's history. What it says is drawn in tablearea.

A page comes when somebody scrolls up to the first row, and by itself when a filter leaves too few rows for a screen. It
holds what the filter in force selects: without one all there is, else the matches alone, which leave with the filter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_logs.core.errors import DesktopLogsError
from desktop_logs.core.feed import Feed
from desktop_logs.core.held import slabfuls
from desktop_logs.core.history import Found, Progress
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query
from desktop_logs.tasks import Tasks
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.table import RecordTable
from desktop_logs.ui.theme import ROW_HEIGHT

PAGE_RECORDS: Final = 1_000
SPARE_RECORDS: Final = 100_000
"""Beyond the capacity, while somebody reads old records."""
_KEPT_SPARE: Final = 2 * 1_024
"""Beyond the capacity, for matches that a filter has from the history while the newest are followed."""
_REST_MS: Final = 300
"""How long a filter must rest before the history is searched for it: typing changes it with every letter."""
_PATIENCE_MS: Final = 150
"""What is there sooner is not announced."""

Wanted = tuple[frozenset[int], Query]
State = Literal["idle", "loading", "ended", "full", "failed"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a page is asked for: the oldest matches below a number, of the records that are shown."""

    wanted: Wanted
    before_seq: int


class Backfill(QObject):
    """Loads one page at a time of *feed*'s history; without a history it does nothing.

    *end_seq* tells the number below which the history is asked while nothing is held.
    """

    changed = Signal()
    """`state` or `text` is another."""
    problem_found = Signal(str)
    """What of the history could not be searched, in a sentence; the rest was."""

    def __init__(
        self, feed: Feed, model: RecordModel, table: RecordTable, end_seq: Callable[[], int], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._feed = feed
        self._model = model
        self._table = table
        self._end_seq = end_seq
        self._wanted: Wanted = (ALL_BANDS, Query())
        self._is_closed = False
        self._waits_to_be_asked = False
        """After the view was cleared nothing older comes by itself."""
        self._searched: _Asked | None = None
        """What there is nothing more of."""
        self._tasks = Tasks()
        self._task: asyncio.Task[None] | None = None
        self.state: State = "idle"
        self.text = ""
        """What is to be said where the oldest record stands; empty when there is nothing to say."""
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._fill_screen)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._patience.timeout.connect(self._announce)
        table.older_wanted.connect(self.load)
        table.following_changed.connect(self._following_changed)
        model.filtering_changed.connect(self._filtering_changed)

    # What happens around it

    def set_filter(self, bands: frozenset[int], query: Query) -> None:
        """The model has another filter, or shows other records: what is under way is of no use any more."""
        self.cancel()
        self._wanted = (bands, query)
        if self._table.is_following:
            self._lower_spare()
        self._rest.start()

    def wait_to_be_asked(self) -> None:
        """The view was cleared: nothing older comes until a person asks for it."""
        self.cancel()
        self._waits_to_be_asked = True
        self._model.set_spare(0)

    def cancel(self) -> None:
        """Give up what is under way, and what would soon be."""
        self._rest.stop()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._say("idle", "")

    def close(self) -> None:
        """Load nothing any more, whoever wants it."""
        self._is_closed = True
        self.cancel()

    # Loading

    def load(self) -> None:
        """A person wants what is older than the oldest record held: load the next page, if there is one."""
        self._waits_to_be_asked = False
        self._load()

    def _fill_screen(self) -> None:
        """Load a page when the filter leaves too few rows for a screen."""
        rows = self._table.viewport().height() // ROW_HEIGHT
        if self._model.is_filtered and self._model.shown_count < rows and not self._waits_to_be_asked:
            self._load()

    def _load(self) -> None:
        history = self._feed.history
        if history is None or self._is_closed or self._task is not None or not self._model.is_complete:
            return
        asked = _Asked(self._wanted, self._model.oldest_seq or self._end_seq())
        if asked == self._searched:
            self._say("ended", self._ended_text())
            return
        self._model.set_spare(SPARE_RECORDS)
        if self._model.room < PAGE_RECORDS:
            self._say("full", "No more fit in here. Search the history for what is older: Ctrl+Shift+F")
            return
        self._say("loading", "")
        self._patience.start()
        self._task = self._tasks.start(self._load_page(asked), "load older records")

    async def _load_page(self, asked: _Asked) -> None:
        history = self._feed.history
        assert history is not None
        bands, query = asked.wanted
        try:
            found = await history.search(
                query, bands=bands, before_seq=asked.before_seq, limit=PAGE_RECORDS, on_progress=self._show_progress
            )
            is_whole = await self._put_in_front(asked, found)
        except DesktopLogsError as wrong:
            self._task = None
            self._say("failed", str(wrong))
            return
        self._task = None
        if self._table.is_following:
            self._lower_spare()
        if found.problem:
            self.problem_found.emit(found.problem)
        if found.more or not is_whole:
            self._say("idle", "")
        elif found.problem:
            self._say("failed", "Part of the history could not be searched")
        else:
            self._searched = _Asked(asked.wanted, self._model.oldest_seq or asked.before_seq)
            self._say("ended", self._ended_text())

    async def _put_in_front(self, asked: _Asked, found: Found) -> bool:
        """Make *found* rows, a slabful in a turn of the loop; False when the rows went on without it."""
        expected = asked.before_seq
        for records in slabfuls(found.records):
            # Records that left in front since would be missing between, and a new filter is applied to what is held.
            if (self._model.oldest_seq or asked.before_seq) != expected or not self._model.is_complete:
                return False
            self._model.prepend(records)
            expected = records[0].seq
            await asyncio.sleep(0)
        return True

    # Inside

    def _announce(self) -> None:
        if self.state == "loading":
            self._say("loading", "Searching the history…" if self._model.is_filtered else "Loading older records…")

    def _show_progress(self, progress: Progress) -> None:
        if self.text and self.state == "loading" and self._model.is_filtered:
            self._say("loading", f"Searching the history: {progress.day}…")

    def _ended_text(self) -> str:
        return "The whole history was searched" if self._model.is_filtered else "Beginning of the history"

    def _following_changed(self, following: bool) -> None:
        if following:
            self._lower_spare()

    def _lower_spare(self) -> None:
        self._model.set_spare(_KEPT_SPARE if self._model.has_selected else 0)

    def _filtering_changed(self, is_filtering: bool) -> None:
        if not is_filtering:
            self._rest.start()

    def _say(self, state: State, text: str) -> None:
        if (state, text) != (self.state, self.text):
            self.state, self.text = state, text
            self.changed.emit()
