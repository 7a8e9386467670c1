"""How long the window stalls while a burst comes in: a real window under Xvfb, real sockets, five times.

    .venv/bin/python -m tests.bench.burst [RECORDS]

Not part of the tests: a figure depends on the machine. Prints a line for each run and the median.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from tests.support.display import Display
from tests.support.node import NodeProgram
from tests.support.program import Program, eventually

RUNS = 5
BATCH = 500


def run(display: Display, count: int, way: str) -> tuple[float, int]:
    """Records a second until all rows are in the model, and the longest stall in ms."""
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "desktop_logs", "--port", "0", "--data-dir", data]
        window = Program(command, env=display.env())
        try:
            port = int(window.line_with("^listening").rpartition(":")[2])
            time.sleep(2)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            began_s = time.perf_counter()
            if way == "posted":
                post(connection, count)
                node = None
            else:
                node = NodeProgram("producer.js", f"http://127.0.0.1:{port}")
                node.line_with('"event":"connect"')
                began_s = time.perf_counter()
                node.send(f"burst {count} request served in 12 ms with status 200 for user 48213")
            eventually("all are shown", lambda: stats(connection)["window_shown"] == count, 120, 0.02)
            took_s = time.perf_counter() - began_s
            stall_ms = stats(connection)["window_longest_stall_ms"]
            connection.close()
            if node is not None:
                node.end()
        finally:
            window.end()
    return count / took_s, stall_ms


def post(connection: http.client.HTTPConnection, count: int) -> None:
    for first in range(0, count, BATCH):
        entries = [
            {"level": "info", "message": f"request {number} served in 12 ms", "context": {"source": "api", "n": number}}
            for number in range(first, min(first + BATCH, count))
        ]
        connection.request("POST", "/api/logs", json.dumps(entries).encode())
        connection.getresponse().read()


def stats(connection: http.client.HTTPConnection) -> dict[str, int]:
    connection.request("GET", "/api/stats")
    told = json.loads(connection.getresponse().read())
    assert isinstance(told, dict)
    return told


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        display = Display(Path(folder))
        try:
            for way in ("posted", "single events from Node"):
                figures = [run(display, count, way) for _ in range(RUNS)]
                for rate, stall_ms in figures:
                    sys.stdout.write(f"{count:,} {way}: {rate:8,.0f} records/s, longest stall {stall_ms} ms\n")
                rate = statistics.median(rate for rate, _ in figures)
                stall_ms = statistics.median(stall for _, stall in figures)
                sys.stdout.write(f"{count:,} {way}, median: {rate:,.0f} records/s, longest stall {stall_ms} ms\n")
        finally:
            display.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
