"""A version 1 server's snapshots and live events joined into one sequence with nothing twice. Pure.

Such a server has no numbers to resume by: after every connect it sends its newest entries again, and live events may
come before or between. What it sends is told apart by its content.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence

import msgspec

from desktop_logs.core.wire import oldest_first, unwrap

_SLICE_PAYLOADS = 32  # some tenths of a millisecond, unless they are large

_encode_sorted = msgspec.json.Encoder(order="deterministic").encode


class SnapshotMerge:
    """Decides which payloads are new.

    Entries equal in every field, time and id included, are one and the same; two that are really two and carry
    neither time nor id cannot be told apart when they come again in a snapshot.
    """

    def __init__(self, memory: int = 5_000) -> None:
        """*memory*: so many of the newest entries are recognised again; a snapshot is at most 500 by protocol."""
        self._memory = memory
        self._recent: deque[int] = deque()
        self._counts: Counter[int] = Counter()
        self._snapshot: frozenset[int] = frozenset()
        self._held: list[object] | None = None
        self.overlaps = False
        """True when the last snapshot holds something that was known before it, and so nothing is missing between.
        Decided before the first payload that is new comes."""

    @property
    def is_waiting(self) -> bool:
        """True between a connect and its snapshot, while live events are held back."""
        return self._held is not None

    def begin(self) -> None:
        """A connection was made: hold live events back until its snapshot, which is older, has come."""
        self._held = []

    def live(self, payload: object) -> list[object]:
        """The payloads that are new with one live event: itself, or nothing."""
        if self._held is not None:
            self._held.append(payload)
            return []
        key = _key(payload)
        if key in self._snapshot and _has_id(payload):
            return []  # the server put it into the snapshot and sent it live as well
        self._remember(key)
        return [payload]

    def snapshot(self, payloads: Sequence[object]) -> Iterator[list[object]]:
        """The payloads that are new with a snapshot (in either order) and the events held back for it, oldest first.

        They come in short lists, some of them empty, for a caller that does something else in between; no event may be
        handed over before the last.
        """
        ordered = oldest_first(payloads)
        keys: list[int] = []
        self.overlaps = False
        for part in _slices(ordered):
            for payload in part:
                keys.append(_key(payload))
                self.overlaps = self.overlaps or keys[-1] in self._counts
            yield []
        seen: Counter[int] = Counter()
        fresh_keys: list[int] = []
        in_order = iter(keys)
        for part in _slices(ordered):
            fresh: list[object] = []
            for payload in part:
                key = next(in_order)
                seen[key] += 1
                if seen[key] > self._counts[key]:
                    fresh.append(payload)
                    fresh_keys.append(key)
            yield fresh
        # Only now: what is remembered makes older entries forgotten, and they may stand further on in a long snapshot.
        for key in fresh_keys:
            self._remember(key)
        self._snapshot = frozenset(keys)
        # What came live while the snapshot was on its way may stand in it: counted off one by one.
        for part in _slices(self._take_held()):
            fresh = []
            for payload in part:
                key = _key(payload)
                if seen[key] > 0:
                    seen[key] -= 1
                else:
                    self._remember(key)
                    fresh.append(payload)
            yield fresh

    def give_up(self) -> Iterator[list[object]]:
        """No snapshot came: the events held back, in short lists as those of `snapshot`."""
        self.overlaps = False
        for part in _slices(self._take_held()):
            for payload in part:
                self._remember(_key(payload))
            yield part

    def _take_held(self) -> list[object]:
        held, self._held = self._held or [], None
        return held

    def _remember(self, key: int) -> None:
        self._recent.append(key)
        self._counts[key] += 1
        if len(self._recent) > self._memory:
            oldest = self._recent.popleft()
            self._counts[oldest] -= 1
            if not self._counts[oldest]:
                del self._counts[oldest]


def _slices(payloads: list[object]) -> Iterator[list[object]]:
    return (payloads[start : start + _SLICE_PAYLOADS] for start in range(0, len(payloads), _SLICE_PAYLOADS))


def _key(payload: object) -> int:
    entry, _ = unwrap(payload)
    try:
        return hash(_encode_sorted(entry))
    except (UnicodeEncodeError, TypeError, ValueError):
        return hash(repr(entry))  # what JSON cannot carry (a lone surrogate, binary) still equals itself


def _has_id(payload: object) -> bool:
    entry, _ = unwrap(payload)
    return isinstance(entry, dict) and bool(entry.get("id"))
