"""The program in a real window on a virtual display, with real keys: what a person does in the first ten minutes."""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.support.display import Display
from tests.support.node import NodeProgram
from tests.support.program import Program, eventually, free_port

Start = Callable[..., Program]


class Running:
    """`desktop-logs` in a window of its own."""

    def __init__(self, start: Start, display: Display, data_dir: Path, *more: str, **env: str) -> None:
        """*more* goes on the command line, *env* into the environment."""
        command = [sys.executable, "-m", "desktop_logs", "--port", "0", "--data-dir", data_dir, *more]
        self.program = start(command, env=display.env(**env))
        self.port = int(self.program.line_with("^listening on ").rpartition(":")[2])
        self.window = display.window("Desktop Logs", self.program)

    def request(self, method: str, path: str, body: bytes | None = None) -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            told = json.loads(response.read())
            assert response.status == 200, told
        finally:
            connection.close()
        assert isinstance(told, dict)
        return told

    def post(self, *entries: dict[str, object]) -> None:
        self.request("POST", "/api/logs", json.dumps(entries).encode())

    def stat(self, name: str) -> int:
        return self.request("GET", "/api/stats")[name]

    def shows(self, rows: int, within_s: float = 20.0) -> None:
        """Wait until the window shows so many rows, over all tabs."""
        eventually(f"{rows} rows are shown", lambda: self.stat("window_shown") == rows, within_s)


MIXED: list[dict[str, object]] = [
    {"level": level, "message": f"{level} number {number}", "context": {"source": source, "number": number}}
    for number in range(20)
    for level, source in (("debug", "db"), ("info", "api"), ("warn", "gateway"), ("error", "worker"))
]


@pytest.fixture
def running(start: Start, display: Display, tmp_path: Path) -> Running:
    return Running(start, display, tmp_path / "data")


def test_typing_filters_and_escape_and_the_clear_button_of_the_keyboard_undo_it(
    running: Running, display: Display
) -> None:
    running.post(*MIXED)
    running.shows(80)
    display.keys(running.window, "slash")
    display.type(running.window, "worker -19")
    running.shows(19)
    display.keys(running.window, "ctrl+a", "BackSpace")
    running.shows(80)
    display.keys(running.window, "ctrl+f")
    display.type(running.window, '"open')
    running.post({"message": "still coming"})
    running.shows(81)  # a query that is none leaves the last good one in force


def test_a_query_is_completed_named_and_brought_back_by_keyboard_alone(
    start: Start, display: Display, tmp_path: Path
) -> None:
    first = Running(start, display, tmp_path / "data")
    first.post(*MIXED)
    first.shows(80)
    display.keys(first.window, "slash")
    display.type(first.window, "sour")
    display.keys(first.window, "Tab")  # takes the suggestion
    display.type(first.window, "worker")
    first.shows(20)
    display.keys(first.window, "Return", "Tab", "space")  # the star
    panel = eventually("the panel is open", lambda: display.windows(pid=first.program.pid)[1:])[0]
    display.type(panel, "Workers")
    display.keys(panel, "Return")
    display.keys(first.window, "ctrl+f")
    display.type(first.window, "number -(19")
    display.keys(first.window, "Return")  # wrong: the last good one stays, and the wrong one is not kept
    display.keys(first.window, "Escape")
    first.shows(80)
    display.keys(first.window, "Up")
    first.shows(20)
    display.close(first.window)
    assert first.program.wait() == 0

    again = Running(start, display, tmp_path / "data")
    again.shows(80)  # they are there again
    display.keys(again.window, "slash", "Up")
    again.shows(20)
    display.keys(again.window, "Escape")
    again.shows(80)
    display.keys(again.window, "Tab", "space")
    eventually("the panel is open", lambda: display.windows(pid=again.program.pid)[1:])
    display.keys(again.window, "Return")  # the only named query has the keyboard
    again.shows(20)


def test_space_pauses_and_goes_on_and_ctrl_l_clears_the_view(running: Running, display: Display) -> None:
    running.post(*MIXED)
    running.shows(80)
    display.keys(running.window, "Down", "space")
    running.post({"message": "while paused"})
    eventually("the hub has it", lambda: running.stat("head") == 81)
    assert running.stat("window_shown") == 80
    display.keys(running.window, "space")
    running.shows(81)
    display.keys(running.window, "ctrl+l")
    running.shows(0)
    assert running.stat("ring_size") == 81
    running.post({"message": "after the clearing"})
    running.shows(1)


def test_a_node_server_is_connected_from_the_dialog_by_keyboard(
    running: Running, display: Display, node: Callable[..., NodeProgram]
) -> None:
    server = node("winston-server.js")
    url = f"http://127.0.0.1:{server.listening_port()}"
    server.command("burst 510 hello")
    display.keys(running.window, "ctrl+t")
    dialog = display.window("Connect", running.program)
    display.type(dialog, url)
    display.keys(dialog, "Tab")
    display.type(dialog, "/llamaproxws")
    display.keys(dialog, "Return")
    running.shows(500)
    server.command("burst 10 live")
    running.shows(510)
    display.window("^127.0.0.1.*Desktop Logs$", running.program)  # its tab is in front
    display.keys(running.window, "ctrl+w")
    running.shows(0)
    server.command("log info nobody-listens")
    running.post({"message": "the local hub is still here"})
    running.shows(1)


def test_a_hub_with_tls_and_a_token_is_tested_trusted_and_connected_by_keyboard_and_comes_back_after_a_kill(
    start: Start, running: Running, display: Display, tmp_path: Path
) -> None:
    """The test tells of the certificate, which is accepted, then of the token; the hub is killed, and nothing is
    missing when it is there again."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "hub.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "hub.key"))
    token, port = "a-viewer-token-of-tests", free_port()
    command = [sys.executable, "-m", "desktop_logs", "serve", "--port", port, "--data-dir", tmp_path / "hub"]
    command += ["--host", "0.0.0.0", "--viewer-token", token, "--producer-token", "a-producer-token-of-tests"]
    command += ["--tls-cert", tmp_path / "hub.pem", "--tls-key", tmp_path / "hub.key"]

    def send(*messages: str) -> None:
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusting)
        body = "\n".join(json.dumps({"message": message}) for message in messages)
        headers = {"Authorization": "Bearer a-producer-token-of-tests"}
        connection.request("POST", "/api/logs", body, headers)
        assert connection.getresponse().status == 200
        connection.close()

    hub = start(command)
    hub.line_with("^listening on ")
    send("one", "two")
    display.keys(running.window, "ctrl+t")
    dialog = display.window("Connect", running.program)
    display.type(dialog, f"https://127.0.0.1:{port}")
    before = display.geometry(dialog).height
    display.keys(dialog, "alt+t")
    eventually("it shows the certificate", lambda: display.geometry(dialog).height > before + 150)
    display.still_picture(dialog)
    display.keys(dialog, "alt+a")  # a button pressed by its letter is clicked a tenth of a second later
    display.still_picture(dialog)
    display.keys(dialog, "alt+o")
    display.type(dialog, token)
    display.keys(dialog, "Return")
    running.shows(2)
    hub.signal(signal.SIGKILL)
    hub.wait()
    again = start(command)
    again.line_with("^listening on ")
    send("three")
    running.shows(3, within_s=40)


def test_connect_takes_the_token_out_of_the_environment(start: Start, display: Display, tmp_path: Path) -> None:
    token = "a-viewer-token-of-tests"
    command = [sys.executable, "-m", "desktop_logs", "serve", "--port", "0", "--data-dir", tmp_path / "hub"]
    hub = start([*command, "--host", "0.0.0.0", "--viewer-token", token, "--producer-token", "p" * 20])
    port = int(hub.line_with("^listening on ").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/api/logs", b'{"message":"kept"}', {"Authorization": f"Bearer {'p' * 20}"})
    assert connection.getresponse().status == 200
    connection.close()
    to_hub = ("--connect", f"http://127.0.0.1:{port}")
    connected = Running(start, display, tmp_path / "data", *to_hub, DESKTOP_LOGS_TOKEN=token)
    connected.shows(1)


def test_what_is_shown_is_exported(running: Running, display: Display, home: Path) -> None:
    running.post(*MIXED)
    running.shows(80)
    display.keys(running.window, "slash")
    display.type(running.window, "error")
    running.shows(20)
    display.keys(running.window, "ctrl+e")  # from within the field, where X11 has another use for it
    dialog = display.window("Export", running.program)
    display.keys(dialog, "Return")
    (exported,) = eventually("the file is there", lambda: list(home.rglob("desktop-logs-*.jsonl")))
    messages = [json.loads(line)["message"] for line in exported.read_text().splitlines()]
    assert messages == [f"error number {number}" for number in range(20)]


def test_closing_the_window_ends_the_program_in_order_and_it_comes_back_as_it_was(
    start: Start, display: Display, tmp_path: Path
) -> None:
    first = Running(start, display, tmp_path / "data")
    display.resize(first.window, 900, 600)
    first.post({"message": "kept"})
    display.close(first.window)
    assert first.program.wait() == 0
    assert first.program.stderr == []
    (path,) = (tmp_path / "data" / "logs").glob("application-*.log")
    assert json.loads(path.read_text())["message"] == "kept"
    second = Running(start, display, tmp_path / "data")
    size = display.geometry(second.window)
    assert (size.width, size.height) == (900, 600)


def test_a_burst_of_ten_thousand_is_shown_whole(running: Running) -> None:
    for first in range(0, 10_000, 500):
        running.post(*({"message": f"record {number}"} for number in range(first, first + 500)))
    running.shows(10_000)
    assert running.stat("stored") == 10_000


def test_a_display_that_goes_away_ends_the_program_with_a_sentence_and_whole_files(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "screen").mkdir()
    display = Display(tmp_path / "screen")
    try:
        running = Running(start, display, tmp_path / "data")
        running.post({"message": "kept"})
    finally:
        display.stop()
    assert running.program.wait() == 1
    assert any("The display has gone away" in line for line in running.program.stderr)
    assert not any("Traceback" in line for line in running.program.stderr)
    (path,) = (tmp_path / "data" / "logs").glob("application-*.log")
    assert json.loads(path.read_text())["message"] == "kept"
