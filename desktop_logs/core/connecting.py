"""What a person says of a server to connect to, and what a test of it tells. Pure: nothing is connected here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from desktop_logs.core.addresses import ServerAddress

Fault = Literal["name", "refused", "silent", "tls", "certificate", "no-socketio", "path", "token", "forbidden", "other"]
"""What failed, in the order in which a connection is made: the name was not found; nothing listens; no answer in time;
no TLS there, or only TLS; TLS, but its certificate is not trusted; no Socket.IO server; none at that path; the token is
missing or wrong; refused for another reason."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose certificates are believed: those that the system trusts, when neither is given."""

    ca_file: str = ""
    """A file of certificates (PEM) to be trusted instead of the system's."""
    fingerprint: str = ""
    """SHA-256 of the one certificate that is accepted, whatever else is wrong with it: 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and how to be let in."""

    address: ServerAddress
    token: str = field(default="", repr=False)
    trust: Trust = field(default_factory=Trust)
    query: str = ""
    """Only records that this selects are wanted; a version 2 hub sends no others."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server showed that could not be trusted."""

    fingerprint: str
    """SHA-256, 64 small hexadecimal digits."""
    problem: str
    """Why it is not trusted, as OpenSSL says it: `self-signed certificate`."""

    @property
    def spaced(self) -> str:
        """The fingerprint as it is compared by eye: pairs with colons, capital digits."""
        digits = self.fingerprint.upper()
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test of a connection has found."""

    sentence: str
    """For a person: what works (`Connected. A Desktop Logs hub 0.1.0, …`), or what failed and what to do."""
    fault: Fault | None = None
    """None when the server can be connected to."""
    certificate: Certificate | None = None
    """With the fault `certificate`: what may be accepted as an exception."""
