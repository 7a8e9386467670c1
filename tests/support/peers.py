"""Socket.IO clients of this process that keep what they are sent, and the way to a hub over TLS."""

from __future__ import annotations

import ssl
from typing import Any

import socketio
import trustme
from aiohttp import web

from desktop_logs.net.server import HubServer


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


async def over_tls(server: HubServer) -> tuple[str, ssl.SSLContext]:
    """Another port of *server*, with TLS: its URL, and what a client needs to trust it."""
    authority = trustme.CA()
    its_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(its_context)
    client_context = ssl.create_default_context()
    authority.configure_trust(client_context)
    assert server._runner is not None
    await web.TCPSite(server._runner, "127.0.0.1", 0, ssl_context=its_context).start()
    return f"https://127.0.0.1:{server._runner.addresses[-1][1]}", client_context
