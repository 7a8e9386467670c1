"""Why a server cannot be connected to: each cause has its own sentence."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.net.diagnosis import Finding, diagnose
from desktop_logs.net.server import HubServer


@pytest.fixture
async def other() -> AsyncIterator[str]:
    """A web server that is no Socket.IO server, but for some paths that answer as one would."""

    async def answer(request: web.Request) -> web.Response:
        status, text = {
            "/old/": (400, '{"code":5,"message":"Unsupported protocol version"}'),
            "/websocket-only/": (400, '{"code":0,"message":"Transport unknown"}'),
            "/token/": (401, "a token is needed\nmore"),
            "/tls-only/": (400, "<h1>400</h1>The plain HTTP request was sent to HTTPS port"),
            "/rude/": (403, "no\x1b]0;owned\x07"),
        }.get(request.path, (404, "not here"))
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def told(url: str, path: str = "/socket.io") -> Finding:
    async with aiohttp.ClientSession() as session:
        return await diagnose(ServerAddress(url, path), session)


async def test_a_hub_takes_polling_and_keeps_no_session(server: HubServer) -> None:
    assert await told(server.url) == Finding()
    assert [socket for socket in server._sockets.eio.sockets.values() if not socket.closed] == []


@pytest.mark.parametrize(
    ("path", "sentence", "fault"),
    [
        ("/socket.io", "there is no Socket.IO server at the path /socket.io (HTTP 404)", "no-socketio"),
        ("/old", "speaks another version of Socket.IO", "no-socketio"),
        ("/token", "refuses the connection (HTTP 401): a token is needed", "token"),
        ("/rude", "refuses the connection (HTTP 403): no⟨ESC⟩]0;owned⟨BEL⟩", "forbidden"),
        ("/tls-only", "speaks TLS only. Try https://", "tls"),
        ("/websocket-only", "", None),
    ],
)
async def test_what_a_web_server_answers(other: str, path: str, sentence: str, fault: str | None) -> None:
    finding = await told(other, path)
    assert finding.fault == fault
    assert sentence in finding.sentence
    assert bool(finding.sentence) is bool(sentence)
    assert finding.polls is (fault is not None)


async def test_nobody_listens() -> None:
    listener = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    assert await told(f"http://127.0.0.1:{port}") == Finding(
        f"Nothing listens on 127.0.0.1:{port}. Is the server running, and is the port right?", "refused"
    )


async def test_a_name_that_is_none() -> None:
    finding = await told("http://nosuch.invalid:80")
    assert finding.fault == "name"
    assert finding.sentence.startswith("The name nosuch.invalid cannot be found.")


async def test_tls_spoken_to_a_plain_server(other: str) -> None:
    finding = await told(other.replace("http:", "https:"))
    assert finding.fault == "tls"
    assert finding.sentence.endswith(f"does not speak TLS. Try {other}.")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [(b"", "closed the connection without an answer"), (b"SSH-2.0-OpenSSH_9.2\r\n", "answers, but not in HTTP")],
)
async def test_something_that_is_no_web_server(answer: bytes, sentence: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        finding = await told(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    assert finding.fault == "no-socketio"
    assert sentence in finding.sentence


async def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop_logs.net.diagnosis.TIMEOUT_S", 0.2)
    writers: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_server(lambda reader, writer: writers.append(writer), "127.0.0.1", 0)
    async with listener:
        finding = await told(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        for writer in writers:
            writer.close()
    assert finding.fault == "silent"
    assert "does not answer within" in finding.sentence
