"""TLS at the hub: its certificate and key, and what is wrong with them in a sentence. No sockets."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from desktop_logs.core.errors import UserError

HANDSHAKE_TIMEOUT_S: Final = 10.0
_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_NOT_YET: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate lies, with those between it and the root behind it, and where its key; both in PEM."""

    cert: Path
    key: Path


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """What a server speaks TLS with. Raises UserError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load(context, files)
    return context


def load(context: ssl.SSLContext, files: TlsFiles) -> None:
    """Make *context* show the certificate of *files* from now on; connections that are there keep theirs. Raises
    UserError, and nothing has changed then."""
    for option, path, what in (
        ("--tls-cert", files.cert, "CERTIFICATE-----"),
        ("--tls-key", files.key, "PRIVATE KEY-----"),
    ):
        try:
            text = path.read_bytes()
        except OSError as fault:
            raise UserError(f"{option} {path}: {fault.strerror or fault}. Name a file that can be read.") from None
        if what.encode() not in text and files.key == files.cert and option == "--tls-key":
            raise UserError(f"--tls-cert {path} holds no private key. Name the file that does with --tls-key.")
        if what.encode() not in text:
            raise UserError(f"{option} {path} holds no {what.strip('-').lower()} in PEM (-----BEGIN …).")
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_chain(trial, files)
    _load_chain(context, files)


def certificate_problem(context: ssl.SSLContext) -> str:
    """What viewers that check the certificate will object to, in a sentence; empty when its time is right.

    Found by a handshake with itself, in memory: Python's ssl tells a certificate's dates to nobody but a client.
    """
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    shown.check_hostname = False
    shown.verify_mode = ssl.CERT_NONE
    der = _handshake(context, shown).getpeercert(binary_form=True)
    checking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    checking.check_hostname = False
    # The certificate itself is what is trusted, whoever signed it: only its dates are left to be wrong.
    checking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    checking.load_verify_locations(cadata=der)
    try:
        _handshake(context, checking)
    except ssl.SSLCertVerificationError as wrong:
        if wrong.verify_code == _EXPIRED:
            return "The certificate of --tls-cert has expired: viewers will refuse it. Have it renewed."
        if wrong.verify_code == _NOT_YET:
            return "The certificate of --tls-cert is not valid yet: viewers will refuse it. Is the clock right?"
    return ""


def _load_chain(context: ssl.SSLContext, files: TlsFiles) -> None:
    def refuse_password() -> str:
        raise UserError(
            f"--tls-key {files.key} is encrypted, and nobody could type its password. Decrypt it into a file that is "
            "yours alone: openssl pkey -in KEY -out PLAIN"
        )

    try:
        context.load_cert_chain(files.cert, files.key, refuse_password)
    except ssl.SSLError as wrong:
        if wrong.reason == "KEY_VALUES_MISMATCH":
            raise UserError(f"--tls-key {files.key} is not the key of the certificate {files.cert}.") from None
        raise UserError(
            f"The certificate {files.cert} and its key {files.key} cannot be used: {wrong.reason or wrong}."
        ) from None


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """The client's end of a handshake between the two. Raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = client.wrap_bio(to_client, to_server)
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        for end in (theirs, ours):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue  # it waits for the other one
        if theirs.version() and not to_client.pending and not to_server.pending:
            break
    return theirs
