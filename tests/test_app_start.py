"""What the window tells when it cannot start as it should, and what it offers then."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import trustme
from PySide6.QtWidgets import QApplication

from desktop_logs.admission import Admission
from desktop_logs.core.access import Access
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.folders import tokens_file
from desktop_logs.storage.tokens_file import make_tokens
from tests.support.asynchronous import soon
from tests.support.desktops import Opened, Run
from tests.support.program import DESKTOP_LOGS, Program


def test_a_port_of_something_else_is_told_and_the_next_one_offered(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            async with Opened(qapp, tmp_path, port) as opened:
                await soon("it is told", lambda: f"Port {port} is in use by another program" in opened.notices())
                assert opened.hub.state.phase == "failed"
                other.close()
                opened.press("Try again")
                await soon("it listens", lambda: opened.hub.state.phase == "live")
                await soon("the notice is gone", lambda: "in use" not in opened.notices())
                assert (await opened.post("hello"))[0] == 200

    run(body())


def test_a_port_of_another_desktop_logs_can_be_joined(
    run: Run, qapp: QApplication, tmp_path: Path, start: Callable[..., Program]
) -> None:
    hub = start([sys.executable, "-m", "desktop_logs", "serve", "--port", "0", "--data-dir", tmp_path / "first"])
    port = int(hub.line_with("^listening").rpartition(":")[2])

    async def body() -> None:
        async with Opened(qapp, tmp_path / "second", port) as opened:
            await soon("it is told", lambda: "in use by another Desktop Logs" in opened.notices())
            opened.press("Join it")
            await soon("a second tab is live", lambda: opened.window.pages[-1].feed.state.phase == "live")
            assert len(opened.window.pages) == 2
            target = opened.window.remotes.target_of(opened.window.pages[-1].feed)
            assert target is not None
            assert target.address == ServerAddress(f"http://127.0.0.1:{port}")

    run(body())


def test_a_hub_with_tls_is_joined_by_tls_and_asks_whether_its_certificate_is_right(
    run: Run, qapp: QApplication, tmp_path: Path, start: Callable[..., Program]
) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "hub.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "hub.key"))
    command = [DESKTOP_LOGS, "serve", "--port", "0", "--data-dir", tmp_path / "first"]
    hub = start([*command, "--tls-cert", tmp_path / "hub.pem", "--tls-key", tmp_path / "hub.key"])
    port = int(hub.line_with("^listening").rpartition(":")[2])

    async def body() -> None:
        async with Opened(qapp, tmp_path / "second", port) as opened:
            await soon("it is told", lambda: "in use by another Desktop Logs" in opened.notices())
            opened.press("Join it")
            said = f"The certificate of 127.0.0.1:{port} is not trusted"
            await soon("a second tab asks", lambda: said in opened.notices(1))

    run(body())


def test_a_shared_hub_in_the_same_folder_is_joined_with_its_token(
    run: Run, qapp: QApplication, tmp_path: Path, start: Callable[..., Program]
) -> None:
    tokens = make_tokens(tokens_file(tmp_path))
    hub = start([DESKTOP_LOGS, "serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", tmp_path])
    url = hub.line_with("^listening").removeprefix("listening on ")

    async def body() -> None:
        admission = Admission(Access(tokens=tokens))
        async with Opened(qapp, tmp_path, admission=admission) as opened:
            await soon(
                "it is told", lambda: f"is in use by desktop-logs serve (process {hub.pid}, {url})" in opened.notices()
            )
            opened.press("Join it")
            await soon("a second tab is live", lambda: opened.window.pages[-1].feed.state.phase == "live")

    run(body())


def test_a_data_folder_that_cannot_be_written_is_told_and_records_are_shown_all_the_same(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")

    async def body() -> None:
        async with Opened(qapp, tmp_path / "file" / "data") as opened:
            await soon("it is told", lambda: "a file stands where a folder should be" in opened.notices())
            status, told = await opened.post("hello")
            assert (status, told["accepted"]) == (503, 0)
            assert "Cannot write log files" in told["error"]
            await soon("it is shown", lambda: opened.messages() == ["hello"])
            await soon("the button is there", lambda: "Cannot write log files" in opened.notices())
            opened.press("Go on without keeping them")
            assert (await opened.post("now without"))[0] == 200
            assert opened.hub.stats()["dropped"] == 1

    run(body())


def test_bad_settings_are_told_and_the_defaults_hold(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"file_level":"loud"}')

    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            await soon("it is told", lambda: "'loud' is not a level" in opened.notices())
            assert "Mend or delete it. The defaults are used." in opened.notices()
            assert opened.desktop.log_settings.file_level == "info"

    run(body())
