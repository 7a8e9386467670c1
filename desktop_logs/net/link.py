"""One connection to a Socket.IO server, from its handshake to its end. Knows no records and does not come back."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import aiohttp
import engineio
import socketio
from engineio.packet import MESSAGE
from engineio.payload import Payload
from socketio.exceptions import SocketIOError

from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError
from desktop_logs.core.safe_text import one_line
from desktop_logs.core.viewing import PROTO, Position
from desktop_logs.net.diagnosis import Unreachable, connection_problem, diagnose, refusal
from desktop_logs.net.fastpath import FEED_HEAD, FeedWebSocket, LogEvent, ShortWay, Take
from desktop_logs.net.faults import PeerFaults, quiet_logger
from desktop_logs.net.trust import client_context

MAX_MESSAGE_BYTES = 64_000_000  # a snapshot of 500 entries of a server that cuts nothing
CONNECT_TIMEOUT_S = 10.0
GOODBYE_S = 1.0
TLS_GOODBYE_S = 0.1

MAX_PACKETS_AN_ANSWER = 100_000  # engineio takes 16, and other servers send what has gathered

EVENTS = ("hello", "log", "logs", "logBatch", "gap", "progress", "unsubscribed")
"""What is passed on; any other event is somebody else's."""


def take_large_answers() -> None:
    """Raise engineio's limit on packets in one answer to a client that polls, which is one for the whole process."""
    Payload.max_decode_packets = MAX_PACKETS_AN_ANSWER


class Link:
    """A connection to *target*'s server; it is opened once."""

    def __init__(self, target: Target, take: Take, faults: PeerFaults, resume: Position | None = None) -> None:
        """*take* is given the server's EVENTS, in order, as fastpath says; *resume* is told to a version 2 hub.
        Raises ConnectError when the CA file cannot be used."""
        self._target = target
        self._take = take
        self._resume = resume
        self._refused: list[object] = []
        self._unanswered: set[asyncio.Future[object]] = set()
        self.lost = asyncio.Event()
        """Set once the connection has ended."""
        self._ended = asyncio.Event()
        short_way = ShortWay(take, MAX_MESSAGE_BYTES, quiet_logger("desktop_logs.events", faults), heads=FEED_HEAD)
        self._session = new_session(target, functools.partial(FeedWebSocket, short_way))
        self._client = socketio.AsyncClient(
            reconnection=False,  # done by the feed, so that the state and the next attempt can be shown
            handle_sigint=False,
            http_session=self._session,
            websocket_extra_options={"max_msg_size": MAX_MESSAGE_BYTES},
            logger=quiet_logger("desktop_logs.socketio.client", faults),
            engineio_logger=quiet_logger("desktop_logs.engineio.client", faults),
        )
        for name in EVENTS:
            self._client.on(name, functools.partial(self._on_event, name))
        self._client.on("connect_error", lambda *reason: self._refused.extend(reason or ("",)))
        self._client.on("disconnect", self._on_disconnect)
        self._client.eio.on("disconnect", self._on_transport_end)

    async def open(self) -> None:
        """Connect: WebSocket first, since many servers allow nothing else; polling where only that works. Raises
        Unreachable."""
        failure = await self._attempt("websocket")
        if failure is None:
            return
        finding = await diagnose(self._target.address, self._session)
        if finding.fault is None and not isinstance(failure, TimeoutError):
            # All is well now: it was cut while it was made, or the server is just coming up.
            failure = await self._attempt("websocket")
            if failure is None:
                return
        if finding.fault is None and finding.polls:
            failure = await self._attempt("polling")
            if failure is None:
                return
        raise Unreachable(finding if finding.fault else connection_problem(self._target.address, failure))

    async def send(self, name: str, payload: object = None) -> None:
        """Send an event. Raises ConnectError when the connection is lost."""
        try:
            await self._client.emit(name, payload)
        except SocketIOError:
            raise self._loss() from None

    async def ask(self, name: str, payload: object, timeout_s: float) -> Mapping[str, Any]:
        """Send an event and wait for its acknowledgement, an object; an empty one when it is none. Raises ConnectError
        when the connection is lost meanwhile, or nothing comes within *timeout_s*."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def answered(*said: object) -> None:
            if not answer.done():
                answer.set_result(said[0] if said and isinstance(said[0], dict) else {})

        self._unanswered.add(answer)
        try:
            if self.lost.is_set():
                raise self._loss()
            await self._client.emit(name, payload, callback=answered)
            async with asyncio.timeout(timeout_s):
                said = await answer
        except SocketIOError:
            raise self._loss() from None
        except TimeoutError:
            host = self._target.address.host
            raise ConnectError(f"{host} does not answer within {timeout_s:.0f} seconds. Try again.") from None
        finally:
            self._unanswered.discard(answer)
        if said is None:
            raise self._loss()
        assert isinstance(said, dict)
        return said

    def acknowledge(self, ack_id: int) -> None:
        """Acknowledge the event that came with that id; nothing once the connection is lost."""
        if self._client.eio.state == "connected":
            self._client.eio.queue.put_nowait(engineio.packet.Packet(MESSAGE, data=f"3{ack_id}[]"))

    async def close(self) -> None:
        """Say goodbye, without waiting for a server that does not answer it, and leave nothing open."""
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._client.disconnect()
        except TimeoutError:
            for task in (self._client.eio.read_loop_task, self._client.eio.write_loop_task):
                if task is not None:
                    task.cancel()
        finally:
            self._on_disconnect()
            await self._session.close()
            if self._target.address.url.startswith("https:"):
                # aiohttp does not wait for TLS to be taken down (its documentation, "Graceful Shutdown").
                await asyncio.sleep(TLS_GOODBYE_S)

    async def _attempt(self, transport: str) -> BaseException | None:
        """What went wrong; None when it is connected. Raises Unreachable when the server refuses."""
        auth: dict[str, object] = {"proto": PROTO}
        if self._target.token:
            auth["token"] = self._target.token
        if self._resume is not None:
            auth["resume"] = {"epoch": self._resume.epoch, "seq": self._resume.seq}
        self._refused.clear()
        self.lost.clear()
        self._ended.clear()
        address = self._target.address
        connecting = self._client.connect(
            address.url,
            headers={},
            auth=auth,
            transports=[transport],
            socketio_path=address.path,
            wait_timeout=CONNECT_TIMEOUT_S,
        )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._unless_ended(connecting)
        except (SocketIOError, aiohttp.ClientError, OSError, TimeoutError, ValueError, IndexError, KeyError) as failure:
            # ValueError, IndexError, KeyError: what python-socketio makes of an answer that is no handshake.
            if isinstance(failure, SocketIOError) and "namespaces failed" in str(failure):
                # It took the transport; python-socketio tells that by this text only.
                raise Unreachable(refusal(address, _said(self._refused))) from None
            return failure
        return None

    async def _unless_ended(self, connecting: Coroutine[Any, Any, None]) -> None:
        """Wait until *connecting* is done. Raises ServerDisconnectedError when the transport has ended before:
        python-socketio would wait in vain for the rest."""
        attempt = asyncio.ensure_future(connecting)
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((attempt, ended), return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done() and not self._refused:
                raise aiohttp.ServerDisconnectedError
            await attempt
        finally:
            attempt.cancel()
            ended.cancel()
            await asyncio.gather(attempt, ended, return_exceptions=True)

    async def _on_event(self, name: str, payload: object = None, *more: object) -> None:
        """An event that did not take the short way; python-socketio acknowledges it, where that is asked for, after."""
        taking = self._take([LogEvent(name, payload)])
        if taking is not None:
            await asyncio.wait([taking])

    async def _on_transport_end(self, reason: object) -> None:
        await self._client._handle_eio_disconnect(reason)
        self._ended.set()

    def _on_disconnect(self, *reason: object) -> None:
        self.lost.set()
        for answer in self._unanswered:
            if not answer.done():
                answer.set_result(None)

    def _loss(self) -> ConnectError:
        return ConnectError(f"The connection to {self._target.address.host} was lost.")


class _OneCertificate(aiohttp.Fingerprint):
    """Accepts the certificate with that SHA-256 and no other, whatever else is wrong with it."""

    def check(self, transport: asyncio.Transport) -> None:
        """Raises aiohttp.ServerFingerprintMismatch, and ends the connection at once: aiohttp would close it in the way
        of TLS, which waits for an answer of a server that is not to be spoken to."""
        try:
            super().check(transport)
        except aiohttp.ServerFingerprintMismatch:
            asyncio.get_running_loop().call_soon(transport.abort)
            raise


def new_session(
    target: Target, websocket: Callable[..., aiohttp.ClientWebSocketResponse] | None = None
) -> aiohttp.ClientSession:
    """A session for *target*'s server, whose connections believe what it says. Raises ConnectError for a CA file that
    cannot be used."""
    proof: Any = True
    if target.trust.fingerprint:
        proof = _OneCertificate(bytes.fromhex(target.trust.fingerprint))
    elif target.address.url.startswith("https:"):
        proof = client_context(target.trust)
    response_class: Any = websocket or aiohttp.ClientWebSocketResponse
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=proof), ws_response_class=response_class)
    # aiohttp repeats a GET whose connection has ended. To a client that polls the server has sent what was on its way,
    # and gives the second one what comes after that.
    session._retry_connection = False
    return session


def _said(refused: list[object]) -> str:
    """What a server said when it refused a namespace: a text, or an object with a message."""
    for reason in refused:
        if isinstance(reason, dict) and isinstance(reason.get("message"), str):
            reason = reason["message"]
        if isinstance(reason, str) and reason.strip():
            return one_line(reason.strip().rstrip(".")[:200])
    return ""
