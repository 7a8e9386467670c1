"""One HTTP connection to a hub's `POST /api/logs`, and what its answers mean. Standard library only; no queue, no
thread, no waiting between attempts."""

from __future__ import annotations

import contextlib

# A host's name is looked up with this codec. Were it imported by the first connect, a child forked in that moment would
# inherit the import's lock held by a thread that it does not have, and never connect.
import encodings.idna  # noqa: F401
import http.client
import json
import os
import socket
import ssl
import time
import urllib.parse
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

from desktop_logs.handlers.batches import Batch

_MAX_ANSWER_BYTES = 4_000_000
_MAX_RETRY_AFTER_S = 600.0
# Besides 429 and 5xx: the request was fine, the moment was not.
_LATER = (408, 425, 429)
# The hub read the batch and would not have it: it cannot be parsed, or is too large.
_OF_BATCH = (400, 413, 422)


class Verdict(Enum):
    """What the hub's answer says about a batch."""

    STORED = "stored"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    verdict: Verdict
    rejected: int = 0
    """Entries of a stored batch that the hub would not take."""
    reason: str = ""
    """Why the batch, or the first rejected entry, was not taken."""
    advice: str = ""
    """What a person can do about it."""
    is_of_batch: bool = False
    """Refused for what it is; another batch may be taken."""
    retry_after_s: float | None = None
    """How long the hub asked to be left alone."""


class HubConnection:
    """Posts batches to the hub at *url* over a connection that is kept. For one thread at a time, but for `abort`.

    Raises ValueError for a *url* that is none.
    """

    def __init__(self, url: str, token: str | None, timeout_s: float) -> None:
        try:
            parts = urllib.parse.urlsplit(url)
            port, is_web = parts.port, parts.scheme in ("http", "https")
        except ValueError:  # a bracket without its other, a port that is no number
            is_web = False
        if not is_web or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a hub. It looks like http://127.0.0.1:5647.")
        if token and not (token.isascii() and token.isprintable()):
            raise ValueError("the token holds characters that no token of a hub has. Copy it again from the hub.")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host = parts.hostname
        self._port = port
        self._path = f"{parts.path.rstrip('/').removesuffix('/api/logs')}/api/logs"
        self._timeout_s = timeout_s
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": "desktop-logs"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None
        self._is_aborted = False

    def post(self, batch: Batch, longest_s: float | None = None) -> Answer:
        """Send *batch* once more or for the first time, and say what came of it. Waits for the timeout at most, or
        *longest_s* where that is shorter; twice when the kept connection turns out to be closed. Raises nothing for
        what the network or the hub do."""
        timeout_s = self._timeout_s if longest_s is None else min(longest_s, self._timeout_s)
        connection = self._connection
        if connection is not None and not self._is_aborted:
            try:
                return self._exchange(connection, batch, timeout_s)
            except (OSError, http.client.HTTPException) as broken:
                self.close()
                if isinstance(broken, TimeoutError):
                    return self._not_reached(broken)
                # The hub closed the idle connection, or started anew; the batch is numbered and so safe to repeat.
        if self._is_aborted:
            return Answer(Verdict.LATER, reason="sending was broken off")
        connection = self._connection = self._make(self._host, self._port)
        try:
            return self._exchange(connection, batch, timeout_s)
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            return self._not_reached(broken)

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """Make a `post` that waits on another thread return, and all later ones at once."""
        self._is_aborted = True
        sock = getattr(self._connection, "sock", None)
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is closed already, which is what was wanted
                return

    def forget(self) -> None:
        """In a forked child: let go of the parent's connection without a word to the hub.

        Closing this process's copy of the descriptor leaves the parent's alone. Not through the objects around it: the
        parent's thread may have held their locks at the fork.
        """
        connection, self._connection = self._connection, None
        sock = getattr(connection, "sock", None)
        if sock is not None:
            try:
                os.close(sock.detach())
            except OSError:  # it was closed already
                return

    def _exchange(self, connection: http.client.HTTPConnection, batch: Batch, timeout_s: float) -> Answer:
        connection.timeout = timeout_s
        if connection.sock is None:
            # Not by request(): a connect that is reset would be suppressed below with the rest.
            connection.connect()
        else:
            connection.sock.settimeout(timeout_s)
        # A hub that refuses may answer and close before it has read all: its answer is still to be read. When there is
        # none, getresponse raises.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", self._path, batch.body, {**self._headers, **batch.headers})
        with connection.getresponse() as response:
            content = response.read(_MAX_ANSWER_BYTES)
            if response.length and len(content) < _MAX_ANSWER_BYTES:
                raise http.client.IncompleteRead(content, response.length)
            if not response.isclosed():
                self.close()  # more than any hub would answer: not worth reading on
            return self._judge(response.status, response.headers.get("Retry-After"), content)

    def _not_reached(self, why: BaseException) -> Answer:
        said, advice = str(why) or type(why).__name__, "Start it with: desktop-logs serve"
        if isinstance(why, ssl.SSLCertVerificationError):
            # Python's default context reads that variable; there is no other way to tell it of a CA of one's own.
            said = f"its certificate is not trusted: {why.verify_message}"
            advice = "Name a PEM file with what vouches for it in the environment variable SSL_CERT_FILE"
        elif isinstance(why, ssl.SSLError):
            advice = "Is it https there, or http?"
        return Answer(Verdict.LATER, reason=f"the hub at {self.url} cannot be reached ({said})", advice=advice)

    def _judge(self, status: int, retry_after: str | None, content: bytes) -> Answer:
        if status == 200:
            return self._stored(content)
        if status in _LATER or status >= 500:
            return Answer(Verdict.LATER, reason=f"it answered {status}", retry_after_s=_seconds(retry_after))
        reason = f"it answered {status}: {_first_line(content)}" if content else f"it answered {status}"
        if status in (401, 403):
            advice = "Ask who runs it."
            if status == 401 or b"token" in content:
                advice = "Give the handler the producer token; `desktop-logs tokens` prints it where the hub runs."
            return Answer(Verdict.REFUSED, reason=reason, advice=advice)
        advice = "Is that the address of a Desktop Logs hub?"
        return Answer(Verdict.REFUSED, reason=reason, advice=advice, is_of_batch=status in _OF_BATCH)

    def _stored(self, content: bytes) -> Answer:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict) or "accepted" not in answer:
            return Answer(
                Verdict.REFUSED,
                reason="what answers there is not a Desktop Logs hub",
                advice="Check the address that the handler was given.",
            )
        rejected = answer.get("rejected")
        if not isinstance(rejected, list) or not rejected:
            return Answer(Verdict.STORED)
        first = rejected[0]
        reason = str(first.get("error", "")) if isinstance(first, dict) else ""
        # The hub names the first hundred, and then says how many there are.
        in_all = answer.get("rejected_in_all")
        count = max(len(rejected), in_all) if type(in_all) is int else len(rejected)
        return Answer(Verdict.STORED, rejected=count, reason=reason)


def _seconds(retry_after: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None without a readable one."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S) if seconds == seconds else None


def _first_line(content: bytes) -> str:
    """What a person can read of an answer's body: one line, short, printable."""
    text = content[:2000].decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("error"), str):
        text = value["error"]
    line = text.splitlines()[0] if text else ""
    return "".join(character if character.isprintable() else "?" for character in line)[:200]
