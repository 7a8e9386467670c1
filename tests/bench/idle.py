"""A window with 100,000 rows to which nothing comes: the processor time and the memory that it takes all the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.pouring import post, stats
from tests.bench.processes import cpu_s, resident_bytes
from tests.bench.report import Figure, Row, at_most
from tests.bench.windows import ROOT
from tests.support.program import Program, eventually

RECORDS = 100_000
REST_S = 3.0
IDLE_S = 20.0


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(RECORDS)
    ours: list[tuple[float, float]] = []
    empty: list[tuple[float, float]] = []
    env = bench.display.env()
    for _ in range(bench.runs):
        command = [sys.executable, "-m", "desktop_logs", "--port", "0", "--data-dir", bench.new_folder()]
        with Program(command, env=env, cwd=ROOT) as window:
            url = window.line_with("^listening on", 30).split()[-1]
            post(url, texts.bodies(count, 2_000))
            eventually("all are rows", lambda url=url: stats(url)["window_rows"] == count, 60)
            ours.append(_idle(bench, window))
        with Program([sys.executable, "-m", "tests.bench.peers.empty_window"], env=env, cwd=ROOT) as window:
            bench.display.window("empty", window)
            empty.append(_idle(bench, window))
        bench.tell("idle", cpu_percent=ours[-1][0], megabytes=ours[-1][1], empty_megabytes=empty[-1][1])
    peer = "an empty PySide6 window"
    return [
        Row(
            f"idle with {count:,} rows: of a core",
            Figure([percent for percent, _ in ours], "%"),
            at_most(1),
            [(peer, Figure([percent for percent, _ in empty], "%"))],
        ),
        Row(
            "… resident memory",
            Figure([megabytes for _, megabytes in ours], "MB"),
            at_most(200),
            [(peer, Figure([megabytes for _, megabytes in empty], "MB"))],
        ),
    ]


def _idle(bench: Bench, window: Program) -> tuple[float, float]:
    """Percent of a core, and resident megabytes."""
    time.sleep(REST_S)
    before_s, began_s = cpu_s(window.pid), time.perf_counter()
    time.sleep(IDLE_S / 10 if bench.is_quick else IDLE_S)
    percent = (cpu_s(window.pid) - before_s) / (time.perf_counter() - began_s) * 100
    return percent, resident_bytes(window.pid) / 1e6
