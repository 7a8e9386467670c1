"""Who hears a broadcast and who does not, what the application keeps, and what a server may do to us."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import threading
import types
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import socketio

from desktop_logs.handlers.broadcasting import BroadcastHandler
from desktop_logs.handlers.links import _Undecided
from tests.handlers.servers import async_server, async_viewer, threaded_server, until


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


class Knocking:
    """A connect handler that takes its time, until `decided`, and refuses."""

    def __init__(self) -> None:
        self.has_come = threading.Event()
        self.decided = threading.Event()

    def threaded(self, sid: str, environ: Any, auth: Any) -> bool:
        self.has_come.set()
        return not self.decided.wait(10)

    async def asynchronous(self, sid: str, environ: Any, auth: Any) -> bool:
        self.has_come.set()
        await until(self.decided.is_set)
        return False


async def heard_by_one_who_is_refused(
    url: str, knocking: Knocking, handler: BroadcastHandler, logger: logging.Logger
) -> list[str]:
    """Everything that the server sends to a client that speaks up while the application still thinks."""
    heard: list[str] = []
    address = f"{url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as ws:
        await ws.receive_str()
        await ws.send_str("40")
        await until(knocking.has_come.is_set)
        await ws.send_str('42["requestLogs"]')
        broadcast = handler.stats()["broadcast"]
        for number in range(3):
            logger.info("secret %d", number)
        await until(lambda: handler.stats()["broadcast"] == broadcast + 3)
        knocking.decided.set()
        while not heard or not heard[-1].startswith("44"):
            heard.append(await ws.receive_str(timeout=10))
    return heard


async def test_a_client_that_is_refused_by_an_async_server_hears_nothing(
    handler: BroadcastHandler, logger: logging.Logger
) -> None:
    async with async_server() as (sio, url):
        knocking = Knocking()
        sio.on("connect", knocking.asynchronous)
        handler.attach(sio)
        (only,) = await heard_by_one_who_is_refused(url, knocking, handler, logger)
        assert "secret" not in only


async def test_a_client_that_is_refused_by_a_threaded_server_hears_nothing(
    handler: BroadcastHandler, logger: logging.Logger
) -> None:
    with threaded_server() as (sio, url):
        knocking = Knocking()
        sio.on("connect", knocking.threaded)
        handler.attach(sio)
        (only,) = await heard_by_one_who_is_refused(url, knocking, handler, logger)
        assert "secret" not in only


async def test_a_client_that_comes_in_while_a_record_goes_out_is_not_forgotten(
    handler: BroadcastHandler, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a threaded server it may, between the look at who is undecided and the look at who is there."""
    sio = socketio.Server(async_mode="threading")
    manager, sent = sio.manager, []
    manager.connect("decided", "/")
    look = manager.get_participants

    def come_in_and_look(namespace: str, room: Any) -> Any:
        manager.pre_connect("undecided", namespace)
        return look(namespace, room)

    monkeypatch.setattr(manager, "get_participants", come_in_and_look)
    monkeypatch.setattr(sio, "_send_eio_packet", lambda eio_sid, packet: sent.append(eio_sid))
    handler.attach(sio)
    logger.info("secret")
    await until(lambda: handler.stats()["broadcast"] == 1)
    assert sent == ["decided"]


def test_who_is_undecided_can_be_told_to_other_processes() -> None:
    """python-socketio's client managers pickle it, or write it as JSON."""
    undecided = _Undecided(lambda: ["one"])
    assert pickle.loads(pickle.dumps(undecided)) == json.loads(json.dumps(undecided)) == ["one"]


def test_python_socketio_still_says_who_is_undecided() -> None:
    """It documents this nowhere; when it is gone, those who are refused must be kept out in another way."""
    assert socketio.Server(async_mode="threading").manager.pending_connect == {}
    assert socketio.AsyncServer(async_mode="asgi").manager.pending_connect == {}


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_class_of_an_async_application_goes_on_answering(handler: BroadcastHandler, is_first: bool) -> None:
    class Own(socketio.AsyncNamespace):  # type: ignore[misc]
        async def on_requestLogs(self, sid: str, *_: Any) -> str:
            await self.emit("logs", {"type": "logs", "data": ["own"], "timestamp": 1}, to=sid)
            return "acknowledged"

    async with async_server() as (sio, url):
        for step in ("attach", "register") if is_first else ("register", "attach"):
            if step == "attach":
                handler.attach(sio)
            else:
                sio.register_namespace(Own("/"))
        async with async_viewer(url) as (client, viewer):
            assert await client.call("requestLogs", timeout=10) == "acknowledged"
            await until(lambda: viewer.snapshots == [["own"]])  # type: ignore[comparison-overlap]


async def test_a_class_of_a_threaded_application_goes_on_answering(handler: BroadcastHandler) -> None:
    class Own(socketio.Namespace):  # type: ignore[misc]
        def on_requestLogs(self, sid: str, *_: Any) -> None:
            self.emit("logs", {"type": "logs", "data": ["own"], "timestamp": 1}, to=sid)

    with threaded_server() as (sio, url):
        sio.register_namespace(Own("/"))
        handler.attach(sio)
        async with async_viewer(url) as (client, viewer):
            await client.emit("requestLogs")
            await until(lambda: viewer.snapshots == [["own"]])  # type: ignore[comparison-overlap]


def test_flask_socketios_object_is_taken_for_its_server(handler: BroadcastHandler) -> None:
    """It holds the server as `server`: None until it is given an application."""
    sio = socketio.Server(async_mode="threading")
    around = types.SimpleNamespace(server=sio, handlers=[], on=None, emit=None)
    handler.attach(around)
    handler.attach(sio)
    assert handler.stats()["servers"] == 1
    handler.detach(around)
    assert handler.stats()["servers"] == 0
    with pytest.raises(TypeError, match="not SimpleNamespace"):
        handler.attach(types.SimpleNamespace(server=None))


def test_a_server_that_starts_no_task_is_asked_again(
    handler: BroadcastHandler, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises: what waited is dropped and counted, and the next record tries anew."""
    asked: list[Any] = []

    def refuse(task: Any) -> None:
        asked.append(task)
        raise OSError("no more greenlets")

    sio = socketio.Server(async_mode="threading")
    monkeypatch.setattr(sio, "start_background_task", refuse)
    handler.attach(sio)
    logger.info("one")
    logger.info("two")
    assert len(asked) == 2
    assert handler.stats() == {"servers": 1, "broadcast": 0, "failed": 0, "dropped": 2, "queued": 0}


async def test_an_answer_is_never_dropped_for_room() -> None:
    """Somebody waits for it; the oldest record goes in its stead."""
    handler = BroadcastHandler(queue_capacity=3)
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    async with async_server() as (sio, url):
        handler.attach(sio)
        async with async_viewer(url) as (client, viewer):
            sid = client.get_sid()
            await sio.handlers["/"]["requestLogs"](sid)  # from here to the last record the loop does not come round
            for number in range(10):
                logger.info("%d", number)
            await until(lambda: viewer.messages[-1:] == ["9"])
            assert viewer.snapshots == [[]]
            assert handler.stats()["dropped"] == 10 - len(viewer.messages)
    handler.close()
    await asyncio.sleep(0)
