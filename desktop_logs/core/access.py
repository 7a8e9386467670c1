"""Who may do what at a hub: tokens, and which pages of browsers are let in. Pure: no headers, sockets or files."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import Flag
from ipaddress import ip_address
from typing import Final


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

    viewer: str = ""
    producer: str = ""

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


def is_loopback(host: str) -> bool:
    """True for a host, as one listens on it, that is reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
