"""Real npm packages against this program: a winston server that was never written for it, and socket.io-client as
producer and as viewer."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.node import NodeProgram
from tests.support.program import Program, eventually, free_port

Start = Callable[..., Program]
Node = Callable[..., NodeProgram]
PROGRAM = [sys.executable, "-m", "desktop_logs"]
PATH = "/llamaproxws"


def message_of(line: str) -> str:
    return str(json.loads(line)["message"])


@pytest.fixture
def hub(start: Start, tmp_path: Path) -> str:
    """A headless hub's URL."""
    program = start([*PROGRAM, "serve", "--port", "0", "--path", PATH, "--data-dir", tmp_path])
    return program.line_with("^listening on ").split()[-1]


@pytest.mark.parametrize("order", [[], ["--oldest-first"]])
def test_tail_shows_a_winston_servers_500_in_order_then_live_and_survives_its_restart(
    start: Start, node: Node, tmp_path: Path, order: list[str]
) -> None:
    port = str(free_port())
    kept = ["--keep", tmp_path / "cache.json", *order]
    server = node("winston-server.js", "--port", port, *kept)
    server.listening_port()
    server.command("burst 620 before")
    tail = start([*PROGRAM, "tail", f"http://127.0.0.1:{port}", "--path", PATH, "--json"])
    tail.line_with('"before 620"')
    assert [message_of(line) for line in tail.stdout] == [f"before {number}" for number in range(121, 621)]

    server.command("burst 30 live")
    tail.line_with('"live 30"')
    server.command("noise")
    server.end()
    tail.error_with("Trying again")
    server = node("winston-server.js", "--port", port, *kept)
    server.listening_port()
    server.command("burst 5 missed")
    tail.error_with("again$", 30)
    server.command("burst 5 after")
    tail.line_with('"after 5"')
    expected = [f"before {number}" for number in range(121, 621)]
    for word, count in (("live", 30), ("missed", 5), ("after", 5)):
        expected += [f"{word} {number}" for number in range(1, count + 1)]
    assert [message_of(line) for line in tail.stdout] == expected
    tail.signal(signal.SIGINT)
    assert tail.wait() == 0


def test_a_connection_that_is_cut_again_and_again_loses_nothing(start: Start, node: Node) -> None:
    server = node("winston-server.js")
    url = f"http://127.0.0.1:{server.listening_port()}"
    tail = start([*PROGRAM, "tail", url, "--path", PATH, "--json"])
    for cut in range(3):
        server.command(f"burst 50 round-{cut}")
        tail.line_with(f'"round-{cut} 50"', 30)
        server.command("drop")
    server.command("burst 1 end")
    tail.line_with('"end 1"', 30)
    expected = [f"round-{cut} {number}" for cut in range(3) for number in range(1, 51)]
    assert [message_of(line) for line in tail.stdout] == [*expected, "end 1"]


def test_careless_entries_are_shown(start: Start, node: Node) -> None:
    server = node("winston-server.js")
    tail = start([*PROGRAM, "tail", f"http://127.0.0.1:{server.listening_port()}", "--path", PATH])
    server.command("log info ready")
    tail.line_with("ready")
    server.command("odd")
    tail.line_with("odd: a bare string")
    shown = "\n".join(tail.stdout)
    assert "VERBOSE" in shown
    assert "odd: message is an object" in shown
    assert tail.stderr == []


@pytest.mark.parametrize("path", ["/socket.io", PATH])
@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
def test_socket_io_client_is_producer_and_viewer(
    hub: str, node: Node, tmp_path: Path, path: str, transports: str
) -> None:
    viewer = node("viewer.js", "--path", path, "--transports", transports, hub)
    viewer.event("logs")
    producer = node("producer.js", "--path", path, "--transports", transports, hub)
    producer.send('log-ack {"level":"crit","message":"one","context":{"source":"node"}}')
    answer = producer.line_with('"ok":')
    assert json.loads(answer)["ack"]["ok"] is True
    heard = viewer.event("log")
    data = heard["data"]["data"]  # type: ignore[index]
    assert (data["level"], data["message"], data["context"]) == ("error", "one", {"source": "node", "level": "crit"})
    written = (tmp_path / "logs").glob("application-*.log")
    assert [message_of(line) for path in written for line in path.read_text().splitlines()] == ["one"]


def test_a_burst_over_polling_arrives_whole(hub: str, node: Node) -> None:
    """engineio takes 16 packets a request as it comes, and drops the others."""
    producer = node("producer.js", "--transports", "polling", hub)
    producer.line_with('"event":"connect"')
    producer.send("burst 20000 hello world this is a message")
    eventually("all are stored", lambda: stored(hub) == 20_000, 40)


def test_a_producer_that_ends_after_its_burst_loses_nothing(hub: str, node: Node) -> None:
    producer = node("producer.js", hub)
    producer.line_with('"event":"connect"')
    producer.send("burst 10000 last words")
    producer.send("quit")
    eventually("all are stored", lambda: stored(hub) == 10_000, 40)


def stored(hub: str) -> int:
    with urllib.request.urlopen(f"{hub}/api/stats") as response:
        return int(json.load(response)["stored"])
