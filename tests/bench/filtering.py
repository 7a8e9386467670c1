"""Filters over 1,000,000 records held, at rest and while 5,000 a second arrive: work, first screen, stalls."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.bench.bench import Bench
from tests.bench.cutelog import RECORDS as CUTELOG_RECORDS
from tests.bench.cutelog import cutelog_runs
from tests.bench.million import ARRIVING, RECORDS, FilterRun, million_runs
from tests.bench.report import Figure, Row, at_least, at_most

WORK_MS = {"level change": 30, "rare substring": 100, "common word": 150, "regular expression": 400}


def measure(bench: Bench) -> Sequence[Row]:
    runs = bench.once(million_runs)
    peers = bench.once(cutelog_runs)
    held = f"{bench.count(RECORDS):,} held"
    return [
        *_rows(f"{held}, {{kind}}", [run.at_rest for run in runs], 1, [run.filter_ms for run in peers], bench),
        *_rows(f"{{kind}} while {ARRIVING:,}/s arrive", [run.under_load for run in runs], 2, [], bench),
        Row("… records that arrived", Figure([run.arriving for run in runs], "/s"), at_least(0.95 * ARRIVING)),
    ]


def _rows(
    title: str, runs: Sequence[Sequence[FilterRun]], times: int, peers: Sequence[dict[str, float]], bench: Bench
) -> Sequence[Row]:
    cutelog = f"cutelog, {bench.count(CUTELOG_RECORDS):,} held"
    rows = [
        Row(
            f"{title.format(kind=kind)}: work until complete",
            Figure([one.work_ms for run in runs for one in run if one.kind == kind], "ms"),
            at_most(goal_ms * times),
            [(cutelog, Figure([peer[kind] for peer in peers], "ms"))] if peers else [],
        )
        for kind, goal_ms in WORK_MS.items()
    ]
    return [
        *rows,
        Row("… time until complete, slowest of the four", _worst(runs, lambda one: one.complete_ms)),
        Row(
            "… first screen right, slowest of the four",
            _worst(runs, lambda one: one.first_screen_ms),
            at_most(50 * times),
        ),
        Row("… longest stall", _worst(runs, lambda one: one.stall_ms), at_most(50 * times)),
    ]


def _worst(runs: Sequence[Sequence[FilterRun]], of: Callable[[FilterRun], float]) -> Figure:
    return Figure([max(map(of, run)) for run in runs], "ms")
