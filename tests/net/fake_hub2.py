"""A small version 2 hub on python-socketio's own server, which does what a test wants: cuts, gaps, another epoch."""

from __future__ import annotations

import asyncio
from typing import Any

import socketio
from aiohttp import web

from desktop_logs.core.records import Record
from desktop_logs.core.viewing import MAX_BATCH_RECORDS, MAX_UNANSWERED


def numbered(seq: int, **more: Any) -> dict[str, Any]:
    """An entry as a hub sends it."""
    return {
        "seq": seq,
        "id": f"i{seq}",
        "level": "info",
        "message": f"m{seq}",
        "timestamp": 1_795_341_600_000 + seq,
        **more,
    }


class _Viewer:
    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.unanswered = 0


class FakeHub2:
    """Serves `entries` (number to entry) to whoever subscribes, on a port that it keeps over a restart."""

    def __init__(self) -> None:
        self.entries: dict[int, dict[str, Any]] = {}
        self.epoch = "e1"
        self.oldest = 1
        """The first number in its ring."""
        self.has_history = True
        self.greets = True
        self.transports = ["websocket", "polling"]
        self.asked: list[tuple[str, Any]] = []
        """What viewers have asked, as event and payload; `auth` and what stood in it among them."""
        self.answers: dict[str, Any] = {}
        """By event, what is answered instead of what a hub would."""
        self.most_unanswered = 0
        self.port = 0
        self._viewers: dict[str, _Viewer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def head(self) -> int:
        return max(self.entries, default=0)

    async def start(self) -> None:
        # always_connect: the client has its CONNECT packet before hello is sent.
        self.sio = socketio.AsyncServer(async_mode="aiohttp", always_connect=True, transports=self.transports)
        self.sio.on("connect", self._on_connect)
        for name in ("subscribe", "search", "stats", "cancel", "requestLogs"):
            self.sio.on(name, self._answering(name))
        app = web.Application()
        self.sio.attach(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self._viewers.clear()
        for socket in list(self.sio.eio.sockets.values()):
            await socket.close(wait=False)
            await socket.queue.put(None)
        await self.sio.shutdown()
        await runner.cleanup()

    def add(self, count: int = 1) -> None:
        """So many more records."""
        for seq in range(self.head + 1, self.head + 1 + count):
            self.entries[seq] = numbered(seq)
        self._serve_all()

    async def emit(self, name: str, payload: Any) -> None:
        """Send an event to every viewer."""
        await self.sio.emit(name, payload)

    async def _on_connect(self, sid: str, environ: Any, auth: Any = None) -> None:
        self.asked.append(("auth", auth))
        if not self.greets:
            return
        limits = {"search": 1_000 if self.has_history else 0}
        hello = {"proto": 2, "name": "desktop-logs", "version": "9.9", "epoch": self.epoch, "limits": limits}
        await self.sio.emit("hello", {**hello, "head": self.head, "oldest": self.oldest}, to=sid)
        if resume := (auth or {}).get("resume"):
            await self._follow(sid, resume)

    async def _follow(self, sid: str, start: Any) -> None:
        cursor = self.oldest - 1
        if isinstance(start, dict) and "newest" in start:
            cursor = max(self.head - start["newest"], cursor)
        elif isinstance(start, dict) and start["epoch"] == self.epoch:
            cursor = max(start["seq"], cursor)
            if start["seq"] < cursor:
                gap = {"epoch": self.epoch, "from": start["seq"] + 1, "to": cursor, "reason": "evicted"}
                await self.sio.emit("gap", gap, to=sid)
        elif isinstance(start, dict):
            seq = start["seq"] + 1
            gap = {"epoch": start["epoch"], "from": seq, "to": seq, "reason": "epoch"}
            await self.sio.emit("gap", gap, to=sid)
        self._viewers[sid] = _Viewer(cursor)
        self._serve_all()

    def _answering(self, name: str) -> Any:
        async def answer(sid: str, payload: Any = None) -> Any:
            self.asked.append((name, payload))
            if name in self.answers:
                told = self.answers[name]
                return await told(payload) if callable(told) else told
            if name == "subscribe":
                await self._follow(sid, payload["from"])
                return {"ok": True, "head": self.head}
            if name == "stats":
                return {"received": 7, "ring_size": len(self.entries), "head": self.head}
            return None

        return answer

    def _serve_all(self) -> None:
        if self._runner is None:
            return
        task = asyncio.get_running_loop().create_task(self._serve())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self) -> None:
        for sid, viewer in list(self._viewers.items()):
            while viewer.cursor < self.head and viewer.unanswered < MAX_UNANSWERED:
                first = viewer.cursor + 1
                viewer.cursor = last = min(first + MAX_BATCH_RECORDS - 1, self.head)
                viewer.unanswered += 1
                self.most_unanswered = max(self.most_unanswered, viewer.unanswered)
                data = [self.entries[seq] for seq in range(first, last + 1) if seq in self.entries]
                batch = {"epoch": self.epoch, "first": first, "last": last, "data": data}
                await self.sio.emit(
                    "logBatch", batch, to=sid, callback=lambda *_, viewer=viewer: self._answered(viewer)
                )

    def _answered(self, viewer: _Viewer) -> None:
        viewer.unanswered -= 1
        self._serve_all()


def told_by(record: Record) -> tuple[int, str]:
    """What tests compare of a record."""
    return record.seq, record.message
