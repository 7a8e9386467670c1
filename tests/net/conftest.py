"""A real hub on a free port, over a store in memory."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from desktop_logs.core.hub import Hub
from desktop_logs.net.server import HubServer
from tests.support.peers import Peer
from tests.support.stores import SmallStore
from tests.support.viewerhouse import House


@pytest.fixture
def store() -> SmallStore:
    return SmallStore(is_prompt=True)


@pytest.fixture
def hub(store: SmallStore) -> Hub:
    return Hub(store, ring_capacity=5_000)


@pytest.fixture
def reported() -> list[str]:
    """What the server told of its peers; a test that expects none need not ask for it."""
    return []


@pytest.fixture
async def server(hub: Hub, reported: list[str]) -> AsyncIterator[HubServer]:
    running = HubServer(hub, version="1.2.3", clock_ns=time.time_ns, report=reported.append)
    await running.start(0, ("/socket.io", "/llamaproxws"))
    yield running
    await running.stop()


@pytest.fixture
async def http(server: HubServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
async def connect(server: HubServer) -> AsyncIterator[Callable[..., Any]]:
    peers: list[Peer] = []

    async def to(path: str = "/socket.io", transports: tuple[str, ...] = ("websocket",)) -> Peer:
        peer = Peer()
        peers.append(peer)
        await peer.sio.connect(server.url, socketio_path=path, transports=list(transports), wait_timeout=20)
        return peer

    yield to
    for peer in peers:
        await peer.sio.disconnect()


@pytest.fixture
async def build_house(store: SmallStore) -> AsyncIterator[Callable[..., House]]:
    """A hub with version 2 viewers and no server; what is built on one store is one after the other."""
    built: list[House] = []

    def make(**how: Any) -> House:
        built.append(House(store, **how))
        return built[-1]

    yield make
    for house in built:
        house.viewers.stop()
        await house.tasks.cancel_all()
        assert house.failures == []


@pytest.fixture
def house(build_house: Callable[..., House]) -> House:
    return build_house()
