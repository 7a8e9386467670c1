"""A hub with tokens and a certificate of an own authority: who sends to it and who reads it, and what they are told."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from desktop_logs import DesktopLogsHandler
from desktop_logs.core.access import Access, Tokens
from desktop_logs.core.hub import Hub
from desktop_logs.handlers.batches import Batch
from desktop_logs.handlers.posting import HubConnection, Verdict
from desktop_logs.net.server import HubServer
from desktop_logs.net.tls import TlsFiles, server_context
from tests.support.asynchronous import soon
from tests.support.stores import SmallStore

TOKENS = Tokens("the-viewers-token-0001", "the-producers-token-01")
REST = {"tail": ["--no-follow"], "stats": [], "send": ["hello"]}
TO_VIEW, TO_SEND = ["--token", TOKENS.viewer], ["--token", TOKENS.producer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `ca.pem`, `hub.pem` and `hub.key`."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    shown = authority.issue_cert("localhost", "127.0.0.1")
    (folder / "hub.pem").write_bytes(b"".join(blob.bytes() for blob in shown.cert_chain_pems))
    shown.private_key_pem.write_to_path(folder / "hub.key")
    return folder


@pytest.fixture
def hub() -> Hub:
    return Hub(SmallStore(is_prompt=True))


@pytest.fixture
async def server(hub: Hub, folder: Path) -> AsyncIterator[HubServer]:
    running = HubServer(
        hub,
        version="1",
        clock_ns=lambda: 1_795_341_600_000_000_000,
        report=lambda _: None,
        access=Access("0.0.0.0", TOKENS),
        tls=server_context(TlsFiles(folder / "hub.pem", folder / "hub.key")),
    )
    await running.start(0)
    yield running
    await running.stop()


async def typed(*arguments: str) -> tuple[int, str]:
    """The exit code of `desktop-logs` with these *arguments*, and what it printed."""
    told, where = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "desktop_logs", *arguments, stdout=told, stderr=where
    )
    text, _ = await program.communicate()
    return program.returncode or 0, text.decode()


async def test_each_command_goes_through_with_its_token_and_the_authority(
    server: HubServer, hub: Hub, folder: Path
) -> None:
    ca = ("--ca", str(folder / "ca.pem"))
    assert await typed("send", server.url, "over TLS", *ca, *TO_SEND) == (0, "")
    assert [record.message for record in hub.ring.latest(9)] == ["over TLS"]
    code, printed = await typed("tail", server.url, "--no-follow", *ca, *TO_VIEW)
    assert code == 0
    assert "over TLS" in printed
    code, printed = await typed("stats", server.url, *ca, *TO_VIEW)
    assert code == 0
    assert "received" in printed


async def test_a_token_that_does_not_fit_is_told_with_the_one_that_does(server: HubServer, folder: Path) -> None:
    for command, wrong, sentence in (
        ("tail", TO_SEND, "This token may only send. Use the viewer token to read."),
        ("tail", [], "Ask for it where the hub runs. Give it with --token, or in DESKTOP_LOGS_TOKEN."),
        ("stats", TO_SEND, "This token may only send. Use the viewer token to read."),
        ("stats", [], "Give it with --token, or in DESKTOP_LOGS_TOKEN."),
        ("send", TO_VIEW, "This token may only read. Use the producer token to send."),
    ):
        code, printed = await typed(command, server.url, *REST[command], "--ca", str(folder / "ca.pem"), *wrong)
        assert (code, printed.count("\n")) == (2, 1)
        assert sentence in printed


@pytest.mark.parametrize("command", ["tail", "stats"])
async def test_what_stands_in_the_way_of_tls_is_told_with_what_to_type(
    server: HubServer, hub: Hub, command: str
) -> None:
    _, printed = await typed(command, server.url, *REST[command])
    assert "is not trusted: unable to get local issuer certificate. Name what vouches for it with --ca" in printed
    _, printed = await typed(command, server.url.replace("https", "http"), *REST[command])
    assert f"ry {server.url}." in printed
    plain = HubServer(hub, version="1", clock_ns=lambda: 0, report=lambda _: None)
    await plain.start(0)
    try:
        _, printed = await typed(command, plain.url.replace("http", "https"), *REST[command])
        assert f"does not speak TLS. Try {plain.url}." in printed
    finally:
        await plain.stop()


async def test_the_handler_sends_with_the_producers_token_to_a_certificate_that_it_is_told_of(
    server: HubServer, hub: Hub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    handler = DesktopLogsHandler(server.url, token=TOKENS.producer, spool_dir=tmp_path)
    try:
        handler.handle(logging.LogRecord("app", logging.INFO, "app.py", 1, "from a program", (), None))
        await soon("it is there", lambda: [record.message for record in hub.ring.latest(9)] == ["from a program"])
    finally:
        await asyncio.to_thread(handler.close)


@pytest.mark.parametrize(
    ("token", "told"),
    [(TOKENS.viewer, "Use the producer token to send"), ("", "Give the handler the producer token")],
)
async def test_the_handler_tells_which_token_to_give_it(
    server: HubServer,
    hub: Hub,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    token: str,
    told: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    handler = DesktopLogsHandler(server.url, token=token, spool_dir=tmp_path, max_spool_bytes=0)
    heard: list[str] = []

    def has_told() -> bool:
        heard.append(capfd.readouterr().err)
        return told in "".join(heard)

    try:
        handler.handle(logging.LogRecord("app", logging.INFO, "app.py", 1, "is not to arrive", (), None))
        await soon("it is told", has_told)
    finally:
        await asyncio.to_thread(handler.close)
    assert hub.ring.latest(9) == []


async def test_a_certificate_that_nobody_vouches_for_is_told_to_who_sends(server: HubServer) -> None:
    connection = HubConnection(server.url, TOKENS.producer, 5.0)
    answer = await asyncio.to_thread(connection.post, Batch("a", 0, b'{"message":"m"}\n', 1))
    assert answer.verdict is Verdict.LATER
    assert "its certificate is not trusted: unable to get local issuer certificate" in answer.reason
    assert "SSL_CERT_FILE" in answer.advice
