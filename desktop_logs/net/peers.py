"""The clients of a hub's Socket.IO server: who each of them is, what it may do, and who serves it. Knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from desktop_logs.core.access import Rights
from desktop_logs.core.errors import PeerError
from desktop_logs.core.hub import Hub
from desktop_logs.core.viewing import PROTO, Auth, parse_auth
from desktop_logs.net.asking import Asking
from desktop_logs.net.broadcast import Broadcaster
from desktop_logs.net.eventingest import Answer, AnswerTo, EventIngest
from desktop_logs.net.fastpath import LogEvent
from desktop_logs.net.guard import Denied, Guard
from desktop_logs.net.outlet import Outlet
from desktop_logs.net.viewers import Viewers

MAY_NOT_VIEW = "This token may only send. Use the viewer token to read."
MAY_NOT_SEND = "this token may only read. Use the producer token to send"


@dataclass(frozen=True, slots=True)
class Client:
    """One client that was let in."""

    auth: Auth
    rights: Rights
    is_page: bool

    @property
    def is_new(self) -> bool:
        """True when it speaks version 2."""
        return self.auth.proto >= PROTO


class HubPeers:
    """What a hub does with its clients (sio.Peers)."""

    def __init__(
        self,
        hub: Hub,
        guard: Guard,
        broadcaster: Broadcaster,
        viewers: Viewers,
        asking: Asking,
        events: EventIngest,
        open_outlet: Callable[[str], Outlet | None],
        answer: Callable[[str], AnswerTo],
    ) -> None:
        """*guard* tells what a token allows; *open_outlet* gives the way out to a client by its Engine.IO id, None when
        it has gone; *answer* the way to acknowledge its events."""
        self._hub = hub
        self._guard = guard
        self._broadcaster = broadcaster
        self._viewers = viewers
        self._asking = asking
        self._events = events
        self._open_outlet = open_outlet
        self._answer = answer
        self._clients: dict[str, Client] = {}
        self._producers: set[str] = set()
        self._asked: set[str] = set()  # sent requestLogs: viewers, whatever else they do

    @property
    def producers(self) -> int:
        """How many clients have sent entries."""
        return len(self._producers)

    @property
    def viewers(self) -> int:
        """How many clients view, of either version; a producer of version 2 that asked for nothing is none."""
        greeted = self._viewers.greeted
        return len(self._broadcaster.viewers) + len(greeted) - len(greeted & self._producers - self._viewers.subscribed)

    def refusal(self, eio_sid: str, auth: object, *, is_page: bool, address: str) -> str:
        """Why the client at *address* may not connect, in one line; empty when it may."""
        try:
            told = parse_auth(auth)
            rights = self._guard.rights(told.token, address, is_page=is_page)
        except PeerError as wrong:
            self._guard.refusals.add("auth", str(wrong))
            return str(wrong)
        except Denied as denied:
            return str(denied)
        if told.proto >= PROTO and Rights.VIEW not in rights:
            # A viewer that was let in would wait for a `hello` that never comes, and nobody would know why.
            self._guard.refusals.add("right VIEW", MAY_NOT_VIEW)
            return MAY_NOT_VIEW
        self._clients[eio_sid] = Client(told, rights, is_page)
        return ""

    def without_rights(self) -> list[str]:
        """The clients that were let in by tokens which the guard no longer takes for what they did."""
        access = self._guard.access
        return [
            eio_sid
            for eio_sid, client in self._clients.items()
            if client.rights not in access.rights(client.auth.token, is_page=client.is_page)
        ]

    def admitted(self, eio_sid: str) -> None:
        """The client has its CONNECT packet: events may follow."""
        client = self._clients.get(eio_sid)
        if client is not None and Rights.VIEW in client.rights:
            self._admit(eio_sid)

    def gone(self, eio_sid: str) -> None:
        """The client has left, or was never let in."""
        self._broadcaster.dismiss(eio_sid)
        self._viewers.dismiss(eio_sid)
        self._asking.dismiss(eio_sid)
        self._clients.pop(eio_sid, None)
        self._producers.discard(eio_sid)
        self._asked.discard(eio_sid)

    def logs(self, eio_sid: str, events: list[LogEvent]) -> asyncio.Task[None] | None:
        """The client sends entries; nothing more of it is read before the task returned is done."""
        client = self._clients.get(eio_sid)
        if client is None or Rights.SEND not in client.rights:
            self._events.turn_away(events, MAY_NOT_SEND, self._answer(eio_sid))
            return None
        self._producers.add(eio_sid)
        if eio_sid not in self._asked:
            # A producer that asked for nothing is sent nothing: what it leaves unread when it ends would make its
            # system reset the connection, and with that discard its last records on their way to us.
            self._broadcaster.dismiss(eio_sid)
        return self._events.take(events, self._answer(eio_sid))

    def asked(self, eio_sid: str) -> None:
        """The client sent `requestLogs`."""
        client = self._clients.get(eio_sid)
        if client is None or Rights.VIEW not in client.rights:
            return
        if client.is_new:
            self._asking.send_snapshot(eio_sid)
            return
        self._asked.add(eio_sid)
        if eio_sid not in self._broadcaster.viewers:
            self._admit(eio_sid)
        self._broadcaster.ask(eio_sid)

    def called(self, eio_sid: str, name: str, payload: object, ack_id: int | None) -> None:
        """The client sent another event: one of version 2, or somebody else's."""
        self._asking.call(eio_sid, name, payload, ack_id)

    def acknowledged(self, eio_sid: str, ack_id: int) -> None:
        """The client has acknowledged what was sent with that id."""
        self._viewers.acknowledged(eio_sid, ack_id)

    def oversize(self, what: str) -> Answer:
        """Something too large to be looked at came: *what*. The answer for who sent it."""
        error = f"{what} was refused. Send less at a time, or a shorter message"
        self._hub.refuse(1, error)
        return {"ok": False, "error": error}

    def _admit(self, eio_sid: str) -> None:
        outlet = self._open_outlet(eio_sid)
        client = self._clients.get(eio_sid)
        if outlet is None or client is None:
            return
        if client.is_new:
            self._asking.admit(eio_sid, outlet)
            self._viewers.admit(eio_sid, outlet, client.auth.resume)
        else:
            self._broadcaster.admit(eio_sid, outlet)
