"""The options of commands that speak to a server: where it is, the token, whose certificates are believed."""

from __future__ import annotations

import argparse
import os
from typing import Final

from desktop_logs.core.addresses import LOCAL_URL, ServerAddress
from desktop_logs.core.connecting import Target, Trust

TOKEN_VARIABLE: Final = "DESKTOP_LOGS_TOKEN"
"""Of the environment: a token on the command line is seen by whoever lists the processes."""


def add_server(parser: argparse.ArgumentParser) -> None:
    """The URL, and what `add_token` adds."""
    parser.add_argument("url", nargs="?", default=LOCAL_URL, metavar="URL", help=f"the server ({LOCAL_URL})")
    add_token(parser)


def add_token(parser: argparse.ArgumentParser) -> None:
    """How to be let in, and whom to believe."""
    parser.add_argument(
        "--token",
        type=_token,
        default=token_of_environment(),
        metavar="T",
        help=f"for servers that ask for one (${TOKEN_VARIABLE})",
    )
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca", default="", metavar="FILE", help="certificates to trust instead of the system's (PEM)")
    trust.add_argument("--fingerprint", default="", metavar="HEX", help="SHA-256 of the one certificate to accept")


def target_of(options: argparse.Namespace, url: str, path: str = "") -> Target:
    """The server at *url* as the parsed *options* say. Raises UserError."""
    from desktop_logs.net.trust import parse_fingerprint

    fingerprint = parse_fingerprint(options.fingerprint) if options.fingerprint else ""
    return Target(ServerAddress.parse(url, path), options.token, Trust(options.ca, fingerprint))


def token_of_environment() -> str:
    """The token that the environment holds; empty without one."""
    return os.environ.get(TOKEN_VARIABLE, "")


def _token(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise argparse.ArgumentTypeError("the token holds characters that no token has. Copy it again from the server")
    return text
