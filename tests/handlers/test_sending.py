"""The sending handler against a real HTTP server: what arrives, what is kept, what is dropped and said."""

from __future__ import annotations

import json
import logging
import logging.config
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import desktop_logs
from desktop_logs.handlers.sending import DesktopLogsHandler
from tests.handlers.fake_hub import FakeHub, Reply


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@contextmanager
def logging_to(url: str, name: str = "shop", **options: Any) -> Iterator[tuple[logging.Logger, DesktopLogsHandler]]:
    """A logger of its own with the handler on it."""
    options.setdefault("batch_ms", 5)
    handler = DesktopLogsHandler(url, **options)
    logger = logging.Logger(name, logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield logger, handler
    finally:
        handler.close(0.2)


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every back-off as short as it can be."""
    monkeypatch.setattr(random, "uniform", lambda low, high: min(high, 0.02))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_record_arrives_as_an_entry(hub: FakeHub) -> None:
    with logging_to(hub.url, source="api", token="s3cret") as (logger, handler):
        logger.info("listening on %d", 80, extra={"user": 42})
        handler.flush()
        assert handler.stats() == {"sent": 1, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 0}
    (request,) = hub.requests
    assert request.path == "/api/logs"
    assert request.headers["Content-Type"] == "application/x-ndjson"
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert len(request.headers["Desktop-Logs-Producer"]) == 36
    assert request.first == 1
    (entry,) = request.entries
    assert (entry["message"], entry["level"]) == ("listening on 80", "info")
    assert (entry["context"]["source"], entry["context"]["user"]) == ("api", 42)


def test_batches_are_numbered_through_over_one_connection(hub: FakeHub) -> None:
    with logging_to(hub.url, batch_records=10) as (logger, handler):
        for number in range(25):
            logger.info("%d", number)
        handler.flush()
        logger.info("25")
        handler.flush()
    assert hub.messages() == [str(number) for number in range(26)]
    nexts = [request.first + len(request.entries) for request in hub.requests]
    assert [request.first for request in hub.requests] == [1, *nexts[:-1]]
    assert max(len(request.entries) for request in hub.requests) <= 10
    assert len({request.connection for request in hub.requests}) == 1


def test_what_waits_by_default_is_bounded_by_its_bytes(hub: FakeHub) -> None:
    """A burst of short records is kept whole: they are nowhere near the 16 MB."""
    hub.replies = [Reply(hang=True)]
    with logging_to(hub.url) as (logger, handler):
        for _ in range(30_000):
            logger.info("x")
        assert handler.stats()["dropped"] == 0


def test_bodies_stay_below_what_a_hub_takes(hub: FakeHub) -> None:
    with logging_to(hub.url) as (logger, handler):
        for number in range(30):
            logger.info("%d %s", number, "x" * 100_000)
        handler.flush(10)
    assert max(len(request.body) for request in hub.requests) <= 900_000
    assert [message.split()[0] for message in hub.messages()] == [str(number) for number in range(30)]


def test_dict_config_and_eight_threads(hub: FakeHub) -> None:
    """The issue's own words: eight threads, exceptions and extra; all arrives, in order per thread."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"hub": {"class": "desktop_logs.DesktopLogsHandler", "url": hub.url, "level": "INFO"}},
            "loggers": {"threads": {"level": "DEBUG", "handlers": ["hub"], "propagate": False}},
        }
    )
    logger = logging.getLogger("threads")
    handler = logger.handlers[0]
    assert isinstance(handler, desktop_logs.DesktopLogsHandler)

    def work(thread: int) -> None:
        for number in range(200):
            logger.debug("below the level")
            try:
                raise ValueError(number)
            except ValueError:
                logger.exception("%d", number, extra={"worker": thread})

    try:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        handler.flush(20)
        assert handler.stats() == {"sent": 1600, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 0}
    finally:
        logger.removeHandler(handler)
        handler.close()
    entries = hub.entries()
    assert len(entries) == 1600
    for thread in range(8):
        own = [entry for entry in entries if entry["context"]["worker"] == thread]
        assert [entry["message"] for entry in own] == [str(number) for number in range(200)]
        assert all("ValueError" in entry["context"]["traceback"] for entry in own)


@pytest.mark.usefixtures("no_jitter")
@pytest.mark.parametrize("trouble", [Reply(503), Reply(429), Reply(500), Reply(408), Reply(close=True)])
def test_a_batch_is_sent_again_byte_for_byte(hub: FakeHub, trouble: Reply) -> None:
    hub.replies = [trouble] * 3
    with logging_to(hub.url) as (logger, handler):
        logger.error("once")
        handler.flush(10)
        logger.error("twice")
        handler.flush(10)
        assert handler.stats()["sent"] == 2
    assert len(hub.requests) == 5
    assert {(one.first, one.body) for one in hub.requests[:4]} == {(1, hub.requests[0].body)}
    assert hub.requests[4].first == 2
    assert hub.messages() == ["once", "twice"]


@pytest.mark.usefixtures("no_jitter")
def test_a_hub_that_restarts_gets_the_rest() -> None:
    """Midway, on the same port: nothing is lost, nothing changes its number."""
    with FakeHub() as before:
        port = before.port
        with logging_to(before.url, batch_records=5) as (logger, handler):
            for number in range(20):
                logger.info("%d", number)
            handler.flush(10)
            before.replies = [Reply(close=True)] * 100
            for number in range(20, 40):
                logger.info("%d", number)
            before.wait_for(lambda hub: any(one.first == 21 for one in hub.requests))
            before.stop()
            with FakeHub(port) as after:
                handler.flush(20)
                assert handler.stats() == {"sent": 40, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 0}
                lost = {one.first: one.body for one in before.requests if one.first > 20}
                again = {one.first: one.body for one in after.requests}
                assert again[21] == lost[21]
                assert before.messages()[:20] + after.messages() == [str(number) for number in range(40)]
                assert {one.headers["Desktop-Logs-Producer"] for one in before.requests + after.requests} == {
                    before.requests[0].headers["Desktop-Logs-Producer"]
                }


def test_an_idle_connection_that_the_hub_closed_costs_no_back_off(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: pytest.fail("backed off"))
    hub.close_after_each = True
    with logging_to(hub.url) as (logger, handler):
        for text in ("one", "two", "three"):
            logger.info(text)
            handler.flush(10)
        assert handler.stats()["sent"] == 3
    assert hub.messages() == ["one", "two", "three"]


@pytest.mark.usefixtures("no_jitter")
def test_retry_after_is_obeyed_also_while_somebody_flushes(hub: FakeHub) -> None:
    hub.replies = [Reply(503, headers=(("Retry-After", "1"),))]
    with logging_to(hub.url) as (logger, handler):
        logger.info("x")
        handler.flush(10)
    first, second = hub.requests
    assert second.at_s - first.at_s >= 1.0


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, body=b'{"error":"a token is needed"}'), "a token is needed"),
        (Reply(404, body=b"not here\x1b[31m\nmore"), "404: not here?[31m. Is that"),
        (Reply(302, headers=(("Location", "/login"),), body=b""), "302"),
        (Reply(200, body=b"<html>"), "not a Desktop Logs hub"),
        (Reply(200, body=b"[]"), "not a Desktop Logs hub"),
    ],
)
def test_a_refused_batch_is_dropped_counted_and_said_once(
    hub: FakeHub, reply: Reply, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.replies = [reply, reply]
    with logging_to(hub.url) as (logger, handler):
        for text in ("one", "two", "three"):
            logger.info(text)
            handler.flush(10)
        assert handler.stats() == {"sent": 1, "dropped": 0, "rejected": 2, "queued": 0, "spooled": 0}
    assert [request.first for request in hub.requests] == [1, 2, 3]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("desktop-logs: the hub at http://127.0.0.1:")
    assert words in line


def test_entries_that_the_hub_rejects_are_counted(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"accepted": 1, "duplicates": 0, "rejected": [{"index": 0, "error": "an entry needs a message"}]}
    hub.replies = [Reply(200, body=json.dumps(answer).encode())]
    with logging_to(hub.url, batch_ms=200) as (logger, handler):
        logger.info("one")
        logger.info("two")
        handler.flush(10)
        assert handler.stats() == {"sent": 1, "dropped": 0, "rejected": 1, "queued": 0, "spooled": 0}
    assert "an entry needs a message" in capsys.readouterr().err


def test_a_full_queue_keeps_errors_and_tells_what_went(hub: FakeHub) -> None:
    hub.replies = [Reply(hang=True)]
    with logging_to(hub.url, capacity=10, timeout_s=0.5, source="api") as (logger, handler):
        logger.info("in flight")
        hub.wait_for(lambda hub: len(hub.requests) == 1)
        for number in range(5):
            logger.error("error %d", number)
        for number in range(20):
            logger.info("info %d", number)
        assert handler.stats()["dropped"] == 15
        handler.flush(10)
        assert handler.stats() == {"sent": 11, "dropped": 15, "rejected": 0, "queued": 0, "spooled": 0}
    entries = [entry for request in hub.requests[1:] for entry in request.entries]
    (told,) = [entry for entry in entries if "dropped" in entry["message"]]
    assert told["level"] == "warning"
    assert told["message"] == (
        f"15 records were dropped by this program's log handler: the hub at {hub.url} did not take them in time"
    )
    assert told["context"]["source"] == "api"
    messages = hub.messages()
    assert [message for message in messages if "error" in message] == [f"error {number}" for number in range(5)]
    assert [message for message in messages if "info" in message] == [f"info {number}" for number in range(15, 20)]


def test_a_hub_that_is_away_costs_the_program_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(f"http://127.0.0.1:{free_port()}") as (logger, handler):
        for number in range(100):
            logger.info("%d", number)
        handler.flush(0.3)
        assert handler.stats() == {"sent": 0, "dropped": 0, "rejected": 0, "queued": 100, "spooled": 0}
        handler.close(0.1)
        assert handler.stats() == {"sent": 0, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 100}
    assert capsys.readouterr().err == ""


def test_after_close_nothing_happens(hub: FakeHub) -> None:
    with logging_to(hub.url) as (logger, handler):
        logger.info("x")
        handler.close()
        handler.close()
        logger.info("y")
        handler.flush()
        assert handler.stats() == {"sent": 1, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 0}
    assert hub.messages() == ["x"]
    assert not [thread for thread in threading.enumerate() if thread.name == "desktop-logs-sender"]


def test_objects_that_log_while_they_are_printed(hub: FakeHub) -> None:
    """Their records arrive too, and one that logs itself comes to an end."""

    class Chatty:
        def __str__(self) -> str:
            logger.info("printed")
            return "chatty"

    class Endless:
        def __str__(self) -> str:
            logger.info("%s", self)
            return "endless"

    with logging_to(hub.url) as (logger, handler):
        logger.info("%s", Chatty(), extra={"other": Chatty()})
        logger.info("%s", Endless())
        handler.flush(10)
        assert handler.stats()["dropped"] == 0
    assert hub.messages()[:3] == ["printed", "printed", "chatty"]
    assert hub.messages()[3:] == ["endless"] * 3


def test_an_object_that_takes_a_lock_stops_nobody(hub: FakeHub) -> None:
    """With logging's own lock around emit, these two threads would wait for each other for ever."""
    lock = threading.Lock()
    inside = threading.Event()

    class Locked:
        def __str__(self) -> str:
            inside.set()
            with lock:
                return "locked"

    with logging_to(hub.url) as (logger, handler):
        thread = threading.Thread(target=lambda: logger.info("%s", Locked()))
        with lock:
            thread.start()
            assert inside.wait(10)
            logger.info("inside the lock")
        thread.join(10)
        assert not thread.is_alive()
        handler.flush(10)
    assert sorted(hub.messages()) == ["inside the lock", "locked"]


def test_everything_on_the_root_logger_at_debug_feeds_nothing_back(hub: FakeHub) -> None:
    root = logging.getLogger()
    before = root.level
    with logging_to(hub.url) as (_, handler):
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            logging.getLogger("shop").debug("one")
            handler.flush(10)
            time.sleep(0.3)
            handler.flush(10)
        finally:
            root.setLevel(before)
            root.removeHandler(handler)
    assert hub.messages() == ["one"]


def test_filters_and_levels_are_loggings_own(hub: FakeHub) -> None:
    with logging_to(hub.url, level="WARNING") as (logger, handler):
        handler.addFilter(lambda record: "secret" not in record.getMessage())
        logger.info("low")
        logger.error("secret")
        logger.error("plain")
        handler.flush(10)
    assert hub.messages() == ["plain"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "127.0.0.1:5647"}, "looks like http://127.0.0.1:5647"),
        ({"url": "http://[::1"}, "looks like http://127.0.0.1:5647"),
        ({"url": "ftp://127.0.0.1"}, "looks like http://127.0.0.1:5647"),
        ({"url": "http://127.0.0.1:port"}, "looks like http://127.0.0.1:5647"),
        ({"token": "a\nb"}, "Copy it again"),
        ({"capacity": 0}, "capacity must be above 0"),
        ({"max_bytes": 10}, "max_bytes must be at least 900,000"),
        ({"batch_ms": -1}, "batch_ms must not be below 0"),
        ({"max_spool_bytes": -1}, "max_spool_bytes must not be below 0"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as kept:  # an error that is kept keeps what it was raised in
        DesktopLogsHandler(**options)
    # Or logging.shutdown would meet a handler without a queue, and close no other after it.
    assert not [one for one in logging._handlerList if isinstance(one(), DesktopLogsHandler)]  # type: ignore[attr-defined]
    assert kept.value


def test_flush_waits_for_what_was_logged_before_only(hub: FakeHub) -> None:
    stop = threading.Event()
    with logging_to(hub.url) as (logger, handler):

        def chatter() -> None:
            while not stop.wait(0.0005):
                logger.info("chatter")

        thread = threading.Thread(target=chatter)
        thread.start()
        try:
            logger.info("mark")
            started_s = time.monotonic()
            handler.flush(20)
            assert time.monotonic() - started_s < 15
            assert "mark" in hub.messages()
        finally:
            stop.set()
            thread.join()


def test_a_thread_that_cannot_be_started_is_done_without(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at interpreter shutdown: what waits is sent by flush itself."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with logging_to(hub.url) as (logger, handler):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            for number in range(3):
                logger.info("%d", number)
            # The hub's own threads are started by the same method: only connections that are open may be used.
            patch.undo()
            handler._start_at_s = time.monotonic() + 60
            handler.flush(5)
        assert handler.stats() == {"sent": 3, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 0}
    assert hub.messages() == ["0", "1", "2"]


def test_a_record_made_by_hand_of_odd_things_spoils_no_others(hub: FakeHub) -> None:
    with logging_to(hub.url, batch_ms=100) as (logger, handler):
        logger.info("one")
        handler.handle(logging.makeLogRecord({"msg": "odd", "process": object(), "created": "now", "levelname": None}))
        handler.handle(logging.makeLogRecord({"msg": "odder", "args": 5, "levelno": "high"}))
        logger.info("two")
        handler.flush(10)
        assert handler.stats() == {"sent": 2, "dropped": 2, "rejected": 0, "queued": 0, "spooled": 0}
    assert hub.messages() == ["one", "two"]
