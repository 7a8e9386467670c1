"""The bounded queue between the logging calls and a handler's own thread. Knows no records, threads or sockets."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class BoundedQueue(Generic[Item]):
    """Holds at most *capacity* items of *max_bytes* together; first in, first out.

    When it is full the oldest below error goes first, then the oldest. What went is counted in `dropped`.
    """

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self.dropped = 0
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._bytes = 0
        self._arrived = 0
        self._low: deque[tuple[int, int, Item]] = deque()
        self._high: deque[tuple[int, int, Item]] = deque()
        # Re-entrant, since a signal handler or a finalizer may log while this very thread is in `put`. What such a
        # nested `put` may do in between is harmless: no line below relies on what an earlier one has read.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._low) + len(self._high)

    @property
    def arrived(self) -> int:
        """How many items were ever put; the number of the newest one."""
        return self._arrived

    def put(self, item: Item, size: int, is_error: bool) -> int:
        """Append *item* of *size* bytes and make room for it. The number of items that wait now."""
        low, high = self._low, self._high
        with self._lock:
            self._arrived += 1
            (high if is_error else low).append((self._arrived, size, item))
            self._bytes += size
            count = len(low) + len(high)
            if count > self._capacity or self._bytes > self._max_bytes:
                self._make_room()
                count = len(low) + len(high)
        return count

    def take(self, most: int, max_bytes: int) -> list[tuple[int, Item]]:
        """The oldest items with their numbers, counted from 1 in the order of `put`: at most *most*, and no further one
        once they have *max_bytes*. Empty when nothing waits."""
        taken: list[tuple[int, Item]] = []
        taken_bytes = 0
        with self._lock:
            low, high = self._low, self._high
            while len(taken) < most and taken_bytes < max_bytes and (low or high):
                oldest = low if not high or (low and low[0][0] < high[0][0]) else high
                number, size, item = oldest.popleft()
                taken.append((number, item))
                taken_bytes += size
            self._bytes = self._bytes - taken_bytes if low or high else 0
        return taken

    def oldest(self) -> int | None:
        """The number of the oldest item; None when there is none."""
        with self._lock:
            heads = [waiting[0][0] for waiting in (self._low, self._high) if waiting]
        return min(heads, default=None)

    def drop_all(self) -> None:
        """Give up what waits; it counts as dropped."""
        with self._lock:
            self.dropped += len(self)
            self._low.clear()
            self._high.clear()
            self._bytes = 0

    def _make_room(self) -> None:
        while len(self) > self._capacity or self._bytes > self._max_bytes:
            waiting = self._low or self._high
            if not waiting:
                self._bytes = 0
                return
            _, size, _ = waiting.popleft()
            self._bytes -= size
            self.dropped += 1
