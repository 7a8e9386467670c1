"""The window and servers elsewhere: tabs that come back, tokens that are found, and how others reach its own hub."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit

from desktop_logs import keychain
from desktop_logs.admission import Admission
from desktop_logs.core.access import Access, Tokens
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.ui.connect_dialog import ConnectDialog
from desktop_logs.ui.share_dialog import ShareDialog
from tests.support.asynchronous import soon
from tests.support.desktops import Opened, Run
from tests.support.keyrings import Kept
from tests.support.node import NodeProgram
from tests.support.program import DESKTOP_LOGS, Program
from tests.ui.connects import button, field

VIEWER, PRODUCER = "a-viewer-token-of-tests", "a-producer-token-of-tests"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The system's keyring."""
    kept = Kept()
    monkeypatch.setattr(keychain, "_find_backend", lambda: kept)
    return kept


@pytest.fixture
def shared(start: Callable[..., Program], tmp_path: Path) -> ServerAddress:
    """A hub that lets nobody in without a token."""
    command = [DESKTOP_LOGS, "serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", tmp_path / "hub"]
    hub = start([*command, "--viewer-token", VIEWER, "--producer-token", PRODUCER])
    return ServerAddress.parse(hub.line_with("^listening on ").removeprefix("listening on "))


def keep(kept: Kept, address: ServerAddress) -> None:
    kept.set_password(keychain.SERVICE, f"{address.url}{address.path}", VIEWER)


def test_a_node_server_opens_in_a_tab_with_its_500_in_order_and_goes_on_after_a_restart(
    run: Run, qapp: QApplication, tmp_path: Path, node: Callable[..., NodeProgram]
) -> None:
    server = node("winston-server.js", "--keep", tmp_path / "cache.json")
    port = server.listening_port()
    server.command("burst 510 before")
    address = ServerAddress(f"http://127.0.0.1:{port}", "/llamaproxws")

    async def body() -> None:
        nonlocal server
        async with Opened(qapp, tmp_path / "data", server=Target(address)) as opened:
            await soon("500 are there", lambda: len(opened.messages(1)) == 500)
            assert opened.messages(1) == [f"before {number}" for number in range(11, 511)]
            await asyncio.to_thread(server.command, "burst 20 live")
            await soon("the live ones", lambda: len(opened.messages(1)) == 520)
            await asyncio.to_thread(server.end)
            await soon("it says so", lambda: "was lost" in opened.notices(1))
            assert opened.window.pages[1].feed.state.next_attempt_s is not None
            server = node("winston-server.js", "--port", str(port), "--keep", tmp_path / "cache.json")
            await asyncio.to_thread(server.listening_port)
            await asyncio.to_thread(server.command, "burst 3 after")
            opened.desktop.retry(opened.window.pages[1].feed)
            await soon("it is back", lambda: len(opened.messages(1)) == 523, 30)
            assert opened.messages(1)[500:] == [
                *(f"live {number}" for number in range(1, 21)),
                *(f"after {number}" for number in range(1, 4)),
            ]
            await soon("the notice is gone", lambda: opened.notices(1) == "")
            opened.window.close_page(1)
            assert len(opened.window.pages) == 1
            assert (await opened.post("still here"))[0] == 200
            await soon("the local hub goes on", lambda: opened.messages() == ["still here"])

    run(body())


def test_a_wrong_url_is_told_in_its_tab(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            opened.window.add_feed(opened.desktop.connect(Target(ServerAddress.parse(opened.url, "/nothing"))))
            await soon("it is told", lambda: "no Socket.IO server at the path /nothing" in opened.notices(1))

    run(body())


def test_tabs_come_back_after_a_restart_with_the_tokens_of_the_keyring(
    run: Run, qapp: QApplication, tmp_path: Path, shared: ServerAddress, kept: Kept
) -> None:
    keep(kept, shared)

    async def body() -> None:
        async with Opened(qapp, tmp_path / "data") as opened:
            opened.window.remotes.open(Target(shared, VIEWER))
            await soon("it is connected", lambda: opened.window.pages[1].feed.state.phase == "live")
        assert VIEWER not in (tmp_path / "data" / "window.ini").read_text()
        async with Opened(qapp, tmp_path / "data") as opened:
            await soon("it is there", lambda: len(opened.window.pages) == 2)
            await soon("it is connected again", lambda: opened.window.pages[1].feed.state.phase == "live")
            assert opened.window.current_page is opened.local

    run(body())


def test_a_tab_whose_token_was_not_kept_comes_back_and_asks_for_it(
    run: Run, qapp: QApplication, tmp_path: Path, shared: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keychain, "_find_backend", lambda: None)

    async def body() -> None:
        async with Opened(qapp, tmp_path / "data") as opened:
            opened.window.remotes.open(Target(shared, VIEWER))
            await soon("it is connected", lambda: opened.window.pages[1].feed.state.phase == "live")
        async with Opened(qapp, tmp_path / "data") as opened:
            await soon("it is told", lambda: "kept only until the program ended" in opened.notices(1))
            opened.window.add_feed(opened.window.pages[1].feed)
            opened.press("Enter the token…")
            dialog = opened.window.findChild(ConnectDialog)
            assert dialog is not None
            field(dialog, "Token").setText(VIEWER)
            button(dialog, "Connect").click()
            await soon("it is connected", lambda: opened.window.pages[1].feed.state.phase == "live")
            assert opened.notices(1) == ""

    run(body())


def test_connect_on_the_command_line_uses_the_token_that_is_kept(
    run: Run, qapp: QApplication, tmp_path: Path, shared: ServerAddress, kept: Kept
) -> None:
    keep(kept, shared)

    async def body() -> None:
        async with Opened(qapp, tmp_path / "data", server=Target(shared)) as opened:
            await soon("the tab is there", lambda: len(opened.window.pages) == 2)
            await soon("it is connected", lambda: opened.window.pages[1].feed.state.phase == "live")

    run(body())


def test_connect_on_the_command_line_prefers_the_token_of_the_environment_and_asks_no_keyring(
    run: Run, qapp: QApplication, tmp_path: Path, shared: ServerAddress, kept: Kept
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path / "data", server=Target(shared, VIEWER)) as opened:
            await soon("the tab is there", lambda: len(opened.window.pages) == 2)
            await soon("it is connected", lambda: opened.window.pages[1].feed.state.phase == "live")
        assert kept.threads == set()

    run(body())


def test_a_shared_hub_says_so_and_shows_its_tokens(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    access = Access("0.0.0.0", Tokens(VIEWER, PRODUCER))

    async def body() -> None:
        admission = Admission(access, None, ("Whoever listens reads it.",))
        async with Opened(qapp, tmp_path, admission=admission) as opened:
            told = "Others on the network can reach this hub, with its tokens. Whoever listens reads it."
            await soon("it is told", lambda: opened.notices() == told)
            opened.press("Show the tokens…")
            dialog = opened.window.findChild(ShareDialog)
            assert dialog is not None
            for_others = f"http://{socket.gethostname()}:{opened.url.rpartition(':')[2]}"
            assert {field.text() for field in dialog.findChildren(QLineEdit)} == {for_others, VIEWER, PRODUCER}
            dialog.accept()

    run(body())
