"""What is sent and what is looked for: records of about 75 characters, alike in every run. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NEEDLE_EVERY = 10_000
"""Each needle is in one of so many records: 100 of a million."""

_LEVELS = ("info", "info", "debug", "info", "info", "debug", "info", "warn", "info", "debug")


def level(number: int) -> str:
    return "error" if number % 50 == 0 else _LEVELS[number % 10]


def message(number: int) -> str:
    """75 or 76 characters; the same number has the same."""
    place = number % NEEDLE_EVERY
    worker = f"needle-{'abc'[place - 17]}" if 17 <= place < 20 else f"worker {number % 16:02d}"
    found = "hit" if number & 4 else "miss"  # half of all, four after another
    user = number * 7_919 % 100_000
    return f"GET /orders/{number:07d} for user {user:05d}: cache {found}, done in {number % 997:03d} ms by {worker}"


def entry(number: int) -> dict[str, object]:
    """An entry as programs send it to the hub."""
    return {"level": level(number), "message": message(number), "context": {"source": "api"}}


def bodies(count: int, batch: int, first: int = 0) -> Iterator[bytes]:
    """The bodies of the posts that carry *count* entries, numbered from *first*."""
    for start in range(first, first + count, batch):
        entries = [entry(number) for number in range(start, min(start + batch, first + count))]
        yield json.dumps(entries).encode()


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter change: the levels that are shown, or a query with what it must find in the message."""

    kind: str
    text: str = ""
    levels: tuple[str, ...] = ()
    pattern: str = ""
    """For the reference: what Python's `re` must find in the message, in either case."""


def words(kind: str, text: str) -> Filter:
    return Filter(kind, text, pattern=text)


def regular(pattern: str) -> Filter:
    return Filter("regular expression", f"message~/{pattern}/", pattern=pattern)


# One of each for a run: what a run has searched for may be remembered for the next.
FILTERS: Sequence[Sequence[Filter]] = (
    [Filter("level change", levels=names) for names in (("warn", "error"), ("error",), ("debug", "error"))],
    [words("rare substring", f"needle-{letter}") for letter in "abc"],
    [words("common word", word) for word in ("hit", "miss", "hit")],
    [regular(pattern) for pattern in (r"user 4\d+3\b", r"user 5\d+7\b", r"user 6\d+1\b")],
)
