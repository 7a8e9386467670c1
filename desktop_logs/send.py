"""Sends entries from the command line: `desktop-logs send`. Standard library only, no Qt."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.errors import ConnectError
from desktop_logs.hubcalls import HubClient
from desktop_logs.terminal import complain

BATCH_LINES = 500
BATCH_WAIT_S = 0.2
MAX_BATCH_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What the command line says."""

    address: ServerAddress
    token: str
    source: str
    level: str
    message: str
    """One message; empty to read lines from stdin."""


def send(options: SendOptions) -> int:
    """Send the message, or each line of stdin as it comes; 1 when an entry was refused. Raises ConnectError."""
    hub = HubClient(options.address, options.token)
    refused = sent = 0
    try:
        batches = (
            [[options.message.encode("utf-8", "surrogateescape")]] if options.message else _lines(sys.stdin.buffer)
        )
        for batch in batches:
            entries = [_entry(line, options) for line in batch]
            refused += _post(hub, entries, sent)
            sent += len(entries)
    except KeyboardInterrupt:
        return 130
    finally:
        hub.close()
    return 1 if refused else 0


def _post(hub: HubClient, entries: list[dict[str, Any]], sent_before: int) -> int:
    """Post one batch, trying again while the hub asks for patience; how many entries it refused."""
    body = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
    while True:
        answer = hub.post_entries(body)
        if answer.status == 429:
            time.sleep(1.0)
            continue
        if answer.status >= 500:
            raise ConnectError(f"The hub could not store the entries: {answer.error or f'HTTP {answer.status}'}")
        for index, reason in answer.rejected.items():
            complain(f"entry {sent_before + index + 1} was refused: {reason}")
        if answer.status == 413:
            complain(answer.error or "too large")
            return len(entries)
        return len(entries) - answer.accepted - answer.duplicates


def _entry(line: bytes, options: SendOptions) -> dict[str, Any]:
    """A line that is a JSON object is an entry as it stands; any other is a message."""
    text = line.decode("utf-8", "backslashreplace")
    entry: dict[str, Any] = {}
    if text.startswith("{"):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None  # a line that only looks like JSON, or nests beyond reason, is a message
        if isinstance(parsed, dict):
            entry = parsed
    if not entry:
        entry = {"message": text}
    if options.level:
        entry.setdefault("level", options.level)
    if options.source:
        context = entry.get("context")
        entry["context"] = {"source": options.source, **(context if isinstance(context, dict) else {})}
    return entry


def _lines(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Batches of the lines of *stream*, without empty ones; a line waits at most BATCH_WAIT_S for company."""
    waiting: queue.Queue[bytes | None] = queue.Queue(10 * BATCH_LINES)

    def read() -> None:
        for line in stream:
            waiting.put(line.rstrip(b"\r\n"))
        waiting.put(None)

    # A thread, since a pipe cannot be waited for with a time limit on Windows.
    threading.Thread(target=read, name="stdin", daemon=True).start()
    ended = False
    while not ended:
        batch: list[bytes] = []
        size = 0
        line = waiting.get()
        deadline_s = time.monotonic() + BATCH_WAIT_S
        while True:
            if line is None:
                ended = True
                break
            if line.strip():
                batch.append(line)
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
