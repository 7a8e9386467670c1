"""20,000 single `log` events from one Node producer into the window's hub."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.bench.bench import Bench
from tests.bench.report import Figure, Row, at_least, at_most, never_more_than
from tests.bench.windows import SETTLE_S, OurWindow, Straightforward, Window
from tests.support.node import NodeProgram

EVENTS = 20_000
TEXT = "request served in 12 ms with status 200 for user 48213"


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(EVENTS)
    ours: list[tuple[float, float]] = []
    straightforward: list[tuple[float, float]] = []
    node: list[float] = []
    lost: list[float] = []
    for _ in range(bench.runs):
        with OurWindow(bench.display, bench.new_folder()) as window:
            ours.append(_into_window(window, window.url, count))
            told = window.do("numbers", page=0, count=count)
        lost.append(told["missing"] + told["twice"])
        with Straightforward(bench.display) as peer:
            straightforward.append(_into_window(peer, peer.url, count))
        node.append(_into_node(count))
        bench.tell("events", ours=ours[-1][0], stall_ms=ours[-1][1], lost=lost[-1])
        bench.tell("events, peers", straightforward=straightforward[-1][0], node=node[-1])
    what = f"{count:,} single `log` events from Node to the hub"
    return event_rows(what, "Node's socket.io, which only counts", ours, straightforward, node, lost)


def event_rows(
    what: str,
    what_node: str,
    ours: Sequence[tuple[float, float]],
    straightforward: Sequence[tuple[float, float]],
    node: Sequence[float],
    lost: Sequence[float],
) -> Sequence[Row]:
    """The rows of events one at a time: of both windows the rates and stalls, of Node's own program the rates."""
    stock = "stock qasync and python-socketio"
    rates, stalls_ms = zip(*ours, strict=True)
    stock_rates, stock_stalls_ms = zip(*straightforward, strict=True)
    return [
        Row(
            what,
            Figure(rates, "/s"),
            at_least(8_000),
            [(stock, Figure(stock_rates, "/s")), (what_node, Figure(node, "/s"))],
        ),
        Row("… longest stall", Figure(stalls_ms, "ms"), at_most(50), [(stock, Figure(stock_stalls_ms, "ms"))]),
        Row("… missing or twice", Figure(lost, "records"), never_more_than(0)),
    ]


def _into_window(window: Window, url: str, count: int) -> tuple[float, float]:
    """Events a second until all are rows, and the longest stall in ms."""
    window.settle()
    with NodeProgram("producer.js", url) as producer:
        producer.event("connect")
        window.do("reset")
        began_s = time.perf_counter()
        producer.send(f"burst {count} {TEXT}")
        rate = window.rate_of_rows(count, began_s)
        time.sleep(SETTLE_S)
        return rate, window.stall_ms()


def _into_node(count: int) -> float:
    with NodeProgram("receiver.js", str(count)) as receiver:
        url = f"http://127.0.0.1:{receiver.object()['listening']}"
        with NodeProgram("producer.js", url) as producer:
            producer.event("connect")
            began_s = time.perf_counter()
            producer.send(f"burst {count} {TEXT}")
            return count / (float(str(receiver.object(60)["at_s"])) - began_s)
