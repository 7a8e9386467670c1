"""A log file of a million lines, opened in the window; the same file read by lnav in a terminal's way, without one."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.report import Figure, Row, at_least, at_most
from tests.bench.windows import SETTLE_S, OurWindow

LINES = 1_000_000
KINDS = {"JSON lines, as the hub writes them": "jsonl", "text, as Python's logging writes it": "log"}
TAB = 1
"""The page of the file, beside the hub's own."""


def measure(bench: Bench) -> Sequence[Row]:
    assert shutil.which("lnav"), "lnav is missing: `make bench` installs it"
    rows = []
    for kind, ending in KINDS.items():
        count = bench.count(LINES)
        path = bench.new_folder() / f"million.{ending}"
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(islice(_lines(ending), count))
        rows += _rows(bench, kind, path, count)
        path.unlink()
    return rows


def _rows(bench: Bench, kind: str, path: Path, count: int) -> Sequence[Row]:
    rates, first_ms, tab_ms, stalls_ms, lnav = [], [], [], [], []
    for _ in range(bench.runs):
        with OurWindow(bench.display, bench.new_folder()) as window:
            window.settle()
            began_s = time.perf_counter()
            window.do("open", path=str(path))
            first_ms.append((window.do("rows", count=1, page=TAB)["at_s"] - began_s) * 1000)
            tab_ms.append(window.stall_ms())  # making a tab's widgets, as any new tab does
            window.do("reset")
            rates.append(window.rate_of_rows(count, began_s, page=TAB))
            time.sleep(SETTLE_S)
            stalls_ms.append(window.stall_ms())
        lnav.append(count / _lnav_s(path))
        bench.tell(
            path.name, rate=rates[-1], first_ms=first_ms[-1], tab_ms=tab_ms[-1], stall_ms=stalls_ms[-1], lnav=lnav[-1]
        )
    return [
        Row(
            f"a file of {count:,} {kind}: all rows",
            Figure(rates, "/s"),
            at_least(50_000),
            [("lnav, which splits a line when it is shown", Figure(lnav, "/s"))],
        ),
        Row("… first rows", Figure(first_ms, "ms"), at_most(500)),
        Row("… longest stall, its tab being made", Figure(tab_ms, "ms")),
        Row("… longest stall, while it is read", Figure(stalls_ms, "ms"), at_most(50)),
    ]


def _lnav_s(path: Path) -> float:
    """Seconds from lnav's start to its count of the file's lines."""
    began_s = time.perf_counter()
    command = ["lnav", "-n", "-q", "-c", ";SELECT count(*) FROM all_logs", path]
    subprocess.run(command, check=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began_s


def _lines(ending: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        second, ms = divmod(number, 1_000)
        clock = f"{second // 3_600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
        message, level = texts.message(number), texts.level(number)
        if ending == "log":
            yield f"2026-11-20 {clock},{ms:03} {level.upper()} api: {message}\n"
        else:
            yield (
                f'{{"timestamp":"2026-11-20T{clock}.{ms:03}Z","level":"{level}","message":"{message}",'
                f'"context":{{"source":"api","user":{number % 1_000}}},"id":"{number}"}}\n'
            )
