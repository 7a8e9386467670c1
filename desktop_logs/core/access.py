"""Who may do what at a hub: tokens, and which pages of browsers are let in. Pure: no headers, sockets or files."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import Flag
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from desktop_logs.core.errors import UserError

MIN_TOKEN_CHARACTERS: Final = 16
ALL_ADDRESSES: Final = MappingProxyType({"0.0.0.0": "127.0.0.1", "::": "::1"})
"""What to listen on stands for every address of this machine, of IPv4 and of IPv6; and by which it reaches itself."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Rights(Flag):
    """What a client may do. (A token for sending reads nothing, so that it may lie in a program's configuration.)"""

    NONE = 0
    VIEW = 1
    """Receive records, search, read the counters."""
    SEND = 2
    """Send entries."""


BOTH: Final = Rights.VIEW | Rights.SEND


@dataclass(frozen=True, slots=True)
class Tokens:
    """The hub's secrets; the empty string stands for none, which nobody can show."""

    viewer: str = field(default="", repr=False)
    producer: str = field(default="", repr=False)

    def rights(self, shown: str) -> Rights:
        """What the token *shown* allows. Takes as long for a wrong one as for a right one of its length."""
        given = shown.encode("utf-8", "surrogatepass")
        rights = Rights.NONE
        for token, right in ((self.viewer, Rights.VIEW), (self.producer, Rights.SEND)):
            # Both are always compared: the time taken tells nothing of either.
            if hmac.compare_digest(token.encode(), given) and token:
                rights |= right
        return rights


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in by a hub that listens on *host*."""

    host: str = "127.0.0.1"
    """The address that it listens on: `0.0.0.0` is every one of IPv4, `::` of IPv6."""
    tokens: Tokens = field(default_factory=Tokens)
    origins: frozenset[str] = frozenset()
    """The `Origin` of each page that may use the hub, in a browser's spelling: `http://localhost:3000`."""

    @property
    def is_local(self) -> bool:
        """True when only programs of this machine can reach the hub."""
        return is_loopback(self.host)

    def rights(self, token: str, *, is_page: bool = False) -> Rights:
        """What a client may do that shows *token*; a program of this machine needs none, a page in a browser does."""
        return BOTH if self.is_local and not is_page else self.tokens.rights(token)


LOCAL_ACCESS: Final = Access()
"""That of a hub which listens on loopback and lets no page in."""


def check_token(token: str) -> str:
    """*token*, when it can be a hub's secret. Raises UserError with a sentence."""
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UserError("A token may hold letters, digits and signs of ASCII, and no blanks.")
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise UserError(f"A token needs at least {MIN_TOKEN_CHARACTERS} characters, so that nobody guesses it.")
    return token


def parse_origin(typed: str) -> str:
    """The `Origin` that a browser sends for a page at *typed*, `http://localhost:3000`. Raises UserError."""
    advice = "Give it as the browser's address bar begins, like http://localhost:3000."
    try:
        parts = urlsplit(typed.strip())
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise UserError(f"{typed!r} is not the origin of a page. {advice}") from None
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    is_name = host.isascii() and host.isprintable() and not set(host) & set(" *,\\'\"<>")
    if parts.scheme not in _DEFAULT_PORTS or not host or not is_bare or not is_name:
        raise UserError(f"{typed!r} is not the origin of a page. {advice}")
    shown = f"[{host}]" if ":" in host else host
    # A browser leaves out the port that its scheme has anyway.
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else "")


def is_loopback(host: str) -> bool:
    """True for a host, as one listens on it, that is reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
