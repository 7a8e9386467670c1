"""What numbered producers have sent already, so that a batch sent again is stored once. Pure; only memory."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field


@dataclass(slots=True)
class Producer:
    """How far one producer's numbered entries have come."""

    shown_next: int = 0
    """Entries below this number are in the ring."""
    stored_next: int = 0
    """Entries below this number are on disk."""
    in_flight: dict[int, Future[None]] = field(default_factory=dict)
    """Batches on their way to the disk, by their first number."""

    def track(self, first: int, count: int, stored: Future[None]) -> None:
        """Remember that *count* entries from *first* are shown, and on disk once *stored* is done."""
        self.shown_next = max(self.shown_next, first + count)
        self.in_flight[first] = stored

        def settle(done: Future[None]) -> None:
            # Runs on the disk thread. It is the only writer of stored_next, and a dict's pop is atomic.
            if done.exception() is None:
                self.stored_next = max(self.stored_next, first + count)
            self.in_flight.pop(first, None)

        stored.add_done_callback(settle)


class Producers:
    """The producers heard of last. One that was silent while *capacity* others spoke is forgotten."""

    def __init__(self, capacity: int = 1_000) -> None:
        self._capacity = capacity
        self._known: OrderedDict[str, Producer] = OrderedDict()

    def get(self, name: str) -> Producer:
        """The producer called *name*, known or new."""
        producer = self._known.get(name)
        if producer is None:
            producer = self._known[name] = Producer()
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(name)
        return producer
