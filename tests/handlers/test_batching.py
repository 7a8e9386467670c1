"""When a batch goes: at once after a pause, then in a steady stream, and always when somebody waits or it is full."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desktop_logs.handlers import sending
from tests.handlers.fake_hub import FakeHub
from tests.handlers.test_sending import logging_to

HOUR_MS = 3_600_000


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


def batches(hub: FakeHub) -> list[list[str]]:
    return [[entry["message"] for entry in request.entries] for request in hub.requests]


def test_after_a_pause_records_go_at_once_and_then_wait_for_each_other(hub: FakeHub) -> None:
    """A worker of multiprocessing.Pool is ended within milliseconds, and nothing in it can send then."""
    with logging_to(hub.url, batch_ms=HOUR_MS) as (logger, handler):
        for number in range(sending._BURST_BATCHES):
            logger.info("%d", number)
            hub.wait_for(lambda hub, number=number: len(hub.requests) == number + 1)  # type: ignore[misc]
        for text in ("two", "three", "four"):
            logger.info(text)
        handler.flush(10)
        assert handler.stats()["queued"] == 0
    assert batches(hub) == [[str(number)] for number in range(sending._BURST_BATCHES)] + [["two", "three", "four"]]


def test_a_full_batch_does_not_wait(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_BURST_BATCHES", 1)
    with logging_to(hub.url, batch_ms=HOUR_MS, batch_records=5) as (logger, _):
        logger.info("first")
        hub.wait_for(lambda hub: len(hub.requests) == 1)
        for number in range(5):
            logger.info("%d", number)
        hub.wait_for(lambda hub: len(hub.requests) == 2)
    assert batches(hub) == [["first"], ["0", "1", "2", "3", "4"]]
