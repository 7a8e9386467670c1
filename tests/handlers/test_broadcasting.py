"""The broadcast handler on real servers, asyncio and threaded, with real clients."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import socketio
from engineio import payload

from desktop_logs.handlers.broadcasting import BroadcastHandler
from tests.handlers.servers import async_server, async_viewer, serving, threaded_server, until

ID = re.compile(r"\d{13}-[0-9a-z]+")


@pytest.fixture
def handler() -> Iterator[BroadcastHandler]:
    made = BroadcastHandler("api")
    yield made
    made.close()


@pytest.fixture
def logger(handler: BroadcastHandler) -> logging.Logger:
    own = logging.Logger("shop", logging.DEBUG)
    own.addHandler(handler)
    return own


@pytest.fixture
def noisy_root(handler: BroadcastHandler) -> Iterator[logging.Logger]:
    """The root logger at DEBUG with the handler on it, and the loud libraries at DEBUG too."""
    names = ("", "engineio", "engineio.server", "engineio.client", "socketio", "socketio.server", "asyncio", "aiohttp")
    before = {name: logging.getLogger(name).level for name in names}
    root = logging.getLogger()
    root.addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield root
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def texts(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["message"] for entry in entries]


def assert_no_feedback(handler: BroadcastHandler) -> None:
    """The server's own connects and pings are fair; what it says because of a broadcast is not."""
    told = texts(handler.cached_logs())
    assert not [text for text in told if "emitting event" in text or '"log"' in text]
    assert len(told) < 60


# --- without any server


def test_entries_have_v1_levels_and_keep_the_original(handler: BroadcastHandler, logger: logging.Logger) -> None:
    # Not 5, which some libraries give a name when they are imported.
    for level in (7, 10, 20, 25, 30, 40, 50):
        logger.setLevel(1)
        logger.log(level, "x")
    seen = [(entry["level"], entry["context"].get("level")) for entry in reversed(handler.cached_logs())]
    assert seen == [
        ("debug", "level 7"),
        ("debug", None),
        ("info", None),
        ("info", "level 25"),
        ("warn", "warning"),
        ("error", None),
        ("error", "critical"),
    ]


def test_the_recent_entries_are_bounded_and_newest_first(logger: logging.Logger, handler: BroadcastHandler) -> None:
    for number in range(600):
        logger.info("%d", number)
    recent = handler.cached_logs()
    assert texts(recent) == [str(number) for number in range(599, 99, -1)]
    assert all(ID.fullmatch(entry["id"]) for entry in recent)
    assert len({entry["id"] for entry in recent}) == 500
    assert recent[0]["context"]["source"] == "api"


def test_what_is_handed_out_may_be_changed(logger: logging.Logger, handler: BroadcastHandler) -> None:
    logger.info("x", extra={"deep": {"a": [1]}})
    handler.cached_logs()[0]["context"]["deep"]["a"].append(2)
    assert handler.cached_logs()[0]["context"]["deep"] == {"a": [1]}


def test_logs_by_level(logger: logging.Logger, handler: BroadcastHandler) -> None:
    for level in ("info", "error", "critical", "warning", "info"):
        getattr(logger, level)(level)
    by_level = handler.logs_by_level()
    assert {name: texts(entries) for name, entries in by_level.items()} == {
        "error": ["critical", "error"],
        "warn": ["warning"],
        "info": ["info", "info"],
        "debug": [],
    }
    assert handler.logs_by_level("error") == handler.logs_by_level("fatal") == by_level["error"]
    with pytest.raises(ValueError, match="'loud' is not a level"):
        handler.logs_by_level("loud")
    handler.clear()
    assert handler.cached_logs() == []


def test_libraries_that_speak_when_we_do_are_not_heard(handler: BroadcastHandler) -> None:
    for name in ("engineio.server", "socketio", "aiohttp.access", "uvicorn.access", "werkzeug", "websockets.server"):
        handler.handle(logging.makeLogRecord({"name": name, "levelno": 40, "levelname": "ERROR", "msg": name}))
    for name, level in (("asyncio", 10), ("asyncio", 40), ("aiohttp.client", 10), ("socketiofriend", 20)):
        handler.handle(logging.makeLogRecord({"name": name, "levelno": level, "levelname": "INFO", "msg": name}))
    assert texts(handler.cached_logs()) == ["socketiofriend", "aiohttp.client", "asyncio"]


def test_attach_takes_servers_only(handler: BroadcastHandler) -> None:
    with pytest.raises(TypeError, match=r"a socketio.AsyncServer or a socketio.Server is needed, not object"):
        handler.attach(object())


# --- asyncio


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
async def test_viewers_of_an_async_server_hear_every_record(
    handler: BroadcastHandler, logger: logging.Logger, transports: list[str]
) -> None:
    async with async_server() as (sio, url):
        handler.attach(sio)
        handler.attach(sio)
        async with async_viewer(url, transports=transports) as (_, viewer):
            for number in range(100):
                logger.info("%d", number)
            await until(lambda: len(viewer.heard) == 100)
            assert viewer.messages == [str(number) for number in range(100)]
            event, sent = viewer.heard[0]
            assert (event, sent["type"]) == ("log", "log")
            assert isinstance(sent["timestamp"], int)
            assert sent["data"] == handler.cached_logs()[-1]
        assert handler.stats()["broadcast"] == 100


async def test_request_logs_is_answered_to_that_client_alone_and_nothing_comes_twice(
    handler: BroadcastHandler, logger: logging.Logger
) -> None:
    async with async_server() as (sio, url):
        handler.attach(sio)
        for number in range(10):
            logger.info("early %d", number)
        async with async_viewer(url) as (_, other), async_viewer(url) as (client, viewer):
            for number in range(50):
                logger.info("%d", number)
                if number == 25:
                    await client.emit("requestLogs")
                    await asyncio.sleep(0.05)
            await until(lambda: viewer.messages[-1:] == ["49"] and len(viewer.snapshots) == 1)
            assert other.snapshots == []
            kinds = [event for event, _ in viewer.heard]
            after = texts([sent["data"] for event, sent in viewer.heard[kinds.index("logs") + 1 :]])
            snapshot = texts(viewer.snapshots[0])
            assert list(reversed(snapshot)) + after == [f"early {n}" for n in range(10)] + [str(n) for n in range(50)]


async def test_logging_from_eight_threads_keeps_the_order(handler: BroadcastHandler, logger: logging.Logger) -> None:
    async with async_server() as (sio, url):
        handler.attach(sio)
        async with async_viewer(url) as (_, viewer):

            def work(thread: int) -> None:
                for number in range(100):
                    logger.info("%d", number, extra={"worker": thread})

            with ThreadPoolExecutor(8) as pool:
                await asyncio.gather(
                    *(asyncio.get_running_loop().run_in_executor(pool, work, number) for number in range(8))
                )
            await until(lambda: len(viewer.heard) == 800)
            heard = [sent["data"] for _, sent in viewer.heard]
            assert [entry["id"] for entry in heard[-500:]] == [e["id"] for e in reversed(handler.cached_logs())]
            for thread in range(8):
                own = [entry["message"] for entry in heard if entry["context"]["worker"] == thread]
                assert own == [str(number) for number in range(100)]


def test_attached_before_any_loop_exists(handler: BroadcastHandler, logger: logging.Logger) -> None:
    """The first client that connects teaches the loop; what was logged before is in the answer to requestLogs."""
    sio = socketio.AsyncServer(async_mode="aiohttp")
    handler.attach(sio)
    logger.info("before the loop")

    async def main() -> None:
        async with serving(sio) as url, async_viewer(url) as (client, viewer):
            await asyncio.to_thread(logger.info, "from a thread")
            await until(lambda: viewer.messages == ["from a thread"])
            await client.emit("requestLogs")
            await until(lambda: bool(viewer.snapshots))
            assert texts(viewer.snapshots[0]) == ["from a thread", "before the loop"]

    asyncio.run(main())
    logger.info("after the loop")
    assert handler.stats()["dropped"] == 1
    assert texts(handler.cached_logs())[0] == "after the loop"


async def test_attached_while_viewers_are_there_from_another_thread(
    handler: BroadcastHandler, logger: logging.Logger
) -> None:
    async with async_server() as (sio, url), async_viewer(url) as (_, viewer):
        await asyncio.to_thread(handler.attach, sio)
        logger.info("x")
        await until(lambda: viewer.messages == ["x"])


async def test_the_applications_handlers_stay_and_detach_leaves_no_trace(
    handler: BroadcastHandler, logger: logging.Logger
) -> None:
    connected: list[str] = []
    async with async_server() as (sio, url):

        @sio.event
        async def connect(sid: str, environ: Any, auth: Any) -> bool | None:
            connected.append(sid)
            return False if auth == {"token": "bad"} else None

        before = (dict(sio.handlers["/"]), dict(sio.eio.handlers))
        handler.attach(sio)
        with pytest.raises(socketio.exceptions.ConnectionError):
            async with async_viewer(url, auth={"token": "bad"}):
                pass
        async with async_viewer(url) as (_, viewer):
            logger.info("x")
            await until(lambda: viewer.messages == ["x"])
            handler.detach(sio)
            handler.detach(sio)
            logger.info("y")
            await asyncio.sleep(0.1)
            assert viewer.messages == ["x"]
        assert len(connected) == 2
        assert (dict(sio.handlers["/"]), dict(sio.eio.handlers)) == before
        assert handler.stats() == {"servers": 0, "broadcast": 1, "failed": 0, "dropped": 0, "queued": 0}


async def test_the_applications_own_request_logs_goes_on_answering(
    handler: BroadcastHandler, logger: logging.Logger
) -> None:
    async with async_server() as (sio, url):

        @sio.on("requestLogs")
        async def own(sid: str, *_: Any) -> None:
            await sio.emit("logs", {"type": "logs", "data": ["own"], "timestamp": 1}, to=sid)

        handler.attach(sio)
        async with async_viewer(url) as (client, viewer):
            await client.emit("requestLogs")
            await until(lambda: viewer.snapshots == [["own"]])  # type: ignore[comparison-overlap]
        handler.detach(sio)
        assert sio.handlers["/"]["requestLogs"] is own


async def test_two_servers_and_another_namespace() -> None:
    handler = BroadcastHandler(namespace="/logs")
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    async with async_server() as (one, one_url), async_server() as (two, two_url):
        handler.attach(one)
        handler.attach(two)
        async with async_viewer(one_url, "/logs") as (_, first), async_viewer(two_url, "/logs") as (client, second):
            logger.info("x")
            await until(lambda: first.messages == second.messages == ["x"])
            await client.emit("requestLogs", namespace="/logs")
            await until(lambda: len(second.snapshots) == 1)
            assert first.snapshots == []
    handler.close()


async def test_debug_everywhere_feeds_nothing_back(noisy_root: logging.Logger, handler: BroadcastHandler) -> None:
    """Also where the server was given loggers that no list of names knows."""
    loud = logging.getLogger("my.own.server")
    async with async_server(logger=loud, engineio_logger=loud) as (sio, url):
        handler.attach(sio)
        async with async_viewer(url) as (client, viewer), async_viewer(url, transports=["polling"]):
            await client.emit("requestLogs")
            noisy_root.info("mark")
            await until(lambda: "mark" in viewer.messages)
            await asyncio.sleep(1.5)
            assert_no_feedback(handler)
    noisy_root.removeHandler(handler)


async def test_a_failing_emit_is_counted_and_said_once(
    handler: BroadcastHandler, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    async with async_server() as (sio, url):
        handler.attach(sio)
        async with async_viewer(url) as (_, viewer):
            emit = sio.emit

            async def fail(*_: Any, **__: Any) -> None:
                raise RuntimeError("broken")

            sio.emit = fail
            logger.info("x")
            logger.info("y")
            await until(lambda: handler.stats()["failed"] == 2)
            sio.emit = emit
            logger.info("z")
            await until(lambda: viewer.messages == ["z"])
    (line,) = capsys.readouterr().err.splitlines()
    assert "RuntimeError: broken" in line


async def test_a_loop_that_does_not_come_round_costs_no_memory(logger: logging.Logger) -> None:
    handler = BroadcastHandler(queue_capacity=10)
    own = logging.Logger("shop")
    own.addHandler(handler)
    async with async_server() as (sio, url):
        handler.attach(sio)
        async with async_viewer(url) as (_, viewer):
            for number in range(100):  # without an await in between
                own.info("%d", number)
            assert handler.stats()["queued"] == 10
            await until(lambda: viewer.messages == [str(number) for number in range(90, 100)])
        assert handler.stats()["dropped"] == 90
    handler.close()


# --- threads


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
async def test_viewers_of_a_threaded_server_hear_every_record(
    handler: BroadcastHandler, logger: logging.Logger, transports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a Python client takes in one poll; beyond it hangs up. Node's and the browser's have no such bound.
    monkeypatch.setattr(payload.Payload, "max_decode_packets", 1_000)
    with threaded_server() as (sio, url):
        handler.attach(sio)
        async with async_viewer(url, transports=transports) as (client, viewer), async_viewer(url) as (_, other):

            def work(thread: int) -> None:
                for number in range(20):
                    logger.info("%d", number, extra={"worker": thread})

            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            await until(lambda: len(viewer.heard) == 160)
            for thread in threads:
                thread.join()
            heard = [sent["data"] for _, sent in viewer.heard]
            assert [entry["id"] for entry in heard] == [entry["id"] for entry in reversed(handler.cached_logs())]
            for number in range(8):
                own = [entry["message"] for entry in heard if entry["context"]["worker"] == number]
                assert own == [str(each) for each in range(20)]
            await client.emit("requestLogs")
            await until(lambda: len(viewer.snapshots) == 1)
            assert viewer.snapshots[0] == handler.cached_logs()
            assert other.snapshots == []
            # The background task lingers, ends, and is started again.
            await asyncio.sleep(1.5)
            logger.info("later")
            await until(lambda: viewer.messages[-1] == "later")


async def test_debug_everywhere_feeds_nothing_back_from_threads(
    noisy_root: logging.Logger, handler: BroadcastHandler
) -> None:
    loud = logging.getLogger("my.own.server")
    with threaded_server(logger=loud, engineio_logger=loud) as (sio, url):
        handler.attach(sio)
        async with async_viewer(url) as (_, viewer):
            noisy_root.info("mark")
            await until(lambda: "mark" in viewer.messages)
            await asyncio.sleep(1.5)
            assert_no_feedback(handler)
    noisy_root.removeHandler(handler)


async def test_a_threaded_server_is_left_as_it_was(handler: BroadcastHandler, logger: logging.Logger) -> None:
    with threaded_server() as (sio, _):
        before = dict(sio.eio.handlers)
        handler.attach(sio)
        logger.info("x")
        handler.close()
        logger.info("y")
        assert dict(sio.eio.handlers) == before
        assert "requestLogs" not in sio.handlers["/"]
        assert texts(handler.cached_logs()) == ["x"]
