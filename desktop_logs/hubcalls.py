"""One HTTP request to a hub, with a sentence when it fails. The standard library's client, no proxies."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from desktop_logs.core.connecting import Target, Trust
from desktop_logs.core.errors import ConnectError
from desktop_logs.core.safe_text import one_line
from desktop_logs.net.trust import client_context, is_accepted

TIMEOUT_S = 30.0
NOT_NUMBERED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hub says to a batch of entries."""

    status: int
    accepted: int
    duplicates: int
    rejected: Mapping[int, str]
    """Why an entry was not taken, by its index in the batch; a hub tells the first hundred."""
    error: str
    """Why the batch was not taken whole; may be empty."""


class _SecureConnection(http.client.HTTPSConnection):
    """TLS with what *trust* believes."""

    def __init__(self, host: str, port: int | None, trust: Trust) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S, context=client_context(trust))
        self._trust = trust

    def connect(self) -> None:
        super().connect()
        if self._trust.fingerprint and not is_accepted(self._trust, self.sock.getpeercert(True) or b""):
            self.close()
            raise ConnectError(f"{self.host}:{self.port} shows another certificate than the one with that fingerprint.")


class HubClient:
    """A kept connection to one hub. Not for several threads."""

    def __init__(self, target: Target) -> None:
        """Raises ConnectError when the target's file of certificates cannot be used."""
        self._address = target.address
        self._headers = {"Authorization": f"Bearer {target.token}"} if target.token else {}
        parts = urlsplit(target.address.url)
        host = parts.hostname or ""
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            self._connection = _SecureConnection(host, parts.port, target.trust)
        else:
            self._connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)

    def stats(self) -> dict[str, int]:
        """The hub's counters, at least one. Raises ConnectError."""
        status, told = self._request("GET", "/api/stats", None, {})
        if status != 200:
            raise ConnectError(f"{self._address.host} is no Desktop Logs hub: it answers HTTP {status} to /api/stats.")
        if "received" not in told or not all(type(value) is int for value in told.values()):
            raise ConnectError(f"{self._address.host} is no Desktop Logs hub: what it answers are no counters of one.")
        return {one_line(name): value for name, value in told.items()}

    def post_entries(self, body: bytes, numbering: Mapping[str, str] = NOT_NUMBERED) -> Answer:
        """Post NDJSON entries; the hub's answer. *numbering* are the headers that name the producer and the first
        entry's number, without which a repeat is stored again. Raises ConnectError when no hub answers."""
        headers = {"Content-Type": "application/x-ndjson", **numbering}
        status, told = self._request("POST", "/api/logs", body, headers)
        answer = _answer(status, told)
        if answer is None:
            raise ConnectError(
                f"{self._address.host} is no Desktop Logs hub: it answers HTTP {status} to /api/logs. "
                "A server of another kind can be read with tail, but not be sent to."
            )
        return answer

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        host = self._address.host
        try:
            response, text = self._exchange(method, path, body, {**self._headers, **headers})
        except ConnectionRefusedError:
            raise ConnectError(
                f"Nothing listens on {host}. Start the hub with `desktop-logs` or `desktop-logs serve`, "
                "or name another URL."
            ) from None
        except (socket.gaierror, UnicodeError):  # a name with an empty part is no name to Python's codec for them
            raise ConnectError(f"The name {host} cannot be found. Check the spelling.") from None
        except TimeoutError:
            raise ConnectError(f"{host} does not answer within {TIMEOUT_S:.0f} seconds.") from None
        except ssl.SSLCertVerificationError as failure:
            raise ConnectError(
                f"The certificate of {host} is not trusted: {failure.verify_message}. Name what vouches for it with "
                "--ca, or the certificate itself with --fingerprint."
            ) from None
        except ssl.SSLError:
            plain = self._address.url.replace("https://", "http://")
            raise ConnectError(f"{host} does not speak TLS. Try {plain}.") from None
        except http.client.RemoteDisconnected:
            perhaps = f" If it speaks TLS only, try https://{host}." if self._address.url.startswith("http:") else ""
            raise ConnectError(
                f"{host} closed the connection without an answer. Is it a web server?{perhaps}"
            ) from None
        except (OSError, http.client.HTTPException) as failure:
            # What is no HTTP is quoted in the failure's text.
            said = one_line(str(failure)[:200]) or type(failure).__name__
            is_cut = isinstance(failure, ConnectionError) and self._address.url.startswith("http:")
            perhaps = f" If it speaks TLS only, try https://{host}." if is_cut else ""
            raise ConnectError(f"{host} cannot be spoken to: {said}.{perhaps}") from None
        if response.status == 401:
            raise ConnectError(
                f"{host} needs a token: {one_line(text.decode('utf-8', 'replace').strip()[:200])} "
                "Give it with --token, or in DESKTOP_LOGS_TOKEN."
            )
        if response.status == 403:
            raise ConnectError(f"{host} refuses: {one_line(text.decode('utf-8', 'replace').strip()[:200])}")
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = {}
        return response.status, told if isinstance(told, dict) else {}

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        was_kept = self._connection.sock is not None
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        except (BrokenPipeError, ConnectionResetError):
            self._connection.close()
            if not was_kept or (body is not None and "Desktop-Logs-First" not in headers):
                raise
            # A hub closes a connection that was idle for long, or has started anew; what is numbered may be repeated.
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        return response, response.read()


def _answer(status: int, told: Mapping[str, Any]) -> Answer | None:
    """*told* as a hub's answer; None when no hub would say that."""
    counts = [told.get(name) for name in ("accepted", "duplicates")]
    rejected, error = told.get("rejected", []), told.get("error", "")
    if not all(type(count) is int for count in counts) or not isinstance(rejected, list) or not isinstance(error, str):
        return None
    reasons: dict[int, str] = {}
    for refusal in rejected:
        if not isinstance(refusal, dict) or type(refusal.get("index")) is not int:
            return None
        reasons[refusal["index"]] = one_line(str(refusal.get("error", "")))
    return Answer(status, int(counts[0] or 0), int(counts[1] or 0), reasons, one_line(error))
