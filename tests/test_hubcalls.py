"""One request to a hub: whatever answers there, its answer is understood or told in a sentence."""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from desktop_logs.cli import main
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError
from desktop_logs.hubcalls import HubClient

Answering = Callable[..., str]
COUNTERS = b'{"received":7}'


@pytest.fixture
def answering() -> Iterator[Answering]:
    """`answering(body, status)` is the URL of a web server that answers that to whatever it is asked."""
    servers: list[ThreadingHTTPServer] = []

    def on_free_port(body: bytes, status: int = 200, certificate: trustme.LeafCert | None = None) -> str:
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

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Silent: a client that does not like the certificate leaves."""

        servers.append(Server(("127.0.0.1", 0), Handler))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            servers[-1].socket = context.wrap_socket(servers[-1].socket, server_side=True)
        Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.02}).start()
        scheme = "http" if certificate is None else "https"
        return f"{scheme}://127.0.0.1:{servers[-1].server_address[1]}"

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


@pytest.mark.parametrize("command", ["stats", "send"])
@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "needs a token: Ask for it. Give it with --token, or in DESKTOP_LOGS_TOKEN."),
        (403, "refuses: Ask for it."),
    ],
)
def test_a_refusal_is_passed_on_in_the_hubs_words(
    answering: Answering, capsys: pytest.CaptureFixture[str], command: str, status: int, told: str
) -> None:
    url = answering(b"Ask for it.\n", status)
    assert main([command, url, "hello"][: 3 if command == "send" else 2]) == 2
    assert capsys.readouterr() == ("", f"desktop-logs: ConnectError: {url[7:]} {told}\n")


def test_over_tls_a_certificate_is_believed_by_its_authority_or_its_fingerprint(
    answering: Answering, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    authority, other = trustme.CA(), trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    url = answering(COUNTERS, certificate=certificate)
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    authority.cert_pem.write_to_path(str(ours))
    other.cert_pem.write_to_path(str(theirs))
    digits = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())).hexdigest()
    colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper()
    for trust in (["--ca", str(ours)], ["--fingerprint", digits], ["--fingerprint", colons]):
        assert main(["stats", url, *trust]) == 0
        assert capsys.readouterr().out.split() == ["received", "7"]
    advice = "Name what vouches for it with --ca, or the certificate itself with --fingerprint."
    for trust, told in [
        ([], advice),
        (["--ca", str(theirs)], advice),
        (["--fingerprint", "0" * 64], "shows another certificate than the one with that fingerprint."),
        (["--ca", str(tmp_path / "none.pem")], "cannot be read: No such file or directory. Name another."),
        (["--fingerprint", "12:34"], "A fingerprint is 64 hexadecimal digits (SHA-256)."),
    ]:
        assert main(["stats", url, *trust]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert told in said.err
        assert "_ssl.c" not in said.err


def test_http_where_tls_is_spoken_and_the_reverse_is_told(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, secure = answering(COUNTERS), answering(COUNTERS, certificate=trustme.CA().issue_cert("127.0.0.1"))
    assert main(["stats", plain.replace("http:", "https:")]) == 2
    assert capsys.readouterr().err.endswith(f" does not speak TLS. Try {plain}.\n")
    assert main(["stats", secure.replace("https:", "http:")]) == 2
    assert "ConnectError: 127.0.0.1:" in capsys.readouterr().err
