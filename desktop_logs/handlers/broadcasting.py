"""`BroadcastHandler`: a program's records over its own python-socketio server. The handler, the recent entries and what
is asked of them; how each kind of server is reached stands in links."""

from __future__ import annotations

import copy
import itertools
import logging
import secrets
import threading
import time
from collections import deque
from typing import Any, Final, overload

from desktop_logs.core.levels import severity_of_name, v1_level
from desktop_logs.core.records import base36
from desktop_logs.handlers.base import LockFreeHandler
from desktop_logs.handlers.entries import entry_from, severity_of_record
from desktop_logs.handlers.links import AsyncLink, Link, ThreadLink, is_emitting, server_in
from desktop_logs.handlers.process import MAX_DEPTH, here, ignore_forks, watch_forks

SILENT_LOGGERS: Final = (
    "engineio",
    "socketio",
    "aiohttp.access",
    "aiohttp.server",
    "aiohttp.websocket",
    "websockets",
    "wsproto",
    "simple_websocket",
    "geventwebsocket",
    "werkzeug",
    "uvicorn.access",
    "hypercorn.access",
    "gunicorn.access",
    "tornado.access",
    "sanic.access",
    "django.server",
    "eventlet.wsgi",
)
"""Loggers, each with those below it, that say something whenever a Socket.IO server does: broadcasting a record of
theirs would make the next one."""

QUIET_LOGGERS: Final = ("asyncio", "uvicorn", "hypercorn", "gunicorn", "concurrent")
"""Loggers that do so only at debug, and have errors to report that should be seen: taken from info on."""


class BroadcastHandler(LockFreeHandler):
    """Broadcasts records as `log` events over python-socketio servers, and answers `requestLogs` with the last
    *capacity*, newest first (protocol.md, version 1).

    `attach` any number of servers at any time, `socketio.AsyncServer` and `socketio.Server` alike, before or while they
    run. Log from any thread; a call takes about 20 µs, never waits for the network and never raises. At most
    *queue_capacity* records wait for each server; beyond that the oldest are dropped and counted in `stats()`.

    *silent* are loggers whose records are never taken, each with those below it; see SILENT_LOGGERS. Nothing that is
    logged by the broadcasting itself is taken either, by whatever logger.
    """

    def __init__(
        self,
        source: str | None = None,
        *,
        level: int | str = logging.NOTSET,
        capacity: int = 500,
        namespace: str = "/",
        queue_capacity: int = 10_000,
        silent: tuple[str, ...] = SILENT_LOGGERS,
    ) -> None:
        if capacity < 1 or queue_capacity < 1:
            raise ValueError("capacity and queue_capacity must be above 0.")
        super().__init__(level)
        self.source = source
        self._namespace = namespace
        self._queue_capacity = queue_capacity
        self._silent = silent
        self._is_silent: dict[str, bool] = {}
        self._recent: deque[dict[str, Any]] = deque(maxlen=capacity)
        self._links: list[Link] = []
        # Holds the order: what is appended to the recent entries first is broadcast first, to every server. Re-entrant,
        # since a signal handler may log while its thread is in here.
        self._order = threading.RLock()
        self._ids = itertools.count()
        self._id_tail = secrets.token_hex(3)  # two programs that log in the same millisecond
        self._faults = 0
        self._before = {"broadcast": 0, "failed": 0, "dropped": 0}  # by servers that are detached
        self._is_closed = False
        watch_forks(self)

    def attach(self, sio: Any) -> None:
        """Broadcast over *sio* too, a `socketio.AsyncServer`, a `socketio.Server` or what Flask-SocketIO makes of one;
        nothing happens the second time.

        An AsyncServer's loop is learned here when this is called on it, else from the first client that connects. The
        application's own handlers stay as they are; where it has one for `requestLogs`, that one goes on answering.
        Raises TypeError for anything that is no such server.
        """
        sio = server_in(sio)
        with self._order:
            if any(link.sio is sio for link in self._links):
                return
            kind = AsyncLink if sio.is_asyncio_based() else ThreadLink
            link = kind(sio, self._namespace, self._queue_capacity, self._order, self._snapshot)
            self._links = [*self._links, link]
        link.connect()

    def detach(self, sio: Any) -> None:
        """Leave *sio* as it was; nothing happens when it is not attached. Records that wait for it are dropped."""
        sio = next((link.sio for link in self._links if link.sio is getattr(sio, "server", None)), sio)
        with self._order:
            leaving = [link for link in self._links if link.sio is sio]
            self._links = [link for link in self._links if link.sio is not sio]
        for link in leaving:
            link.disconnect()
            with self._order:
                self._before["broadcast"] += link.broadcast
                self._before["failed"] += link.failed
                self._before["dropped"] += link.dropped

    def cached_logs(self) -> list[dict[str, Any]]:
        """The recent entries as they were broadcast, newest first. Deep copies: change them as you like."""
        with self._order:
            entries = list(self._recent)
        return copy.deepcopy(entries[::-1])

    @overload
    def logs_by_level(self) -> dict[str, list[dict[str, Any]]]: ...
    @overload
    def logs_by_level(self, level: str) -> list[dict[str, Any]]: ...
    def logs_by_level(self, level: str | None = None) -> dict[str, list[dict[str, Any]]] | list[dict[str, Any]]:
        """The recent entries under `error`, `warn`, `info` and `debug`, or those of one *level*; newest first, copies.

        *level* may be any known name: `critical` is among `error`. Raises ValueError for an unknown one.
        """
        entries = self.cached_logs()
        if level is None:
            return {name: [e for e in entries if e["level"] == name] for name in ("error", "warn", "info", "debug")}
        severity = severity_of_name(level)
        if severity is None:
            raise ValueError(f"{level!r} is not a level. Use error, warn, info or debug.")
        return [entry for entry in entries if entry["level"] == v1_level(severity)]

    def clear(self) -> None:
        """Forget the recent entries. What was broadcast stays with the viewers."""
        with self._order:
            self._recent.clear()

    def stats(self) -> dict[str, int]:
        """`broadcast`, `failed` and `dropped` events over all servers ever attached; `queued` ones that wait for the
        `servers` attached now."""
        links, before = self._links, self._before
        return {
            "servers": len(links),
            "broadcast": sum((link.broadcast for link in links), before["broadcast"]),
            "failed": sum((link.failed for link in links), before["failed"]) + self._faults,
            "dropped": sum((link.dropped for link in links), before["dropped"]),
            "queued": sum(link.queued for link in links),
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Keep *record* and have it broadcast. Nothing happens once the handler is closed."""
        if self._is_closed or here.depth >= MAX_DEPTH or is_emitting():
            return
        try:
            if self._skips(record):
                return
            entry = entry_from(record, self.source, self.formatter)
            level = v1_level(severity_of_record(record))
            if level != entry["level"]:
                entry["context"]["level"] = entry["level"]
                entry["level"] = level
            now_ms = time.time_ns() // 1_000_000
            with self._order:
                entry["id"] = f"{now_ms}-{base36(next(self._ids))}{self._id_tail}"
                self._recent.append(entry)
                links = self._links
                envelope = {"type": "log", "data": entry, "timestamp": now_ms}
                sleeping = [link for link in links if link.put(envelope)]
            for link in sleeping:
                link.wake()
        except Exception:  # noqa: BLE001 - a handler never raises into the program; counted
            self._faults += 1

    def close(self) -> None:
        """Detach all servers and take nothing more; the recent entries can still be read."""
        self._is_closed = True
        for link in self._links:
            self.detach(link.sio)
        ignore_forks(self)
        super().close()

    def after_fork_in_child(self) -> None:
        """The parent's tasks are gone here, and its locks may be held for ever."""
        self._order = threading.RLock()
        for link in self._links:
            link.begin_anew(self._order)

    def _snapshot(self) -> list[dict[str, Any]]:
        """The recent entries themselves, newest first: to be sent, not to be changed."""
        return list(self._recent)[::-1]

    def _skips(self, record: logging.LogRecord) -> bool:
        name = str(record.name)  # None in a record that was made by hand
        silent = self._is_silent.get(name)
        if silent is None:
            silent = self._is_silent[name] = _is_below(name, self._silent)
        return silent or (record.levelno < logging.INFO and _is_below(name, QUIET_LOGGERS))


def _is_below(name: str, loggers: tuple[str, ...]) -> bool:
    return any(name == logger or name.startswith(f"{logger}.") for logger in loggers)
