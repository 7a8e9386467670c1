"""A client made by hand, out of blocking sockets: bytes as they are given, whatever a library would say to them."""

from __future__ import annotations

import json
import os
import socket
import struct
from types import TracebackType

TIMEOUT_S = 5.0
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_PING_BODY = b"are you there"
_UPGRADE = (
    "GET {path}?EIO=4&transport=websocket{more} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(
    payload: bytes | str,
    opcode: int = TEXT,
    *,
    is_last: bool = True,
    reserved: int = 0,
    is_masked: bool = True,
    length: int | None = None,
) -> bytes:
    """One WebSocket frame (RFC 6455, 5.2). *reserved* are its three reserved bits; *length* the length that it claims,
    where that is not its own."""
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data) if length is None else length
    head = bytes([(0x80 if is_last else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if is_masked else 0
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65_536:
        head += struct.pack(">BH", mask_bit | 126, size)
    else:
        head += struct.pack(">BQ", mask_bit | 127, size)
    # A mask of zeros leaves the payload as it is.
    return head + (bytes(4) if is_masked else b"") + data


def event(name: str, *arguments: object, ack_id: int | None = None) -> str:
    """A Socket.IO event in an Engine.IO message."""
    return f"42{'' if ack_id is None else ack_id}{json.dumps([name, *arguments])}"


class Connection:
    """`with Connection(port) as connection:` — a TCP connection to the hub, which is cut at the end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        # Small parts are sent at once, and not when the hub's system has acknowledged those before.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.cut()

    def cut(self) -> None:
        """End it."""
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send *data*, as much of it as the hub takes before it hangs up."""
        try:
            self._socket.sendall(data)
        except OSError:
            return  # it hung up: what it says of that, or does not say, is what counts

    def end_sending(self) -> None:
        """Tell that nothing more will come."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # it hung up first

    def upgrade(self, path: str = "/socket.io/", *, more: str = "") -> bool:
        """Ask for an Engine.IO WebSocket; whether there is one. Its `open` packet has been read."""
        self.send(_UPGRADE.format(path=path, port=self._port, more=more).encode())
        head = self.read_until(b"\r\n\r\n")
        return b" 101 " in head.split(b"\r\n")[0] and (more != "" or self.next_message()[:1] == b"0")

    def connect(self, auth: object = None) -> str:
        """A Socket.IO CONNECT; the answer, `40{…}` or `44{…}`, empty at the end."""
        self.send(frame("40" if auth is None else f"40{json.dumps(auth)}"))
        return self.next_message().decode()

    def read(self) -> bytes:
        """What is there; empty at the end. Raises TimeoutError when there is nothing for long."""
        if self._buffer:
            data, self._buffer = self._buffer, b""
            return data
        try:
            return self._socket.recv(65_536)
        except ConnectionError:
            return b""

    def read_until(self, mark: bytes) -> bytes:
        """All up to and with *mark*, or up to the end."""
        data = b""
        while mark not in data:
            more = self.read()
            if not more:
                return data
            data += more
        wanted, _, self._buffer = data.partition(mark)
        return wanted + mark

    def next_frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame; (8, b"") at the end. The hub's frames are neither cut nor masked."""
        head = self._exactly(2)
        if len(head) < 2:
            return CLOSE, b""
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
        return head[0] & 0x0F, self._exactly(size)

    def next_message(self) -> bytes:
        """The payload of the next text or binary frame; empty at the end."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == CLOSE:
                return b""
            if opcode in (TEXT, BINARY):
                return payload

    def is_alive(self) -> bool:
        """Whether the hub still answers a ping of the WebSocket: it has then read all that was sent before."""
        self.send(frame(_PING_BODY, PING))
        while True:
            opcode, payload = self.next_frame()
            if opcode == CLOSE:
                return False
            if opcode == PONG and payload == _PING_BODY:
                return True

    def _exactly(self, size: int) -> bytes:
        """*size* bytes; fewer at the end."""
        data = b""
        while len(data) < size:
            more = self.read()
            if not more:
                return data
            data += more
        self._buffer = data[size:] + self._buffer
        return data[:size]


def request(method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
    """An HTTP/1.1 request with its length, that asks for the connection to be closed."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if body and not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def answer(port: int, data: bytes) -> bytes:
    """What comes back for *data* on a connection of its own, all of it; empty when that is nothing."""
    with Connection(port) as connection:
        connection.send(data)
        return read_all(connection)


def read_all(connection: Connection) -> bytes:
    """What comes until the end."""
    told = b""
    while more := connection.read():
        told += more
    return told


def open_polling(port: int) -> str:
    """A polling session with a Socket.IO CONNECT in it; its sid."""
    opened = answer(port, request("GET", "/socket.io/?EIO=4&transport=polling"))
    sid = str(json.loads(opened[opened.index(b"0{") + 1 :])["sid"])
    answer(port, poll_request(sid, b"40"))
    return sid


def poll_request(sid: str, body: bytes, *headers: str) -> bytes:
    """The request that sends *body* as the payload of a polling session."""
    target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
    return request("POST", target, body, "Content-Type: text/plain;charset=UTF-8", *headers)


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockets(pid: int) -> int:
    """How many sockets a process has open."""
    folder = f"/proc/{pid}/fd"
    count = 0
    for name in os.listdir(folder):
        try:
            count += os.readlink(f"{folder}/{name}").startswith("socket:")
        except FileNotFoundError:
            continue  # closed meanwhile
    return count
