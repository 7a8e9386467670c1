"""The body of a request, whole: within its size and time, and unpacked by us. Knows nothing of what is in it.

aiohttp would unpack by itself: what a client packs into 16 kB to become 16 MB, in one go, and on after it was refused.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

MAX_BODY_BYTES: Final = 16_000_000
"""Of what was sent, and of what comes out of it."""
BODY_TIMEOUT_S: Final = 30.0
MIN_BYTES_A_SECOND: Final = 20_000
"""A body that comes on at this pace may take as long as it needs."""
MAX_MEMBERS: Final = 1_000
"""Files that were packed one by one and put together; an empty one takes 20 bytes and no room."""
SLICE_BYTES: Final = 262_144  # about a millisecond of unpacking between two turns of the loop
_GZIP_WBITS: Final = 31


class BodyRefused(Exception):
    """A body that is not taken: the text says why, and *status* is HTTP's. Nothing more is read of its connection."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


async def read_body(request: web.BaseRequest) -> bytes:
    """The body, unpacked. Raises BodyRefused."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise BodyRefused(
            f"A body in the Content-Encoding {encoding[:50]!r} is not taken. Use gzip, deflate or none.", 415
        )
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise _too_large()
    body = await read_in_time(request.content, MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    return body if encoding == "identity" else await _unpacked(body, encoding)


async def read_in_time(content: StreamReader, size: int) -> bytes:
    """The next *size* bytes, fewer where it ends. Raises BodyRefused when they come too slowly, or cannot be read."""
    loop = asyncio.get_running_loop()
    body = bytearray()
    due_s = loop.time() + BODY_TIMEOUT_S
    try:
        while len(body) < size:
            async with asyncio.timeout_at(due_s):
                piece = await content.read(size - len(body))
            if not piece:
                break
            body += piece
            due_s += len(piece) / MIN_BYTES_A_SECOND
    except TimeoutError:
        raise BodyRefused("The body did not come in time. Send it again, in smaller parts.", 408) from None
    except (web.RequestPayloadError, HttpProcessingError, ValueError):
        raise BodyRefused("The body cannot be read: its lengths or its trailers are not those of HTTP.", 400) from None
    return bytes(body)


async def _unpacked(packed: bytes, encoding: str) -> bytes:
    body = bytearray()
    for _ in range(MAX_MEMBERS):
        unpacker = zlib.decompressobj(_wbits(packed, encoding))
        while not unpacker.eof:
            try:
                piece = unpacker.decompress(packed, SLICE_BYTES)
            except zlib.error as wrong:
                raise _unreadable(str(wrong)) from None
            packed = unpacker.unconsumed_tail
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise _too_large()
            if not piece and not packed and not unpacker.eof:
                raise _unreadable("it ends too soon")
            await asyncio.sleep(0)
        packed = unpacker.unused_data
        if not packed:
            return bytes(body)
    raise _unreadable(f"it has more than {MAX_MEMBERS:,} parts")


def _wbits(packed: bytes, encoding: str) -> int:
    if encoding != "deflate":
        return _GZIP_WBITS
    # HTTP's deflate has a header of zlib, which some programs leave out (RFC 9110, 8.4.1.2).
    return zlib.MAX_WBITS if packed and packed[0] & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS


def _too_large() -> BodyRefused:
    return BodyRefused(f"The body is over {MAX_BODY_BYTES:,} bytes. Send it in smaller parts.", 413)


def _unreadable(why: str) -> BodyRefused:
    return BodyRefused(f"The body cannot be read: {why}. Is its Content-Encoding right?", 400)
