"""Clients that have gone without a word: found, and let go with all that is kept for them. Knows no records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Final, Protocol

from desktop_logs.net.outlet import Line


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a hub waits for its clients, in seconds. By default whoever is gone is let go within 30."""

    ping_interval_s: float = 10.0
    ping_timeout_s: float = 15.0
    stall_s: float = 20.0
    """A client that takes nothing of what waits for it for so long is gone."""
    check_s: float = 1.0
    linger_s: float = 3.0
    """What is still on its way to a client when its connection ends has so long to leave."""


PATIENCE: Final = Patience()


class EngineSocket(Protocol):
    """What is looked at of engineio's AsyncSocket."""

    queue: Line
    last_ping: float | None
    """time.time() when the client was asked for a sign of life; None after its answer."""
    closed: bool


@dataclass(slots=True)
class _Mark:
    taken: int
    at_s: float


class Watch:
    """Looks at every client now and then, and cuts off who takes nothing or answers no ping."""

    def __init__(
        self,
        sockets: MutableMapping[str, EngineSocket],
        cut: Callable[[str], None],
        patience: Patience = PATIENCE,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        wall_clock_s: Callable[[], float] = time.time,
    ) -> None:
        """*sockets* are engineio's, by Engine.IO id; those that are closed are taken out. *cut* lets the client with
        that id go."""
        self._sockets = sockets
        self._cut = cut
        self._patience = patience
        self._clock_s = clock_s
        self._wall_clock_s = wall_clock_s
        self._marks: dict[str, _Mark] = {}
        self.cut_off = 0
        """Clients cut off since the start."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._patience.check_s)
            self.look()

    def look(self) -> None:
        """Cut off whoever has used up its time."""
        marks: dict[str, _Mark] = {}
        for eio_sid, socket in list(self._sockets.items()):
            if socket.closed:
                del self._sockets[eio_sid]
            elif self._is_silent(socket) or self._is_stalled(eio_sid, socket.queue, marks):
                self.cut_off += 1
                self._cut(eio_sid)
        self._marks = marks

    def _is_silent(self, socket: EngineSocket) -> bool:
        # engineio finds these too, where it is let, but looks at each client only once in a ping timeout.
        asked_s = socket.last_ping
        return asked_s is not None and self._wall_clock_s() - asked_s > self._patience.ping_timeout_s

    def _is_stalled(self, eio_sid: str, line: Line, marks: dict[str, _Mark]) -> bool:
        if not line.has_waiting:
            return False
        now_s, taken = self._clock_s(), line.taken
        mark = self._marks.get(eio_sid)
        if mark is None or taken > mark.taken:
            mark = _Mark(taken, now_s)
        marks[eio_sid] = mark
        return now_s - mark.at_s > self._patience.stall_s
