"""The window as one would write it in an afternoon: stock qasync, stock python-socketio, rows added 30 times a second.

Rows added one by one would be the first thing to come to mind, and be painted at 80 a second.

python -m tests.bench.peers.straightforward                   a hub on a free port, which it prints
python -m tests.bench.peers.straightforward URL SOCKETIO_PATH  a viewer of that server
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QApplication, QTableView

os.environ["QT_API"] = "pyside6"

import qasync
import socketio
from aiohttp import web

from tests.bench.peers.ear import Ear

Take = Callable[[dict[str, Any]], None]
COLUMNS = ("timestamp", "level", "source", "message")
FRAME_MS = 33
_ROOT = QModelIndex()


class Model(QAbstractTableModel):
    """The entries as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[dict[str, Any]] = []

    def append(self, entries: list[dict[str, Any]]) -> None:
        self.beginInsertRows(_ROOT, len(self.entries), len(self.entries) + len(entries) - 1)
        self.entries += entries
        self.endInsertRows()

    def rowCount(self, parent: Any = _ROOT) -> int:
        return len(self.entries)

    def columnCount(self, parent: Any = _ROOT) -> int:
        return len(COLUMNS)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        entry = self.entries[index.row()]
        name = COLUMNS[index.column()]
        return str(entry["context"].get("source", "") if name == "source" else entry[name])


async def serve(take: Take) -> None:
    server = socketio.AsyncServer(async_mode="aiohttp")

    @server.on("log")
    async def log(_sid: str, entry: dict[str, Any]) -> None:
        take(entry)

    application = web.Application()
    server.attach(application)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"listening {runner.addresses[0][1]}\n")
    sys.stdout.flush()


async def follow(take: Take, url: str, path: str) -> socketio.AsyncClient:
    client = socketio.AsyncClient()

    @client.on("log")
    async def log(envelope: dict[str, Any]) -> None:
        take(envelope["data"])

    await client.connect(url, socketio_path=path, transports=["websocket"])
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    return client


def main(arguments: list[str]) -> None:
    application = QApplication(["straightforward"])
    loop = qasync.QEventLoop(application)
    asyncio.set_event_loop(loop)
    model = Model()
    table = QTableView()
    table.setModel(model)
    table.resize(1400, 900)
    table.show()

    arrived: list[dict[str, Any]] = []

    def show() -> None:
        if arrived:
            model.append(arrived[:])
            arrived.clear()
            table.scrollToBottom()

    frames = QTimer(table)
    frames.timeout.connect(show)
    frames.start(FRAME_MS)
    ear = Ear(model.rowCount)
    work = loop.create_task(follow(arrived.append, *arguments) if arguments else serve(arrived.append))
    with loop:
        loop.run_forever()
    del ear, work


if __name__ == "__main__":
    main(sys.argv[1:])
