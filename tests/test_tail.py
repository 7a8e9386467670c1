"""A log in the terminal: what could not be shown is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from desktop_logs.cli import main
from desktop_logs.core.errors import ConnectError
from desktop_logs.net.client import RemoteFeed
from tests.handlers.servers import async_server
from tests.support.program import Program

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
