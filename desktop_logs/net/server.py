"""The hub's server: HTTP and Socket.IO on one port. Puts guard, limits, ingest and broadcast together."""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Mapping

import aiohttp
import msgspec
from aiohttp import web

from desktop_logs.core.access import ALL_ADDRESSES, LOCAL_ACCESS, Access, Rights
from desktop_logs.core.errors import ListenError
from desktop_logs.core.history import History
from desktop_logs.core.hub import Hub
from desktop_logs.core.safe_text import one_line
from desktop_logs.net.asking import Asking
from desktop_logs.net.broadcast import Broadcaster
from desktop_logs.net.eventingest import EventIngest
from desktop_logs.net.faults import PeerFaults, quiet_logger
from desktop_logs.net.guard import Guard
from desktop_logs.net.ingest import HttpIngest
from desktop_logs.net.leaving import PATIENCE, Patience
from desktop_logs.net.limits import Doorway, Guesses, Refusals
from desktop_logs.net.peers import HubPeers
from desktop_logs.net.searching import HttpSearch
from desktop_logs.net.sio import HubSocketServer
from desktop_logs.net.tls import HANDSHAKE_TIMEOUT_S as TLS_HANDSHAKE_S
from desktop_logs.net.viewers import Viewers
from desktop_logs.tasks import Tasks

NAME = "desktop-logs"
PRODUCER_SILENCE_S = 60.0
"""A producer over HTTP counts as one for so long after its last batch."""
IDLE_S = 30.0
"""A connection on which no whole head of a request comes for so long is closed."""
HOLDER_TIMEOUT_S = 1.0
_BACKLOG = 128


class HubServer:
    """Serves one hub, on the running loop."""

    def __init__(
        self,
        hub: Hub,
        *,
        version: str,
        clock_ns: Callable[[], int],
        report: Callable[[str], None],
        access: Access = LOCAL_ACCESS,
        tls: ssl.SSLContext | None = None,
        more_stats: Callable[[], Mapping[str, int]] = dict,
        history: History | None = None,
        catching_up: History | None = None,
        patience: Patience = PATIENCE,
        on_fault: Callable[[BaseException], object] = lambda failure: None,
    ) -> None:
        """*report* is told, once a kind, what peers do wrong, and *on_fault* gets what the hub itself does wrong.
        *access* says where it listens and who may, *tls* makes it HTTPS; *more_stats* adds to `GET /api/stats`.
        *history* answers searches, None where none is kept; *catching_up* is a second way to it, for viewers that
        resume, which must not wait for a search. *patience* is what clients that do not answer are given."""
        self._hub = hub
        self._version = version
        self._clock_ns = clock_ns
        self._more_stats = more_stats
        self._faults = PeerFaults(report, on_fault)

        def task_failed(name: str, failure: BaseException) -> None:
            report(f"The hub's task {name!r} failed: {failure!r}")
            on_fault(failure)

        self._tasks = Tasks(task_failed)
        self._host = "127.0.0.1" if access.host.lower() == "localhost" else access.host.strip("[]")
        self._tls = tls
        self._refusals = Refusals(report)
        self._guard = Guard(access, Guesses(time.monotonic), self._refusals)
        self._broadcaster = Broadcaster(hub, clock_ns)
        self._http_producers: dict[str, float] = {}
        self._ingest = HttpIngest(hub, clock_ns, self._heard_from)
        self._search = HttpSearch(history.search if history is not None else None, clock_ns)
        self._viewers = Viewers(
            hub,
            self._tasks,
            name=NAME,
            version=version,
            history=catching_up,
            has_search=history is not None,
            stall_s=patience.stall_s,
        )
        asking = Asking(hub, self._viewers, self._tasks, clock_ns=clock_ns, stats=self.stats, history=history)
        self._events = EventIngest(hub, clock_ns, report, on_fault)
        self._sockets = HubSocketServer(faults=self._faults, tasks=self._tasks, patience=patience)
        self._peers = HubPeers(
            hub,
            self._guard,
            self._broadcaster,
            self._viewers,
            asking,
            self._events,
            self._sockets.open_outlet,
            lambda eio_sid: functools.partial(self._sockets.acknowledge, eio_sid),
        )
        self._sockets.peers = self._peers
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._doorway: Doorway | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where programs of this machine reach the hub."""
        return f"{'http' if self._tls is None else 'https'}://{_in_url(self._host)}:{self.port}"

    def change_access(self, access: Access) -> None:
        """Let in by *access* from now on, whose host stays the one that it listens on. Clients whose token is not good
        any more are disconnected."""
        self._guard.access = access
        for eio_sid in self._peers.without_rights():
            self._sockets.end(eio_sid)

    async def start(self, port: int, paths: tuple[str, ...] = ("/socket.io",)) -> None:
        """Listen on *port* (0: any free one), with Socket.IO on each of *paths*. Raises ListenError."""
        if not self._hub.epoch:
            # No store tells whose numbers they are: they are this run's.
            self._hub.epoch = uuid.uuid4().hex
        app = web.Application()
        self._guard.attach(app)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/api/stats", self._guard.needs(Rights.VIEW, self._get_stats))
        app.router.add_get("/api/search", self._guard.needs(Rights.VIEW, self._search.get))
        app.router.add_post("/api/logs", self._guard.needs(Rights.SEND, self._ingest.post))
        for path in dict.fromkeys(paths):
            self._sockets.attach(app, socketio_path=path)
        # Our own log would feed a handler that sends to this very hub.
        runner = web.AppRunner(
            app,
            handle_signals=False,
            access_log=None,
            shutdown_timeout=1.0,
            keepalive_timeout=IDLE_S,
            auto_decompress=False,  # net/bodies.py does, within limits
            logger=quiet_logger("desktop_logs.aiohttp", self._faults),
        )
        await runner.setup()
        assert runner.server is not None
        doorway = Doorway(runner.server, self._refusals)
        try:
            listening = await asyncio.get_running_loop().create_server(
                doorway,
                self._host,
                port,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else TLS_HANDSHAKE_S,
                backlog=_BACKLOG,
            )
        except OSError as failure:
            await runner.cleanup()
            raise await _listen_error(self._host, port, failure) from None
        self._runner, self._listening, self._doorway = runner, listening, doorway
        self.port = listening.sockets[0].getsockname()[1]
        self._unsubscribe = [self._hub.subscribe(self._broadcaster.wake), self._hub.subscribe(self._viewers.wake)]
        self._tasks.start(self._broadcaster.run(), "broadcast")
        self._tasks.start(self._sockets.watch.run(), "watch")

    async def stop(self) -> None:
        """Take nothing more in, let what is under way be answered, close every connection."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._viewers.stop()
        if self._listening is not None and self._doorway is not None:
            self._doorway.close()
            self._listening.close()  # its connections are closed below: to wait for them would be for ever
        await self._events.stop()
        await self._sockets.close_all()
        await self._sockets.shutdown()
        await runner.cleanup()
        self._sockets.cut_all()
        await self._tasks.cancel_all()

    def stats(self) -> dict[str, int]:
        """The counters of protocol.md."""
        return {
            **self._hub.stats(),
            "viewers": self._peers.viewers,
            "producers": self._peers.producers + self._count_http_producers(),
            "dropped_slow": self._broadcaster.dropped_slow + self._viewers.dropped_slow,
            "dropped_evicted": self._viewers.dropped_evicted,
            "viewers_cut": self._sockets.watch.cut_off + self._viewers.cut,
            "peer_faults": self._faults.count,
            "refused_clients": self._refusals.count,
            **self._more_stats(),
        }

    # HTTP

    async def _healthz(self, request: web.Request) -> web.Response:
        return _json({"status": "ok", "name": NAME, "version": self._version})

    async def _get_stats(self, request: web.Request) -> web.Response:
        return _json(self.stats())

    def _heard_from(self, producer: str) -> None:
        self._http_producers[producer] = asyncio.get_running_loop().time()
        if len(self._http_producers) > 1_000:
            self._count_http_producers()  # forgets the silent ones, also where nobody asks for the number

    def _count_http_producers(self) -> int:
        if not self._http_producers:
            return 0
        since_s = asyncio.get_running_loop().time() - PRODUCER_SILENCE_S
        self._http_producers = {name: at_s for name, at_s in self._http_producers.items() if at_s > since_s}
        return len(self._http_producers)


async def _listen_error(host: str, port: int, failure: OSError) -> ListenError:
    if failure.errno == errno.EADDRINUSE:
        holder, url = await holder_of(port, host)
        if holder:
            return ListenError(
                f"port {port} is in use by another Desktop Logs ({holder}). "
                f"Connect to it, or choose another port with --port {port + 1}.",
                port,
                "desktop-logs",
                url,
            )
        return ListenError(
            f"port {port} is in use by another program. Choose another with --port {port + 1}.", port, "other"
        )
    if failure.errno == errno.EACCES:
        return ListenError(f"port {port} may not be used without more rights. Choose one above 1023 with --port.", port)
    if failure.errno == errno.EADDRNOTAVAIL or isinstance(failure, socket.gaierror):
        return ListenError(
            f"{host} is not an address of this machine. Use --host 0.0.0.0 for all that it has, or leave it out.", port
        )
    return ListenError(f"cannot listen on {host}:{port}: {failure.strerror or failure}. Try --port {port + 1}.", port)


async def holder_of(port: int, host: str = "127.0.0.1") -> tuple[str, str]:
    """`desktop-logs 0.1.0` and its URL when a hub has *port* of this machine; both empty when something else has it.

    Nothing is said to it that another program must not hear, so its certificate may be any.
    """
    for scheme in ("http", "https"):
        url = f"{scheme}://{_in_url(host)}:{port}"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HOLDER_TIMEOUT_S)) as session,
                session.get(f"{url}/healthz", ssl=False, allow_redirects=False) as response,
            ):
                told = msgspec.json.decode(await response.content.read(10_000))
        except TimeoutError:
            break  # a hub with TLS would have refused plain HTTP at once
        except (aiohttp.ClientError, ValueError):
            continue
        if isinstance(told, dict) and told.get("name") == NAME:
            return one_line(f"{NAME} {str(told.get('version', ''))[:40]}".strip()), url
    return "", ""


def _in_url(host: str) -> str:
    """*host* as a URL has it; one by which this machine reaches itself where it stands for all addresses."""
    reached = ALL_ADDRESSES.get(host, host)
    return f"[{reached}]" if ":" in reached else reached


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value) + b"\n", content_type="application/json", charset="utf-8")
