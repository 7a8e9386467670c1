"""A version 2 viewer is cut off again and again, and the hub is killed and stopped under it: nothing that is stored is
missing at the viewer, and no number comes twice.

`make soak` does it for longer; a seed that failed is repeated with DESKTOP_LOGS_SEED.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.hubs import HubProgram, SteadyProducer, run_for, stored

RECORDS_PER_S = 2_000
SEED = int(os.environ.get("DESKTOP_LOGS_SEED", "1"))
CUTS = int(os.environ.get("DESKTOP_LOGS_CUTS", "10"))
_EVENT = re.compile(r"42(\d*)\[")


class CutViewer:
    """A viewer over a raw WebSocket, which goes on after the last number that it has read."""

    def __init__(self, hub: HubProgram) -> None:
        self._hub = hub
        self.position: dict[str, Any] | None = None
        self.numbers: list[int] = []
        self.gaps: list[dict[str, Any]] = []
        self.connections = 0

    async def watch(self, seconds: float) -> None:
        """Connect, read for so long, and end the connection without a word. A hub that is away is no matter."""
        try:
            async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{self._hub.port}/socket.io/?EIO=4&transport=websocket"
                await self._read(await session.ws_connect(url, max_msg_size=0))
        except (TimeoutError, aiohttp.ClientError, OSError):
            return

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.receive_str()
        auth = {"proto": 2, "resume": self.position} if self.position else {"proto": 2}
        await socket.send_str("40" + json.dumps(auth))
        async for message in socket:
            if message.data == "2":
                await socket.send_str("3")
            if head := _EVENT.match(message.data):
                name, told = json.loads(message.data[head.end() - 1 :])
                await self._take(socket, name, told, head[1])

    async def _take(
        self, socket: aiohttp.ClientWebSocketResponse, name: str, told: dict[str, Any], ack_id: str
    ) -> None:
        if name == "hello":
            self.connections += 1
            if self.position is None:
                await socket.send_str('42["subscribe",{"from":"ring"}]')
        elif name == "logBatch":
            if self.position is not None:
                assert told["first"] == self.position["seq"] + 1
            self.numbers += [entry["seq"] for entry in told["data"]]
            self.position = {"epoch": told["epoch"], "seq": told["last"]}
            await socket.send_str(f"43{ack_id}[]")
        elif name == "gap":
            self.gaps.append(told)
            self.position = {"epoch": told["epoch"], "seq": told["to"]}


def test_a_viewer_that_is_cut_off_misses_nothing_and_gets_nothing_twice(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)

    async def view(viewer: CutViewer, hub: HubProgram) -> None:
        for number in range(CUTS):
            await viewer.watch(chance.uniform(0.02, 0.5))
            if chance.random() < 0.2:
                await asyncio.sleep(chance.uniform(0, 1.0))
            if number % 10 == 4:
                await asyncio.to_thread(hub.kill)
                await asyncio.to_thread(hub.start)
            elif number % 10 == 9:
                assert await asyncio.to_thread(hub.stop) == 0
                await asyncio.to_thread(hub.start)

    with HubProgram(tmp_path) as hub:
        producer = SteadyProducer(hub, "p", RECORDS_PER_S, batch_records=50)
        viewer = CutViewer(hub)
        producer.start()
        try:
            run_for(0.5)
            asyncio.run(view(viewer, hub))
        finally:
            producer.end()
        head = hub.settled()["head"]
        asyncio.run(viewer.watch(2.0))
        assert hub.stop() == 0

    assert viewer.connections > CUTS // 2, "nothing was tried"
    assert viewer.gaps == []
    assert viewer.position is not None
    assert viewer.position["seq"] == head
    assert viewer.numbers == sorted(set(viewer.numbers)), "nothing twice"
    kept = [seq for (seq,) in stored(tmp_path, "seq") if seq >= viewer.numbers[0]]
    assert len(kept) > 1_000, "nothing was tried"
    assert set(kept) - set(viewer.numbers) == set(), "nothing missing"
