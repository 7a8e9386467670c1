"""A window that holds a million records: what they take, and filters over them at rest and while more arrive.

Measured once for all figures. Files are off: they are measured where records are posted, and would take a disk's time.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.pouring import post, stats
from tests.bench.processes import own_bytes
from tests.bench.texts import FILTERS, Filter
from tests.bench.windows import ROOT, SETTLE_S, OurWindow
from tests.support.program import Program

RECORDS = 1_000_000
ARRIVING = 5_000
"""Records a second, while filters are measured under load."""
FILL_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class FilterRun:
    """One filter change. Infinite is what never came right."""

    kind: str
    work_ms: float
    complete_ms: float
    first_screen_ms: float
    stall_ms: float


@dataclass(frozen=True, slots=True)
class MillionRun:
    """One window."""

    record_bytes: float
    at_rest: Sequence[FilterRun]
    under_load: Sequence[FilterRun]
    arriving: float
    """Records a second that arrived meanwhile."""


def million_runs(bench: Bench) -> Sequence[MillionRun]:
    return [_run(bench, number) for number in range(bench.runs)]


def _run(bench: Bench, number: int) -> MillionRun:
    count = bench.count(RECORDS)
    filters = [variants[number % len(variants)] for variants in FILTERS]
    with OurWindow(bench.display, bench.new_folder(), files=False) as window:
        window.settle()
        window.do("tidy")
        before_bytes = own_bytes(window.pid)
        began_s = time.perf_counter()
        post(window.url, texts.bodies(count, FILL_BATCH))
        bench.tell("filled", rate=window.rate_of_rows(count, began_s), rows=stats(window.url)["window_rows"])
        time.sleep(SETTLE_S)
        kept_bytes = own_bytes(window.pid) - before_bytes
        window.do("tidy")
        record_bytes = (own_bytes(window.pid) - before_bytes) / count
        bench.tell("memory of a record", record_bytes=record_bytes, before_tidying=kept_bytes / count)
        at_rest = [_filter(bench, window, wanted, "at rest") for wanted in filters]
        command = [sys.executable, "-m", "tests.bench.pouring", window.url, str(ARRIVING), str(count)]
        with Program(command, cwd=ROOT) as pouring:
            time.sleep(SETTLE_S)
            head, began_s = stats(window.url)["head"], time.perf_counter()
            under_load = [_filter(bench, window, wanted, "under load") for wanted in filters]
            arriving = (stats(window.url)["head"] - head) / (time.perf_counter() - began_s)
            assert pouring.is_running, pouring
        bench.tell("meanwhile", arriving=arriving)
    return MillionRun(record_bytes, at_rest, under_load, arriving)


def _filter(bench: Bench, window: OurWindow, wanted: Filter, how: str) -> FilterRun:
    told: dict[str, Any] = window.do("filter", **dataclasses.asdict(wanted))
    del told["done"]
    bench.tell(f"{wanted.kind} {how}, {wanted.text or wanted.levels}", **told)
    window.do("clear")
    time.sleep(SETTLE_S)
    never = float("inf")
    is_wrong = told["wrong"] or told["first_screen_ms"] is None
    return FilterRun(
        wanted.kind,
        never if is_wrong else told["work_ms"],
        never if is_wrong else told["complete_ms"],
        never if is_wrong else told["first_screen_ms"],
        told["stall_ms"],
    )
