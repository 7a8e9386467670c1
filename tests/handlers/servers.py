"""Real python-socketio servers on a free port, asyncio and threaded, and real clients that keep what they hear."""

from __future__ import annotations

import asyncio
import socketserver
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

import aiohttp
import socketio
from aiohttp import web

# A poll that is open when its client leaves is held for as long as these together.
QUICK = {"ping_interval": 1, "ping_timeout": 1}


@asynccontextmanager
async def async_server(**options: Any) -> AsyncIterator[tuple[socketio.AsyncServer, str]]:
    """An AsyncServer on aiohttp, and its address."""
    sio = socketio.AsyncServer(async_mode="aiohttp", **QUICK, **options)
    async with serving(sio) as url:
        yield sio, url


@asynccontextmanager
async def serving(sio: socketio.AsyncServer) -> AsyncIterator[str]:
    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await sio.shutdown()
        await runner.cleanup()


class _Threaded(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each request; closing it waits for them, so that no socket outlives the test."""

    daemon_threads = False
    block_on_close = True


class _Run(ServerHandler):
    def handle_error(self) -> None:
        # How simple-websocket ends a request whose socket it has taken over.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error()


class _Request(WSGIRequestHandler):
    """wsgiref's own, silent, and it gives the socket to simple-websocket under the name that werkzeug gives it."""

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def handle(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        environ = self.get_environ()
        environ["werkzeug.socket"] = self.connection
        handler = _Run(self.rfile, self.wfile, self.get_stderr(), environ, multithread=True)
        handler.request_handler = self  # type: ignore[attr-defined]
        handler.run(self.server.get_app())  # type: ignore[attr-defined]


@contextmanager
def threaded_server(**options: Any) -> Iterator[tuple[socketio.Server, str]]:
    """A threaded Server under wsgiref, a thread for each request, and its address."""
    sio = socketio.Server(async_mode="threading", **QUICK, **options)
    server = _Threaded(("127.0.0.1", 0), _Request)
    server.set_app(socketio.WSGIApp(sio))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield sio, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        sio.shutdown()
        server.server_close()


class Viewer:
    """What a client has heard, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    @property
    def messages(self) -> list[str]:
        return [payload["data"]["message"] for event, payload in list(self.heard) if event == "log"]

    @property
    def snapshots(self) -> list[list[dict[str, Any]]]:
        return [payload["data"] for event, payload in list(self.heard) if event == "logs"]

    def hear(self, client: Any, namespace: str = "/") -> None:
        for event in ("log", "logs"):
            client.on(event, lambda payload, event=event: self.heard.append((event, payload)), namespace=namespace)


@asynccontextmanager
async def async_viewer(url: str, namespace: str = "/", **options: Any) -> AsyncIterator[tuple[Any, Viewer]]:
    session = aiohttp.ClientSession()
    client = socketio.AsyncClient(handle_sigint=False, http_session=session)
    viewer = Viewer()
    viewer.hear(client, namespace)
    try:
        await client.connect(url, namespaces=[namespace], **options)
        yield client, viewer
    finally:
        await client.disconnect()
        await client.shutdown()
        # A polling client never reads the answer to its last POST. A session closed before that has come in leaves
        # a connection that aiohttp complains of whenever it is freed, which may be in a later test.
        await until(lambda: not session.connector or not session.connector._acquired)
        await session.close()


async def until(claim: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Until *claim* holds; fails the test when it does not come true."""
    deadline_s = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        await asyncio.sleep(0.01)
