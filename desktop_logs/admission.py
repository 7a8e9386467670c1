"""Who may use this program's hub: from the command line, the tokens file and the certificate to what a server takes."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

from desktop_logs.core.access import LOCAL_ACCESS, Access, Tokens
from desktop_logs.core.addresses import HUB_HOST
from desktop_logs.core.errors import StorageError, UserError
from desktop_logs.folders import tokens_file
from desktop_logs.net.tls import TlsFiles, certificate_problem, load, server_context
from desktop_logs.storage.tokens_file import make_tokens, read_tokens, tokens_command


@dataclass(frozen=True, slots=True)
class AccessOptions:
    """What the command line says. Tokens that it gives go before those in the data folder."""

    host: str = HUB_HOST
    origins: frozenset[str] = frozenset()
    viewer_token: str = field(default="", repr=False)
    producer_token: str = field(default="", repr=False)
    tls: TlsFiles | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """How a hub is to be started."""

    access: Access = LOCAL_ACCESS
    tls: ssl.SSLContext | None = None
    warnings: tuple[str, ...] = ()
    """Sentences that a person should read, though it can be started."""


def admit(options: AccessOptions, data_dir: Path) -> Admission:
    """What *options* come to; tokens are made where there are none yet. Raises UserError for what cannot be, and
    StorageError when tokens are needed and cannot be read or kept."""
    access, warnings = read_access(options, data_dir)
    context = None
    if options.tls is not None:
        context = server_context(options.tls)
        warnings += [certificate_problem(context)]
    elif not access.is_local:
        warnings.append(
            f"This hub listens on {access.host} without TLS: whoever can listen to the network between reads "
            "the tokens and the records. Give it a certificate with --tls-cert and --tls-key, unless you trust all "
            "who can."
        )
    return Admission(access, context, tuple(filter(None, warnings)))


def admit_again(before: Admission, options: AccessOptions, data_dir: Path) -> Access:
    """Read tokens and certificate of a hub that runs anew; the certificate is shown from now on. Raises as `admit`."""
    if options.tls is not None and before.tls is not None:
        load(before.tls, options.tls)
    return read_access(options, data_dir)[0]


def read_access(options: AccessOptions, data_dir: Path) -> tuple[Access, list[str]]:
    """Who may, and sentences about that. Raises as `admit`."""
    access = Access(_host(options.host), origins=options.origins)
    warnings = []
    try:
        tokens = _kept_tokens(access, options, data_dir)
    except StorageError as failure:
        needs_one = not access.is_local or access.origins
        if needs_one and not (options.viewer_token and options.producer_token):
            raise
        warnings.append(str(failure))
        tokens = Tokens()
    tokens = Tokens(options.viewer_token or tokens.viewer, options.producer_token or tokens.producer)
    if tokens.viewer and tokens.viewer == tokens.producer:
        raise UserError("The viewer token and the producer token must differ: who sends is not to read all logs.")
    return replace(access, tokens=tokens), warnings


def _kept_tokens(access: Access, options: AccessOptions, data_dir: Path) -> Tokens:
    path = tokens_file(data_dir)
    kept = read_tokens(path)
    if kept is None and not access.is_local and not (options.viewer_token or options.producer_token):
        raise UserError(
            f"A hub on {access.host} is open to the network, and {data_dir} has no tokens yet that viewers and "
            f"producers could show. Make them with: {tokens_command(data_dir)}"
        )
    return kept or make_tokens(path)


def _host(typed: str) -> str:
    """The address or name that *typed* stands for. Raises UserError."""
    host = typed.strip()
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ip_address(bare.partition("%")[0])
    except ValueError:
        if not bare or not all(letter.isalnum() or letter in ".-_" for letter in bare):
            raise UserError(
                f"--host {typed!r} is no address of a machine. Give one without a port, like 0.0.0.0 for every address "
                "that this one has; without --host only programs on it reach the hub."
            ) from None
    return HUB_HOST if bare.lower() == "localhost" else bare
