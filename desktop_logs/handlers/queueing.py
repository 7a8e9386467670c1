"""The bounded queue between the logging calls and a handler's own thread. Knows no records, threads or sockets."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
_Others = deque[tuple[int, int, int, Item]]

_SLICE: Final = 16
"""How many items one `put` drops, about 3 µs, for as many that drop none."""


class BoundedQueue(Generic[Item]):
    """Holds at most *capacity* items of *max_bytes* together; first in, first out.

    When it is full the oldest below error goes first, then the oldest. What went is counted in `dropped`.

    `put` is for items below error of *small_bytes* at most, and counts each for as much: it only appends. `put_other`
    is for all others; *weigh* tells their bytes and whether they are errors, and what it raises for is given up and
    counted in `odd`. 16 of these may be here beyond the bounds, a tenth of them at most.
    """

    def __init__(
        self, capacity: int, max_bytes: int, weigh: Callable[[Item], tuple[int, bool]], small_bytes: int
    ) -> None:
        self.dropped = 0
        self.odd = 0
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._weigh = weigh
        self._small_bytes = small_bytes
        self._slack = min(_SLICE, min(capacity, max_bytes // small_bytes) // 10)
        # The small ones, with neither number nor size, since a logging call pays for all that is made. No lock need
        # guard an append. The n-th that was ever put here stands behind all others that say they came after n - 1.
        self._small: deque[Item] = deque()
        self._small_gone = 0
        self._most_small = 0
        # The others: after how many small ones each came, its number, its size.
        self._low: _Others[Item] = deque()
        self._high: _Others[Item] = deque()
        self._other_bytes = 0
        self._others_arrived = 0
        self._places: deque[int] = deque()  # after how many small ones an other came, while it may have one before it
        self._others_before = 0  # how many came before the oldest small one
        # Re-entrant, since a signal handler or a finalizer may log while this very thread is in here. What such a
        # nested `put` may do in between is harmless: no line below relies on what an earlier one has read.
        self._lock = threading.RLock()
        self._measure()

    def __len__(self) -> int:
        return len(self._small) + len(self._low) + len(self._high)

    def arrived(self) -> int:
        """How many items were ever put; the number of the newest one."""
        with self._lock:
            self._make_room()
            return self._small_gone + len(self._small) + self._others_arrived

    def put(self, item: Item) -> None:
        """Append *item*, a small one below error."""
        self._small.append(item)
        if len(self._small) > self._most_small:
            with self._lock:
                self._make_room()

    def put_other(self, item: Item) -> None:
        """Append *item* and make room for it at once."""
        with self._lock:
            place = self._small_gone + len(self._small)
            self._places.append(place)
            self._count_others_before()  # here too, or in an hour without a `take` they would be many
            self._others_arrived += 1
            number = place + self._others_arrived
            try:
                size, is_error = self._weigh(item)
            except Exception:  # noqa: BLE001 - an item made by hand of odd things; counted
                self.odd += 1
                return
            (self._high if is_error else self._low).append((place, number, size, item))
            self._other_bytes += size
            self._make_room()

    def take(self, most: int, max_bytes: int) -> list[tuple[int, Item]]:
        """The oldest items with their numbers, counted from 1 in the order of `put`: at most *most*, and no further one
        once they have *max_bytes*. Empty when nothing waits."""
        taken: list[tuple[int, Item]] = []
        taken_bytes = 0
        with self._lock:
            self._make_room()
            while len(taken) < most and taken_bytes < max_bytes:
                others = self._older_others()
                try:
                    if self._small_before(others) > 0:
                        taken.append((self._small_number(), self._small.popleft()))
                        self._small_gone += 1
                        taken_bytes += self._small_bytes
                    elif others:
                        _, number, size, item = others.popleft()
                        taken.append((number, item))
                        self._other_bytes -= size
                        taken_bytes += size
                    else:
                        break
                except IndexError:  # a nested call has taken it
                    continue
            self._measure()
        return taken

    def oldest(self) -> int | None:
        """The number of the oldest item; None when there is none."""
        with self._lock:
            self._make_room()
            others = self._older_others()
            if self._small_before(others) > 0:
                return self._small_number()
            return others[0][1] if others else None

    # Under the lock

    def _make_room(self) -> None:
        """Drop what is beyond the bounds."""
        small, low, high = self._small, self._low, self._high
        while (excess := self._measure()) > 0 and (small or low or high):
            try:
                if (before := self._small_before(low)) > 0:
                    for _ in range(min(before, excess)):
                        small.popleft()
                        self._small_gone += 1
                        self.dropped += 1
                else:
                    self._other_bytes -= (low or high).popleft()[2]
                    self.dropped += 1
            except IndexError:  # a nested call has taken it
                continue

    def _measure(self) -> int:
        """Find out how many small ones there may be before the next look, and tell how many are beyond the bounds."""
        by_count = self._capacity - len(self._low) - len(self._high)
        by_bytes = (self._max_bytes - self._other_bytes) // self._small_bytes
        most = min(by_count, by_bytes)
        self._most_small = most + self._slack
        return len(self._small) - most

    def _older_others(self) -> _Others[Item]:
        low, high = self._low, self._high
        return low if not high or (low and low[0][1] < high[0][1]) else high

    def _small_before(self, others: _Others[Item]) -> int:
        """How many small ones are older than the oldest of *others*."""
        count = len(self._small)
        return min(count, others[0][0] - self._small_gone) if others else count

    def _small_number(self) -> int:
        """The number of the oldest small one."""
        self._count_others_before()
        return self._small_gone + 1 + self._others_before

    def _count_others_before(self) -> None:
        places = self._places
        while places and places[0] <= self._small_gone:
            places.popleft()
            self._others_before += 1
