"""A record: one log entry, parsed and numbered. Pure; how entries travel stands in wire, who numbers them in hub."""

from __future__ import annotations

from functools import lru_cache

import msgspec

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(high + low for high in _BASE36 for low in _BASE36)


class Record(msgspec.Struct, frozen=True, gc=False):
    """One log entry as the program holds it.

    gc=False halves its size and keeps a million of them out of the garbage collector; it is right only while every
    field is a string or a number.
    """

    seq: int
    """Number given by the hub (or by the feed, for a version 1 server); it only grows."""
    time_ns: int
    """When it happened, nanoseconds since 1970 UTC."""
    severity: int
    """OpenTelemetry's severity number, 1 to 24."""
    level: str
    """The level's name as it came."""
    source: str
    """Where it came from (`context.source`); empty when it did not say."""
    message: str
    context: str = ""
    """The context without its source, as a compact JSON object; empty when there is none."""
    given_id: str = ""
    """The id its producer gave; empty when it gave none."""

    @property
    def id(self) -> str:
        """The entry's id: as given, or made of time and number."""
        return self.given_id or f"{self.time_ns // 1_000_000}-{base36(self.seq)}"


def base36(number: int) -> str:
    """*number* (not negative) in digits and small letters."""
    if number < 36:
        return _BASE36[number]
    return _leading(number // 1296) + _PAIRS[number % 1296] if number >= 1296 else _PAIRS[number].lstrip("0")


@lru_cache(maxsize=64)
def _leading(number: int) -> str:
    # Numbers grow, so nearly every one shares all but its last two digits with the one before.
    return base36(number)
