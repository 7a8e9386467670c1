"""The hub over TLS: what is wrong with a certificate or key is a sentence, and what is right is spoken."""

from __future__ import annotations

import datetime
import os
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
import trustme

from desktop_logs.core.access import Access, Tokens
from desktop_logs.core.errors import ListenError, UserError
from desktop_logs.core.hub import Hub
from desktop_logs.net.server import HubServer
from desktop_logs.net.tls import TlsFiles, certificate_problem, load, server_context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def files_of(folder: Path, cert: trustme.LeafCert, name: str = "hub") -> TlsFiles:
    files = TlsFiles(folder / f"{name}.pem", folder / f"{name}.key")
    files.cert.write_bytes(b"".join(blob.bytes() for blob in cert.cert_chain_pems))
    files.key.write_bytes(cert.private_key_pem.bytes())
    return files


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> TlsFiles:
    return files_of(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))


async def test_a_hub_speaks_https(hub: Hub, files: TlsFiles, authority: trustme.CA) -> None:
    context = server_context(files)
    assert certificate_problem(context) == ""
    server = HubServer(hub, version="1", clock_ns=lambda: 0, report=lambda _: None, tls=context)
    await server.start(0)
    try:
        assert server.url == f"https://127.0.0.1:{server.port}"
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=trusting)) as session:
            async with session.post("/api/logs", json={"message": "over TLS"}) as response:
                assert response.status == 200
            async with session.ws_connect("/socket.io/?EIO=4&transport=websocket") as socket:
                await socket.send_str("40")
                assert (await socket.receive_str()).startswith("0{")
                assert (await socket.receive_str()).startswith("40{")
        assert [record.message for record in hub.ring.latest(9)] == ["over TLS"]
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://127.0.0.1:{server.port}/healthz")
    finally:
        await server.stop()


async def test_a_port_taken_by_a_hub_that_speaks_tls_is_told_with_its_version(hub: Hub, files: TlsFiles) -> None:
    first = HubServer(hub, version="1.2", clock_ns=lambda: 0, report=lambda _: None, tls=server_context(files))
    await first.start(0)
    try:
        second = HubServer(hub, version="1", clock_ns=lambda: 0, report=lambda _: None)
        with pytest.raises(ListenError, match=r"in use by another Desktop Logs \(desktop-logs 1\.2\)"):
            await second.start(first.port)
    finally:
        await first.stop()


async def test_a_hub_on_all_addresses_names_one_that_can_be_reached(hub: Hub, files: TlsFiles) -> None:
    for host, named in (("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("localhost", "127.0.0.1")):
        access = Access(host, Tokens("the-viewers-token-0001"))
        server = HubServer(hub, version="1", clock_ns=lambda: 0, report=lambda _: None, access=access)
        await server.start(0)
        try:
            assert server.url == f"http://{named}:{server.port}"
            async with aiohttp.ClientSession() as session, session.get(f"{server.url}/healthz") as response:
                assert response.status == 200
        finally:
            await server.stop()


def test_a_file_that_is_not_there_or_cannot_be_read_is_told(files: TlsFiles, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(UserError, match=r"--tls-cert .*missing\.pem: No such file"):
        server_context(TlsFiles(missing, files.key))
    with pytest.raises(UserError, match=r"--tls-key .*missing\.pem: No such file"):
        server_context(TlsFiles(files.cert, missing))
    with pytest.raises(UserError, match=r"--tls-key .*: Is a directory"):
        server_context(TlsFiles(files.cert, tmp_path))


def test_a_file_that_holds_something_else_is_told(files: TlsFiles, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--tls-cert .* holds no private key. Name the file that does with --tls-key"):
        server_context(TlsFiles(files.cert, files.cert))
    with pytest.raises(UserError, match="--tls-key .* holds no private key in PEM"):
        server_context(TlsFiles(files.cert, Path(__file__)))
    with pytest.raises(UserError, match="holds no certificate in PEM"):
        server_context(TlsFiles(files.key, files.key))
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(UserError, match="cannot be used"):
        server_context(TlsFiles(broken, files.key))


def test_a_key_of_another_certificate_is_told(files: TlsFiles, tmp_path: Path, authority: trustme.CA) -> None:
    other = files_of(tmp_path, authority.issue_cert("localhost"), "other")
    with pytest.raises(UserError, match="is not the key of the certificate"):
        server_context(TlsFiles(files.cert, other.key))


def test_an_encrypted_key_is_told_and_nobody_is_asked_for_its_password(files: TlsFiles, tmp_path: Path) -> None:
    encrypted = tmp_path / "encrypted.key"
    subprocess.run(
        ["openssl", "pkey", "-in", files.key, "-aes256", "-passout", "pass:secret", "-out", encrypted],
        check=True,
        timeout=30,
        env={**os.environ, "RANDFILE": str(tmp_path / "rnd")},
    )
    with pytest.raises(UserError, match="is encrypted"):
        server_context(TlsFiles(files.cert, encrypted))


def test_a_certificate_out_of_its_time_is_told(tmp_path: Path, authority: trustme.CA) -> None:
    now = datetime.datetime.now(datetime.UTC)
    old = authority.issue_cert(
        "localhost", not_before=now - datetime.timedelta(9), not_after=now - datetime.timedelta(2)
    )
    assert "has expired" in certificate_problem(server_context(files_of(tmp_path, old, "old")))


def test_one_file_may_hold_both(files: TlsFiles, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(files.key.read_bytes() + files.cert.read_bytes())
    assert certificate_problem(server_context(TlsFiles(both, both))) == ""


def test_a_renewed_certificate_is_shown_and_a_wrong_one_changes_nothing(
    files: TlsFiles, tmp_path: Path, authority: trustme.CA
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    old = authority.issue_cert(
        "localhost", not_before=now - datetime.timedelta(9), not_after=now - datetime.timedelta(2)
    )
    context = server_context(files_of(tmp_path, old, "old"))
    with pytest.raises(UserError):
        load(context, TlsFiles(files.cert, tmp_path / "old.key"))
    assert "has expired" in certificate_problem(context)
    load(context, files)
    assert certificate_problem(context) == ""
