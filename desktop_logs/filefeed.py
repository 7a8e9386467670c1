"""Log files as feeds of the window: read in slices on its loop, followed while they have a tab, let go with it.

A piece of a file is read in a thread of its own, where the disk is waited for, and parsed on the loop a few
milliseconds at a time: a thread that parses would hold Python's lock, and the window with it. What the tab has not
taken yet is bounded, so while the tab is paused nothing more is read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Final

from desktop_logs.core.errors import Evicted, StorageError
from desktop_logs.core.feed import FeedState, Phase
from desktop_logs.core.history import History
from desktop_logs.core.logtext import Lines, LogText, is_text
from desktop_logs.core.records import Record
from desktop_logs.sidethread import SideThread
from desktop_logs.storage.filetail import FileTail, Piece

LOOK_EVERY_S: Final = 0.3
CLOSE_WAIT_S: Final = 1.0
MOST_WAITING: Final = 20_000
"""Records read that the tab has not taken yet."""
MOST_BYTES: Final = 500_000_000
"""Of a longer file the newest ones; a tab holds twice as much, the case-folded text to search included."""
_LONG_LINE: Final = 1_000_000
"""Where as many bytes as MOST_BYTES are read, the first line may have been left out with so many."""
_REST_S: Final = 10.0
"""A file that has not changed for so long has got its last line, with an end or without. Before that it may be half a
line: most programs write blocks of some kilobytes, which end anywhere."""
_SLICE_S: Final = 0.003
_SLICE_LINES: Final = 50


class FileFeed:
    """One log file. Its records are numbered from 1, in the file's order; they can be taken once."""

    def __init__(self, path: str, *, most_records: int, look_every_s: float = LOOK_EVERY_S) -> None:
        """Nothing is opened yet. *path* is absolute, and *most_records* what a tab holds."""
        self._path = path
        self._name = PurePath(path).name or path
        self._most_records = most_records
        self._look_every_s = look_every_s
        self._tail = FileTail(path, most_lines=most_records, most_bytes=MOST_BYTES)
        self._disk = SideThread(f"read {self._name}")
        self._lines = Lines()
        self._text = LogText()
        self._waiting: list[Record] = []
        self._taken_to = 0
        """The number up to which records were taken and let go."""
        self._has_room = asyncio.Event()
        self._again = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._state = _state("starting", "opening the file")
        self._left_out = ""
        """What of the file is not to be seen as it is."""
        self._changed_ns = 0
        """When the file was changed last, as what was read of it has it."""
        self._quiet_looks = 0
        self._has_begun = False

    async def run(self) -> None:
        """Read the file and follow it, until cancelled. A fault ends it, which is told in the state; it may be called
        again then, and goes on behind what was read."""
        self._become(_state("starting", "opening the file"))
        try:
            while True:
                try:
                    piece = await self._disk.run(self._tail.read)
                except StorageError as failure:
                    await self._end_lines()
                    self._become(_state("failed", "cannot be read", str(failure)))
                    self._again.clear()
                    await self._again.wait()
                    self._become(_state("starting", "opening the file"))
                    continue
                await self._take(piece)
                if not piece.data:
                    if self._tail.is_packed:
                        return
                    await asyncio.sleep(self._look_every_s)
        except Exception:
            problem = f"{self._path} is read no further. This is a fault of Desktop Logs: report it."
            self._become(_state("failed", "cannot be read", problem))
            raise
        finally:
            # A read under way has the file still; it is closed behind it. That of a disk which hangs is not waited for:
            # the program's end would be.
            closed = self._disk.run(self._tail.close)
            self._disk.end()
            await asyncio.wait([closed], timeout=CLOSE_WAIT_S)

    def retry(self) -> None:
        """Try again to read what could not be read."""
        self._again.set()

    # As a feed

    @property
    def name(self) -> str:
        return self._name

    @property
    def address(self) -> str:
        """The whole path."""
        return self._path

    @property
    def state(self) -> FeedState:
        return self._state

    @property
    def history(self) -> History | None:
        return None

    @property
    def head(self) -> int:
        return self._text.head

    def since(self, seq: int, limit: int = 5000) -> list[Record]:
        """As Ring.since; what is not after *seq* has been taken, and is let go."""
        if seq < self._taken_to:
            raise Evicted(self._taken_to + 1)
        if self._waiting and seq >= self._waiting[0].seq:
            count = min(seq - self._waiting[0].seq + 1, len(self._waiting))
            del self._waiting[:count]
            self._taken_to = seq
            self._has_room.set()
        return self._waiting[:limit]

    def stats(self) -> Mapping[str, int]:
        return {}

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* when records or the state are new."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # Inside

    async def _take(self, piece: Piece) -> None:
        """What the file has said, or that it says no more for now."""
        if piece.event == "gone":
            await self._end_lines()
            if self._has_begun:
                self._become(_state("waiting", "gone", f"{self._path} is gone. It is read again when it is back."))
            else:
                text = f"There is no file {self._path}. Check the name; if a program is to write it yet, wait."
                self._become(_state("waiting", "not there", text))
            return
        if piece.event:
            await self._begin(piece)
        self._changed_ns = piece.changed_ns
        if piece.data:
            self._quiet_looks = 0
            await self._parse(self._lines.feed(piece.data))
            self._tell_progress(piece)
        elif self._state.phase != "waiting" or piece.event:
            await self._rest()

    async def _begin(self, piece: Piece) -> None:
        """The file is read from its start, or from the start of what is wanted of it."""
        await self._end_lines()
        self._has_begun = True
        self._left_out = ""
        self._lines = Lines()
        if piece.event != "begun":
            what = "has begun anew" if piece.event == "anew" else "is another file now"
            self._give([self._text.note(f"{self._name} {what}: it is read from its beginning.", piece.changed_ns)])
        elif self._tail.skipped_bytes:
            kept = piece.size - self._tail.skipped_bytes
            newest = f"{self._most_records:,} lines" if kept < MOST_BYTES - _LONG_LINE else _size(kept)
            self._left_out = f"The file has {_size(piece.size)}; its newest {newest} are here."
        if not is_text(piece.data):
            told = f"{self._name} is no text in UTF-8: what cannot be read of it is shown as \ufffd."
            self._left_out = f"{self._left_out} {told}".strip()

    async def _rest(self) -> None:
        """The file is read to its end. A record that has begun has another moment to be completed, a line longer."""
        self._quiet_looks += 1
        is_at_rest = self._tail.is_packed or self._quiet_looks * self._look_every_s > _REST_S
        if is_at_rest or time.time() - self._changed_ns / 1e9 > _REST_S:
            await self._end_lines()
        elif self._quiet_looks > 1:
            self._give(self._text.finish())
        if self._tail.is_packed:
            if self.head > self._most_records:
                self._left_out = f"The file has {self.head:,} records; its newest {self._most_records:,} are here."
            self._become(_state("live", "read to its end", self._left_out))
        else:
            self._become(_state("live", f"following {self._name}", self._left_out))

    async def _end_lines(self) -> None:
        """What has begun is complete: the last line, and the last record."""
        await self._parse(self._lines.rest())
        self._give(self._text.finish())

    async def _parse(self, lines: list[str]) -> None:
        """Make records of *lines*, a slice in a turn of the loop, when there is room for them."""
        until_s = time.perf_counter() + _SLICE_S
        for at in range(0, len(lines), _SLICE_LINES):
            self._give(self._text.parse(lines[at : at + _SLICE_LINES], self._changed_ns))
            if time.perf_counter() > until_s:
                await asyncio.sleep(0)
                until_s = time.perf_counter() + _SLICE_S
            while len(self._waiting) >= MOST_WAITING:
                self._has_room.clear()
                await self._has_room.wait()

    def _give(self, records: list[Record]) -> None:
        if records:
            self._waiting += records
            self._wake()

    def _tell_progress(self, piece: Piece) -> None:
        begun = self._tail.skipped_bytes
        if self._state.phase == "starting" and piece.size > begun:
            percent = min(100 * (piece.position - begun) // (piece.size - begun), 100)
            self._become(_state("starting", f"reading {percent} %", self._left_out))
        elif self._state.phase == "waiting":
            self._become(_state("live", f"following {self._name}", self._left_out))

    def _become(self, state: FeedState) -> None:
        if state != self._state:
            self._state = state
            self._wake()

    def _wake(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _state(phase: Phase, summary: str, problem: str = "") -> FeedState:
    return FeedState(phase, summary, problem, is_file=True)


def _size(count: int) -> str:
    """*count* bytes, as a person says it."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} bytes"
