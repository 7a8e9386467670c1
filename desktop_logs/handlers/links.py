"""The way from any thread into one python-socketio server: a bounded queue and one task that drains it, on the server's
own loop or as its background task. Knows envelopes, not records; imports no python-socketio."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from desktop_logs.handlers.process import say

# Marks what runs because we broadcast, tasks made on the way included: they copy the context.
_emitting: Final = contextvars.ContextVar("desktop_logs_emitting", default=False)

_EVENTS_AT_ONCE = 20
# A background task of a threaded server lingers this long for the next record, since starting one costs about 100 µs.
# It looks every 20 ms: the server's own sleep works under gevent and eventlet too, an Event is not safe to set when a
# signal handler logs.
_LINGER_S = 1.0
_LOOK_S = 0.02


def is_emitting() -> bool:
    """Whether the running code was called by a broadcast."""
    return _emitting.get()


def server_in(sio: Any) -> Any:
    """The python-socketio server that *sio* is or, as Flask-SocketIO's object, holds as `server`. Raises TypeError when
    there is none; told by what it has, since some programs wrap their server."""
    for server in (sio, getattr(sio, "server", None)):
        if all(hasattr(server, name) for name in ("eio", "emit", "on", "handlers", "is_asyncio_based")):
            return server
    raise TypeError(f"a socketio.AsyncServer or a socketio.Server is needed, not {type(sio).__name__}.")


class _Undecided(list[str]):
    """Clients that are still being decided on. The server asks for each of its clients, and by then another one may
    have come in on its own thread: so it is looked again."""

    def __init__(self, pending: Callable[[], Sequence[str]]) -> None:
        super().__init__(pending())
        self._pending = pending

    def __contains__(self, sid: object) -> bool:
        return super().__contains__(sid) or sid in self._pending()

    def __reduce__(self) -> tuple[type, tuple[list[str]]]:
        return list, (list(self),)  # on the way to another process, through a message queue


class Link(ABC):
    """One attached server. *order* is the handler's lock, *snapshot* gives its recent entries under that lock."""

    def __init__(
        self,
        sio: Any,
        namespace: str,
        capacity: int,
        order: threading.RLock,
        snapshot: Callable[[], list[dict[str, Any]]],
    ) -> None:
        self.sio = sio
        self.broadcast = 0
        self.failed = 0
        self.dropped = 0
        self._namespace = namespace
        self._capacity = capacity
        self._order = order
        self._snapshot = snapshot
        # What waits: an envelope, and the one client that it is for (None: all).
        self._queue: deque[tuple[dict[str, Any], str | None]] = deque()
        self._is_awake = False
        self._is_connected = False
        self._has_told = False

    @property
    def queued(self) -> int:
        """Events that wait for the server."""
        return len(self._queue)

    def connect(self) -> None:
        """Answer `requestLogs` from now on, unless the application does."""
        self._is_connected = True
        handlers = self.sio.handlers.get(self._namespace, {})
        if "requestLogs" not in handlers:
            self.sio.on("requestLogs", self._answer(), namespace=self._namespace)

    def disconnect(self) -> None:
        """Leave the server as it was."""
        self._is_connected = False
        handlers = self.sio.handlers.get(self._namespace, {})
        if getattr(handlers.get("requestLogs"), "desktop_logs_link", None) is self:
            del handlers["requestLogs"]
        self._abandon()

    def put(self, envelope: dict[str, Any]) -> bool:
        """Have *envelope* broadcast after all before it. Under the lock; true when `wake` must be called after it."""
        self._queue.append((envelope, None))
        if len(self._queue) > self._capacity:
            self._make_room()
        return self._rouse()

    @abstractmethod
    def wake(self) -> None:
        """Start the task that drains. Raises nothing."""

    def begin_anew(self, order: threading.RLock) -> None:
        """In a forked child: no task runs here."""
        self._order = order
        self._is_awake = False
        self._queue.clear()

    @abstractmethod
    def _answer(self) -> Callable[..., Any]:
        """The function that answers `requestLogs`, as this kind of server calls it."""

    def _theirs(self) -> Any:
        """The application's class-based namespace, if it answers `requestLogs` itself. Looked for at each request: it
        may be registered after us, and our function would still be called in its stead."""
        namespace = getattr(self.sio, "namespace_handlers", {}).get(self._namespace)
        return namespace if hasattr(namespace, "on_requestLogs") else None

    def _skipped(self, sid: str | None) -> list[str] | None:
        """Whom a broadcast must not reach: clients that the application's connect handler is still deciding on. To the
        server they are in the namespace already, and it would send them all that is emitted."""
        if sid is not None:
            return None
        return _Undecided(self._pending)

    def _pending(self) -> Sequence[str]:
        pending: dict[str, list[str]] = getattr(getattr(self.sio, "manager", None), "pending_connect", {})
        return pending.get(self._namespace, ())

    def _ask(self, sid: str) -> bool:
        """Put the answer for the client *sid* into the queue, where it has its exact place: all `log` events before it
        are part of it, none after it is. True when `wake` must be called."""
        with self._order:
            if not any(waiting[1] == sid for waiting in self._queue):
                envelope = {"type": "logs", "data": self._snapshot(), "timestamp": time.time_ns() // 1_000_000}
                self._queue.append((envelope, sid))
            return self._rouse()

    def _rouse(self) -> bool:
        if self._is_awake:
            return False
        self._is_awake = True
        return True

    def _make_room(self) -> None:
        for index, (_, sid) in enumerate(self._queue):
            if sid is None:  # an answer is never dropped: somebody waits for it
                del self._queue[index]
                self.dropped += 1
                return

    def _next(self) -> tuple[dict[str, Any], str | None] | None:
        """What is to be sent next. None when there is nothing, and then the task must end."""
        with self._order:
            if self._queue and self._is_connected:
                return self._queue.popleft()
            self._is_awake = False
            return None

    def _abandon(self) -> None:
        with self._order:
            self.dropped += sum(1 for _, sid in self._queue if sid is None)
            self._queue.clear()
            self._is_awake = False

    def _report(self, fault: BaseException) -> None:
        self.failed += 1
        if not self._has_told:
            self._has_told = True
            say(f"broadcasting a log record failed: {type(fault).__name__}: {fault}. Later failures are counted only.")


class AsyncLink(Link):
    """A `socketio.AsyncServer`. Until its loop is known nobody has connected, so nothing need be broadcast."""

    _loop: asyncio.AbstractEventLoop | None = None
    _task: asyncio.Task[None] | None = None
    _inner_connect: Any = None

    def connect(self) -> None:
        """Also learn the server's loop, from where we are and from each client that connects."""
        super().connect()
        service = getattr(self.sio.eio, "service_task_handle", None)
        if service is not None:
            self._learn(service.get_loop())
        else:
            try:
                self._learn(asyncio.get_running_loop())
            except RuntimeError:  # not on a loop: the first client will tell
                self._loop = None
        # Around Engine.IO's own handler, so that the application's Socket.IO connect handler is not touched.
        self._inner_connect = self.sio.eio.handlers.get("connect")
        self.sio.eio.on("connect", self._on_connect)

    def disconnect(self) -> None:
        """Leave the server as it was; where somebody else has wrapped our handler, it only passes on."""
        super().disconnect()
        if self.sio.eio.handlers.get("connect") == self._on_connect:
            self.sio.eio.on("connect", self._inner_connect)

    def put(self, envelope: dict[str, Any]) -> bool:
        """As for every link. Without a loop there is no viewer yet, and with a closed one no more."""
        if self._loop is None:
            return False
        if self._loop.is_closed():
            self._queue.append((envelope, None))
            self._abandon()
            return False
        return super().put(envelope)

    def wake(self) -> None:
        loop = self._loop
        try:
            if loop is None:
                raise RuntimeError("no loop")
            # An empty context: the task must not carry that of whoever logs, a request's for instance.
            loop.call_soon_threadsafe(self._start, loop, context=contextvars.Context())
        except Exception:  # noqa: BLE001 - closed since `put`, or a loop of the program's own that fails; counted
            self._abandon()

    def begin_anew(self, order: threading.RLock) -> None:
        super().begin_anew(order)
        self._task = None

    def _learn(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            with self._order:
                if self._loop is not None:
                    self._abandon()  # what waited for the other loop
                self._loop = loop

    async def _on_connect(self, eio_sid: str, environ: Any) -> Any:
        if self._is_connected:
            self._learn(asyncio.get_running_loop())
        result = self._inner_connect(eio_sid, environ)
        return await result if inspect.isawaitable(result) else result

    def _answer(self) -> Callable[..., Any]:
        async def answer(sid: str, *rest: Any) -> Any:
            self._learn(asyncio.get_running_loop())
            if (theirs := self._theirs()) is not None:
                return await theirs.trigger_event("requestLogs", sid, *rest)
            if self._ask(sid):
                self.wake()
            return None

        answer.desktop_logs_link = self  # type: ignore[attr-defined]
        return answer

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self._loop:
            self._task = loop.create_task(self._drain(loop), name="desktop-logs-broadcast")

    async def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        _emitting.set(True)
        try:
            count = 0
            # Should a client have connected on another loop, then what comes is for that loop's own task.
            while loop is self._loop and (waiting := self._next()) is not None:
                envelope, sid = waiting
                try:
                    skipped = self._skipped(sid)
                    await self.sio.emit(envelope["type"], envelope, to=sid, skip_sid=skipped, namespace=self._namespace)
                    self.broadcast += 1
                except Exception as fault:  # noqa: BLE001 - one record must not stop the others; counted and said once
                    self._report(fault)
                count += 1
                if count % _EVENTS_AT_ONCE == 0:
                    await asyncio.sleep(0)  # without viewers emit never yields to the loop
        except BaseException:  # cancelled, since the loop is ending
            self._abandon()
            raise


class ThreadLink(Link):
    """A threaded `socketio.Server`, also where gevent or eventlet stand for threads."""

    def wake(self) -> None:
        try:
            self.sio.start_background_task(self._drain)
        except Exception:  # noqa: BLE001 - the interpreter is leaving, or there is no thread left; counted
            self._abandon()

    def _answer(self) -> Callable[..., Any]:
        def answer(sid: str, *rest: Any) -> Any:
            if (theirs := self._theirs()) is not None:
                return theirs.trigger_event("requestLogs", sid, *rest)
            if self._ask(sid):
                self.wake()
            return None

        answer.desktop_logs_link = self  # type: ignore[attr-defined]
        return answer

    def _drain(self) -> None:
        _emitting.set(True)
        try:
            self._drain_and_linger()
        except BaseException:  # a greenlet that is killed
            self._abandon()
            raise

    def _drain_and_linger(self) -> None:
        until_s = time.monotonic() + _LINGER_S
        while True:
            if not self._queue and self._is_connected and time.monotonic() < until_s:
                self.sio.sleep(_LOOK_S)
                continue
            waiting = self._next()
            if waiting is None:
                return
            envelope, sid = waiting
            try:
                skipped = self._skipped(sid)
                self.sio.emit(envelope["type"], envelope, to=sid, skip_sid=skipped, namespace=self._namespace)
                self.broadcast += 1
            except Exception as fault:  # noqa: BLE001 - one record must not stop the others; counted and said once
                self._report(fault)
            until_s = time.monotonic() + _LINGER_S
