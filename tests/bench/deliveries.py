"""100,000 records to 10 version 2 viewers of a headless hub: live, and from its full ring.

A delivery is a record in a batch that a viewer has acknowledged. The viewers are one Node program that decodes nothing,
so that what is measured is the hub. Live, the records come from two producers over HTTP, and the hub takes, writes and
delivers them at once: there the rate cannot be above what it takes, times the viewers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.pouring import BATCH, post
from tests.bench.processes import cpu_s
from tests.bench.report import Figure, Row, at_least
from tests.support.hubs import HubProgram
from tests.support.node import NodeProgram

RECORDS = 100_000
VIEWERS = 10
PRODUCERS = 2
WITHIN_S = 120.0


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(RECORDS)
    live, full, cpu_us = [], [], []
    for _ in range(bench.runs):
        with HubProgram(bench.new_folder()) as hub:
            assert hub.program is not None
            url = f"http://127.0.0.1:{hub.port}"
            live.append(_live(url, count))
            hub.settled()
            before_s = cpu_s(hub.program.pid)
            full.append(_from_ring(url, count))
            cpu_us.append((cpu_s(hub.program.pid) - before_s) / count / VIEWERS * 1e6)
        bench.tell("deliveries", live=live[-1], ring=full[-1], ring_server_us=cpu_us[-1])
    return [
        Row(
            f"{count:,} records to {VIEWERS} version 2 viewers, from a full ring: deliveries",
            Figure(full, "/s"),
            at_least(500_000),
        ),
        Row("… processor time of the hub for each", Figure(cpu_us, "µs")),
        Row("… live, while they are taken and written", Figure(live, "/s")),
    ]


def _live(url: str, count: int) -> float:
    """Deliveries a second from the first byte of the first record to the last acknowledgement."""
    each = count // PRODUCERS
    bodies = [list(texts.bodies(each, BATCH, number * each)) for number in range(PRODUCERS)]
    with NodeProgram("ack-viewers.js", url, str(VIEWERS), str(count)) as viewers:
        assert viewers.object() == {"connected": VIEWERS}
        viewers.send("subscribe tail")
        viewers.object()
        assert viewers.object() == {"subscribed": VIEWERS}
        threads = [threading.Thread(target=post, args=(url, part)) for part in bodies]
        began_s = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return _rate(viewers, began_s, count)


def _from_ring(url: str, count: int) -> float:
    """Deliveries a second from the first `subscribe` to the last acknowledgement."""
    with NodeProgram("ack-viewers.js", url, str(VIEWERS), str(count)) as viewers:
        assert viewers.object() == {"connected": VIEWERS}
        viewers.send("subscribe ring")
        return _rate(viewers, float(str(viewers.object()["began_s"])), count)


def _rate(viewers: NodeProgram, began_s: float, count: int) -> float:
    told = viewers.object(WITHIN_S)
    while "subscribed" in told:
        told = viewers.object(WITHIN_S)
    assert (told["received"], told["gaps"]) == (count * VIEWERS, 0), told
    return count * VIEWERS / (float(str(told["at_s"])) - began_s)
