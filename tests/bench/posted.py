"""100,000 records posted in batches to the window's hub, files on, until all rows are in the model."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.cutelog import RECORDS, cutelog_runs
from tests.bench.pouring import BATCH, post
from tests.bench.report import Figure, Row, at_least, at_most
from tests.bench.windows import SETTLE_S, OurWindow


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(RECORDS)
    rates, stalls_ms = [], []
    for _ in range(bench.runs):
        bodies = list(texts.bodies(count, BATCH))
        with OurWindow(bench.display, bench.new_folder()) as window:
            window.settle()
            began_s = time.perf_counter()
            post(window.url, bodies)
            rates.append(window.rate_of_rows(count, began_s))
            time.sleep(SETTLE_S)
            stalls_ms.append(window.stall_ms())
        bench.tell("posted", rate=rates[-1], stall_ms=stalls_ms[-1])
    peers = bench.once(cutelog_runs)
    return [
        Row(
            f"{count:,} records posted in batches of {BATCH}",
            Figure(rates, "/s"),
            at_least(35_000),
            [("cutelog, over TCP", Figure([run.rate for run in peers], "/s"))],
        ),
        Row(
            "… longest stall",
            Figure(stalls_ms, "ms"),
            at_most(50),
            [("cutelog", Figure([run.stall_ms for run in peers], "ms"))],
        ),
    ]
