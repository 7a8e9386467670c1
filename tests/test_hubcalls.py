"""One request to a hub: whatever answers there, its answer is understood or told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from desktop_logs.cli import main
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError
from desktop_logs.hubcalls import HubClient

Answering = Callable[..., str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """`answering(body, status)` is the URL of a web server that answers that to whatever it is asked."""
    servers: list[ThreadingHTTPServer] = []

    def on_free_port(body: bytes, status: int = 200) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Silent."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.02}).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}"

    yield on_free_port
    for server in servers:
        server.shutdown()
        server.server_close()


STRANGE = [
    b'{"a":"b"}',
    b"[1]",
    b"{}",
    b"hello",
    b'{"accepted":"many","received":"many"}',
    b'{"accepted":1,"duplicates":0,"rejected":"all"}',
    b'{"accepted":1,"duplicates":0,"rejected":["one"]}',
    b'{"a":' * 100_000,
]


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("command", ["stats", "send"])
def test_what_no_hub_would_say_is_a_sentence(
    answering: Answering, capsys: pytest.CaptureFixture[str], command: str, body: bytes
) -> None:
    url = answering(body)
    assert main([command, url, "hello"][: 3 if command == "send" else 2]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"desktop-logs: ConnectError: {url[7:]} is no Desktop Logs hub")
    assert told.err.count("\n") == 1


def test_what_a_server_says_when_it_refuses_is_not_obeyed(answering: Answering) -> None:
    hub = HubClient(Target(ServerAddress(answering(b"no\x1b]0;owned\x07", 403))))
    with pytest.raises(ConnectError, match="refuses: no⟨ESC⟩.0;owned⟨BEL⟩"):
        hub.stats()
    hub.close()


def test_why_an_entry_was_refused_is_not_obeyed(answering: Answering) -> None:
    said = {"accepted": 0, "duplicates": 0, "rejected": [{"index": 0, "error": "\x1b[2J"}], "error": "\x1b[1m"}
    hub = HubClient(Target(ServerAddress(answering(json.dumps(said).encode(), 400))))
    answer = hub.post_entries(b"{}\n")
    assert (answer.rejected, answer.error) == ({0: "⟨ESC⟩[2J"}, "⟨ESC⟩[1m")
    hub.close()


def test_a_token_that_no_header_can_carry_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["stats", "--token", "a\nb"])
    assert ended.value.code == 2
    assert "Copy it again" in capsys.readouterr().err


def test_a_name_that_no_codec_takes_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "http://a..b:1"]) == 2
    assert "The name a..b:1 cannot be found" in capsys.readouterr().err
