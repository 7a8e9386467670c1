"""Posts records to a hub over one connection: as fast as it answers, or so many a second until it is ended.

python -m tests.bench.pouring URL RATE FIRST   a process of its own that posts RATE records a second
"""

from __future__ import annotations

import http.client
import json
import signal
import sys
import time
import urllib.request
from collections.abc import Iterable

from tests.bench import texts

BATCH = 500
STEP_S = 0.05


def post(url: str, bodies: Iterable[bytes]) -> None:
    """Post *bodies* one after the other; each has been stored when the next one goes."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        for body in bodies:
            connection.request("POST", "/api/logs", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            said = response.read()
            assert response.status == 200, said
    finally:
        connection.close()


def stats(url: str) -> dict[str, int]:
    """The hub's counters."""
    with urllib.request.urlopen(f"{url}/api/stats", timeout=60) as response:
        told = json.load(response)
    assert isinstance(told, dict)
    return told


def pour(url: str, rate: int, first: int) -> None:
    """Post *rate* records a second, numbered from *first*, for ever."""
    batch = round(rate * STEP_S)

    def paced() -> Iterable[bytes]:
        due_s, number = time.perf_counter(), first
        while True:
            yield from texts.bodies(batch, batch, number)
            number += batch
            due_s += STEP_S
            time.sleep(max(due_s - time.perf_counter(), 0))

    post(url, paced())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    pour(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
