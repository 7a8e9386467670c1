"""Searches in a history of 10,000,000 records, ten days of them: until the newest 200 are there, and what it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from desktop_logs.core.errors import Cancelled
from desktop_logs.core.levels import severity_of_name
from desktop_logs.core.query import parse
from desktop_logs.core.records import Record
from desktop_logs.storage.search import HistorySearch
from tests.bench import texts
from tests.bench.bench import Bench
from tests.bench.report import Figure, Goal, Row, at_most
from tests.support.segments import write_segment

RECORDS = 10_000_000
DAYS = 10
FIRST_NS = 1_793_500_000 * 10**9
DAY_NS = 86_400 * 10**9
SEARCHES: Sequence[tuple[str, Sequence[str], float]] = (
    ("rare substring", ("needle-a", "needle-b", "needle-c"), 100),
    ("common word", ("hit", "miss", "cache"), 50),
    ("level and time", ("level>=error before:{half}", "level:warn before:{half}", "level>=warn after:{half}"), 50),
)
EXPRESSION = r"message~/nowhere\d/"

_TICK_S = 0.005
_WATCHED_S = 5.0


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(RECORDS)
    folder = bench.new_folder()
    for day in range(DAYS):
        write_segment(folder, day + 1, made(count // DAYS, day))
    size = sum(path.stat().st_size for path in folder.iterdir()) / count
    title = f"history of {count:,}, newest 200"
    rows = [
        Row(f"{title}: {kind}", _asked(bench, folder, kind, queries), at_most(goal_ms))
        for kind, queries, goal_ms in SEARCHES
    ]
    waits = Figure([longest_wait_ms(folder) for _ in range(bench.runs)], "ms")
    return [
        *rows,
        Row("… longest wait of another thread during an expression", waits, at_most(20)),
        Row("… on disk for each record, with its index", Figure([size], "bytes"), Goal(300, at_most=True)),
    ]


def made(count: int, day: int) -> Iterator[Record]:
    """The records of a *day*, counted from 0, evenly over it."""
    for at in range(count):
        number = day * count + at
        level = texts.level(number)
        time_ns = FIRST_NS + day * DAY_NS + at * DAY_NS // count
        yield Record(number + 1, time_ns, severity_of_name(level) or 0, level, "api", texts.message(number))


def half_time() -> str:
    """The middle of all, as a query has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(FIRST_NS // 10**9 + DAYS * 86_400 // 2))


def longest_wait_ms(folder: Path) -> float:
    """For how long a thread that wakes every 5 ms was held up, while an expression is looked for over all records."""
    search = HistorySearch(folder)
    ended = threading.Event()
    waits_s: list[float] = []

    def wake() -> None:
        while not ended.is_set():
            began_s = time.perf_counter()
            time.sleep(_TICK_S)
            waits_s.append(time.perf_counter() - began_s - _TICK_S)

    thread = threading.Thread(target=wake)
    enough = threading.Timer(_WATCHED_S, search.cancel)
    thread.start()
    enough.start()
    try:
        search.search(parse(EXPRESSION).tree)
    except Cancelled:
        pass
    finally:
        enough.cancel()
        ended.set()
        thread.join()
    return max(waits_s) * 1_000


def _asked(bench: Bench, folder: Path, kind: str, queries: Sequence[str]) -> Figure:
    samples = []
    search = HistorySearch(folder)
    for run in range(bench.runs):
        text = queries[run % len(queries)].format(half=half_time())
        tree = parse(text).tree
        began_s = time.perf_counter()
        found = search.search(tree)
        samples.append((time.perf_counter() - began_s) * 1_000)
        assert len(found.records) == 200 or bench.is_quick, f"{text} found {len(found.records)}"
        assert not found.problem, found.problem
        bench.tell(f"history, {kind}", ms=samples[-1])
    return Figure(samples, "ms")
