"""The bounded queue between the logging calls and a handler's own thread. Knows no records, threads or sockets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

_SLICE: Final = 16
"""How many items one `put` weighs, about 10 µs, for as many that weigh none."""


class BoundedQueue(Generic[Item]):
    """Holds at most *capacity* items of *max_bytes* together; first in, first out.

    When it is full the oldest below error goes first, then the oldest. What went is counted in `dropped`. *weigh* tells
    the bytes of an item and whether it is an error; what it raises for is given up and counted in `odd`.

    `put` is for items of *small_bytes* at most. The newest of these are weighed later: as long as few wait, a logging
    call only appends. Both bounds may be exceeded by a tenth for that.
    """

    def __init__(
        self, capacity: int, max_bytes: int, weigh: Callable[[Item], tuple[int, bool]], small_bytes: int
    ) -> None:
        self.dropped = 0
        self.odd = 0
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._weigh = weigh
        self._bytes = 0
        self._arrived = 0
        most_unweighed = min(capacity, max_bytes // small_bytes) // 10
        self._slice = max(1, min(_SLICE, most_unweighed // 2))
        self._full_inbox = max(1, most_unweighed)
        # No lock need guard an append.
        self._inbox: deque[Item] = deque()
        self._low: deque[tuple[int, int, Item]] = deque()
        self._high: deque[tuple[int, int, Item]] = deque()
        # Re-entrant, since a signal handler or a finalizer may log while this very thread is in here. What such a
        # nested `put` may do in between is harmless: no line below relies on what an earlier one has read.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._low) + len(self._high) + len(self._inbox)

    def arrived(self) -> int:
        """How many items were ever put; the number of the newest one."""
        with self._lock:
            self._sort()
            return self._arrived

    def put(self, item: Item) -> None:
        """Append *item*, a small one."""
        self._inbox.append(item)
        if len(self._inbox) >= self._full_inbox:
            with self._lock:
                self._sort(self._slice)

    def put_large(self, item: Item) -> None:
        """Append *item* and make room for it at once."""
        with self._lock:
            self._inbox.append(item)
            self._sort()

    def take(self, most: int, max_bytes: int) -> list[tuple[int, Item]]:
        """The oldest items with their numbers, counted from 1 in the order of `put`: at most *most*, and no further one
        once they have *max_bytes*. Empty when nothing waits."""
        taken: list[tuple[int, Item]] = []
        taken_bytes = 0
        with self._lock:
            self._sort()
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
            self._sort()
            heads = [waiting[0][0] for waiting in (self._low, self._high) if waiting]
        return min(heads, default=None)

    def _sort(self, most: int | None = None) -> None:
        """Weigh what came in, the oldest *most* of it, number it and make room for it. Under the lock."""
        inbox, weigh = self._inbox, self._weigh
        # Not until it is empty, which other threads may never let it be.
        for _ in range(len(inbox) if most is None else min(most, len(inbox))):
            try:
                item = inbox.popleft()
            except IndexError:  # a nested call has taken it
                break
            self._arrived += 1
            try:
                size, is_error = weigh(item)
            except Exception:  # noqa: BLE001 - an item made by hand of odd things; counted
                self.odd += 1
                continue
            (self._high if is_error else self._low).append((self._arrived, size, item))
            self._bytes += size
            if self._bytes > self._max_bytes or len(self._low) + len(self._high) > self._capacity:
                self._make_room()

    def _make_room(self) -> None:
        while len(self._low) + len(self._high) > self._capacity or self._bytes > self._max_bytes:
            waiting = self._low or self._high
            if not waiting:
                self._bytes = 0
                return
            _, size, _ = waiting.popleft()
            self._bytes -= size
            self.dropped += 1
