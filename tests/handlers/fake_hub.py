"""A hub to test producers against: real HTTP, answers as it is told, keeps what it gets. Knows no hub of ours."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One POST as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float
    connection: int

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def first(self) -> int:
        return int(self.headers["Desktop-Logs-First"])


@dataclass(frozen=True)
class Reply:
    """What to answer. *hang* says nothing at all, *close* hangs up without a word."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    hang: bool = False
    close: bool = False


class FakeHub:
    """Listens on a free port, or on *port*. `replies` are used up one by one; after them every batch is stored."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.close_after_each = False
        self.arrived = threading.Condition()
        self._released = threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                hub._answer(self)

            def log_message(self, *_: object) -> None:
                """Silent."""

        class Server(ThreadingHTTPServer):
            daemon_threads = False
            block_on_close = True
            allow_reuse_address = True

            def __init__(self) -> None:
                self.open: set[Any] = set()
                super().__init__(("127.0.0.1", port), Handler)

            def process_request(self, request: Any, client_address: Any) -> None:
                self.open.add(request)
                super().process_request(request, client_address)

            def shutdown_request(self, request: Any) -> None:
                self.open.discard(request)
                super().shutdown_request(request)

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that hangs up is no error here."""

        self._server = Server()
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self.arrived:
            reply = self.replies.pop(0) if self.replies else Reply()
            self.requests.append(
                Request(handler.path, dict(handler.headers.items()), body, time.monotonic(), handler.client_address[1])
            )
            self.arrived.notify_all()
        if reply.hang:
            self._released.wait(30)
        if reply.hang or reply.close:
            handler.close_connection = True
            return
        content = reply.body
        if content is None:
            count = body.count(b"\n")
            content = json.dumps({"accepted": count, "duplicates": 0, "rejected": []}).encode()
        handler.send_response(reply.status)
        for name, value in reply.headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
        if self.close_after_each:
            handler.close_connection = True

    def entries(self) -> list[dict[str, Any]]:
        """All entries of the batches, each batch once however often it came, in the order of their numbers."""
        once = {(one.headers["Desktop-Logs-Producer"], one.first): one for one in list(self.requests)}
        return [entry for one in once.values() for entry in one.entries]

    def messages(self) -> list[str]:
        return [entry["message"] for entry in self.entries()]

    def wait_for(self, claim: Callable[[FakeHub], bool], timeout_s: float = 20.0) -> None:
        """Until *claim* holds, looked at after each request. Fails the test when it does not come true."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: claim(self), timeout_s), f"{len(self.requests)} requests came"

    def stop(self) -> None:
        self._released.set()
        self._server.shutdown()
        for request in list(self._server.open):
            try:
                request.shutdown(2)
            except OSError:
                continue  # closed by the client already
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> FakeHub:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
