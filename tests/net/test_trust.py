"""Whose certificates are believed: a file's, one by its fingerprint, or the system's; over polling and WebSocket."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import socketio
import trustme
from aiohttp import web

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Trust
from desktop_logs.core.errors import ConnectError, UserError
from desktop_logs.net.client import RemoteFeed
from desktop_logs.net.trust import client_context, parse_fingerprint
from tests.support.asynchronous import soon


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1")


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def fingerprint(certificate: trustme.LeafCert) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())).hexdigest()


@pytest.fixture(params=["websocket", "polling"])
async def tls_url(certificate: trustme.LeafCert, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A Socket.IO server that speaks TLS and one transport."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    sio = socketio.AsyncServer(async_mode="aiohttp", transports=[request.param], ping_interval=1, ping_timeout=1)
    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await sio.shutdown()
    await runner.cleanup()


async def problem(url: str, trust: Trust) -> str:
    """What a feed with that trust says of the server; empty when it is connected."""
    feed = RemoteFeed(Target(ServerAddress(url), trust=trust))
    feed.start()
    try:
        await soon("it says", lambda: feed.state.phase in ("live", "waiting"))
        return feed.state.problem
    finally:
        await feed.close()


async def test_a_certificate_that_the_file_vouches_for(tls_url: str, ca_file: str) -> None:
    assert await problem(tls_url, Trust(ca_file=ca_file)) == ""


async def test_one_that_nobody_vouches_for_is_refused(tls_url: str) -> None:
    assert "is not trusted: " in await problem(tls_url, Trust())


async def test_the_one_that_was_accepted_whatever_its_name(tls_url: str, certificate: trustme.LeafCert) -> None:
    trust = Trust(fingerprint=fingerprint(certificate))
    assert await problem(tls_url.replace("127.0.0.1", "localhost"), trust) == ""
    assert "another certificate than the one that was accepted" in await problem(tls_url, Trust(fingerprint="0" * 64))


def test_a_file_that_is_not_there_or_no_pem_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="cannot be read: No such file"):
        client_context(Trust(ca_file=str(tmp_path / "none.pem")))
    (tmp_path / "empty.pem").write_text("hello")
    with pytest.raises(ConnectError, match="holds no certificates. Name a PEM file"):
        client_context(Trust(ca_file=str(tmp_path / "empty.pem")))


def test_without_a_file_the_system_decides() -> None:
    import truststore

    assert isinstance(client_context(Trust()), truststore.SSLContext)


def test_a_fingerprint_is_read_as_it_is_pasted() -> None:
    assert parse_fingerprint("AB:" * 31 + "cd") == "ab" * 31 + "cd"
    assert parse_fingerprint(" " + "AB " * 32) == "ab" * 32
    for wrong in ("", "ab", "zz" * 32):
        with pytest.raises(UserError, match="64 hexadecimal digits"):
            parse_fingerprint(wrong)
