"""What numbered producers have sent already, so that a batch sent again is stored once. Pure; stores keep it too."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

Span = tuple[int, int]
"""Numbers from the first to below the second."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which numbers of a producer a batch carries: with its records they are stored, or neither is."""

    producer: str
    spans: tuple[Span, ...]
    """Also of entries that were refused: sent again, they are told as duplicates."""


class Producer:
    """How far one producer's numbered entries have come; at first as far as *stored*, apart and in order."""

    def __init__(self, stored: tuple[Span, ...] = ()) -> None:
        self.shown_next = stored[-1][1] if stored else 0
        """Entries below this number are in the ring."""
        self._stored = stored  # on disk: apart, in order; replaced as a whole
        self._in_flight: dict[Span, Future[None]] = {}

    def in_flight(self, first: int, count: int) -> list[tuple[Span, Future[None]]]:
        """The batches on their way to the disk that share a number with *count* entries from *first*."""
        return [
            (span, stored)
            for span, stored in list(self._in_flight.items())
            if span[0] < first + count and first < span[1]
        ]

    def is_stored(self, number: int) -> bool:
        """True when the entry of that number is on disk. Ask after `in_flight`: what leaves that is here first."""
        spans = self._stored
        at = bisect_right(spans, (number, float("inf"))) - 1
        return at >= 0 and spans[at][0] <= number < spans[at][1]

    def track(self, first: int, count: int, stored: Future[None]) -> None:
        """Remember that *count* entries from *first* are shown, and on disk once *stored* is done."""
        if not count:
            return
        span = (first, first + count)
        self.shown_next = max(self.shown_next, span[1])
        self._in_flight[span] = stored

        def settle(done: Future[None]) -> None:
            # Runs on the disk thread, which alone replaces the stored spans; a dict's pop is atomic.
            if done.exception() is None:
                self._stored = joined(self._stored, span)
            if self._in_flight.get(span) is done:
                self._in_flight.pop(span, None)

        stored.add_done_callback(settle)


def joined(spans: tuple[Span, ...], new: Span) -> tuple[Span, ...]:
    """*spans* with *new* among them, those that touch made one. A producer that moves on has one or two."""
    apart = [span for span in spans if span[1] < new[0] or new[1] < span[0]]
    touching = [span for span in spans if span not in apart]
    first = min([new[0], *(span[0] for span in touching)])
    end = max([new[1], *(span[1] for span in touching)])
    return tuple(sorted([*apart, (first, end)]))


class Producers:
    """The producers heard of last. One that was silent while *capacity* others spoke is forgotten."""

    def __init__(self, capacity: int = 1_000) -> None:
        self._capacity = capacity
        self._known: OrderedDict[str, Producer] = OrderedDict()

    def restore(self, stored: Mapping[str, tuple[Span, ...]]) -> None:
        """Know what an earlier run has stored of each producer, the one heard of last at the end."""
        for name, spans in stored.items():
            self._known[name] = Producer(spans)

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
