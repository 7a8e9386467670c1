"""A body is taken within its size, in its time, and unpacked within both."""

import asyncio
import gzip
import json
import zlib

import aiohttp
import pytest

from desktop_logs.core.hub import Hub
from desktop_logs.net import bodies
from desktop_logs.net.server import HubServer
from tests.net import raw

ENTRY = b'{"message":"a"}'


async def post(http: aiohttp.ClientSession, body: bytes, encoding: str) -> tuple[int, str]:
    headers = {"Content-Encoding": encoding}
    async with http.post("/api/logs", data=body, headers=headers, skip_auto_headers=["Content-Type"]) as response:
        return response.status, await response.text()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", ENTRY),
        ("gzip", gzip.compress(ENTRY)),
        ("GZIP", gzip.compress(ENTRY)),
        ("x-gzip", gzip.compress(ENTRY)),
        ("gzip", gzip.compress(ENTRY[:4]) + gzip.compress(b"") + gzip.compress(ENTRY[4:])),
        ("deflate", zlib.compress(ENTRY)),
        ("deflate", raw_deflate(ENTRY)),
    ],
)
async def test_what_is_packed_is_unpacked(http: aiohttp.ClientSession, hub: Hub, encoding: str, body: bytes) -> None:
    assert (await post(http, body, encoding))[0] == 200
    assert [record.message for record in hub.ring.latest(10)] == ["a"]


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x" * 1_000, "gzip;q=1"])
async def test_another_encoding_is_415(http: aiohttp.ClientSession, hub: Hub, encoding: str) -> None:
    status, told = await post(http, ENTRY, encoding)
    assert status == 415
    assert "Use gzip, deflate or none" in told
    assert hub.head == 0


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b""),
        ("gzip", b"plain text"),
        ("gzip", gzip.compress(ENTRY)[:-9]),
        ("gzip", gzip.compress(ENTRY)[:-4] + b"abcd"),
        ("gzip", gzip.compress(ENTRY) + b"more"),
        ("gzip", gzip.compress(b"") * 2_000),
        ("deflate", b""),
        ("deflate", b"\x78\x9c\xff"),
        ("deflate", gzip.compress(ENTRY)),
    ],
)
async def test_what_cannot_be_unpacked_is_400(
    http: aiohttp.ClientSession, hub: Hub, encoding: str, body: bytes
) -> None:
    status, told = await post(http, body, encoding)
    assert (status, "The body cannot be read" in told) == (400, True)
    assert hub.head == 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_refused_before_more_than_the_limit_comes_out_of_it(
    http: aiohttp.ClientSession, hub: Hub, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """160 MB of zeros in 160 kB."""
    packer = zlib.compressobj(wbits=31 if encoding == "gzip" else zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(16_000_000)) for _ in range(10)) + packer.flush()
    assert len(bomb) < 200_000
    came_out = 0

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._real = real(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal came_out
            piece = self._real.decompress(data, most)
            came_out += len(piece)
            return piece

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

    real = zlib.decompressobj
    monkeypatch.setattr(bodies.zlib, "decompressobj", Counting)
    status, told = await post(http, bomb, encoding)
    assert status == 413
    assert "16,000,000 bytes" in told
    assert came_out <= bodies.MAX_BODY_BYTES + bodies.SLICE_BYTES
    assert hub.stats()["rejected"] == 1


async def test_a_body_that_does_not_come_is_408_and_the_connection_is_closed(
    server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.05)
    head = b"POST /api/logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head + b'{"message"')
    answer = await reader.readuntil(b"parts.")
    assert raw.status(answer) == 408
    assert b"did not come in time" in answer
    writer.close()
    assert hub.head == 0


async def test_a_polling_body_that_does_not_come_ends_its_session(
    server: HubServer, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http.get("/socket.io/?EIO=4&transport=polling") as response:
        sid = json.loads((await response.text())[1:])["sid"]
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.05)
    path = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n40".encode())
    assert raw.status(await reader.readuntil(b"\r\n\r\n")) == 408
    writer.close()
    async with http.get(path) as response:
        assert response.status == 400
