"""A test of a connection says exactly what failed, and what there is when nothing did."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import socketio
import trustme
from aiohttp import web

from desktop_logs.core.access import Access, Tokens
from desktop_logs.core.addresses import DEFAULT_PATH, ServerAddress
from desktop_logs.core.connecting import Target, Trust
from desktop_logs.core.connecting import Tested as Said
from desktop_logs.core.hub import Hub
from desktop_logs.net import diagnosis, trial
from desktop_logs.net.peers import MAY_NOT_VIEW
from desktop_logs.net.server import HubServer
from desktop_logs.net.trial import test_connection as connection_tested
from tests.net.fake_hub2 import FakeHub2


@asynccontextmanager
async def serving(sio: socketio.AsyncServer | None, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A web server, with *sio* on it; its host and port."""
    app = web.Application()
    if sio is not None:
        sio.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        if sio is not None:
            await sio.shutdown()
        await runner.cleanup()


def new_sio() -> socketio.AsyncServer:
    return socketio.AsyncServer(async_mode="aiohttp", ping_interval=1, ping_timeout=1)


async def outcome(url: str, path: str = DEFAULT_PATH, **options: object) -> Said:
    return await connection_tested(Target(ServerAddress(url, path), **options))  # type: ignore[arg-type]


@pytest.fixture
async def hub2() -> AsyncIterator[FakeHub2]:
    hub = FakeHub2()
    await hub.start()
    yield hub
    await hub.stop()


async def test_a_hub_says_what_it_is(hub2: FakeHub2) -> None:
    hub2.add(12_345)
    told = "Connected. Desktop Logs hub 9.9 (version 2), 12,345 records in its memory, with history."
    assert await outcome(hub2.url) == Said(told)
    hub2.has_history = False
    hub2.answers["stats"] = None
    assert (await outcome(hub2.url)).sentence.endswith("12,345 records in its memory, without history.")


async def test_nothing_stays_open(hub2: FakeHub2) -> None:
    before = asyncio.all_tasks()
    await outcome(hub2.url)
    await asyncio.sleep(0.05)
    left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}  # type: ignore[union-attr]
    assert not any(name.startswith(("AsyncClient", "Link")) for name in left)
    assert [socket for socket in hub2.sio.eio.sockets.values() if not socket.closed] == []


async def test_a_server_of_version_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "HELLO_WAIT_S", 0.2)
    async with serving(new_sio()) as host:
        assert await outcome(f"http://{host}") == Said(
            "Connected. A Socket.IO server that speaks version 1: no search in its history."
        )


async def test_a_token_that_is_wrong_and_another_refusal() -> None:
    sio = new_sio()
    said = ["This hub needs a token, and the right one was not given", "the house is full"]

    async def refuse(sid: str, environ: object, auth: object = None) -> None:
        raise socketio.exceptions.ConnectionRefusedError(said.pop(0))

    sio.on("connect", refuse)
    async with serving(sio) as host:
        assert await outcome(f"http://{host}") == Said(
            f"{host} refuses the connection: This hub needs a token, and the right one was not given.", "token"
        )
        assert await outcome(f"http://{host}") == Said(
            f"{host} refuses the connection: the house is full.", "forbidden"
        )


async def test_a_token_that_may_only_send(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub says no hello to it, as a version 1 server would not."""
    monkeypatch.setattr(trial, "HELLO_WAIT_S", 0.2)
    access = Access("0.0.0.0", Tokens("the-viewers-token-0001", "the-producers-token-01"))
    server = HubServer(hub, version="1", clock_ns=time.time_ns, report=lambda _: None, access=access)
    await server.start(0)
    try:
        host = f"127.0.0.1:{server.port}"
        assert await outcome(f"http://{host}", token="the-producers-token-01") == Said(
            f"{host} refuses the connection: {MAY_NOT_VIEW}", "token"
        )
        assert (await outcome(f"http://{host}", token="the-viewers-token-0001")).fault is None
    finally:
        await server.stop()


async def test_a_path_that_is_not_the_right_one(server: HubServer) -> None:
    told = await outcome(server.url, "/nothing")
    assert told.fault == "path"
    assert told.sentence.endswith("has no Socket.IO server at the path /nothing, but one at /socket.io. Try that.")
    async with serving(None) as host:
        assert (await outcome(f"http://{host}", "/nothing")).fault == "no-socketio"
        assert (await outcome(f"http://{host}")).fault == "no-socketio"


async def test_a_certificate_is_shown_by_its_fingerprint_and_tls_is_missed() -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    digits = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())).hexdigest()
    async with serving(new_sio(), context) as host:
        told = await outcome(f"https://{host}")
        assert told.fault == "certificate"
        assert told.certificate is not None
        assert told.certificate.fingerprint == digits
        assert "certificate" in told.certificate.problem
        assert (await outcome(f"https://{host}", trust=Trust(fingerprint=digits))).fault is None
        plain = await outcome(f"http://{host}")
        assert plain == Said(f"{host} speaks TLS only. Try https://{host}.", "tls")
    async with serving(new_sio()) as host:
        assert await outcome(f"https://{host}") == Said(f"{host} does not speak TLS. Try http://{host}.", "tls")


async def test_a_file_of_certificates_that_is_missing() -> None:
    told = await outcome("https://127.0.0.1:9", trust=Trust(ca_file="/nowhere/ca.pem"))
    assert told.fault == "other"
    assert "/nowhere/ca.pem cannot be read" in told.sentence


async def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    writers: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_server(lambda reader, writer: writers.append(writer), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        monkeypatch.setattr(diagnosis, "TIMEOUT_S", 0.1)
        assert (await outcome(url)).fault == "silent"
        monkeypatch.setattr(diagnosis, "TIMEOUT_S", 5.0)
        monkeypatch.setattr(trial, "WHOLE_TEST_S", 0.1)
        assert (await outcome(url)).fault == "silent"
        for writer in writers:
            writer.close()
