"""What of that which is kept must go, by age and by bytes. Pure: told the day and the sizes, it deletes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be kept."""

    max_age_days: int | None
    """What is of a day longer ago than this goes; None while the clock cannot be trusted: then nothing goes by age."""
    max_bytes: int
    """For all together, also for what is being written."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that goes as a whole or stays: a log file, or a segment of the history with what lies beside it."""

    name: str
    day: date
    order: tuple[int, ...]
    """What is over the bytes goes in this order, the least first."""
    size: int
    live: bool = False
    """It is being written, or will be next: it never goes."""
    spared: bool = False
    """It does not go by age, whatever its day says."""


def plan(kept: Iterable[Kept], today: date, limits: Limits) -> list[Kept]:
    """What of *kept* to delete: all that is too old, and of the rest the first until the others fit into the bytes.

    Nothing is ever cut: deleting one old file or segment costs the disk nothing, deleting single records would cost
    as much as writing them. What is live counts for the bytes, so that they may stay above the limit.
    """
    going: list[Kept] = []
    staying: list[Kept] = []
    for one in sorted(kept, key=lambda one: (one.order, one.name)):
        too_old = limits.max_age_days is not None and (today - one.day).days > limits.max_age_days
        (going if too_old and not one.live and not one.spared else staying).append(one)
    over = sum(one.size for one in staying) - limits.max_bytes
    for one in staying:
        if over <= 0:
            break
        if not one.live:
            going.append(one)
            over -= one.size
    return going


def true_days(days: Sequence[date], today: date) -> list[date]:
    """The *days* that segments are named by, in their order, with those set right that a wrong clock has made.

    The result never goes back, so that what is deleted by age is always the oldest. A day before that of an earlier
    segment becomes that one: the clock was behind. A day after *today* becomes that of the next segment, or *today*:
    the clock was ahead.
    """
    right: list[date | None] = []
    latest = date.min
    for day in days:
        if day <= today:
            latest = max(latest, day)
        right.append(latest if day <= today else None)
    following = today
    result = []
    for day_or_none in reversed(right):
        following = day_or_none or following
        result.append(following)
    return result[::-1]
