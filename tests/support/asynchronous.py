"""Waiting inside a running loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def soon(claim: str, check: Callable[[], T], within_s: float = 20.0) -> T:
    """What *check* returns as soon as that is true; an AssertionError with *claim* when it never is."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_s
    while not (result := check()):
        assert loop.time() < deadline_s, f"not within {within_s} s: {claim}; the last answer was {result!r}"
        await asyncio.sleep(0.01)
    return result
