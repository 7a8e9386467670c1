"""A place in the past: what stood around a record, unfiltered, in the same table, and the way back to what comes.

What comes goes on being held meanwhile (model). Older records than those of the place are backfill's matter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal

from desktop_logs.core.errors import DesktopLogsError
from desktop_logs.core.feed import Feed
from desktop_logs.core.held import SLAB_RECORDS, Held
from desktop_logs.core.history import History
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.records import Record
from desktop_logs.core.rows import nearest
from desktop_logs.core.timestamps import NS_PER_S, format_local
from desktop_logs.tasks import Tasks
from desktop_logs.ui.filterbar import FilterBar
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.pastbar import PastBar
from desktop_logs.ui.table import Place, RecordTable

DEFAULT_SPAN_S: Final = 30.0
MOST_RECORDS: Final = 2_000
"""As many are shown around a record at first; scrolling on brings more."""
_PAGE_RECORDS: Final = 1_000
_HELD_RECORDS: Final = 50_000
"""Of a place, when somebody scrolls on and on."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What was shown before, to come back to."""

    place: Place
    text: str
    bands: frozenset[int]


class Surroundings(QObject):
    """Leads *table* to a place and back. Without a history it knows what the model holds."""

    changed = Signal()
    """The table shows a place, or no longer does."""
    failed = Signal(str)
    """Why a place cannot be shown, in a sentence."""

    def __init__(
        self, feed: Feed, model: RecordModel, table: RecordTable, filter_bar: FilterBar, bar: PastBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._feed = feed
        self._model = model
        self._table = table
        self._filter_bar = filter_bar
        self._bar = bar
        self._left: _Left | None = None
        self._is_closed = False
        self._record: Record | None = None
        """Around which something is shown; None while what comes is."""
        self._span_s = DEFAULT_SPAN_S
        self._note = ""
        self._tasks = Tasks()
        self._task: asyncio.Task[None] | None = None
        bar.span_chosen.connect(self._span_chosen)
        bar.leave_requested.connect(self.leave)
        table.newer_wanted.connect(self._load_newer)
        table.live_wanted.connect(self._follow)

    @property
    def is_open(self) -> bool:
        """True while a place is shown or looked for."""
        return self._left is not None or self._task is not None

    def open(self, record: Record, span_s: float = DEFAULT_SPAN_S) -> None:
        """Show what stands within *span_s* seconds of *record* on either side, with it in the middle.

        While the history is asked the view stays as it is.
        """
        self.cancel()
        self._tell_place(record, span_s)
        history = self._history
        if history is None:
            records = self._held_around(record, span_s)
            place = Held(_HELD_RECORDS)
            place.append(records, range(len(records)))
            self._show(record, span_s, place)
        else:
            self._bar.say("looking it up…")
            self._task = self._tasks.start(self._look_up(history, record, span_s), "show surroundings")

    def leave(self) -> None:
        """Show what comes again, as it was left."""
        self.cancel()
        self._bar.hide()
        self._record = None
        left, self._left = self._left, None
        if left is not None:
            self._model.show_live()
            self._table.return_to(left.place)
            self._filter_bar.set_filter(left.text, left.bands)
        self.changed.emit()

    def cancel(self) -> None:
        """Look nothing up any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        """Ask the history nothing any more."""
        self._is_closed = True
        self.cancel()

    def show_figures(self) -> None:
        """Bring the number of records up to date."""
        if self._left is not None and self._task is None:
            count = self._model.held_count
            whence = "of the history" if self._feed.history is not None else "in memory"
            is_off = not self._model.is_filtered and (self._left.text or self._left.bands != ALL_BANDS)
            note = "filter off  ·  " if is_off else ""
            self._bar.say(f"{note}{count:,} {'record' if count == 1 else 'records'} {whence}{self._note}")

    # Inside

    def _follow(self) -> None:
        """Somebody asked for the newest: `leave` alone would lead to where the view was, far from them perhaps."""
        self.leave()
        self._table.set_following(True)

    @property
    def _history(self) -> History | None:
        return None if self._is_closed else self._feed.history

    def _span_chosen(self, span_s: float) -> None:
        record = self._table.current_record() if self._left is not None else None
        record = record or self._record
        if record is not None:
            self.open(record, span_s)

    async def _look_up(self, history: History, record: Record, span_s: float) -> None:
        try:
            stored = await history.around(record, round(span_s * NS_PER_S), MOST_RECORDS)
        except DesktopLogsError as wrong:
            self._task = None
            self.failed.emit(str(wrong))
            if self._record is None:
                self.leave()
            else:
                self._tell_place(self._record, self._span_s)
                self.show_figures()
            return
        # The newest may not be on disk yet, and what a full disk refused never will be.
        held = self._held_around(record, span_s)
        known = {one.seq: one for one in (*held, record, *stored)}
        seqs = sorted(known)
        records = [known[seq] for seq in seqs[nearest(seqs, record.seq, MOST_RECORDS)]]
        place = Held(_HELD_RECORDS)
        for at in range(0, len(records), SLAB_RECORDS):  # 2 ms each
            part = records[at : at + SLAB_RECORDS]
            place.append(part, range(len(part)))
            await asyncio.sleep(0)
        self._task = None
        self._show(record, span_s, place)

    def _held_around(self, record: Record, span_s: float) -> list[Record]:
        return self._model.live_held.around(record, round(span_s * NS_PER_S), MOST_RECORDS)

    def _show(self, record: Record, span_s: float, held: Held) -> None:
        if self._left is None:
            bar = self._filter_bar
            self._left = _Left(self._table.leave_place(), bar.query.text, bar.bands)
        self._record, self._span_s, self._note = record, span_s, ""
        self._model.show_place(held)
        self._filter_bar.clear()
        row = self._model.row_of_seq(record.seq)
        if row is not None:
            self._table.go_to_middle(row)
        self.changed.emit()
        self.show_figures()

    def _tell_place(self, record: Record, span_s: float) -> None:
        self._bar.show_place(format_local(record.time_ns)[:19], span_s)

    def _load_newer(self) -> None:
        history = self._history
        if self._left is not None and self._task is None and history is not None:
            self._task = self._tasks.start(self._append_newer(history), "load newer records")

    async def _append_newer(self, history: History) -> None:
        after_seq = self._model.newest_seq
        try:
            records = await history.newer(after_seq, _PAGE_RECORDS)
        except DesktopLogsError as wrong:
            self._note = f"  ·  {wrong}"
        else:
            self._note = "" if records else "  ·  nothing later is stored"
            self._model.extend(records)
        self._task = None
        self.show_figures()
