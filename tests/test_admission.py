"""What the command line, the tokens file and the certificate come to, and what is refused before a hub starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trustme

from desktop_logs.admission import AccessOptions, Admission, admit, admit_again
from desktop_logs.core.access import Rights
from desktop_logs.core.errors import StorageError, UserError
from desktop_logs.folders import tokens_file
from desktop_logs.net.tls import TlsFiles
from desktop_logs.storage.tokens_file import make_tokens, read_tokens

VIEWER, PRODUCER = "the-viewers-token-0001", "the-producers-token-01"


def test_a_hub_of_this_machine_makes_its_tokens_and_asks_programs_for_none(tmp_path: Path) -> None:
    admission = admit(AccessOptions(), tmp_path)
    assert admission.warnings == ()
    assert admission.access.host == "127.0.0.1"
    assert admission.access.tokens == read_tokens(tokens_file(tmp_path))
    assert Rights.VIEW in admission.access.rights("")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.168.1.5", "loghost", "fe80::1%eth0"])
def test_a_hub_of_others_is_refused_without_tokens(tmp_path: Path, host: str) -> None:
    with pytest.raises(UserError, match="desktop-logs tokens --data-dir"):
        admit(AccessOptions(host), tmp_path)
    assert not tokens_file(tmp_path).exists()


def test_a_hub_of_others_is_let_with_tokens_and_warned_without_tls(tmp_path: Path) -> None:
    kept = make_tokens(tokens_file(tmp_path))
    admission = admit(AccessOptions("0.0.0.0"), tmp_path)
    assert admission.access.tokens == kept
    assert "without TLS" in admission.warnings[0]


def test_tokens_of_the_command_line_go_before_those_that_are_kept(tmp_path: Path) -> None:
    admission = admit(AccessOptions("0.0.0.0", viewer_token=VIEWER), tmp_path)
    kept = read_tokens(tokens_file(tmp_path))
    assert kept is not None
    assert admission.access.tokens.viewer == VIEWER
    assert admission.access.tokens.producer == kept.producer
    with pytest.raises(UserError, match="must differ"):
        admit(AccessOptions(viewer_token=VIEWER, producer_token=VIEWER), tmp_path)


def test_spoiled_tokens_stop_a_hub_that_needs_them_and_no_other(tmp_path: Path) -> None:
    """Programs on this machine log on, whatever has become of a file that they do not need."""
    tokens_file(tmp_path).write_text("{oops")
    local = admit(AccessOptions(), tmp_path)
    assert "tokens" in local.warnings[0]
    assert local.access.rights("", is_page=True) is Rights.NONE
    for options in (AccessOptions("0.0.0.0"), AccessOptions(origins=frozenset(("http://localhost:3000",)))):
        with pytest.raises(StorageError):
            admit(options, tmp_path)
    given = admit(AccessOptions("0.0.0.0", viewer_token=VIEWER, producer_token=PRODUCER), tmp_path)
    assert given.access.rights(VIEWER) is Rights.VIEW


@pytest.mark.parametrize("host", ["", " ", "a b", "http://a", "a:80", "a/b", "[::1", "127.0.0.1:5647", "*"])
def test_what_is_no_host_is_told(tmp_path: Path, host: str) -> None:
    with pytest.raises(UserError, match="is no address of a machine"):
        admit(AccessOptions(host), tmp_path)


@pytest.mark.parametrize(
    ("typed", "host"),
    [("localhost", "127.0.0.1"), ("LocalHost", "127.0.0.1"), ("[::1]", "::1"), ("127.0.0.2", "127.0.0.2")],
)
def test_loopback_needs_no_token_however_it_is_spelt(tmp_path: Path, typed: str, host: str) -> None:
    admission = admit(AccessOptions(typed), tmp_path)
    assert admission.access.host == host
    assert admission.access.is_local


def test_tokens_and_certificate_are_read_again(tmp_path: Path) -> None:
    cert = trustme.CA().issue_cert("localhost")
    files = TlsFiles(tmp_path / "hub.pem", tmp_path / "hub.key")
    files.cert.write_bytes(cert.cert_chain_pems[0].bytes())
    files.key.write_bytes(cert.private_key_pem.bytes())
    options = AccessOptions(tls=files)
    before = admit(options, tmp_path)
    assert before.tls is not None
    assert before.warnings == ()
    kept = {"viewer": VIEWER, "producer": PRODUCER}
    tokens_file(tmp_path).write_text(json.dumps(kept))
    assert admit_again(before, options, tmp_path).tokens.viewer == VIEWER
    files.key.write_text("")
    with pytest.raises(UserError, match="holds no private key"):
        admit_again(before, options, tmp_path)


def test_a_hub_is_admitted_to_loopback_without_options() -> None:
    assert Admission().access.is_local
