"""Measures the window beside its peers and prints a Markdown table: `make bench`, or

    python -m tests.bench [--runs 3] [--only posted,idle] [--quick]

A run takes half an hour; --quick a tenth of the records, once, to see that all of it works.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from types import ModuleType

import PySide6

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from tests.bench import (
    bundle,
    client,
    deliveries,
    events,
    fanout,
    filtering,
    frozen,
    history_search,
    idle,
    latency,
    logging_call,
    memory,
    posted,
    starting,
    sustained,
)
from tests.bench.bench import Bench
from tests.bench.report import Row, table

FIGURES: dict[str, ModuleType] = {
    "posted": posted,
    "events": events,
    "client": client,
    "filtering": filtering,
    "history": history_search,
    "sustained": sustained,
    "memory": memory,
    "fanout": fanout,
    "deliveries": deliveries,
    "latency": latency,
    "frozen": frozen,
    "logging": logging_call,
    "starting": starting,
    "idle": idle,
    "bundle": bundle,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--runs", type=int, help="how often each figure is measured (default: 3; 1 with --quick)")
    parser.add_argument("--only", default=",".join(FIGURES), metavar="NAMES", help=f"of {', '.join(FIGURES)}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the records")
    options = parser.parse_args()
    names = options.only.split(",")
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(FIGURES)}")
    # Ended either way, it ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows: list[Row] = []
    failed: list[str] = []
    with Bench(options.runs or (1 if options.quick else 3), is_quick=options.quick) as bench:
        began_s = time.monotonic()
        for name in names:
            sys.stderr.write(f"{name} ({time.monotonic() - began_s:.0f} s)\n")
            try:
                rows += FIGURES[name].measure(bench)
            except AssertionError as failure:  # the others are measured all the same
                failed.append(name)
                sys.stderr.write(f"{name} could not be measured: {failure}\n")
        sys.stderr.write(f"all in {time.monotonic() - began_s:.0f} s\n\n")
        runs = f"median of {bench.runs} runs (least to most)" if bench.runs > 1 else "one run"
        if bench.is_quick:
            runs += ", with a tenth of the records: it tells that all works, not how fast"
    sys.stdout.write(f"{_machine()}; {runs}.\n\n{table(rows)}\n")
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def _machine() -> str:
    """The processor, the versions and the day."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    return (
        f"{models[0].partition(':')[2].strip() if models else 'unknown processor'}, "
        f"{len(os.sched_getaffinity(0))} cores, Python {sys.version.split()[0]}, PySide6 {PySide6.__version__}, "
        f"Node {node.removeprefix('v')}, cutelog 2.2.0, {date.today().isoformat()}"
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped; nothing is left running")
