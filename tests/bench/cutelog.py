"""cutelog 2.2.0, the nearest peer: 100,000 records over TCP, then filters over them. Measured once for all figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.bench import Bench
from tests.bench.processes import own_bytes
from tests.bench.texts import FILTERS
from tests.bench.windows import SETTLE_S, Cutelog, cutelog_packets

RECORDS = 100_000


@dataclass(frozen=True, slots=True)
class CutelogRun:
    """One start of cutelog."""

    rate: float
    """Records a second until all were in its table."""
    stall_ms: float
    record_bytes: float
    filter_ms: dict[str, float]
    """By the kind of filter, until the button that sets it is free again."""


def cutelog_runs(bench: Bench) -> Sequence[CutelogRun]:
    return [_run(bench, number) for number in range(bench.runs)]


def _run(bench: Bench, number: int) -> CutelogRun:
    count = bench.count(RECORDS)
    packets = cutelog_packets(count)
    with Cutelog(bench.display, bench.new_folder()) as window:
        time.sleep(SETTLE_S)
        window.do("tidy")
        before_bytes = own_bytes(window.pid)
        window.do("reset")
        began_s = time.perf_counter()
        window.pour(packets)
        rate = window.rate_of_rows(count, began_s)
        time.sleep(SETTLE_S)
        stall_ms = window.stall_ms()
        window.do("tidy")
        record_bytes = (own_bytes(window.pid) - before_bytes) / count
        bench.tell("cutelog", rate=rate, stall_ms=stall_ms, record_bytes=record_bytes)
        filter_ms = {}
        for variants in FILTERS:
            wanted = variants[number % len(variants)]
            pattern, levels = wanted.pattern, list(wanted.levels)
            done = window.do("filter", pattern=pattern, is_regular=wanted.text != pattern, levels=levels)
            filter_ms[wanted.kind] = float(done["took_ms"])
            bench.tell(f"cutelog, {wanted.kind} {pattern or levels}", took_ms=done["took_ms"], rows=done["rows"])
            window.do("clear")
    return CutelogRun(rate, stall_ms, record_bytes, filter_ms)
