"""The options of commands that run a hub: where it listens, where it keeps things, who may use it. Starts none."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_logs import helptexts
from desktop_logs.core.access import check_token, parse_origin
from desktop_logs.core.addresses import DEFAULT_PORT, HUB_HOST
from desktop_logs.core.errors import UserError

if TYPE_CHECKING:
    from desktop_logs.admission import AccessOptions


def add_port_and_data_dir(parser: argparse.ArgumentParser) -> None:
    """Where it listens, and what `add_data_dir` adds."""
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, metavar="N", help=f"the hub's port ({DEFAULT_PORT})"
    )
    add_data_dir(parser)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Where it keeps what it writes."""
    parser.add_argument("--data-dir", metavar="DIR", help="where files are kept (the user's data folder)")


def add_access(parser: argparse.ArgumentParser) -> None:
    """Who may use it."""
    group = parser.add_argument_group("who may use the hub", helptexts.ACCESS_HELP)
    group.add_argument(
        "--host", default=HUB_HOST, metavar="H", help="listen on this address; 0.0.0.0 for all of IPv4, :: of IPv6"
    )
    group.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        type=_origin,
        metavar="URL",
        help="let in pages of http://localhost:3000, say, with a token; may be given again",
    )
    seen = "in place of the one kept; whoever lists the processes sees it"
    group.add_argument("--viewer-token", type=_secret, metavar="T", help=seen)
    group.add_argument("--producer-token", type=_secret, metavar="T", help=seen)
    group.add_argument("--tls-cert", type=Path, metavar="FILE", help="serve https with this certificate (PEM)")
    group.add_argument("--tls-key", type=Path, metavar="FILE", help="its key (PEM), unless it is in the same file")


def access_options(options: argparse.Namespace) -> AccessOptions:
    """What was typed of `add_access`. Raises UserError."""
    from desktop_logs.admission import AccessOptions
    from desktop_logs.net.tls import TlsFiles

    cert, key = options.tls_cert, options.tls_key
    if key is not None and cert is None:
        raise UserError("--tls-key is of no use without --tls-cert.")
    return AccessOptions(
        options.host,
        frozenset(options.allow_origin),
        options.viewer_token or "",
        options.producer_token or "",
        TlsFiles(cert, key or cert) if cert is not None else None,
    )


def asked_of_hub(options: argparse.Namespace, hub_path: str) -> dict[str, str]:
    """How the hub is to run, as far as it was typed, by the names of HUB_OPTIONS."""
    typed = {
        "--port": str(options.port or ""),  # 0 is any, and so is that of a hub which runs already
        "--path": hub_path,
        "--host": HUB_HOST if options.host == "localhost" else options.host or "",
        "--allow-origin": " ".join(sorted(set(options.allow_origin))),
        "--viewer-token": options.viewer_token or "",
        "--producer-token": options.producer_token or "",
        "--tls-cert": os.path.abspath(options.tls_cert) if options.tls_cert is not None else "",
        "--tls-key": os.path.abspath(options.tls_key) if options.tls_key is not None else "",
    }
    return {name: value for name, value in typed.items() if value}


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 1 to 65535, or 0 for any free one")
    return int(text)


def _origin(text: str) -> str:
    try:
        return parse_origin(text)
    except UserError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _secret(text: str) -> str:
    try:
        return check_token(text)
    except UserError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
