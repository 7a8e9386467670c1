"""What `close` waits for, and what it ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from tests.handlers.fake_hub import FakeHub, Reply
from tests.handlers.test_leaving import run
from tests.handlers.test_sending import logging_to


@pytest.fixture
def silent_hub() -> Iterator[FakeHub]:
    """A hub that takes everything and never answers."""
    with FakeHub() as running:
        running.replies = [Reply(hang=True)] * 100
        yield running


def test_close_does_not_wait_again_for_what_a_flush_just_gave_up(silent_hub: FakeHub) -> None:
    """logging.shutdown calls both, one after the other."""
    with logging_to(silent_hub.url, timeout_s=60.0) as (logger, handler):
        logger.info("x")
        silent_hub.wait_for(lambda hub: len(hub.requests) == 1)
        handler.flush(0.05)
        started_s = time.monotonic()
        handler.close(30.0)
        assert time.monotonic() - started_s < 15


def test_close_ends_a_thread_that_waits_for_an_answer(silent_hub: FakeHub) -> None:
    """It would wait for the whole timeout, and hold what is its own as long."""
    with logging_to(silent_hub.url, timeout_s=60.0) as (logger, handler):
        logger.info("x")
        silent_hub.wait_for(lambda hub: len(hub.requests) == 1)
        sender = next(one for one in threading.enumerate() if one.name == "desktop-logs-sender")
        handler.close(0.05)
        sender.join(10)
        assert not sender.is_alive()
        assert handler.stats() == {"sent": 0, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_is_forked_by_what_is_being_formatted_may_log() -> None:
    """As by an object's `__str__`, or a stderr of the program's own: in the child nothing is being formatted."""
    with FakeHub() as hub:
        run(
            f"""
            from desktop_logs.handlers.process import MAX_DEPTH, here
            handler = to({hub.url!r})
            here.depth = MAX_DEPTH
            child = os.fork()
            if child == 0:
                log.info("child")
                handler.flush()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            """
        )
        assert hub.messages() == ["child"]
