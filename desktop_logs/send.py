"""Sends entries from the command line: `desktop-logs send`. No Qt and no server."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import ConnectError
from desktop_logs.hubcalls import HubClient
from desktop_logs.terminal import complain

BATCH_LINES = 500
BATCH_WAIT_S = 0.2
MAX_BATCH_BYTES = 4_000_000
"""Of the body as it is sent, in which a character may take six; a hub takes 16 million."""
PATIENCE_S = 1.0
CLOSED_PATIENCE_S = 2.0  # the Retry-After of a hub whose disk is full

Line = tuple[int, bytes]
"""A line of stdin and its number, from 1."""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What the command line says."""

    target: Target
    source: str
    level: str
    message: str
    """One message; empty to read lines from stdin."""


def send(options: SendOptions) -> int:
    """Send the message, or each line of stdin as it comes; 1 when an entry was refused. Raises ConnectError."""
    sender = _Sender(options)
    try:
        if options.message:
            sender.send([(1, options.message.encode("utf-8", "surrogateescape"))])
        else:
            for lines in _lines(sys.stdin.buffer):
                sender.send(lines)
    except KeyboardInterrupt:
        return 130
    finally:
        sender.close()
    return 1 if sender.refused else 0


class _Sender:
    """Posts lines as numbered entries: a hub that gets a batch twice stores it once."""

    def __init__(self, options: SendOptions) -> None:
        self._options = options
        self._hub = HubClient(options.target)
        self._producer = str(uuid.uuid4())
        self._first = 0
        self._has_told_closed = False
        self.refused = 0

    def send(self, lines: list[Line]) -> None:
        """Post *lines* in as few bodies as MAX_BATCH_BYTES allows; a line that is larger alone is refused alone."""
        numbers: list[int] = []
        entries: list[bytes] = []
        size = 0
        for number, line in lines:
            entry = _encoded(line, self._options) if len(line) <= MAX_BATCH_BYTES else line
            if len(entry) > MAX_BATCH_BYTES:
                self._refuse(number, f"it takes over {MAX_BATCH_BYTES:,} bytes as an entry. Send it in smaller parts.")
                self.refused += 1
                continue
            if size + len(entry) > MAX_BATCH_BYTES:
                self._post(numbers, entries)
                numbers, entries, size = [], [], 0
            numbers.append(number)
            entries.append(entry)
            size += len(entry)
        if entries:
            self._post(numbers, entries)

    def close(self) -> None:
        """End the connection."""
        self._hub.close()

    def _post(self, numbers: list[int], entries: list[bytes]) -> None:
        """Post *entries*, the lines of *numbers*, again and again while the hub asks for patience."""
        headers = {"Desktop-Logs-Producer": self._producer, "Desktop-Logs-First": str(self._first)}
        body = b"".join(entries)
        told: set[int] = set()
        while True:
            answer = self._hub.post_entries(body, headers)
            # A hub that is busy may have looked at a part of the batch, and does not judge that part again.
            for index, reason in answer.rejected.items():
                if index not in told and 0 <= index < len(numbers):
                    told.add(index)
                    self._refuse(numbers[index], reason)
            # Whoever writes into the pipe should not be ended by a disk that is full for a while.
            is_closed = answer.status == 503 and not self._options.message
            if answer.status != 429 and not is_closed:
                break
            if is_closed and not self._has_told_closed:
                complain(f"The hub stores nothing for now, the lines wait: {answer.error or 'HTTP 503'}")
            self._has_told_closed = is_closed
            time.sleep(CLOSED_PATIENCE_S if is_closed else PATIENCE_S)
        self._has_told_closed = False
        if answer.status >= 500:
            raise ConnectError(f"The hub could not store the entries: {answer.error or f'HTTP {answer.status}'}")
        if answer.status != 200 and not told:
            complain(answer.error or f"The hub refused {len(entries)} entries: HTTP {answer.status}.")
        self._first += len(entries)
        self.refused += max(len(told), len(entries) - answer.accepted - answer.duplicates)

    def _refuse(self, number: int, reason: str) -> None:
        what = "the message" if self._options.message else f"line {number}"
        complain(f"{what} was refused: {reason}")


def _encoded(line: bytes, options: SendOptions) -> bytes:
    """*line* as an NDJSON entry: a JSON object is one as it stands, any other text is a message."""
    text = line.decode("utf-8", "backslashreplace")
    if text.startswith("{"):
        try:
            entry = json.loads(text)
            if entry:
                return _finished(entry, options)
        except (ValueError, RecursionError):
            pass  # a line that only looks like JSON, or nests beyond reason, is a message
    return _finished({"message": text}, options)


def _finished(entry: dict[str, Any], options: SendOptions) -> bytes:
    if options.level:
        entry.setdefault("level", options.level)
    if options.source:
        context = entry.get("context")
        entry["context"] = {"source": options.source, **(context if isinstance(context, dict) else {})}
    return json.dumps(entry).encode() + b"\n"


def _lines(stream: BinaryIO) -> Iterator[list[Line]]:
    """Batches of the lines of *stream*, without empty ones; a line waits at most BATCH_WAIT_S for company."""
    waiting: queue.Queue[bytes | None] = queue.Queue(10 * BATCH_LINES)

    def read() -> None:
        try:
            # Of a line without an end only as much is held as shows that it is too large.
            while line := stream.readline(MAX_BATCH_BYTES + 2):
                rest = line
                while len(rest) > MAX_BATCH_BYTES and not rest.endswith(b"\n"):
                    rest = stream.readline(MAX_BATCH_BYTES + 2)
                waiting.put(line.rstrip(b"\r\n"))
        except (OSError, ValueError) as failure:
            complain(f"stdin cannot be read any further: {failure}. What came before is sent.")
        waiting.put(None)

    # A thread, since a pipe cannot be waited for with a time limit on Windows.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    number = 0
    ended = False
    while not ended:
        batch: list[Line] = []
        size = 0
        line = waiting.get()
        deadline_s = time.monotonic() + BATCH_WAIT_S
        while True:
            if line is None:
                ended = True
                break
            number += 1
            if line.strip():
                batch.append((number, line))
                size += len(line)
            left_s = deadline_s - time.monotonic()
            if len(batch) >= BATCH_LINES or size >= MAX_BATCH_BYTES or left_s <= 0:
                break
            try:
                line = waiting.get(timeout=left_s)
            except queue.Empty:
                break
        if batch:
            yield batch
