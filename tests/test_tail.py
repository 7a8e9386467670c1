"""A log in the terminal: what could not be shown is told."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from desktop_logs.cli import main
from desktop_logs.core.access import Access, Tokens
from desktop_logs.core.errors import ConnectError
from desktop_logs.core.hub import Hub
from desktop_logs.net.client import RemoteFeed
from desktop_logs.net.guard import NEEDS_TOKEN
from desktop_logs.net.peers import MAY_NOT_VIEW
from desktop_logs.net.server import HubServer
from tests.handlers.servers import async_server
from tests.support.program import Program
from tests.support.stores import SmallStore

TAIL = [sys.executable, "-m", "desktop_logs", "tail"]


async def test_entries_that_cannot_be_read_are_told(start: Callable[..., Program]) -> None:
    async with async_server() as (sio, url):

        @sio.event  # type: ignore[untyped-decorator]
        async def requestLogs(sid: str) -> None:
            await sio.emit("logs", [{"message": "held"}, 7, {"level": "info"}], to=sid)

        program = start([*TAIL, url])
        await asyncio.to_thread(program.line_with, "held")
        host = url.removeprefix("http://")
        told = await asyncio.to_thread(program.error_with, "could not be read")
        assert told.startswith(f"desktop-logs: 2 entries of {host}/socket.io could not be read.")
        await sio.emit("log", {"level": "warn"})
        await asyncio.to_thread(program.error_with, "1 entry of .* could not be read")
        await sio.emit("log", {"message": "live"})
        await asyncio.to_thread(program.line_with, "live")
        assert len(program.stderr) == 2
        await asyncio.to_thread(program.end)


def test_a_server_that_lets_go_before_the_first_records_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(feed: RemoteFeed) -> None:
        raise ConnectError("localhost:1 closed the connection at once.")

    monkeypatch.setattr(RemoteFeed, "first_records", fail)
    assert main(["tail", "http://localhost:1", "--no-follow"]) == 2
    assert capsys.readouterr() == ("", "desktop-logs: ConnectError: localhost:1 closed the connection at once.\n")


@asynccontextmanager
async def hub_with(*entries: object, **options: Any) -> AsyncIterator[HubServer]:
    hub = Hub(SmallStore(is_prompt=True))
    hub.take(entries, time.time_ns())
    server = HubServer(hub, version="1", clock_ns=time.time_ns, report=lambda _: None, **options)
    await server.start(0)
    try:
        yield server
    finally:
        await server.stop()


async def told_by_tail(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    """The exit code, the lines printed, and what was said on stderr."""
    code = await asyncio.to_thread(main, ["tail", "--no-follow", *arguments])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


async def test_a_query_and_a_level_select_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        {"message": f"{level} of {source}", "level": level, "context": {"source": source}}
        for source in ("api", "db")
        for level in ("debug", "info", "error")
    ]
    async with hub_with(*entries) as server:
        code, lines, _ = await told_by_tail(
            capsys, server.url, "--query", "source:api -message:info", "--level", "info"
        )
        assert (code, [line.split("  ")[-1] for line in lines]) == (0, ["error of api"])
        code, lines, _ = await told_by_tail(capsys, server.url, "--query", "source:db", "--lines", "2", "--json")
        assert (code, [json.loads(line)["message"] for line in lines]) == (0, ["info of db", "error of db"])
        assert (await told_by_tail(capsys, server.url, "--query", "nothing-like-this"))[:2] == (0, [])
        code, lines, said = await told_by_tail(capsys, server.url, "--query", "level:")
        assert (code, lines) == (2, [])
        assert said.startswith("desktop-logs: QueryError: level: at 1 needs a value")


async def test_a_token_comes_from_the_environment_and_a_wrong_one_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access("0.0.0.0", Tokens("the-viewers-token-0001", "the-producers-token-01"))
    async with hub_with("hello", access=access) as server:
        url = f"http://127.0.0.1:{server.port}"
        monkeypatch.setenv("DESKTOP_LOGS_TOKEN", "the-viewers-token-0001")
        code, lines, _ = await told_by_tail(capsys, url)
        assert (code, [line.split("  ")[-1] for line in lines]) == (0, ["hello"])
        advice = "Give it with --token, or in DESKTOP_LOGS_TOKEN.\n"
        code, lines, said = await told_by_tail(capsys, url, "--token", "wrong")
        assert (code, lines) == (2, [])
        assert said.endswith(f"refuses the connection: {NEEDS_TOKEN} {advice}")
        code, lines, said = await told_by_tail(capsys, url, "--token", "the-producers-token-01")
        assert (code, lines) == (2, [])
        assert said.endswith(f"refuses the connection: {MAY_NOT_VIEW} {advice}")


async def test_a_certificate_that_is_not_believed_is_told_with_what_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with hub_with("hello", tls=context) as server:
        code, lines, said = await told_by_tail(capsys, server.url)
        assert (code, lines) == (2, [])
        host = server.url.removeprefix("https://")
        assert said.startswith(f"desktop-logs: ConnectError: The certificate of {host} is not trusted: ")
        assert said.endswith(". Name what vouches for it with --ca, or the certificate itself with --fingerprint.\n")
        assert "_ssl.c" not in said
        code, lines, said = await told_by_tail(capsys, server.url, "--fingerprint", "0" * 64)
        assert code == 2
        assert said.endswith("If it was renewed there, accept the new one; if not, somebody stands between.\n")
        code, lines, _ = await told_by_tail(capsys, server.url, "--ca", str(tmp_path / "ca.pem"))
        assert (code, [line.split("  ")[-1] for line in lines]) == (0, ["hello"])
