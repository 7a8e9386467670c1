"""What a logging call costs with the sending handler on, over a NullHandler, beside logging's own handlers.

The calls are made in a program of its own, which is what this file is when it is run: a slice with one handler, a slice
with the next, and round again, so that whatever else the machine does meets all of them. It prints a line of JSON.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import math
import queue
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer

from desktop_logs.handlers.sending import DesktopLogsHandler
from tests.bench.bench import Bench
from tests.bench.report import Figure, Row, at_most, never_more_than
from tests.support.program import Program, free_port

CHECKOUT = Path(__file__).parents[2]
CALLS = 200_000
SLICES = 20
BURST = 1_000_000


def measure(bench: Bench) -> Sequence[Row]:
    calls, burst = bench.count(CALLS), bench.count(BURST)
    runs = []
    for _ in range(bench.runs):
        serve = ["serve", "--port", "0", "--data-dir", bench.new_folder()]
        with Program([sys.executable, "-m", "desktop_logs", *serve], cwd=CHECKOUT) as hub:
            url = hub.line_with("listening on").split()[-1]
            runs.append(_in_a_program_of_its_own(url, calls, burst))
        bench.tell("logging", **{name.replace(" ", "_"): value for name, value in runs[-1].items()})

    def figure(name: str, unit: str = "µs") -> Figure:
        return Figure([run[name] for run in runs], unit)

    peers = [("QueueHandler", figure("queue")), ("SocketHandler", figure("socket"))]
    return [
        Row("a logging call, over a NullHandler, the hub away", figure("away"), at_most(2.0), peers),
        Row("… the hub taking them meanwhile", figure("taking"), at_most(2.0), peers),
        Row(f"… p99 in a burst of {burst:,}", figure("p99"), at_most(100)),
        Row("… memory that the burst takes", figure("grown", "MB"), never_more_than(64)),
        Row("… of it not accounted for", figure("unaccounted", "records"), never_more_than(0)),
    ]


def _in_a_program_of_its_own(url: str, calls: int, burst: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.logging_call", url, str(calls), str(burst)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


# --- the program ------------------------------------------------------------------------------------------------


def call_costs_us(url: str, calls: int) -> dict[str, float]:
    """The median cost of a call with each handler, less that with a NullHandler; the waiting until a handler has done
    what it put off is not part of it."""
    waiting: queue.Queue[object] = queue.Queue(-1)
    away = DesktopLogsHandler(f"http://127.0.0.1:{free_port()}", max_spool_bytes=0)
    taking = DesktopLogsHandler(url, max_spool_bytes=0)
    with _Sink() as sink:
        handlers: dict[str, tuple[logging.Handler, Callable[[], object]]] = {
            "null": (logging.NullHandler(), lambda: None),
            "away": (away, lambda: None),
            "taking": (taking, lambda: taking.flush(30)),
            "queue": (logging.handlers.QueueHandler(waiting), waiting.queue.clear),
            "socket": (logging.handlers.SocketHandler("127.0.0.1", sink.port), lambda: None),
        }
        took_us: dict[str, list[float]] = {name: [] for name in handlers}
        for _ in range(SLICES):
            for name, (handler, finish) in handlers.items():
                took_us[name].append(_slice_us(handler, calls // SLICES))
                finish()
        for handler, _ in handlers.values():
            handler.close()
    medians = {name: statistics.median(samples) for name, samples in took_us.items()}
    return {name: median - (medians["null"] if name != "null" else 0.0) for name, median in medians.items()}


def _slice_us(handler: logging.Handler, calls: int) -> float:
    logger = logging.Logger("shop", logging.DEBUG)
    logger.addHandler(handler)
    began_s = time.perf_counter()
    for number in range(calls):
        logger.info("request %d served in %s", number, "12 ms")
    return (time.perf_counter() - began_s) / calls * 1e6


def burst_cost(url: str, count: int) -> dict[str, float]:
    """p99 of a call among *count* at once, the memory by which this process grew at most, and what was not accounted
    for in the end."""
    handler = DesktopLogsHandler(url, max_spool_bytes=0)
    logger = logging.Logger("shop", logging.DEBUG)
    logger.addHandler(handler)
    took_ns = bytearray(8 * count)  # before the memory is read
    samples = memoryview(took_ns).cast("Q")
    for number in range(count):
        samples[number] = 1
    clock = time.perf_counter_ns
    before = grown = _resident_bytes()
    for number in range(count):
        began_ns = clock()
        logger.info("request %d of a burst, a line of some seventy-five characters as they are", number)
        samples[number] = clock() - began_ns
        if number % 10_000 == 0:
            grown = max(grown, _resident_bytes())
    handler.flush(60)
    grown = max(grown, _resident_bytes())
    handler.close()
    ordered = sorted(samples)
    return {
        "p99": ordered[math.floor(count * 0.99)] / 1e3,
        "longest": ordered[-1] / 1e3,
        "grown": (grown - before) / 1e6,
        "dropped": handler.stats()["dropped"],
        "unaccounted": abs(count - sum(handler.stats().values())),
    }


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class _Sink:
    """Takes over TCP what a SocketHandler sends, in a process of its own, and throws it away."""

    def __enter__(self) -> _Sink:
        command = [sys.executable, "-m", "tests.bench.logging_call", "sink"]
        self._program = Program(command, cwd=CHECKOUT)
        self.port = int(self._program.line())
        return self

    def __exit__(self, *_: object) -> None:
        self._program.end()


def _be_a_sink() -> None:
    class Read(StreamRequestHandler):
        def handle(self) -> None:
            while self.request.recv(1 << 16):
                pass

    with TCPServer(("127.0.0.1", 0), Read) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


def _main() -> None:
    if sys.argv[1] == "sink":
        _be_a_sink()
        return
    url, calls, burst = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(burst_cost(url, burst) | call_costs_us(url, calls)))


if __name__ == "__main__":
    _main()
