"""Socket.IO clients of this process that keep what they are sent."""

from __future__ import annotations

from typing import Any

import socketio


class Peer:
    """A python-socketio client that keeps what it is sent."""

    def __init__(self) -> None:
        self.sio = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self.events: list[tuple[str, Any]] = []
        self.sio.on("*", lambda event, *data: self.events.append((event, data[0] if data else None)))

    def named(self, name: str) -> list[Any]:
        return [data for event, data in self.events if event == name]

    def messages(self) -> list[str]:
        return [payload["data"]["message"] for payload in self.named("log")]
