"""How long the sending handler waits before it tries again."""

from __future__ import annotations

import random

import pytest

from desktop_logs.handlers.posting import Answer, Verdict
from desktop_logs.handlers.sending import DesktopLogsHandler


def test_programs_that_wait_for_the_same_hub_do_not_come_back_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after many attempts, when the longest pause is far above the second by which they are spread."""
    spread: list[tuple[float, float]] = []

    def longest(least: float, most: float) -> float:
        spread.append((least, most))
        return most

    monkeypatch.setattr(random, "uniform", longest)
    handler = DesktopLogsHandler(max_spool_bytes=0)
    try:
        delays = [handler._delay(Answer(Verdict.LATER, retry_after_s=2.0)) for _ in range(20)]
    finally:
        handler.close()
    assert spread[0] == (0.0, 0.25)
    assert spread[-1] == (0.0, 1.0)
    assert delays[-1] == (3.0, False)
