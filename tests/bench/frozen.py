"""1 of 10 viewers is stopped for two minutes at 10,000 records/s: memory, how late the others are, and what stays.

The viewers decode what they get, as real ones do, and take half a core together. Where other programs want the cores,
the figure before the stop tells so: the one during it is judged beside that.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.pouring import post, stats
from tests.bench.processes import resident_bytes
from tests.bench.report import Figure, Row, at_most
from tests.support.handmade import descriptors
from tests.support.hubs import HubProgram
from tests.support.node import NodeProgram

RECORDS_PER_S = 10_000
OTHERS = 9
BEFORE_S = 10
FROZEN_S = 120
RING_RECORDS = 100_000
GONE_WITHIN_S = 30.0
BATCH = 100
TEXT = "request served in 12 ms with status 200 for user 48213"
FOR_EVER = 10**9


class Run(NamedTuple):
    """What one stop did."""

    grown_mb: float
    before_p99_ms: float
    frozen_p99_ms: float
    gone_s: float
    """After how long the hub had let the stopped one go: counted no more, its socket closed."""


def measure(bench: Bench) -> Sequence[Row]:
    runs = []
    for _ in range(bench.runs):
        runs.append(_stopped(bench))
        bench.tell("frozen", **runs[-1]._asdict())
    grown, before, frozen, gone = zip(*runs, strict=True)
    late = Figure(frozen, "ms")
    return [
        Row(
            f"1 of {OTHERS + 1} viewers stopped at {RECORDS_PER_S:,} records/s: memory of the hub, more than before",
            Figure(grown, "MB"),
            at_most(32),
        ),
        Row(
            "… to another viewer, 99 of 100",
            late,
            at_most(2 * Figure(before, "ms").median),
            [("before the stop", Figure(before, "ms"))],
        ),
        Row("… until nothing of it is left", Figure(gone, "s"), at_most(GONE_WITHIN_S)),
    ]


def _stopped(bench: Bench) -> Run:
    frozen_s = FROZEN_S // 10 if bench.is_quick else FROZEN_S
    with HubProgram(bench.new_folder()) as hub:
        assert hub.program is not None
        pid, url = hub.program.pid, f"http://127.0.0.1:{hub.port}"
        post(url, texts.bodies(RING_RECORDS, 2_000))  # what the ring takes is the hub's own
        with (
            NodeProgram("logs-producer.js", url, str(BATCH)) as producer,
            NodeProgram("viewers.js", url, str(OTHERS - 1), str(FOR_EVER)) as others,
            NodeProgram("viewers.js", url, "1", str(FOR_EVER)) as frozen,
            NodeProgram("stopwatch.js", url, str(FOR_EVER)) as watching,
        ):
            for program in (producer, others, frozen, watching):
                assert "connected" in program.object()
            before_p99_ms = _p99_ms(producer, watching, BEFORE_S)
            before_bytes, before = resident_bytes(pid), descriptors(pid)
            frozen.signal(signal.SIGSTOP)
            began_s = time.monotonic()
            _begin(producer, watching, frozen_s)
            most_bytes, gone_s = 0, float("inf")
            # A quick run ends before the stopped one is let go; that is waited for, without records.
            while (now_s := time.monotonic() - began_s) < frozen_s or (gone_s > now_s and now_s < 2 * GONE_WITHIN_S):
                most_bytes = max(most_bytes, resident_bytes(pid))
                if stats(url)["viewers"] == OTHERS and descriptors(pid) < before:
                    gone_s = min(gone_s, time.monotonic() - began_s)
                time.sleep(0.5)
            frozen_p99_ms = float(str(watching.object(60 + frozen_s)["p99_ms"]))
            frozen.signal(signal.SIGKILL)
    return Run((most_bytes - before_bytes) / 1e6, before_p99_ms, frozen_p99_ms, gone_s)


def _begin(producer: NodeProgram, watching: NodeProgram, seconds: int) -> None:
    count = RECORDS_PER_S * seconds
    watching.send(f"lap {count}")
    assert watching.object() == {"lap": count}
    producer.send(f"pace {RECORDS_PER_S} {count} {TEXT}")


def _p99_ms(producer: NodeProgram, watching: NodeProgram, seconds: int) -> float:
    """The 99th percentile, after a second that is not counted."""
    for lap_s in (1, seconds):
        _begin(producer, watching, lap_s)
        told = watching.object(60 + lap_s)
    return float(str(told["p99_ms"]))
