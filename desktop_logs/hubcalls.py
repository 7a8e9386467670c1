"""One HTTP request to a hub, with a sentence when it fails. Standard library only; no proxies, no Socket.IO."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.errors import ConnectError

TIMEOUT_S = 30.0


class HubClient:
    """A kept connection to one hub. Not for several threads."""

    def __init__(self, address: ServerAddress, token: str = "") -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        parts = urlsplit(address.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at *path*. Raises ConnectError."""
        status, told = self._request("GET", path, None, {})
        if status != 200:
            raise ConnectError(f"{self._address.host} is no Desktop Logs hub, or refuses: HTTP {status} for {path}.")
        return told

    def post_entries(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Post NDJSON entries; the status and the hub's answer. Raises ConnectError when no hub answers."""
        status, told = self._request("POST", "/api/logs", body, {"Content-Type": "application/x-ndjson"})
        if "accepted" not in told:
            raise ConnectError(
                f"{self._address.host} is no Desktop Logs hub: it answers HTTP {status} to /api/logs. "
                "A server of another kind can be read with tail, but not be sent to."
            )
        return status, told

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        host = self._address.host
        try:
            self._connection.request(method, path, body, {**self._headers, **headers})
            response = self._connection.getresponse()
            text = response.read()
        except ConnectionRefusedError:
            raise ConnectError(
                f"Nothing listens on {host}. Start the hub with `desktop-logs` or `desktop-logs serve`, "
                "or name another URL."
            ) from None
        except socket.gaierror:
            raise ConnectError(f"The name {host} cannot be found. Check the spelling.") from None
        except TimeoutError:
            raise ConnectError(f"{host} does not answer within {TIMEOUT_S:.0f} seconds.") from None
        except ssl.SSLError as failure:
            raise ConnectError(f"{host} cannot be spoken to over TLS: {failure.reason or failure}.") from None
        except (OSError, http.client.HTTPException) as failure:
            raise ConnectError(f"{host} cannot be spoken to: {failure or type(failure).__name__}.") from None
        if response.status == 403:
            raise ConnectError(f"{host} refuses: {text.decode('utf-8', 'replace').strip()[:200]}")
        try:
            told = json.loads(text)
        except ValueError:
            told = {}
        return response.status, told if isinstance(told, dict) else {}
