"""Clients of both versions at one hub, with real clients: who is sent what, and what is left when they go."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import socketio

from desktop_logs.core.access import Access, Tokens
from desktop_logs.core.hub import Hub, Restored
from desktop_logs.net.leaving import Patience
from desktop_logs.net.peers import MAY_NOT_VIEW
from desktop_logs.net.server import HubServer
from tests.support.asynchronous import soon
from tests.support.histories import KeptHistory
from tests.support.node import NodeProgram
from tests.support.stores import SmallStore

Connect = Callable[..., Any]


class Viewer:
    """A python-socketio client that acknowledges what it is sent, and checks that it is in order."""

    def __init__(self) -> None:
        self.sio = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self.events: list[tuple[str, Any]] = []
        self.numbers: list[int] = []
        self.gaps: list[Any] = []
        self.reached: int | None = None
        self.sio.on("*", lambda event, *data: self.events.append((event, data[0] if data else None)))
        self.sio.on("logBatch", self._batch)
        self.sio.on("gap", self._gap)

    def _batch(self, batch: dict[str, Any]) -> None:
        assert self.reached in (None, batch["first"] - 1), (self.reached, batch["first"])
        self.numbers += [entry["seq"] for entry in batch["data"]]
        self.reached = batch["last"]

    def _gap(self, gap: dict[str, Any]) -> None:
        self.gaps.append(gap)
        self.reached = gap["to"] if gap["reason"] != "epoch" else None

    def named(self, name: str) -> list[Any]:
        return [data for event, data in self.events if event == name]


@pytest.fixture
def hub(store: SmallStore) -> Hub:
    made = Hub(store, ring_capacity=5_000)
    made.restore(Restored(epoch="e"))
    return made


@pytest.fixture
async def server(hub: Hub, store: SmallStore, reported: list[str]) -> AsyncIterator[HubServer]:
    history = KeptHistory(store)
    running = HubServer(
        hub,
        version="1.2.3",
        clock_ns=time.time_ns,
        report=reported.append,
        history=history,
        catching_up=history,
        patience=Patience(stall_s=1.5, check_s=0.05),
    )
    await running.start(0)
    yield running
    await running.stop()
    assert reported == []
    assert len(running._tasks) == 0


@pytest.fixture
async def connect(server: HubServer) -> AsyncIterator[Connect]:
    viewers: list[Viewer] = []

    async def to(transport: str = "websocket", **auth: Any) -> Viewer:
        viewer = Viewer()
        viewers.append(viewer)
        await viewer.sio.connect(server.url, auth={"proto": 2, **auth}, transports=[transport], wait_timeout=20)
        return viewer

    yield to
    for viewer in viewers:
        await viewer.sio.disconnect()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_version_2_viewer_is_greeted_and_sent_batches_and_no_log(
    connect: Connect, hub: Hub, server: HubServer, transport: str
) -> None:
    hub.take([f"m{n}" for n in range(3_000)], time.time_ns())
    viewer = await connect(transport)
    (hello,) = await soon("it is greeted", lambda: viewer.named("hello"))
    assert (hello["proto"], hello["version"], hello["head"], hello["oldest"]) == (2, "1.2.3", 3_000, 1)
    assert await viewer.sio.call("subscribe", {"from": "ring"}, timeout=20) == {"ok": True, "head": 3_000}
    hub.take([f"m{n}" for n in range(100)], time.time_ns())
    await soon("all came", lambda: viewer.reached == 3_100)
    assert viewer.numbers == list(range(1, 3_101))
    assert {name for name, _ in viewer.events} == {"hello"}
    assert server.stats()["viewers"] == 1


async def test_request_logs_of_a_version_2_viewer_is_answered_all_the_same(connect: Connect, hub: Hub) -> None:
    hub.take(["a", "b"], time.time_ns())
    viewer = await connect()
    await viewer.sio.emit("requestLogs")
    (logs,) = await soon("an answer", lambda: viewer.named("logs"))
    assert [entry["message"] for entry in logs["data"]] == ["b", "a"]
    hub.take(["c"], time.time_ns())
    await viewer.sio.call("stats", timeout=20)
    assert viewer.named("log") == []


async def test_resume_begins_right_after_hello_from_the_history_and_then_the_ring(connect: Connect, hub: Hub) -> None:
    for _ in range(8):
        hub.take(["m"] * 1_000, time.time_ns())
    assert hub.ring.first_seq > 1_000
    viewer = await connect(resume={"epoch": "e", "seq": 200})
    await soon("all came", lambda: viewer.reached == 8_000)
    assert viewer.numbers == list(range(201, 8_001))
    assert viewer.gaps == []


async def test_a_producer_of_version_2_that_asks_for_nothing_is_sent_nothing_and_is_no_viewer(
    connect: Connect, hub: Hub, server: HubServer
) -> None:
    producer = await connect()
    assert (await producer.sio.call("log", "hello", timeout=20))["ok"]
    assert (server.stats()["viewers"], server.stats()["producers"]) == (0, 1)
    await producer.sio.call("subscribe", {"from": "ring"}, timeout=20)
    await soon("it views too", lambda: producer.numbers == [1])
    assert server.stats()["viewers"] == 1


async def test_a_version_1_client_that_speaks_of_version_2_is_not_answered(connect: Connect, hub: Hub) -> None:
    old = await connect(proto=1)
    for name in ("subscribe", "search", "stats", "cancel"):
        await old.sio.emit(name, {}, callback=lambda *answer: old.events.append(("answer", answer)))
    hub.take(["x"], time.time_ns())
    await soon("the record came", lambda: old.named("log"))
    assert [name for name, _ in old.events] == ["log"]


async def test_both_versions_are_counted_and_neither_disturbs_the_other(
    connect: Connect, hub: Hub, server: HubServer
) -> None:
    old, new = await connect(proto=1), await connect()
    await new.sio.call("subscribe", {}, timeout=20)
    assert server.stats()["viewers"] == 2
    hub.take([f"m{n}" for n in range(500)], time.time_ns())
    await soon("both have all", lambda: len(old.named("log")) == 500 and len(new.numbers) == 500)


async def test_a_search_and_the_counters_over_a_socket(connect: Connect, hub: Hub) -> None:
    hub.take([f"m{n}" for n in range(300)], time.time_ns())
    viewer = await connect()
    answer = await viewer.sio.call("search", {"query": "m29", "limit": 5, "id": 1}, timeout=20)
    assert [entry["seq"] for entry in answer["data"]] == [300, 299, 298, 297, 296]
    assert (answer["ok"], answer["more"]) == (True, True)
    await soon("progress was told", lambda: viewer.named("progress"))
    counters = await viewer.sio.call("stats", timeout=20)
    assert counters["head"] == 300
    assert {"dropped_slow", "dropped_evicted", "viewers_cut", "peer_faults"} <= counters.keys()


async def test_a_viewer_that_reads_but_answers_nothing_is_cut(connect: Connect, hub: Hub, server: HubServer) -> None:
    good = await connect()
    await good.sio.call("subscribe", {}, timeout=20)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/socket.io/?EIO=4&transport=websocket") as raw,
    ):
        await raw.receive_str()
        await raw.send_str('40{"proto":2}')
        await raw.send_str('420["subscribe",{}]')
        await soon("both view", lambda: len(server._viewers.subscribed) == 2)
        for _ in range(6):
            hub.take(["x"], time.time_ns())
            await soon("the good one has it", lambda: good.reached == hub.head)
        batches = 0
        async for message in raw:
            batches += "logBatch" in str(message.data)
        assert batches == 4
    await soon("it is forgotten", lambda: server.stats()["viewers"] == 1)
    assert server.stats()["viewers_cut"] == 1
    hub.take(["x"], time.time_ns())
    await soon("the good one goes on", lambda: good.reached == 7)


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
async def test_a_viewer_on_node_subscribes_resumes_and_searches(
    node: Callable[..., NodeProgram], hub: Hub, server: HubServer, transports: str
) -> None:
    for level in ("info", "error"):
        hub.take([{"message": "m", "level": level}] * 700, time.time_ns())
    viewer = node("viewer2.js", server.url, "--transports", transports, "--query", "level:error", "--from", "ring")
    numbers: list[int] = []
    last = 0

    async def reach(seq: int) -> None:
        nonlocal last
        while last < seq:
            batch: Any = (await asyncio.to_thread(viewer.event, "logBatch"))["data"]
            assert batch["first"] == last + 1
            numbers.extend(entry["seq"] for entry in batch["data"])
            last = batch["last"]

    assert (await asyncio.to_thread(viewer.event, "subscribed"))["data"] == {"ok": True, "head": 1_400}
    await reach(1_400)
    assert numbers == list(range(701, 1_401))
    viewer.send("resume")
    await asyncio.to_thread(viewer.event, "hello")
    hub.take(["after"] * 5, time.time_ns())
    await reach(1_405)
    assert numbers[-6:] == list(range(1_400, 1_406))
    viewer.send("call search " + json.dumps({"query": "after", "limit": 2}))
    answer: Any = (await asyncio.to_thread(viewer.event, "answer"))["data"]
    assert [entry["seq"] for entry in answer["data"]] == [1_405, 1_404]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_producers_token_opens_no_viewer_and_says_why(hub: Hub, reported: list[str], transport: str) -> None:
    """It would wait for a `hello` for ever; as a version 1 client it may send."""
    access = Access("0.0.0.0", Tokens("to view", "to send"))
    running = HubServer(hub, version="1", clock_ns=time.time_ns, report=reported.append, access=access)
    await running.start(0)
    viewer, producer = Viewer(), Viewer()
    refused: list[Any] = []
    viewer.sio.on("connect_error", refused.append)
    try:
        resume = {"epoch": "e", "seq": 0}
        with pytest.raises(socketio.exceptions.ConnectionError):
            await viewer.sio.connect(
                running.url, auth={"proto": 2, "token": "to send", "resume": resume}, transports=[transport]
            )
        assert refused == [{"message": MAY_NOT_VIEW}]
        await producer.sio.connect(running.url, auth={"token": "to send"}, transports=[transport])
        await producer.sio.emit("requestLogs")
        assert (await producer.sio.call("log", "hello", timeout=20))["ok"]
        assert producer.events == viewer.events == []
        assert running.stats()["viewers"] == 0
    finally:
        await viewer.sio.disconnect()
        await producer.sio.disconnect()
        await running.stop()


async def test_who_is_gone_in_the_midst_of_a_resume_leaves_nothing(
    connect: Connect, hub: Hub, server: HubServer
) -> None:
    for _ in range(20):
        hub.take(["m" * 200] * 1_000, time.time_ns())
    for seq in range(0, 10_000, 1_000):
        viewer = await connect(resume={"epoch": "e", "seq": seq})
        await soon("it has begun", lambda viewer=viewer: viewer.numbers)
        await viewer.sio.disconnect()
    await soon("all are forgotten", lambda: server.stats()["viewers"] == 0)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert "send to a viewer" not in names
