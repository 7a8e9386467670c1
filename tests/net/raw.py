"""Requests and WebSocket frames by hand, with headers that no library would send, and every byte that comes back."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable, Iterable

ANSWER_S = 20.0
Header = tuple[str, str]


def request(method: str, path: str, headers: Iterable[Header], body: bytes = b"", version: str = "1.1") -> bytes:
    """The bytes of an HTTP request; its connection ends after the answer, unless it becomes a WebSocket."""
    lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in headers)]
    if not any(name == "Connection" for name, _ in headers):
        lines.append("Connection: close")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def exchange(port: int, sent: bytes, host: str = "127.0.0.1") -> bytes:
    """Everything that comes back until the other side closes."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(sent)
        async with asyncio.timeout(ANSWER_S):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


def frame(text: str | bytes, opcode: int | None = None) -> bytes:
    """One masked frame, of text or bytes."""
    payload = text.encode() if isinstance(text, str) else text
    code = opcode if opcode is not None else (1 if isinstance(text, str) else 2)
    head = bytes([0x80 | code])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 65_536:
        head += bytes([0x80 | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", len(payload))
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


class RawSocket:
    """A WebSocket of Engine.IO, opened by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.got = b""

    @classmethod
    async def open(cls, port: int, headers: Iterable[Header] = ()) -> RawSocket:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened = cls(reader, writer)
        named = [("Host", f"127.0.0.1:{port}"), *headers, *UPGRADE]
        writer.write(request("GET", "/socket.io/?EIO=4&transport=websocket", named))
        await opened.until(b"pingInterval")
        return opened

    def send(self, text: str | bytes) -> None:
        self._writer.write(frame(text))

    async def until(self, *parts: bytes) -> bytes:
        """All that has come, once one of *parts* is in it or the other side has closed."""
        return await self._read(lambda: any(part in self.got for part in parts))

    async def until_count(self, part: bytes, count: int) -> bytes:
        """All that has come, once *part* is in it so often or the other side has closed."""
        return await self._read(lambda: self.got.count(part) >= count)

    async def _read(self, is_enough: Callable[[], bool]) -> bytes:
        async with asyncio.timeout(ANSWER_S):
            while not is_enough():
                try:
                    more = await self._reader.read(65_536)
                except ConnectionResetError:
                    more = b""
                if not more:
                    break
                self.got += more
        return self.got

    def close(self) -> None:
        self._writer.close()
