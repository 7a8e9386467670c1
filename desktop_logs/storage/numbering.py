"""Which numbers records may be given: none that an earlier run can have given. For one thread; writes no segment."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from desktop_logs.storage.damage import is_damage
from desktop_logs.storage.numbers import BLOCK, Reserved, read_reserved, write_reserved
from desktop_logs.storage.segment import Segment
from desktop_logs.storage.segments import segments_in

LAST_NUMBER: Final = 2**53 - 1
"""Above it JavaScript takes two numbers for one."""


class Numbering:
    """The numbers of the history in *folder*. *clock_ns* is asked only where nothing else tells how high they are."""

    def __init__(self, folder: Path, clock_ns: Callable[[], int]) -> None:
        self._folder = folder
        self._clock_ns = clock_ns
        self.head = 0
        """The newest number given, as far as it is known here; callers raise it."""
        self.last_number = LAST_NUMBER
        """The highest number that may be given by now."""
        self.epoch = ""
        self._is_taken_up = False

    def take_up(self) -> None:
        """Go on above what earlier runs have reserved; nothing when that was done. Raises OSError and sqlite3.Error."""
        if self._is_taken_up:
            return
        reserved = read_reserved(self._folder) or self._told_by_segments()
        # Once numbers were given in need, their epoch stays.
        self.epoch = self.epoch or reserved.epoch
        self._reserve(max(self.head, reserved.bound))
        self.head = max(self.head, reserved.bound)
        self._is_taken_up = True

    def go_on_in_need(self) -> None:
        """Have numbers to give although no bound can be read or raised.

        They are the microseconds since 1970 then: far above any that were counted up from there, and above those of an
        earlier run in the same need. That is worth another epoch.
        """
        if not self._is_taken_up:
            self.head = max(self.head, self._clock_ns() // 1_000)
            self.epoch = uuid.uuid4().hex

    def renew(self) -> None:
        """Reserve more numbers when half of them are given. Raises OSError."""
        if self._is_taken_up and self.last_number - self.head < BLOCK // 2:
            self._reserve(self.head)

    def settle(self) -> None:
        """Keep the newest number exactly, at the end. Raises OSError."""
        if self._is_taken_up:
            write_reserved(self._folder, Reserved(self.epoch, self.head))

    def _reserve(self, head: int) -> None:
        write_reserved(self._folder, Reserved(self.epoch, head + BLOCK))
        self.last_number = head + BLOCK

    def _told_by_segments(self) -> Reserved:
        """What would stand in the numbers file, which is lost."""
        for name in reversed(segments_in(self._folder)):
            try:
                segment = Segment(self._folder / str(name))
            except sqlite3.Error as fault:
                if not is_damage(fault):
                    raise
                # Nothing tells how high the numbers in there are.
                return Reserved(uuid.uuid4().hex, self._clock_ns() // 1_000)
            segment.close()
            if segment.last_seq:
                return Reserved(segment.epoch, segment.last_seq + BLOCK)
        return Reserved(uuid.uuid4().hex, 0)
