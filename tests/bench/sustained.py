"""Records posted by several producers without pause, into files and history: to a hub alone, and to a window."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from desktop_logs.folders import history_dir
from desktop_logs.storage.segments import bytes_of, segments_in
from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.pouring import BATCH, post, stats
from tests.bench.report import Figure, Row, at_least, at_most
from tests.bench.windows import SETTLE_S, OurWindow
from tests.support.hubs import HubProgram

RECORDS = 300_000
PRODUCERS = 4


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(RECORDS)
    alone, with_window, stalls_ms, record_bytes = [], [], [], []
    for _ in range(bench.runs):
        folder = bench.new_folder()
        with HubProgram(folder) as hub:
            alone.append(_poured(f"http://127.0.0.1:{hub.port}", count))
            hub.stop()
        record_bytes.append(_bytes_in(folder) / count)
        with OurWindow(bench.display, bench.new_folder()) as window:
            window.settle()
            with_window.append(_poured(window.url, count))
            time.sleep(SETTLE_S)
            stalls_ms.append(window.stall_ms())
        bench.tell("sustained", alone=alone[-1], window=with_window[-1], stall_ms=stalls_ms[-1])
    return [
        Row(
            f"{count:,} records from {PRODUCERS} producers into files and history",
            Figure(alone, "/s"),
            at_least(30_000),
        ),
        Row("… the same with the window", Figure(with_window, "/s"), at_least(20_000)),
        Row("… longest stall of the window", Figure(stalls_ms, "ms"), at_most(50)),
        Row("history on disk, for a record of 75 characters", Figure(record_bytes, "bytes"), at_most(300)),
    ]


def _poured(url: str, count: int) -> float:
    """Records a second until the last was acknowledged."""
    each = count // PRODUCERS
    bodies = [list(texts.bodies(each, BATCH, number * each)) for number in range(PRODUCERS)]
    threads = [threading.Thread(target=post, args=(url, part)) for part in bodies]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began_s
    told = stats(url)
    assert told["stored"] == told["received"] == each * PRODUCERS, told
    return each * PRODUCERS / took_s


def _bytes_in(data: Path) -> int:
    folder = history_dir(data)
    return sum(bytes_of(folder, name) for name in segments_in(folder))
