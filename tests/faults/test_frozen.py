"""A viewer that is stopped in the midst of it all costs the hub nothing, and the others none of what they are sent.

`make soak` leaves two stopped for two minutes; how late the others become meanwhile is measured by `make bench`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import texts
from tests.bench.pouring import post
from tests.faults.test_burst import resident_bytes
from tests.support.handmade import descriptors
from tests.support.hubs import HubProgram, SteadyProducer, run_for
from tests.support.node import NodeProgram
from tests.support.program import eventually

FROZEN_S = float(os.environ.get("DESKTOP_LOGS_FROZEN_S", "3"))
RECORDS_PER_S = 10_000
RING_RECORDS = 100_000
OTHERS = 8
SCRIPTS = ("viewers.js", "ack-viewers.js")  # of version 1, and of version 2
MOST_GROWTH_BYTES = 32_000_000
GONE_WITHIN_S = 30.0
FOR_EVER = 10**9

Node = Callable[..., NodeProgram]


def test_viewers_that_are_stopped_take_no_memory_and_nothing_of_them_stays(tmp_path: Path, node: Node) -> None:
    with HubProgram(tmp_path, "--min-free-bytes", "0") as hub:
        assert hub.program is not None
        pid, url = hub.program.pid, f"http://127.0.0.1:{hub.port}"
        post(url, texts.bodies(RING_RECORDS, 2_000))  # what the ring takes is the hub's own
        others = [_viewers(node, script, url, OTHERS // 2) for script in SCRIPTS]
        frozen = [_viewers(node, script, url, 1) for script in SCRIPTS]
        producer = SteadyProducer(hub, "steady", RECORDS_PER_S)
        producer.start()
        try:
            run_for(1.5)
            before_bytes, before = resident_bytes(pid), descriptors(pid)
            for viewer in frozen:
                viewer.signal(signal.SIGSTOP)
            most_bytes, gone_s = _watched(hub, pid, before)
            assert gone_s is not None or FROZEN_S < GONE_WITHIN_S
            for viewer in frozen:
                viewer.signal(signal.SIGKILL)
            eventually("they are gone", lambda: _are_gone(hub, pid, before), GONE_WITHIN_S)
        finally:
            producer.end()
        print(f"grown by {most_bytes - before_bytes} bytes, gone after {gone_s} s")
        assert most_bytes - before_bytes <= MOST_GROWTH_BYTES
        everything = {"fewest": producer.acknowledged, "most": producer.acknowledged}
        eventually("all have come", lambda: _counts(others[0]) == everything)
        assert all(viewers.is_running for viewers in others)


def _viewers(node: Node, script: str, url: str, count: int) -> NodeProgram:
    """So many viewers, connected and subscribed."""
    program = node(script, url, str(count), str(FOR_EVER))
    assert program.object() == {"connected": count}
    if script == "ack-viewers.js":
        program.send("subscribe tail")
        program.line_with('"subscribed"')
    return program


def _watched(hub: HubProgram, pid: int, before: int) -> tuple[int, float | None]:
    """The most memory that the hub had while they were stopped, and after how long they were gone."""
    began_s, most_bytes, gone_s = time.monotonic(), 0, None
    while time.monotonic() < began_s + FROZEN_S:
        most_bytes = max(most_bytes, resident_bytes(pid))
        if gone_s is None and _are_gone(hub, pid, before):
            gone_s = time.monotonic() - began_s
            assert gone_s <= GONE_WITHIN_S
        time.sleep(0.1)
    return most_bytes, gone_s


def _are_gone(hub: HubProgram, pid: int, before: int) -> bool:
    """Whether the stopped ones are counted no more, and their sockets are closed."""
    return hub.stats()["viewers"] == OTHERS and descriptors(pid) <= before - len(SCRIPTS)


def _counts(viewers: NodeProgram) -> dict[str, object]:
    viewers.send("count")
    told = viewers.object()
    return {name: told[name] for name in ("fewest", "most")}
