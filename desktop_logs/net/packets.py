"""Packets as clients send them, of Engine.IO and of Socket.IO: decoded by the libraries, and PeerError with a sentence
where those would raise whatever they stumble over. Knows no connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from engineio.packet import Packet as EnginePacket
from engineio.packet import packet_names as engine_names
from socketio.packet import BINARY_ACK, BINARY_EVENT, CONNECT_ERROR, Packet

from desktop_logs.core.errors import PeerError

NO_ENGINE_PACKET: Final = "A client sent a frame that is no Engine.IO packet."
NO_PACKET: Final = "A client sent a message that is no Socket.IO packet."
NO_NAMESPACE: Final = "A client asked for a namespace, of which a hub has none."
NO_EVENT: Final = "A client sent an event without a name."
WRONG_ATTACHMENTS: Final = "A client sent an event whose attachments are not those that it promised."

_SEPARATOR = "\x1e"


def polled_packets(payload: str) -> Iterator[EnginePacket]:
    """The packets of a polling request's *payload*, one at a time: of the smallest it may hold two million. Raises
    PeerError at what is none."""
    at = 0
    while at <= len(payload):
        end = payload.find(_SEPARATOR, at)
        end = len(payload) if end < 0 else end
        try:
            packet = EnginePacket(encoded_packet=payload[at:end])
        except (ValueError, RecursionError):
            raise PeerError(NO_ENGINE_PACKET) from None
        if packet.packet_type >= len(engine_names):
            raise PeerError(NO_ENGINE_PACKET)
        yield packet
        at = end + 1


class ClientPacket(Packet):  # type: ignore[misc]  # python-socketio ships no types
    """A Socket.IO packet, of one of the types that a client may send."""

    def decode(self, encoded_packet: str) -> int:
        try:
            count: int = super().decode(encoded_packet)
        except (ValueError, RecursionError):
            raise PeerError(NO_PACKET) from None
        if self.packet_type > BINARY_ACK or self.packet_type == CONNECT_ERROR:
            raise PeerError(NO_PACKET)
        if self.packet_type in (BINARY_EVENT, BINARY_ACK) and self.namespace not in (None, "", "/"):
            raise PeerError(NO_NAMESPACE)
        return count

    def add_attachment(self, attachment: bytes) -> bool:
        try:
            is_whole: bool = super().add_attachment(attachment)
        except (ValueError, LookupError, TypeError, RecursionError):
            raise PeerError(WRONG_ATTACHMENTS) from None
        return is_whole


def check_event(data: Any) -> None:
    """Raise PeerError when *data* is not that of an event: a list that begins with its name."""
    if not isinstance(data, list) or not data:
        raise PeerError(NO_EVENT)
